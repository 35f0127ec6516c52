#include "actors/api/request_context.hpp"

#include "actors/api/crypto.hpp"
#include "actors/api/repeat_mark.hpp"

#include <algorithm>

namespace holdfast::api {

change_hub::subscription change_hub::subscribe(listener callback, std::function<void()> ended) {
  auto made = std::make_shared<entry>(entry{std::move(callback), std::move(ended)});
  if (!ended_)
    entries_.push_back(made);
  else if (made->ended)
    made->ended();
  return made;
}

void change_hub::publish(const msg::changes_ptr& batch) {
  std::erase_if(entries_, [](const std::weak_ptr<entry>& weak) { return weak.expired(); });
  // A callback may subscribe, which moves the vector; those added now wait for the next batch.
  const auto count = entries_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const auto held = entries_[i].lock();
    if (!held)
      continue;
    try {
      held->callback(batch);
    } catch (const std::exception&) {
      entries_[i].reset();
    }
  }
}

void change_hub::end() {
  ended_ = true;
  const auto all = std::move(entries_);
  entries_.clear();
  for (const auto& weak : all) {
    if (const auto held = weak.lock(); held && held->ended)
      held->ended();
  }
}

void change_hub::missed() {
  const auto all = entries_; // a callback may subscribe
  for (const auto& weak : all) {
    if (const auto held = weak.lock(); held && held->ended)
      held->ended();
  }
}

std::size_t change_hub::size() const {
  return static_cast<std::size_t>(std::count_if(
      entries_.begin(), entries_.end(), [](const std::weak_ptr<entry>& weak) { return !weak.expired(); }));
}

void path_params::set(std::string_view name, std::string_view value) {
  if (count_ < values_.size())
    values_[count_++] = {name, value};
}

std::string_view path_params::get(std::string_view name) const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (values_[i].first == name)
      return values_[i].second;
  }
  return {};
}

bool request_context::force() const {
  const auto value = head().query_value("force");
  return value && *value == "true";
}

std::string request_context::idempotency_key() const {
  constexpr std::size_t longest = 200;
  const auto value = head().header("idempotency-key");
  const bool plain = std::all_of(value.begin(), value.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (value.size() > longest || !plain)
    throw api_error(
        undecodable(head().method_name, "Idempotency-Key must be at most 200 printable characters"));
  constexpr std::size_t longest_with_name = 256; // msg::transaction_limits::idempotency_key
  if (who && who->name().size() + 1 + value.size() > longest_with_name)
    throw api_error(undecodable(head().method_name, "Idempotency-Key is too long for so long a user name"));
  return std::string(value);
}

void request_context::require(std::string_view scope, std::string_view action,
                              std::string_view specific) const {
  if (!may(scope, action, specific))
    throw api_error(claim_missing(head().target, scope, action, specific.empty() ? "*" : specific));
}

namespace {

bool is_json(std::string_view content_type) {
  const auto end = content_type.find(';');
  auto type = content_type.substr(0, end);
  while (!type.empty() && type.back() == ' ')
    type.remove_suffix(1);
  constexpr std::string_view wanted = "application/json";
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; };
  return std::equal(type.begin(), type.end(), wanted.begin(), wanted.end(), same);
}

} // namespace

boost::asio::awaitable<std::string> request_context::json_body(std::size_t limit) {
  const auto type = head().header("content-type");
  if (!is_json(type))
    throw api_error(invalid_content_type(head().method_name, type));
  co_return co_await body(limit);
}

boost::asio::awaitable<std::string> request_context::body(std::size_t limit) {
  const auto announced = head().content_length.value_or(limit);
  if (announced > limit)
    throw api_error(too_large(head().method_name, limit));
  if (announced >= large_body) {
    if (shared->large_bodies + announced > most_large_bodies)
      throw api_error(unavailable(head().method_name, "Too many large bodies at once; try again"));
    shared->large_bodies += announced;
    held =
        std::shared_ptr<void>(nullptr, [all = shared, announced](void*) { all->large_bodies -= announced; });
  }
  auto bytes = co_await exchange->read_body(limit);
  if (!bytes)
    throw api_error(too_large(head().method_name, limit));
  body_bytes = bytes->size();
  if (!head().header("idempotency-key").empty()) {
    std::function<void()> work = [this, &bytes] { body_digest = to_hex(as_text(sha256(*bytes))); };
    if (body_bytes >= large_body && shared->offload)
      co_await shared->offload(std::move(work));
    else
      work();
  }
  co_return std::move(*bytes);
}

boost::asio::awaitable<msg::view_ptr> request_context::view(msg::consistency how) {
  if (const auto wish = head().query_value("consistency")) {
    if (*wish != "local" && *wish != "linear")
      throw api_error({"",
                       "",
                       head().method_name,
                       {"consistency must be linear or local, not '" + std::string(*wish) + "'"},
                       406});
    if (*wish == "local")
      how = msg::consistency::local;
  }
  auto result = co_await shared->store.read(how);
  if (!result.view) {
    auto refusal = unavailable(head().method_name, "Not serving: " + result.reason);
    refusal.not_done = !wrote;
    throw api_error(std::move(refusal));
  }
  co_return std::move(result.view);
}

namespace {

/// Keys are each user's own: nobody may get the answer that another one got.
std::string scoped_key(const request_context& ctx) {
  const auto asked = ctx.idempotency_key();
  return asked.empty() ? asked : (ctx.who ? ctx.who->name() : std::string()) + '/' + asked;
}

void refuse_too_large(const request_context& ctx, const msg::transaction& tx) {
  std::size_t bytes = tx.answer.body.size();
  for (const auto& mutation : tx.mutations)
    bytes += mutation.prefix.size() + mutation.key.size() + (mutation.json ? mutation.json->size() : 0);
  if (bytes > most_written)
    throw api_error({"",
                     "",
                     ctx.head().method_name,
                     {"The change is larger than " + std::to_string(most_written) +
                      " bytes, the most that one write may hold; nothing was changed"},
                     413});
}

[[noreturn]] void refuse_used_key(const request_context& ctx) {
  throw api_error({"",
                   "",
                   ctx.head().method_name,
                   {"Idempotency-Key `" + ctx.idempotency_key() +
                    "` was used for another request: nothing was changed; use a fresh key for each request"},
                   422});
}

} // namespace

boost::asio::awaitable<msg::write_result> request_context::write(msg::transaction tx) {
  if (tx.principal.empty() && who)
    tx.principal = who->name();
  if (tx.time.ms == 0)
    tx.time = shared->now();
  if (tx.idempotency_key.empty())
    tx.idempotency_key = scoped_key(*this);
  std::string mark;
  if (tx.idempotency_key.empty()) {
    tx.answer = {}; // kept for repeats alone, and no log entry may hold one without its key
  } else {
    mark = repeat_mark(head(), body_digest);
    tx.answer.body.insert(0, mark);
  }
  refuse_too_large(*this, tx);
  auto result = co_await shared->store.write(std::make_shared<const msg::transaction>(std::move(tx)));
  switch (result.status) {
  case msg::write_status::not_done:
  case msg::write_status::overloaded: {
    auto refusal = unavailable(head().method_name, "Nothing was changed: " + result.reason);
    refusal.not_done = !wrote && result.status == msg::write_status::not_done;
    throw api_error(std::move(refusal));
  }
  case msg::write_status::unknown:
    throw api_error(outcome_unknown(head().method_name));
  case msg::write_status::applied:
    wrote = true;
    break;
  case msg::write_status::repeated:
    if (!take_mark(result.answer.body, mark))
      refuse_used_key(*this);
    break;
  case msg::write_status::conflict:
    break;
  }
  co_return result;
}

net::http_response json_response(std::string body, unsigned status) {
  net::http_response out;
  out.status = status;
  out.body = std::move(body);
  return out;
}

net::http_response empty_response(unsigned status) {
  net::http_response out;
  out.status = status;
  return out;
}

} // namespace holdfast::api
