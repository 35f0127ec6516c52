// rtnetlink through libmnl: addresses and links of this host, and the stream of their changes. One thread,
// that of the guard. Needs CAP_NET_ADMIN for changes; reading needs nothing.
#pragma once

#include "actors/vip/vip_address.hpp"

#include <libmnl/libmnl.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::vip {

struct link_info {
  int index = 0;
  std::string name;
  bool up = false;      ///< administratively
  bool carrier = false; ///< the other end is there
  mac_address mac;
  [[nodiscard]] bool usable() const { return index > 0 && up && carrier; }
};

struct address_info {
  int index = 0;
  vip_address address; ///< prefix is the one on the interface
};

/// What the monitor saw.
struct netlink_event {
  enum class what : std::uint8_t { address_added, address_deleted, link_changed, link_gone, overrun } kind;
  address_info address; ///< address_*
  link_info link;       ///< link_*
};

struct mnl_close {
  void operator()(mnl_socket* s) const { mnl_socket_close(s); }
};
using mnl_handle = std::unique_ptr<mnl_socket, mnl_close>;

/// Requests and their answers. errno values are returned, 0 is success.
class netlink {
public:
  /// Throws std::system_error when the kernel gives no socket.
  netlink();

  /// Adds or renews the address as /32 or /128 with a lifetime after which the kernel drops it by itself;
  /// IPv6 without duplicate address detection and deprecated as a source. Already there is success.
  [[nodiscard]] int add_address(int index, const vip_address& address, std::uint32_t lifetime_s);
  /// Not there is success.
  [[nodiscard]] int remove_address(int index, const vip_address& address, std::uint8_t prefix);
  /// Tries whether this process may change addresses, without changing any: 0, or EPERM.
  [[nodiscard]] int try_permission();
  /// Where the address stands now, on any interface and with any prefix. Nothing when the kernel gives no
  /// list that is whole: then it may stand anywhere.
  [[nodiscard]] std::optional<std::vector<address_info>> find_address(const vip_address& address);
  [[nodiscard]] std::optional<link_info> find_link(const std::string& name);

private:
  int list_address(const vip_address& address, std::vector<address_info>& found);
  int transact(nlmsghdr* request, const std::function<void(const nlmsghdr*)>& each);
  int exchange(nlmsghdr* request, const std::function<void(const nlmsghdr*)>& each);
  mnl_handle socket_;
  unsigned sequence_ = 0;
};

/// The multicast groups of links and addresses. Non-blocking: poll fd() and call drain().
class netlink_monitor {
public:
  netlink_monitor();
  [[nodiscard]] int fd() const;
  /// Everything that is there now. `overrun` says that the kernel dropped some: look at everything anew.
  void drain(const std::function<void(const netlink_event&)>& each);

private:
  mnl_handle socket_;
};

} // namespace holdfast::vip
