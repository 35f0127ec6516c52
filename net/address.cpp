#include "net/address.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <charconv>

namespace holdfast::net {

namespace asio = boost::asio;

std::string net_address::text() const {
  const bool v6 = ip.find(':') != std::string::npos;
  return (v6 ? "[" + ip + "]" : ip) + ":" + std::to_string(port);
}

namespace {

struct halves {
  std::string_view ip;
  std::string_view port;
};

std::optional<halves> split(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find("]:");
    if (end == std::string_view::npos)
      return std::nullopt;
    return halves{text.substr(1, end - 1), text.substr(end + 2)};
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos)
    return std::nullopt;
  return halves{text.substr(0, colon), text.substr(colon + 1)};
}

} // namespace

std::optional<net_address> parse_address(std::string_view text, std::string& why, bool allow_zero_port) {
  const auto parts = split(text);
  if (!parts) {
    why = "address '" + std::string(text) + "' must be IP:PORT or [IPv6]:PORT";
    return std::nullopt;
  }
  boost::system::error_code ec;
  const auto ip = asio::ip::make_address(std::string(parts->ip), ec);
  if (ec) {
    why = "'" + std::string(parts->ip) + "' is not an IP literal (host names are not allowed here)";
    return std::nullopt;
  }
  unsigned port = 0;
  const auto* first = parts->port.data();
  const auto* last = first + parts->port.size();
  const auto parsed = std::from_chars(first, last, port);
  const bool number = parsed.ec == std::errc{} && parsed.ptr == last;
  if (!number || port > 65535 || (port == 0 && !allow_zero_port)) {
    why = "port '" + std::string(parts->port) + "' must be a number from 1 to 65535";
    return std::nullopt;
  }
  return net_address{ip.to_string(), static_cast<std::uint16_t>(port)};
}

bool can_bind(const std::string& ip) {
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(ip, ec);
  if (ec)
    return false;
  asio::io_context io(1);
  asio::ip::tcp::socket probe(io);
  const asio::ip::tcp::endpoint at(address, 0);
  probe.open(at.protocol(), ec);
  if (ec)
    return false;
  probe.bind(at, ec);
  return !ec;
}

} // namespace holdfast::net
