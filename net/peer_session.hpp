// One connection between two members, from the TLS handshake on. Internal to the room.
#pragma once

#include "net/peer_state.hpp"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::net {

class peer_session final : public peer_link, public std::enable_shared_from_this<peer_session> {
public:
  /// `dialled`: the address that was meant, which the other side's certificate must carry; nothing for a link
  /// that was accepted.
  peer_session(std::shared_ptr<peer_network::state> net, tcp::socket socket,
               std::optional<net_address> dialled);
  ~peer_session() override;

  struct outcome {
    bool up = false;
    dial_trouble trouble = dial_trouble::tls; ///< when not up: tls, timeout or hello
    std::string why;
  };
  /// TLS and hello as the one who called. `peer` is whom we mean to reach.
  asio::awaitable<outcome> greet(std::string peer, link_purpose purpose);
  /// TLS and hello as the one who was called.
  asio::awaitable<outcome> welcome();
  /// Tells the observer that the link is up, moves frames until it ends, tells the observer. Once.
  asio::awaitable<void> run();

  [[nodiscard]] const std::string& peer_id() const override { return peer_id_; }
  [[nodiscard]] link_purpose purpose() const override { return purpose_; }
  [[nodiscard]] bool dialled() const override { return dialled_; }
  [[nodiscard]] std::uint16_t protocol() const override { return protocol_; }
  [[nodiscard]] const certificate_info& peer_certificate() const override { return proven_.certificate; }
  [[nodiscard]] const std::string& root_fingerprint() const override { return proven_.root_fingerprint; }
  [[nodiscard]] net_address remote() const override { return remote_; }
  [[nodiscard]] bool up() const override { return up_; }
  bool send(std::uint8_t type, std::uint8_t flags, std::string_view body) override;
  [[nodiscard]] std::size_t queued() const override { return queue_.size() + writing_.size() - written_; }
  void on_drained(std::function<void()> callback) override { drained_ = std::move(callback); }
  void pause() override { paused_ = true; }
  void resume() override;
  void close(std::string_view reason) override;

private:
  asio::awaitable<bool> handshake(tls_stream::handshake_type role, verify_note& note, outcome& result);
  asio::awaitable<bool> read_frame(std::size_t max_body, std::string& why);
  asio::awaitable<bool> write_now(std::string bytes);
  asio::awaitable<void> linger();
  asio::awaitable<void> read_loop();
  asio::awaitable<bool> read_more(std::size_t wanted);
  bool deliver();
  bool hand_over(const peer_frame& frame);
  void flush();
  void on_written(const error_code& ec, std::size_t n);
  void guard(std::chrono::milliseconds time);
  void cut();
  [[nodiscard]] msg::log_line describe(std::string_view event) const;

  std::shared_ptr<peer_network::state> net_;
  tls_context_ptr context_; ///< outlives the stream made from it
  tls_stream stream_;
  asio::steady_timer timer_; ///< handshake deadline first, then the bell of pause
  bool dialled_;
  bool up_ = false;
  bool cut_ = false;
  bool paused_ = false;
  bool late_ = false;
  net_address remote_;
  std::string peer_id_;
  link_purpose purpose_ = link_purpose::raft;
  std::uint16_t protocol_ = 0;
  proven_peer proven_;
  std::string end_reason_;

  std::vector<char> in_; ///< [begin_, end_) holds what was read and not yet delivered
  std::size_t begin_ = 0;
  std::size_t end_ = 0;

  std::string queue_;   ///< frames waiting
  std::string writing_; ///< being written, written_ bytes of it are
  std::size_t written_ = 0;
  bool busy_ = false;
  bool above_low_water_ = false;
  std::function<void()> drained_;
};

} // namespace holdfast::net
