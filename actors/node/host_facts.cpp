#include "actors/node/host_facts.hpp"

#include "actors/node/addresses.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <memory>

namespace holdfast::node {

namespace {

std::string mac_text(const sockaddr_ll& link) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  bool any = false;
  for (unsigned i = 0; i < link.sll_halen && i < sizeof link.sll_addr; ++i) {
    const unsigned char byte = link.sll_addr[i];
    any = any || byte != 0;
    if (i > 0)
      out += ':';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return any ? out : std::string();
}

unsigned prefix_length(const unsigned char* mask, std::size_t size) {
  unsigned bits = 0;
  for (std::size_t i = 0; i < size; ++i)
    bits += static_cast<unsigned>(std::popcount(mask[i]));
  return bits;
}

std::string address_text(const ifaddrs& entry) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (entry.ifa_addr->sa_family == AF_INET) {
    sockaddr_in at{};
    sockaddr_in mask{};
    std::memcpy(&at, entry.ifa_addr, sizeof at);
    if (entry.ifa_netmask != nullptr)
      std::memcpy(&mask, entry.ifa_netmask, sizeof mask);
    inet_ntop(AF_INET, &at.sin_addr, text.data(), text.size());
    return std::string(text.data()) + "/" +
           std::to_string(prefix_length(reinterpret_cast<const unsigned char*>(&mask.sin_addr), 4));
  }
  sockaddr_in6 at{};
  sockaddr_in6 mask{};
  std::memcpy(&at, entry.ifa_addr, sizeof at);
  if (entry.ifa_netmask != nullptr)
    std::memcpy(&mask, entry.ifa_netmask, sizeof mask);
  inet_ntop(AF_INET6, &at.sin6_addr, text.data(), text.size());
  return std::string(text.data()) + "/" + std::to_string(prefix_length(mask.sin6_addr.s6_addr, 16));
}

std::string_view without_prefix(std::string_view address) {
  return address.substr(0, address.find('/'));
}

} // namespace

host_facts host_facts::collect() {
  host_facts out;
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0)
    out.hostname = name.data();
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0)
    return out;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
  const auto link_of = [&](const ifaddrs& entry) -> host_link& {
    for (auto& link : out.links) {
      if (link.name == entry.ifa_name)
        return link;
    }
    host_link link;
    link.name = entry.ifa_name;
    link.index = static_cast<int>(if_nametoindex(entry.ifa_name));
    link.up = (entry.ifa_flags & IFF_UP) != 0;
    link.loopback = (entry.ifa_flags & IFF_LOOPBACK) != 0;
    std::error_code ignored;
    link.physical = std::filesystem::exists("/sys/class/net/" + link.name + "/device", ignored);
    return out.links.emplace_back(std::move(link));
  };
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    auto& link = link_of(*entry);
    if (entry->ifa_addr == nullptr)
      continue;
    if (entry->ifa_addr->sa_family == AF_PACKET) {
      sockaddr_ll at{};
      std::memcpy(&at, entry->ifa_addr, sizeof at);
      link.mac = mac_text(at);
    } else if (entry->ifa_addr->sa_family == AF_INET || entry->ifa_addr->sa_family == AF_INET6) {
      link.addresses.push_back(address_text(*entry));
    }
  }
  return out;
}

bool host_facts::has_link(std::string_view name) const {
  return std::any_of(links.begin(), links.end(), [&](const host_link& link) { return link.name == name; });
}

bool host_facts::has_address(std::string_view ip) const {
  for (const auto& link : links) {
    for (const auto& address : link.addresses) {
      if (same_ip(without_prefix(address), ip))
        return true;
    }
  }
  // The whole 127.0.0.0/8 is this host's, though only one address of it is listed.
  return is_loopback(ip) &&
         std::any_of(links.begin(), links.end(), [](const host_link& l) { return l.loopback; });
}

std::string host_facts::lowest_mac() const {
  std::string best;
  for (const bool physical_only : {true, false}) {
    for (const auto& link : links) {
      if (link.loopback || link.mac.empty() || (physical_only && !link.physical))
        continue;
      if (best.empty() || link.mac < best)
        best = link.mac;
    }
    if (!best.empty())
      return best;
  }
  return best;
}

std::string host_facts::local_id() const {
  for (const auto& link : links) {
    if (link.up && !link.loopback && !link.name.starts_with("veth"))
      return link.mac;
  }
  return {};
}

std::string host_facts::first_address() const {
  for (const auto& link : links) {
    if (!link.up || link.loopback)
      continue;
    for (const auto& address : link.addresses) {
      if (!address.starts_with("fe80:") && !address.starts_with("169.254."))
        return std::string(without_prefix(address));
    }
  }
  return "127.0.0.1";
}

} // namespace holdfast::node
