#include "actors/api/request_forwarder.hpp"

#include "actors/api/etag.hpp"
#include "messages/log_line.hpp"
#include "net/peer_link.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include <charconv>

namespace holdfast::api {

using boost::asio::awaitable;
using namespace std::chrono_literals;

namespace {

constexpr auto look_again = 50ms;    ///< at least that often while something is awaited
constexpr auto connect_time = 1s;    ///< to a member
constexpr auto ask_time = 1s;        ///< for the active to vouch for a credential
constexpr auto learn_time = 1s;      ///< for a credential the active knows to arrive here
constexpr auto websocket_idle = 10s; ///< a member that is silent for so long is gone
constexpr std::size_t small_answer = std::size_t{64} * 1024;
constexpr int most_renewals = 3; ///< of a request's patience

net::http_response no_active(const net::http_head& head, const std::string& why) {
  auto body = unavailable(head.method_name, "No active node to pass this on to: " + why);
  body.not_done = true;
  return to_response(body);
}

net::http_response outcome_lost(const net::http_head& head, const std::string& why) {
  auto body = outcome_unknown(head.method_name);
  body.messages.push_back("The active node was lost while it had the request: " + why);
  return to_response(body);
}

/// How long a member may keep a request on purpose: what a long poll asked for.
std::chrono::milliseconds asked_to_wait(const net::http_head& head) {
  return preferred_wait(head.header("prefer")).wait.value_or(0ms);
}

using body_source = std::function<awaitable<std::string>()>;

/// The body whose first piece was taken from `rest` already.
body_source after_first(std::string first, body_source rest) {
  return
      [first = std::optional(std::move(first)), rest = std::move(rest)]() mutable -> awaitable<std::string> {
        if (first)
          co_return *std::exchange(first, std::nullopt);
        co_return co_await rest();
      };
}

/// Thrown out of a body's source to end the call: the client is gone.
class client_left : public std::exception {
public:
  [[nodiscard]] const char* what() const noexcept override { return "the client left"; }
};

} // namespace

request_forwarder::request_forwarder(forwarder_config config, authenticator& auth, local_handler local)
    : config_(std::move(config)), auth_(auth), local_(std::move(local)) {}

request_forwarder::~request_forwarder() = default;

msg::standing_ptr request_forwarder::standing() const {
  return config_.standing ? config_.standing->get() : nullptr;
}

void request_forwarder::open(const boost::asio::any_io_executor& loop) {
  loop_ = loop;
  if (!config_.standing)
    return;
  boost::asio::co_spawn(loop, watch_active(), boost::asio::detached);
  boost::asio::co_spawn(loop, watch_role(), boost::asio::detached);
}

void request_forwarder::close() {
  closed_ = true;
  for (const auto& one : flights_)
    one.cancel->cancel();
  if (config_.standing)
    config_.standing->wake();
}

/// On its own: whoever waits out a grace would miss a role that comes and goes meanwhile.
awaitable<void> request_forwarder::watch_role() {
  const auto self = shared_from_this();
  const auto board = config_.standing;
  for (bool was_active = false; !closed_;) {
    const auto seen = board->version();
    const bool active = standing() && standing()->active;
    if (std::exchange(was_active, active) && !active && role_lost_)
      role_lost_();
    co_await board->changed(seen, clock::time_point::max());
  }
}

/// Calls that a member no longer active sits on are ended: it may never answer. One that was still heard when
/// it was replaced has the grace to say what became of them, one that had fallen silent has none.
awaitable<void> request_forwarder::watch_active() {
  const auto self = shared_from_this();
  const auto board = config_.standing;
  while (!closed_) {
    const auto seen = board->version();
    const auto until = end_late_flights(clock::now());
    co_await board->changed(seen, until);
  }
}

/// Returns when to look again.
request_forwarder::clock::time_point request_forwarder::end_late_flights(clock::time_point now) {
  auto next = clock::time_point::max();
  const auto stand = standing();
  for (auto& one : flights_) {
    if (stand && one.target == stand->active_id) {
      one.late.reset();
      const bool heard = stand->leader_id == stand->active_id;
      one.silent = stand->active_silent || (one.silent && !heard);
      continue;
    }
    const auto end = one.late.emplace(one.late.value_or(now)) + config_.grace;
    if (one.silent || now >= end)
      one.cancel->cancel();
    else
      next = std::min(next, end);
  }
  return next;
}

awaitable<void> request_forwarder::handle(std::shared_ptr<net::http_exchange> exchange) {
  const auto self = shared_from_this();
  const auto now = standing();
  if (!now || !now->clustered)
    co_await local_(std::move(exchange));
  else if (answered_here(exchange->head()))
    co_await answer_here(std::move(exchange), now);
  else if (!exchange->head().peer_node.empty())
    co_await answer_member(std::move(exchange), now);
  else
    co_await answer_somewhere(std::move(exchange));
}

/// Passed on by a member: answered here or not at all, so that no request goes in circles.
awaitable<void> request_forwarder::answer_member(std::shared_ptr<net::http_exchange> exchange,
                                                 msg::standing_ptr standing) {
  const auto& head = exchange->head();
  if (!standing->members.contains(head.peer_node)) { // TLS-11
    const error_body why{
        "", "", head.method_name, {"The sender is not a member of this cluster (any more)"}, 403};
    auto refusal = to_response(why);
    co_await exchange->respond(std::move(refusal));
  } else if (standing->active) {
    co_await local_(std::move(exchange));
  } else {
    auto refusal = no_active(head, why_no_active(*standing));
    co_await exchange->respond(std::move(refusal));
  }
}

/// A credential made a moment ago on the active may not have arrived here yet: then the active is asked, and
/// its word waited for.
awaitable<void> request_forwarder::answer_here(std::shared_ptr<net::http_exchange> exchange,
                                               msg::standing_ptr standing) {
  const auto& head = exchange->head();
  const bool judge = !standing->active && head.peer_node.empty() && only_reads(head) &&
                     !head.header("authorization").empty() && head.path.starts_with("/api/v3/") &&
                     !auth_.cached(head);
  std::optional<net::http_response> refusal;
  const auto deadline = clock::now() + learn_time;
  for (bool vouched = false; judge;) {
    refusal.reset();
    try {
      co_await auth_.authenticate(head, false);
    } catch (const api_error& error) {
      constexpr unsigned denied = 403;
      if (error.body().code == denied)
        refusal = to_response(error.body());
    }
    if (!refusal || clock::now() > deadline)
      break;
    if (!vouched)
      vouched = co_await vouched_for(exchange, standing);
    if (!vouched)
      break;
    boost::asio::steady_timer timer(exchange->executor(), look_again / 2);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
  if (refusal)
    co_await exchange->respond(std::move(*refusal));
  else
    co_await local_(std::move(exchange));
}

awaitable<bool> request_forwarder::vouched_for(std::shared_ptr<net::http_exchange> exchange,
                                               msg::standing_ptr standing) {
  const auto& head = exchange->head();
  const auto where = prepare(*standing, "/api/v3/info");
  if (!where || standing->active)
    co_return false;
  net::client_request request;
  request.method = "HEAD";
  request.target = where->target;
  request.headers.emplace_back("authorization", head.header("authorization"));
  request.headers.emplace_back(client_header, head.peer);
  const auto url = *where;
  const auto answer = co_await client_->send(url, request, ask_time, small_answer);
  constexpr unsigned fine = 200;
  co_return !answer.failure && answer.status == fine;
}

awaitable<void> request_forwarder::answer_somewhere(std::shared_ptr<net::http_exchange> exchange) {
  const auto kept = std::make_shared<kept_exchange>(std::move(exchange));
  const auto& head = kept->head();
  auto deadline = clock::now() + config_.patience;
  net::http_response refusal;
  for (int renewals = 0;;) {
    const auto seen = config_.standing->version();
    const auto now = standing();
    if (now->active) {
      const bool done = co_await tried_here(kept, deadline);
      if (done)
        co_return;
      continue;
    }
    auto last = co_await try_member(kept, now);
    if (last.what == attempt::outcome::answered)
      co_return;
    if (last.what == attempt::outcome::unknown) {
      auto lost = outcome_lost(head, last.reason);
      co_await kept->behind().respond(std::move(lost));
      co_return;
    }
    refusal = last.refusal ? std::move(*last.refusal) : no_active(head, last.reason);
    if (last.waited && renewals++ < most_renewals)
      deadline = clock::now() + config_.patience;
    if (closed_ || clock::now() >= deadline || !kept->rewindable() || kept->gone())
      break;
    co_await config_.standing->changed(seen, std::min(deadline, clock::now() + look_again));
    kept->rewind();
  }
  co_await kept->behind().respond(std::move(refusal));
}

awaitable<request_forwarder::attempt> request_forwarder::try_member(kept_ptr exchange,
                                                                    msg::standing_ptr standing) {
  // Nothing that is sent to one that fell silent may come back: held here, its fate stays known.
  if (standing->active_id.empty() || standing->active_url.empty() || !standing->credentials ||
      standing->active_silent)
    co_return attempt{attempt::outcome::retry, why_no_active(*standing), false};
  if (exchange->head().wants_websocket)
    co_return co_await join_sockets(std::move(exchange), std::move(standing));
  co_return co_await send_on(std::move(exchange));
}

std::shared_ptr<void> request_forwarder::take_off(std::string target,
                                                  std::shared_ptr<net::client_cancel> cancel) {
  const auto place = flights_.insert(flights_.end(), {std::move(target), std::move(cancel), {}, false});
  if (place->target != standing()->active_id)
    config_.standing->wake(); // it changed since the caller looked
  return {nullptr, [self = shared_from_this(), place](void*) { self->flights_.erase(place); }};
}

/// False when nothing was done and the request can go on to whoever is active next.
awaitable<bool> request_forwarder::tried_here(kept_ptr exchange, clock::time_point deadline) {
  const auto board = config_.standing;
  co_await local_(exchange);
  auto withheld = exchange->take_withheld();
  if (!withheld)
    co_return true;
  // Refused as not active: the word that somebody else is comes in a moment. A hand-over that fails leaves
  // this node what it was.
  auto now = standing();
  while (now->active && !now->disk_full && !closed_ && clock::now() < deadline) {
    exchange->rewind();
    co_await board->changed(board->version(), std::min(deadline, clock::now() + look_again));
    now = standing();
    if (!now->active)
      break;
    co_await local_(exchange);
    auto again = exchange->take_withheld();
    if (!again)
      co_return true;
    withheld = std::move(again);
  }
  exchange->rewind();
  if (!now->active && !closed_ && clock::now() < deadline)
    co_return false;
  co_await exchange->behind().respond(std::move(*withheld));
  co_return true;
}

std::optional<net::http_url> request_forwarder::prepare(const msg::standing& standing, std::string target) {
  std::string why;
  auto url = net::parse_url(standing.active_url, 443, why);
  if (!url || !standing.credentials)
    return std::nullopt;
  url->node = standing.active_raft;
  url->target = std::move(target);
  if (credentials_ != standing.credentials) {
    net::http_client_options options;
    options.verify = net::verify_mode::cluster_roots;
    options.roots = standing.credentials->roots;
    options.own = standing.credentials->own;
    options.bind_ip = standing.own_ip;
    options.connect_time = connect_time;
    options.websocket_idle = websocket_idle;
    options.idle_per_host = 64;
    if (client_)
      client_->reconfigure(std::move(options));
    else
      client_ = std::make_unique<net::http_client>(loop_, std::move(options));
    credentials_ = standing.credentials;
  }
  return url;
}

net::client_request request_forwarder::make_request(const kept_ptr& exchange, bool whole) const {
  const auto& head = exchange->head();
  net::client_request request;
  request.method = head.method_name;
  request.target = head.target;
  request.headers = forwarded_request_headers(head);
  request.cancel = std::make_shared<net::client_cancel>();
  const auto watch = [exchange, cancel = request.cancel] {
    exchange->on_gone([cancel] { cancel->cancel(); });
  };
  if (whole) {
    request.body = exchange->kept();
    watch();
    return request;
  }
  request.length = head.content_length;
  request.body_source = [exchange, watch]() -> awaitable<std::string> {
    std::string piece(small_answer, '\0');
    const auto n = co_await exchange->read_some(std::as_writable_bytes(std::span(piece)));
    if (!n)
      throw client_left();
    if (*n == 0)
      watch();
    piece.resize(*n);
    co_return piece;
  };
  return request;
}

awaitable<request_forwarder::attempt> request_forwarder::send_on(kept_ptr exchange) {
  const auto state = co_await exchange->preload();
  if (state == kept_exchange::body_state::lost)
    co_return attempt{}; // the connection words what was wrong with the body, if anybody is there to hear it
  const auto standing = this->standing(); // the client may have taken its time
  const auto where = prepare(*standing, exchange->head().target);
  if (!where || standing->active || standing->active_silent)
    co_return attempt{attempt::outcome::retry, why_no_active(*standing), false};
  auto request = make_request(exchange, state == kept_exchange::body_state::whole);
  auto flying = take_off(standing->active_id, request.cancel);
  const auto began = clock::now();
  const bool read = only_reads(exchange->head());
  net::client_stream_result result;
  const auto url = *where;
  const auto limit = config_.answer_time + (read ? asked_to_wait(exchange->head()) : 0ms);
  bool left = false;
  try {
    result = co_await client_->open(url, request, limit);
  } catch (const client_left&) {
    left = true;
  }
  if (left || exchange->gone())
    co_return attempt{};
  attempt out;
  out.waited = clock::now() - began > config_.grace;
  if (result.failure) {
    out.reason = "member " + standing->active_id + ": " + result.failure.message;
    out.what = after_failure(result.failure, read) == next_step::retry ? attempt::outcome::retry
                                                                       : attempt::outcome::unknown;
    co_return out;
  }
  flying.reset(); // what the member says, even if it is active no more, may be said to the end
  std::shared_ptr<net::client_stream> stream = std::move(result.stream);
  auto passed = co_await pass_answer(exchange, stream, standing->active_id);
  passed.waited = clock::now() - began > config_.grace;
  co_return passed;
}

awaitable<request_forwarder::attempt>
request_forwarder::pass_answer(kept_ptr exchange, std::shared_ptr<net::client_stream> stream,
                               std::string from_id) {
  const auto& from = stream->head();
  const bool head_request = exchange->head().method == net::http_method::head;
  net::http_response answer;
  answer.status = from.status;
  answer.content_type.clear(); // it is among the headers
  answer.headers = forwarded_response_headers(from.headers, head_request);
  answer.headers.emplace_back(answered_by_header, std::move(from_id));
  std::optional<std::uint64_t> length;
  if (const auto text = from.header("content-length"); !text.empty()) {
    std::uint64_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{})
      length = value;
  }
  const bool refused = says_not_done(from.status, from.headers);
  const bool read = only_reads(exchange->head());
  const auto idle = config_.piece_time;
  const auto next = [stream, idle, exchange]() -> awaitable<std::string> {
    std::string piece(small_answer, '\0');
    const auto n = co_await stream->read_some(std::as_writable_bytes(std::span(piece)), idle);
    if (!n && exchange->gone())
      co_return std::string(); // nobody is left to be told
    if (!n)
      throw std::runtime_error("the active node was lost within its answer");
    piece.resize(*n);
    co_return piece;
  };
  const bool bodyless = head_request || from.status == 204 || from.status == 304;
  const bool streamed = !bodyless && !refused && !(length && *length <= small_answer);
  // Whole answers leave in one piece, others once their first piece is here: what breaks before that can
  // still be told, or tried elsewhere.
  bool broken = false;
  try {
    for (bool more = true; more;) {
      const std::string piece = co_await next();
      answer.body += piece;
      more = !streamed && !piece.empty();
    }
  } catch (const std::runtime_error&) {
    broken = true;
  }
  if (refused) {
    attempt out{attempt::outcome::retry, "the member asked is not active (any more)", false};
    if (!broken)
      out.refusal = std::move(answer);
    co_return out;
  }
  if (broken)
    co_return attempt{read ? attempt::outcome::retry : attempt::outcome::unknown, "the answer broke off",
                      false};
  if (streamed) {
    auto body = after_first(std::exchange(answer.body, {}), next);
    co_await exchange->behind().respond_stream(std::move(answer), length, std::move(body));
  } else {
    co_await exchange->behind().respond(std::move(answer));
  }
  co_return attempt{};
}

} // namespace holdfast::api
