// Takes a request that this node may not answer to the member that may (architecture §5, "a passive forwards
// everything else to the active over the cluster's own TLS, never by redirect"). Event loop only.
//
// - The client's own credential goes along and the active judges it; nothing is granted for coming from a
// member.
// - A request that came from a member is never passed on again: a node that is not active says so instead.
// - While there is no active, or it is not heard any more, a request waits for one, up to `patience`, then it
// is answered 503.
// - What was surely not done is tried again; what may have been done is answered 504 and never sent twice,
// except
//   reads.
// - Bodies stream in both directions in pieces; only the first kept_exchange::keeps bytes of a request are
// held.
#pragma once

#include "actors/api/forward_rules.hpp"
#include "actors/api/kept_exchange.hpp"
#include "actors/api/router.hpp"
#include "net/http_client.hpp"
#include "runtime/board.hpp"

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

namespace holdfast::api {

struct forwarder_config {
  std::shared_ptr<runtime::board<msg::standing_ptr>> standing; ///< null: a node that is always alone
  std::chrono::milliseconds patience{2'000};      ///< for an active to appear: two election timeouts
  std::chrono::milliseconds grace{1'000};         ///< for the answer of a former active that is heard
  std::chrono::milliseconds answer_time{120'000}; ///< until the head of an answer, beyond a long poll's wait
  std::chrono::milliseconds piece_time{30'000};   ///< for the next piece of an answer's body
};

class request_forwarder : public std::enable_shared_from_this<request_forwarder> {
public:
  using local_handler = std::function<boost::asio::awaitable<void>(std::shared_ptr<net::http_exchange>)>;

  /// `auth` is borrowed and outlives this; `local` answers a request on this node.
  request_forwarder(forwarder_config config, authenticator& auth, local_handler local);
  ~request_forwarder();

  /// Begins to watch who is active, on that executor. Once.
  void open(const boost::asio::any_io_executor& loop);
  void close();
  /// Called whenever this node was the active one and is no longer. Set it before open().
  void on_role_lost(std::function<void()> tell) { role_lost_ = std::move(tell); }

  /// Answers the request exactly once, here or by way of another member.
  boost::asio::awaitable<void> handle(std::shared_ptr<net::http_exchange> exchange);

private:
  using clock = std::chrono::steady_clock;
  using kept_ptr = std::shared_ptr<kept_exchange>;
  /// A call that another member works on.
  struct flight {
    std::string target; ///< ConsensusID
    std::shared_ptr<net::client_cancel> cancel;
    std::optional<clock::time_point> late; ///< since when that member is not the active one
    bool silent = false;                   ///< it was not heard any more while it was
  };
  /// How an attempt ended.
  struct attempt {
    enum class outcome : std::uint8_t { answered, retry, unknown } what = outcome::answered;
    std::string reason;
    bool waited = false; ///< the member had the request for a while: patience begins anew
    std::optional<net::http_response> refusal = {}; ///< the member's own words, when it did nothing
  };

  boost::asio::awaitable<void> answer_member(std::shared_ptr<net::http_exchange> exchange,
                                             msg::standing_ptr standing);
  boost::asio::awaitable<void> answer_here(std::shared_ptr<net::http_exchange> exchange,
                                           msg::standing_ptr standing);
  boost::asio::awaitable<void> answer_somewhere(std::shared_ptr<net::http_exchange> exchange);
  boost::asio::awaitable<bool> tried_here(kept_ptr exchange, clock::time_point deadline);
  boost::asio::awaitable<attempt> try_member(kept_ptr exchange, msg::standing_ptr standing);
  boost::asio::awaitable<attempt> send_on(kept_ptr exchange);
  boost::asio::awaitable<attempt> pass_answer(kept_ptr exchange, std::shared_ptr<net::client_stream> stream,
                                              std::string from_id);
  boost::asio::awaitable<attempt> join_sockets(kept_ptr exchange, msg::standing_ptr standing);
  boost::asio::awaitable<bool> vouched_for(std::shared_ptr<net::http_exchange> exchange,
                                           msg::standing_ptr standing);
  boost::asio::awaitable<void> watch_active();
  [[nodiscard]] clock::time_point end_late_flights(clock::time_point now);
  boost::asio::awaitable<void> watch_role();
  /// In the air until the returned pointer goes.
  [[nodiscard]] std::shared_ptr<void> take_off(std::string target,
                                               std::shared_ptr<net::client_cancel> cancel);
  [[nodiscard]] std::optional<net::http_url> prepare(const msg::standing& standing, std::string target);
  [[nodiscard]] net::client_request make_request(const kept_ptr& exchange, bool whole) const;
  [[nodiscard]] msg::standing_ptr standing() const;

  forwarder_config config_;
  authenticator& auth_;
  local_handler local_;
  std::function<void()> role_lost_;
  boost::asio::any_io_executor loop_;
  std::unique_ptr<net::http_client> client_;
  std::shared_ptr<const net::peer_credentials> credentials_; ///< what client_ was made with
  std::list<flight> flights_;
  bool closed_ = false;
};

} // namespace holdfast::api
