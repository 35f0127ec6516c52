#include "actors/api/interfaces.hpp"

#include "actors/api/json_value.hpp"
#include "actors/api/router.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <array>
#include <bit>
#include <map>
#include <memory>

namespace holdfast::api {
namespace {

using boost::asio::awaitable;
using net::http_response;

template <class Bytes>
int ones(const Bytes& mask) {
  int count = 0;
  for (const auto byte : mask)
    count += std::popcount(static_cast<unsigned char>(byte));
  return count;
}

std::string cidr_of(const ifaddrs& entry) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = entry.ifa_addr->sa_family;
  int length = 0;
  if (family == AF_INET) {
    const auto* address = reinterpret_cast<const sockaddr_in*>(entry.ifa_addr);
    const auto* mask = reinterpret_cast<const sockaddr_in*>(entry.ifa_netmask);
    inet_ntop(family, &address->sin_addr, text.data(), text.size());
    length = mask ? std::popcount(mask->sin_addr.s_addr) : 32;
  } else {
    const auto* address = reinterpret_cast<const sockaddr_in6*>(entry.ifa_addr);
    const auto* mask = reinterpret_cast<const sockaddr_in6*>(entry.ifa_netmask);
    inet_ntop(family, &address->sin6_addr, text.data(), text.size());
    length = mask ? ones(mask->sin6_addr.s6_addr) : 128;
  }
  return std::string(text.data()) + "/" + std::to_string(length);
}

awaitable<http_response> list_interfaces(request_context& ctx) {
  std::string body = "[";
  if (ctx.may("interfaces", "list", ""))
    for (const auto& row : read_interfaces())
      body += (body.size() == 1 ? "" : ",") + to_json(row);
  co_return json_response(body + "]");
}

awaitable<http_response> get_interface(request_context& ctx) {
  const auto name = ctx.param("name");
  ctx.require("interfaces", "get", name);
  for (const auto& row : read_interfaces())
    if (row.name == name)
      co_return json_response(to_json(row));
  throw api_error({"interfaces", std::string(name), ctx.head().method_name, {"No interface"}, 404});
}

} // namespace

std::vector<interface_row> read_interfaces() {
  ifaddrs* raw = nullptr;
  if (getifaddrs(&raw) != 0)
    return {};
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> list(raw, &freeifaddrs);
  std::map<int, interface_row> by_index;
  for (const auto* entry = list.get(); entry; entry = entry->ifa_next) {
    if ((entry->ifa_flags & IFF_UP) == 0)
      continue;
    const int index = static_cast<int>(if_nametoindex(entry->ifa_name));
    auto& row = by_index[index];
    row.name = entry->ifa_name;
    row.index = index;
    const int family = entry->ifa_addr ? entry->ifa_addr->sa_family : AF_UNSPEC;
    if (family == AF_INET || family == AF_INET6)
      row.addresses.push_back(cidr_of(*entry));
  }
  std::vector<interface_row> out;
  for (auto& [index, row] : by_index)
    out.push_back(std::move(row));
  return out;
}

std::string to_json(const interface_row& row) {
  std::string addresses;
  for (const auto& address : row.addresses)
    addresses += (addresses.empty() ? "" : ",") + json::quoted(address);
  return "{\"ReadOnly\":true,\"Meta\":{},\"Name\":" + json::quoted(row.name) +
         ",\"Index\":" + std::to_string(row.index) + ",\"Addresses\":[" + addresses + "],\"ActiveAddress\":" +
         json::quoted(row.addresses.empty() ? std::string_view() : std::string_view(row.addresses.front())) +
         ",\"Gateway\":\"\",\"DnsServers\":[],\"DnsDomain\":\"\"}";
}

void add_interface_routes(router& routes) {
  route list;
  list.pattern = "interfaces";
  list.run = plain_handler(list_interfaces);
  routes.add(std::move(list));
  route one;
  one.pattern = "interfaces/{name}";
  one.run = plain_handler(get_interface);
  routes.add(std::move(one));
}

} // namespace holdfast::api
