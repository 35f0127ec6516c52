// A request that may have to be answered a second time: by this node and then, when it turns out not to be
// active any more, by another. It keeps the first bytes of the body as they are read, and holds an answer
// back that says nothing was done. Event loop only.
#pragma once

#include "net/http_exchange.hpp"

#include <memory>
#include <optional>
#include <string>

namespace holdfast::api {

class kept_exchange final : public net::http_exchange {
public:
  /// Bodies up to this many bytes can be read again; what is longer passes through and is gone.
  static constexpr std::size_t keeps = std::size_t{64} * 1024;

  explicit kept_exchange(std::shared_ptr<net::http_exchange> inner) : inner_(std::move(inner)) {}

  enum class body_state : std::uint8_t { whole, longer, lost };
  /// Reads until the body ended (whole) or more than `keeps` bytes are here (longer). lost: the client is
  /// gone or what it sends is no body.
  boost::asio::awaitable<body_state> preload();
  /// The bytes read so far; the whole body after preload() said so.
  [[nodiscard]] const std::string& kept() const { return kept_; }
  /// The next reader starts at the first byte again. Only while rewindable().
  void rewind() { at_ = 0; }
  [[nodiscard]] bool rewindable() const { return !spent_; }
  /// An answer that was not sent because it says that nothing was done and the request can be tried again.
  [[nodiscard]] std::optional<net::http_response> take_withheld() { return std::exchange(withheld_, {}); }
  /// What stands behind: answers through it are sent whatever they say.
  [[nodiscard]] net::http_exchange& behind() { return *inner_; }

  [[nodiscard]] const net::http_head& head() const override { return inner_->head(); }
  [[nodiscard]] boost::asio::any_io_executor executor() override { return inner_->executor(); }
  boost::asio::awaitable<std::optional<std::string>> read_body(std::size_t limit) override;
  boost::asio::awaitable<std::optional<std::size_t>> read_some(std::span<std::byte> into) override;
  boost::asio::awaitable<void> respond(net::http_response response) override;
  boost::asio::awaitable<void>
  respond_stream(net::http_response head, std::optional<std::uint64_t> length,
                 std::function<boost::asio::awaitable<std::string>()> next) override;
  boost::asio::awaitable<std::shared_ptr<net::websocket>> upgrade() override { return inner_->upgrade(); }
  [[nodiscard]] bool gone() const override { return inner_->gone(); }
  void on_gone(std::function<void()> callback) override { inner_->on_gone(std::move(callback)); }

private:
  std::shared_ptr<net::http_exchange> inner_;
  std::string kept_;
  std::size_t at_ = 0;
  bool ended_ = false; ///< kept_ is the whole body
  bool spent_ = false; ///< bytes were read that are not kept
  std::optional<net::http_response> withheld_;
};

} // namespace holdfast::api
