#include "actors/api/auth.hpp"

#include "actors/api/forward_rules.hpp"
#include "actors/api/json_value.hpp"
#include "actors/api/password_hash.hpp"
#include "messages/log_line.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>

namespace holdfast::api {

namespace {

constexpr std::size_t most_identities = 4096;
constexpr std::size_t most_verified = 4096;
constexpr std::size_t most_waiting = 64;
constexpr std::size_t key_size = 32;

/// What makes one checked password: user, password and the very hash it matched.
std::string verified_text(const basic_credential& given, const std::string& hash) {
  std::string text = given.user;
  text += '\0';
  text += given.password;
  text += '\0';
  text += hash;
  return text;
}

std::string_view without_port(std::string_view peer) {
  return peer.substr(0, peer.rfind(':'));
}

} // namespace

api_auth::api_auth(services& shared) : shared_(shared), cache_key_(random_bytes(key_size)) {
  // A hash that no password has, so that an unknown user costs the time of a known one.
  decoy_hash_ = "16384$8$1$" + to_hex(random_bytes(16)) + "$" + to_hex(random_bytes(key_size));
}

api_auth::~api_auth() {
  worker_.join();
}

identity_ptr api_auth::cached(const net::http_head& head) {
  const auto header = head.header("authorization");
  if (header.empty() || identities_.empty())
    return nullptr;
  const auto found = identities_.find(cache_key_.sign(header));
  if (found == identities_.end() || found->second.expires_ms <= shared_.now().ms)
    return nullptr;
  ++counters_.hits;
  return found->second.who;
}

void api_auth::forget() {
  identities_.clear();
  machines_known_ = false;
  ++generation_;
}

namespace {

/// Tokens of a machine die with it and with its secret; its other changes are many and change no right.
bool ends_machine_tokens(const msg::change& one) {
  if (one.prefix != "machines" || one.what == msg::change::action::create)
    return false;
  json::document before;
  json::document after;
  return one.what == msg::change::action::remove || !one.original || !one.object ||
         json::parse(one.original->json, before) || json::parse(one.object->json, after) ||
         json::text_at(before, "Secret") != json::text_at(after, "Secret");
}

} // namespace

bool rights_change::touches(const identity& who) const {
  return everybody || (by_roles && !who.superuser()) ||
         std::find(names.begin(), names.end(), who.name()) != names.end();
}

rights_change rights_changed(const std::vector<msg::change>& batch, bool machines) {
  rights_change out;
  for (const auto& one : batch) {
    if (one.prefix == users_prefix || one.prefix == passwords_prefix)
      out.names.push_back(one.key);
    else if (machines && ends_machine_tokens(one))
      out.names.push_back(std::string(machine_holder) + one.key);
    out.by_roles = out.by_roles || one.prefix == "roles";
    out.everybody = out.everybody || one.prefix == secrets_prefix || one.prefix == "tenants";
  }
  return out;
}

rights_change api_auth::on_changes(const std::vector<msg::change>& batch) {
  auto changed = rights_changed(batch, machines_known_);
  if (!changed.none())
    forget();
  return changed;
}

void api_auth::remember(const mac& key, entry made) {
  if (identities_.size() >= most_identities)
    identities_.clear();
  machines_known_ = machines_known_ || made.who->name().starts_with(machine_holder);
  identities_.insert_or_assign(key, std::move(made));
}

boost::asio::awaitable<identity_ptr> api_auth::authenticate(const net::http_head& head, bool token_in_query) {
  ++counters_.misses;
  const auto header = head.header("authorization");
  std::optional<credential> given;
  if (!header.empty()) {
    given = parse_authorization(header);
    if (!given)
      throw api_error(access_denied());
  } else if (token_in_query) {
    auto value = head.query_value("token");
    if (!value)
      value = head.query_value("Token");
    if (value)
      given = parse_query_token(*value);
  }
  if (!given)
    throw api_error(credentials_missing());
  // What is learnt from a view older than a change must not be kept past it.
  const auto generation = generation_;
  entry made;
  identity_ptr who;
  if (const auto* pair = std::get_if<basic_credential>(&*given))
    who = co_await basic(head, *pair, made);
  else
    who = co_await bearer(head, std::get<bearer_credential>(*given), made);
  made.who = who;
  if (!header.empty() && generation == generation_)
    remember(cache_key_.sign(header), std::move(made));
  co_return who;
}

boost::asio::awaitable<msg::view_ptr> api_auth::local_view(const net::http_head& head) {
  auto result = co_await shared_.store.read(msg::consistency::local);
  if (!result.view)
    throw api_error(unavailable(head.method_name, "Not serving: " + result.reason));
  co_return std::move(result.view);
}

boost::asio::awaitable<identity_ptr> api_auth::basic(const net::http_head& head,
                                                     const basic_credential& given, entry& made) {
  const auto view = co_await local_view(head);
  // Nobody at all: the first active has not filled the store yet, or this member has not been brought up to
  // date. That is no wrong password.
  if (view->count("users") == 0)
    throw api_error(unavailable(head.method_name, "the node has no users yet: it is still starting"));
  const auto user = read_user(*view, given.user);
  const auto hash = user ? read_password_hash(*view, given.user) : std::string();
  const bool good = co_await check_password(given, hash.empty() ? decoy_hash_ : hash);
  if (!good || !user || hash.empty()) {
    ++counters_.refused;
    const auto wait = throttle_.failed(without_port(client_of(head)), shared_.now().ms);
    spdlog::warn("{}",
                 msg::log_line("access_denied").with("user", given.user).with("peer", client_of(head)).str());
    if (wait.count() > 0) {
      boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, wait);
      co_await timer.async_wait(boost::asio::use_awaitable);
    }
    throw api_error(access_denied());
  }
  throttle_.succeeded(without_port(client_of(head)));
  if (shared_.announce)
    shared_.announce("login", given.user, given.user);
  made.expires_ms = std::numeric_limits<std::int64_t>::max();
  co_return std::make_shared<const user_identity>(*view, *user, restriction{});
}

boost::asio::awaitable<identity_ptr> api_auth::bearer(const net::http_head& head,
                                                      const bearer_credential& given, entry& made) {
  constexpr std::int64_t ms_per_s = 1000;
  const auto view = co_await local_view(head);
  const auto secrets = read_secrets(*view);
  const auto opened = open_token(secrets, given.token, shared_.now().ms / ms_per_s);
  const auto* claims = std::get_if<token_claims>(&opened);
  if (claims == nullptr) {
    ++counters_.refused;
    throw api_error(invalid_token(std::get<std::string>(opened)));
  }
  auto found = identity_of(*view, secrets, *claims);
  if (const auto* why = std::get_if<std::string>(&found)) {
    ++counters_.refused;
    throw api_error(invalid_token(*why));
  }
  made.expires_ms = claims->expires_s * ms_per_s;
  co_return std::get<identity_ptr>(found);
}

boost::asio::awaitable<bool> api_auth::check_password(const basic_credential& given,
                                                      const std::string& hash) {
  const auto key = cache_key_.sign(verified_text(given, hash));
  if (verified_.contains(key))
    co_return true;
  const auto turn = co_await worker_turn();
  // Many clients may have come with the same password at once; the first one's work serves all.
  if (verified_.contains(key))
    co_return true;
  ++counters_.scrypts;
  auto compare = [password = given.password, hash] { return password_matches(password, hash); };
  const bool good = co_await on_worker(std::move(compare));
  if (good) {
    if (verified_.size() >= most_verified)
      verified_.clear();
    verified_.insert(key);
  }
  co_return good;
}

boost::asio::awaitable<api_auth::turn_ptr> api_auth::worker_turn() {
  if (worker_busy_) {
    if (waiting_.size() >= most_waiting)
      throw api_error(unavailable("", "Too many logins at once; try again"));
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    timer.expires_at(boost::asio::steady_timer::time_point::max());
    const auto place = waiting_.insert(waiting_.end(), &timer);
    // However this coroutine ends, its place in the line ends with it.
    const std::shared_ptr<void> leave(nullptr, [this, place](void*) {
      waiting_.erase(place);
      if (!worker_busy_)
        end_turn(); // a wake-up this one no longer needs goes to the next
    });
    while (worker_busy_) {
      boost::system::error_code woken;
      co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    }
  }
  worker_busy_ = true;
  co_return turn_ptr(nullptr, [this](void*) { end_turn(); });
}

void api_auth::end_turn() {
  worker_busy_ = false;
  if (!waiting_.empty())
    waiting_.front()->cancel();
}

} // namespace holdfast::api
