// The one stream type of this room: TLS over TCP. Included by .cpp files only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/address.hpp"

namespace holdfast::net {

namespace asio = boost::asio;
using tcp = boost::asio::ip::tcp;
using error_code = boost::system::error_code;
using tls_stream = boost::asio::ssl::stream<tcp::socket>;

/// `ip` must be a literal; throws boost::system::system_error otherwise.
inline tcp::endpoint to_endpoint(const net_address& at) {
  return {asio::ip::make_address(at.ip), at.port};
}
inline net_address from_endpoint(const tcp::endpoint& at) {
  return {at.address().to_string(), at.port()};
}

} // namespace holdfast::net
