#include "actors/vip/ticket_listener.hpp"

#include "net/address.hpp"

#include <utility>

namespace holdfast::vip {

ticket_listener::ticket_listener(boost::asio::any_io_executor executor, receiver to)
    : socket_(std::move(executor)), to_(std::move(to)) {}

std::string ticket_listener::open(const std::string& address) {
  std::string why;
  const auto at = net::parse_address(address, why);
  if (!at)
    return why;
  boost::system::error_code error;
  const auto ip = boost::asio::ip::make_address(at->ip, error);
  const boost::asio::ip::udp::endpoint endpoint(ip, at->port);
  if (!error)
    socket_.open(endpoint.protocol(), error);
  if (!error)
    socket_.bind(endpoint, error);
  if (error)
    return error.message();
  receive();
  return {};
}

void ticket_listener::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  to_ = {};
}

void ticket_listener::receive() {
  socket_.async_receive_from(
      boost::asio::buffer(buffer_), from_,
      [self = shared_from_this()](const boost::system::error_code& failed, std::size_t got) {
        if (failed == boost::asio::error::operation_aborted || !self->to_)
          return;
        if (!failed)
          self->to_(std::string(self->buffer_.data(), got));
        self->receive();
      });
}

} // namespace holdfast::vip
