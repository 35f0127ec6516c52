// Receives release tickets: datagrams on the port of ConsensusAddr, one ticket each (release_ticket.hpp).
// What they are worth is decided by whoever is told. Loop thread alone.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/udp.hpp>

#include <array>
#include <functional>
#include <memory>
#include <string>

namespace holdfast::vip {

class ticket_listener : public std::enable_shared_from_this<ticket_listener> {
public:
  using receiver = std::function<void(std::string bytes)>;
  ticket_listener(boost::asio::any_io_executor executor, receiver to);
  /// "ip:port". Why it cannot listen there; empty on success.
  [[nodiscard]] std::string open(const std::string& address);
  void close();

private:
  void receive();
  boost::asio::ip::udp::socket socket_;
  boost::asio::ip::udp::endpoint from_;
  std::array<char, 1024> buffer_{};
  receiver to_;
};

} // namespace holdfast::vip
