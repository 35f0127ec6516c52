// Links between the members of a cluster: TLS 1.3 with mutual authentication on the consensus addresses
// (TLS-01, TLS-02, TLS-10, CFG-13), then a hello (peer_hello.hpp), then frames (peer_frame.hpp). What the
// frames mean is the user's business. Everything happens on the loop thread of the executor; no call blocks.
#pragma once

#include "net/address.hpp"
#include "net/identity.hpp"
#include "net/peer_frame.hpp"
#include "net/peer_hello.hpp"
#include "net/tls_context.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::net {

struct peer_limits {
  std::size_t max_frame = 32 * 1024 * 1024;  ///< body of a received frame; longer: the link is closed
  std::size_t send_queue = 64 * 1024 * 1024; ///< bytes waiting for the socket; full: send() says false
  std::size_t low_water = 1024 * 1024;       ///< on_drained fires when the queue falls below this
  std::size_t max_incoming = 256;            ///< accepted links, handshakes included; beyond: closed at once
  std::chrono::milliseconds connect_time{1'000};   ///< TCP connect
  std::chrono::milliseconds handshake_time{3'000}; ///< TLS and hello together, either side
  std::chrono::milliseconds silence_time{
      3'000};                                  ///< TCP_USER_TIMEOUT: sent bytes not acknowledged for so long
  std::chrono::milliseconds backoff_first{50}; ///< the redial after the immediate one
  std::chrono::milliseconds backoff_max{2'000};
  std::chrono::milliseconds log_interval{
      60'000}; ///< one line about the same trouble per peer at most (LOG-06)
};

struct peer_settings {
  std::string cluster_id;
  std::string node_id;
  net_address own; ///< consensus address: listened on, and source IP of every dial
  std::uint16_t protocol = 1;
  std::uint16_t oldest_protocol = 1;
  peer_limits limits;
};

/// What this node shows and whom it believes. Nothing but `roots` is trusted.
struct peer_credentials {
  credential own;
  std::vector<certificate> roots;
};

/// The context peers meet in; also what the API's cluster slot holds (tls_context.hpp).
/// TLS 1.3 alone, both sides show a certificate, only the given roots count, no resumption (it would skip the
/// check of a certificate whose root is gone). Throws identity_error when key, certificate and roots do not
/// fit.
[[nodiscard]] tls_context_ptr make_peer_context(const peer_credentials& credentials);

enum class dial_trouble : std::uint8_t {
  refused, ///< the other host answered that nobody listens: its process is gone (or a firewall says so)
  timeout, ///< no answer at all
  network, ///< unreachable, or this node's address is gone
  tls,     ///< one side did not accept the other's certificate
  hello,   ///< the other side is somebody else, or does not want us
};
[[nodiscard]] std::string_view to_string(dial_trouble trouble);

/// A link that is up. Bidirectional, whoever dialled. A peer that calls again for raft or watch replaces its
/// older incoming link. The observer gets it in on_link_up; keep the shared_ptr as long as you like.
class peer_link {
public:
  virtual ~peer_link() = default;
  [[nodiscard]] virtual const std::string& peer_id() const = 0;
  [[nodiscard]] virtual link_purpose purpose() const = 0;
  [[nodiscard]] virtual bool dialled() const = 0; ///< we called, rather than were called
  [[nodiscard]] virtual std::uint16_t protocol() const = 0;
  [[nodiscard]] virtual const certificate_info& peer_certificate() const = 0;
  /// Fingerprint of the root that vouched for the peer when the link came up.
  [[nodiscard]] virtual const std::string& root_fingerprint() const = 0;
  [[nodiscard]] virtual net_address remote() const = 0;
  [[nodiscard]] virtual bool up() const = 0;

  /// Queues a frame; type >= frame_first_user_type, body within the receiver's max_frame. All that is queued
  /// when the socket becomes free goes out in one write. False when the link is down or the queue is full:
  /// nothing was queued. Log traffic is then simply dropped (the protocol repeats itself); bulk waits for
  /// on_drained.
  virtual bool send(std::uint8_t type, std::uint8_t flags, std::string_view body) = 0;
  [[nodiscard]] virtual std::size_t queued() const = 0;
  /// Called each time the queue falls from above low_water to below it.
  virtual void on_drained(std::function<void()> callback) = 0;

  /// Back-pressure for bulk: no frame is delivered while paused, and the socket is not read.
  virtual void pause() = 0;
  virtual void resume() = 0;

  /// Ends the link; on_link_down follows from the loop (not from inside this call).
  virtual void close(std::string_view reason) = 0;
};
using peer_link_ptr = std::shared_ptr<peer_link>;

/// Implemented by the user. Calls come on the loop thread, never from inside a call into this room.
/// Exceptions that escape on_frame close the link.
class peer_observer {
public:
  virtual ~peer_observer() = default;
  virtual void on_link_up(const peer_link_ptr& link) = 0;
  virtual void on_frame(peer_link& link, const peer_frame& frame) = 0;
  virtual void on_link_down(peer_link& link, std::string_view reason) = 0;
  /// Every failed dial, at once and unlimited in rate (the log is limited, events are not). `refused` is the
  /// hint of architecture §3 that the peer's process is gone.
  virtual void on_dial_failed(const std::string& peer_id, link_purpose purpose, dial_trouble trouble,
                              const std::string& message) = 0;
};

struct peer_stats {
  std::uint64_t accepted = 0;
  std::uint64_t dials = 0;
  std::uint64_t dials_failed = 0;
  std::uint64_t handshakes_refused = 0; ///< as listener: TLS said no
  std::uint64_t hellos_refused = 0;     ///< as listener: the hello did not fit
  std::uint64_t frames_in = 0;
  std::uint64_t frames_out = 0;
  std::uint64_t frames_dropped = 0; ///< send() said false on a full queue
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t writes = 0; ///< socket writes; frames_out / writes shows the coalescing
  std::uint64_t log_lines_held = 0;
  std::size_t links = 0; ///< up now
};

/// A standing wish to be connected to one peer for one purpose: it redials until it is destroyed. After a
/// link closes the first redial is immediate, then come back-off and jitter. Destroying it closes its link.
class peer_dialler {
public:
  virtual ~peer_dialler() = default;
  [[nodiscard]] virtual peer_link_ptr link() const = 0; ///< null while down
  /// Cuts a back-off short.
  virtual void dial_now() = 0;
};

/// Listener, diallers and links of one node.
class peer_network {
public:
  /// `observer` must outlive this object. Throws identity_error when the credentials do not fit together.
  peer_network(boost::asio::any_io_executor executor, peer_settings settings, peer_credentials credentials,
               peer_observer& observer);
  /// Closes everything; the observer hears nothing more.
  ~peer_network();
  peer_network(const peer_network&) = delete;
  peer_network& operator=(const peer_network&) = delete;

  /// Binds and listens on settings.own (port 0: any) and returns the address. Throws std::runtime_error.
  net_address listen();
  [[nodiscard]] std::unique_ptr<peer_dialler> dial(const std::string& peer_id, const net_address& where,
                                                   link_purpose purpose);

  /// New handshakes use these; live links stay. Throws identity_error and changes nothing when they do not
  /// fit.
  void set_credentials(peer_credentials credentials);
  /// Asked, as listener and as dialler, after everything else fits; a text refuses ("you were removed").
  using admission =
      std::function<std::optional<std::string>(const std::string& peer_id, link_purpose purpose)>;
  void set_admission(admission policy);
  /// Closes every link the predicate picks: peers that were removed, links vouched for by a root that is
  /// gone.
  void close_links(const std::function<bool(const peer_link&)>& pick, std::string_view reason);

  [[nodiscard]] peer_stats stats() const;

  struct state; ///< internal to the room

private:
  std::shared_ptr<state> state_;
};

} // namespace holdfast::net
