// What a route's handler gets: the request, who asks and what that identity may do, and the services of this
// room. One per request, on the event loop of its connection; a handler may keep it across co_await.
#pragma once

#include "actors/api/error_body.hpp"
#include "messages/object_view.hpp"
#include "messages/read.hpp"
#include "messages/transaction.hpp"
#include "net/http_exchange.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::api {

/// The room's door to the replicated store. The actor implements it by asking `replay`; tests by hand.
/// All calls on the event loop. Never throws: a lost or silent store is an answer (null view with a reason,
/// write_status::unknown).
class store_gateway {
public:
  virtual ~store_gateway() = default;
  /// linear: proven current (ReadIndex). local: what this node has applied, without a round trip.
  virtual boost::asio::awaitable<msg::read_result> read(msg::consistency how) = 0;
  /// Proposes and returns when applied, refused, or unknown.
  virtual boost::asio::awaitable<msg::write_result> write(msg::transaction_ptr tx) = 0;
};

/// Hands applied changes, in log order, to whoever subscribed: event sockets and long polls. Event loop only.
class change_hub {
public:
  using listener = std::function<void(const msg::changes_ptr&)>;
  /// RAII: ends the subscription. Safe to drop inside a callback and after the hub is gone.
  using subscription = std::shared_ptr<void>;

  /// `ended` is called when the feed ends (the API restarts; nothing follows then) or lost some changes:
  /// close the stream, look again.
  [[nodiscard]] subscription subscribe(listener callback, std::function<void()> ended = {});
  /// Called by the actor with each batch. A listener that throws is dropped from the hub.
  void publish(const msg::changes_ptr& batch);
  /// Changes came that nobody can tell one by one: calls `ended` of each listener, which stays subscribed.
  void missed();
  /// Ends the feed for every listener, and at once for those that come later.
  void end();
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] std::size_t size() const;

private:
  struct entry {
    listener callback;
    std::function<void()> ended;
  };
  std::vector<std::weak_ptr<entry>> entries_;
  bool ended_ = false;
};

/// Who asks, after authentication. Immutable and shared between requests of the same credential.
class identity {
public:
  virtual ~identity() = default;
  [[nodiscard]] virtual const std::string& name() const = 0; ///< user name; the Principal of events
  [[nodiscard]] virtual bool superuser() const = 0;
  /// Contract §1.4 containment; specific "" asks for "any object of that scope" (`*`).
  [[nodiscard]] virtual bool may(std::string_view scope, std::string_view action,
                                 std::string_view specific) const = 0;
  /// Tenant filter of lists and gets: true when the object is hidden from this user (then 404).
  [[nodiscard]] virtual bool hidden(std::string_view prefix, std::string_view key) const = 0;
};
using identity_ptr = std::shared_ptr<const identity>;

/// What handlers share. Outlives every request that refers to it.
struct services {
  store_gateway& store;
  change_hub& changes;
  std::function<msg::log_time()> now; ///< wall clock for log time and token life
  std::chrono::milliseconds write_limit{
      10000}; ///< how long a handler waits for a write before it says "unknown"
  /// Runs long pure work away from the event loop, whose timers belong to the cluster, and comes back to it.
  /// Empty: the work runs in place.
  std::function<boost::asio::awaitable<void>(std::function<void()> work)> offload{};
  /// Tells watchers of an event of a user that changes no object: login, token. Empty: nobody watches.
  std::function<void(std::string_view action, std::string_view user, std::string_view principal)> announce{};
  std::string instance{};       ///< this API from its start to its end; every other one has another
  std::size_t large_bodies = 0; ///< bytes of large bodies that requests hold or wait for, all together
};

/// Most bytes of objects in one write: with its keys it must fit into one entry of the log
/// (raft::limits::max_entry_bytes).
inline constexpr std::size_t most_written = (std::size_t{8} << 20) - (std::size_t{256} << 10);
/// Bodies from here on are worked on away from the event loop.
inline constexpr std::size_t large_body = std::size_t{128} << 10;
/// Most bytes of large bodies at once, however many clients send them; beyond it a request is told to come
/// again.
inline constexpr std::size_t most_large_bodies = std::size_t{128} << 20;

/// Path parameters of the matched pattern; views into the request's head.
class path_params {
public:
  void set(std::string_view name, std::string_view value);
  void truncate(std::size_t count) { count_ = count; }
  [[nodiscard]] std::size_t count() const { return count_; }
  /// Empty when the pattern has no such name.
  [[nodiscard]] std::string_view get(std::string_view name) const;

private:
  std::array<std::pair<std::string_view, std::string_view>, 6> values_;
  std::size_t count_ = 0;
};

struct request_context {
  std::shared_ptr<net::http_exchange> exchange;
  services* shared = nullptr;
  std::string_view path; ///< below /api/v3/, decoded, without a leading or trailing slash
  path_params params;
  identity_ptr who;           ///< null on routes that need no authentication
  std::string correlation;    ///< X-Log-Token, for log lines of this request ("": none)
  std::size_t body_bytes = 0; ///< of the body that body() read
  /// Tells the body from that of another request under the same Idempotency-Key; body() sets it when there
  /// is such a key. It is stored with the answer: a route whose body is a secret puts a slow one in its
  /// place.
  std::string body_digest;
  std::shared_ptr<void> held; ///< its share of services::large_bodies, as long as the request lives

  [[nodiscard]] const net::http_head& head() const { return exchange->head(); }
  [[nodiscard]] std::string_view param(std::string_view name) const { return params.get(name); }
  /// `?force=true`
  [[nodiscard]] bool force() const;
  /// Idempotency-Key, checked: at most 200 printable ASCII characters, else api_error 400. "" when absent.
  [[nodiscard]] std::string idempotency_key() const;
  [[nodiscard]] bool may(std::string_view scope, std::string_view action, std::string_view specific) const {
    return who && who->may(scope, action, specific);
  }
  /// Throws the AUTH error of the contract unless may() holds.
  void require(std::string_view scope, std::string_view action, std::string_view specific) const;
  /// The body of a request that must be JSON: refuses another Content-Type (400) and a longer body (413) by
  /// api_error. An empty body is returned empty.
  boost::asio::awaitable<std::string> json_body(std::size_t limit = most_written);
  /// The body as it is, at most `limit` bytes: api_error 413 when it is longer, 503 when too many large ones
  /// are on their way.
  boost::asio::awaitable<std::string> body(std::size_t limit);
  /// A view, or api_error 503. `?consistency=local` in the query overrides `linear`; any word but these two
  /// is refused (406).
  boost::asio::awaitable<msg::view_ptr> view(msg::consistency how = msg::consistency::linear);
  /// Proposes; stamps principal, log time and idempotency key when unset. Answers applied, conflict or
  /// repeated; not_done and overloaded become api_error 503, unknown becomes 504. A change of more than
  /// most_written bytes is refused with 413 before it is proposed, a key that another request was sent under
  /// with 422 (repeat_mark.hpp).
  boost::asio::awaitable<msg::write_result> write(msg::transaction tx);
  bool wrote = false; ///< a write of this request was applied: repeating the whole of it is not the same
};

/// 200 with a JSON body (or another status). The router sets what else the contract asks of every success.
[[nodiscard]] net::http_response json_response(std::string body, unsigned status = 200);
/// A success without a body that still says application/json.
[[nodiscard]] net::http_response empty_response(unsigned status = 204);

} // namespace holdfast::api
