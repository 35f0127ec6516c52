#include "actors/vip/netlink.hpp"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <system_error>

namespace holdfast::vip {

namespace {

using buffer = std::array<char, 32768>;
constexpr int list_attempts = 5;

struct link_parser {
  link_info info;

  static int attribute(const nlattr* attr, void* self) {
    auto& info = static_cast<link_parser*>(self)->info;
    switch (mnl_attr_get_type(attr)) {
    case IFLA_IFNAME:
      if (mnl_attr_validate(attr, MNL_TYPE_STRING) >= 0) {
        info.name = mnl_attr_get_str(attr);
      }
      break;
    case IFLA_ADDRESS:
      if (mnl_attr_get_payload_len(attr) == info.mac.bytes.size()) {
        std::memcpy(info.mac.bytes.data(), mnl_attr_get_payload(attr), info.mac.bytes.size());
      }
      break;
    default:
      break;
    }
    return MNL_CB_OK;
  }
};

link_info parse_link(const nlmsghdr* message) {
  const auto* head = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  link_parser parser;
  parser.info.index = head->ifi_index;
  parser.info.up = (head->ifi_flags & IFF_UP) != 0;
  parser.info.carrier = (head->ifi_flags & IFF_RUNNING) != 0;
  mnl_attr_parse(message, sizeof(ifinfomsg), link_parser::attribute, &parser);
  return parser.info;
}

struct address_parser {
  vip_address address;
  bool local = false;

  static int attribute(const nlattr* attr, void* raw) {
    auto& self = *static_cast<address_parser*>(raw);
    const auto type = mnl_attr_get_type(attr);
    // On IPv4 links with a peer IFA_ADDRESS is the peer's: IFA_LOCAL is what stands here.
    const bool take = type == IFA_LOCAL || (type == IFA_ADDRESS && !self.local);
    if (take && mnl_attr_get_payload_len(attr) == self.address.size()) {
      std::memcpy(self.address.bytes.data(), mnl_attr_get_payload(attr), self.address.size());
      self.local = self.local || type == IFA_LOCAL;
    }
    return MNL_CB_OK;
  }
};

std::optional<address_info> parse_address(const nlmsghdr* message) {
  const auto* head = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
  if (head->ifa_family != AF_INET && head->ifa_family != AF_INET6) {
    return std::nullopt;
  }
  address_parser parser;
  parser.address.kind = head->ifa_family == AF_INET ? family::v4 : family::v6;
  parser.address.prefix = head->ifa_prefixlen;
  mnl_attr_parse(message, sizeof(ifaddrmsg), address_parser::attribute, &parser);
  return address_info{static_cast<int>(head->ifa_index), parser.address};
}

bool same_host(const vip_address& a, const vip_address& b) {
  return a.kind == b.kind && a.bytes == b.bytes;
}

nlmsghdr* address_request(buffer& space, std::uint16_t type, std::uint16_t flags, int index,
                          const vip_address& address, std::uint8_t prefix) {
  auto* message = mnl_nlmsg_put_header(space.data());
  message->nlmsg_type = type;
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  auto* head = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifaddrmsg)));
  head->ifa_family = address.kind == family::v4 ? AF_INET : AF_INET6;
  head->ifa_prefixlen = prefix;
  head->ifa_index = static_cast<unsigned>(index);
  head->ifa_scope = RT_SCOPE_UNIVERSE;
  mnl_attr_put(message, IFA_LOCAL, address.size(), address.bytes.data());
  mnl_attr_put(message, IFA_ADDRESS, address.size(), address.bytes.data());
  return message;
}

mnl_handle open_socket(unsigned groups) {
  mnl_handle socket{mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC)};
  if (!socket || mnl_socket_bind(socket.get(), groups, MNL_SOCKET_AUTOPID) < 0) {
    throw std::system_error{errno, std::generic_category(), "rtnetlink socket"};
  }
  return socket;
}

} // namespace

netlink::netlink() : socket_(open_socket(0)) {}

int netlink::transact(nlmsghdr* request, const std::function<void(const nlmsghdr*)>& each) {
  const int error = exchange(request, each);
  if (error == EINTR || error == ENOBUFS || error == EPROTO) {
    // The rest of that answer is still to come, or was lost: a new socket has nothing of it.
    try {
      socket_ = open_socket(0);
    } catch (const std::system_error& failed) {
      return failed.code().value();
    }
  }
  return error;
}

int netlink::exchange(nlmsghdr* request, const std::function<void(const nlmsghdr*)>& each) {
  request->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0) {
    return errno;
  }
  const auto forward = [](const nlmsghdr* message, void* raw) {
    const auto& callback = *static_cast<const std::function<void(const nlmsghdr*)>*>(raw);
    if (callback) {
      callback(message);
    }
    return MNL_CB_OK;
  };
  buffer space;
  for (;;) {
    const auto got = mnl_socket_recvfrom(socket_.get(), space.data(), space.size());
    if (got < 0) {
      return errno;
    }
    const auto size = static_cast<std::size_t>(got);
    const auto* first = reinterpret_cast<const nlmsghdr*>(space.data());
    if (mnl_nlmsg_ok(first, static_cast<int>(got)) && first->nlmsg_seq != sequence_) {
      continue; // the answer to an earlier request
    }
    auto callback = each;
    const int verdict =
        mnl_cb_run(space.data(), size, sequence_, mnl_socket_get_portid(socket_.get()), forward, &callback);
    if (verdict < 0) {
      return errno;
    }
    if (verdict == MNL_CB_STOP) {
      return 0;
    }
  }
}

int netlink::add_address(int index, const vip_address& address, std::uint32_t lifetime_s) {
  buffer space;
  auto* message = address_request(space, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, address,
                                  address.host_prefix());
  ifa_cacheinfo life{};
  life.ifa_valid = lifetime_s;
  life.ifa_prefered = address.kind == family::v4 ? lifetime_s : 0;
  mnl_attr_put(message, IFA_CACHEINFO, sizeof life, &life);
  if (address.kind == family::v6) {
    mnl_attr_put_u32(message, IFA_FLAGS, IFA_F_NODAD);
  }
  const int error = transact(message, {});
  return error == EEXIST ? 0 : error;
}

int netlink::remove_address(int index, const vip_address& address, std::uint8_t prefix) {
  buffer space;
  const int error = transact(address_request(space, RTM_DELADDR, 0, index, address, prefix), {});
  return error == EADDRNOTAVAIL || error == ENODEV ? 0 : error;
}

int netlink::try_permission() {
  // No link has this index: the kernel looks at the capability before it looks for the link.
  constexpr int no_link = 0x7ffffff0;
  buffer space;
  const vip_address nowhere{family::v4, {192, 0, 2, 1}, 32};
  const int error = transact(address_request(space, RTM_DELADDR, 0, no_link, nowhere, 32), {});
  return error == EPERM || error == EACCES ? error : 0;
}

int netlink::list_address(const vip_address& address, std::vector<address_info>& found) {
  buffer space;
  auto* message = mnl_nlmsg_put_header(space.data());
  message->nlmsg_type = RTM_GETADDR;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  auto* head = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifaddrmsg)));
  head->ifa_family = address.kind == family::v4 ? AF_INET : AF_INET6;
  return transact(message, [&](const nlmsghdr* answer) {
    if (answer->nlmsg_type != RTM_NEWADDR) {
      return;
    }
    if (const auto info = parse_address(answer); info && same_host(info->address, address)) {
      found.push_back(*info);
    }
  });
}

std::optional<std::vector<address_info>> netlink::find_address(const vip_address& address) {
  // A list that changed while it was read may lack what stood there all the time.
  std::vector<address_info> found;
  for (int attempt = 0; attempt < list_attempts; ++attempt) {
    found.clear();
    if (list_address(address, found) == 0) {
      return found;
    }
  }
  return found.empty() ? std::nullopt : std::optional{found};
}

std::optional<link_info> netlink::find_link(const std::string& name) {
  buffer space;
  auto* message = mnl_nlmsg_put_header(space.data());
  message->nlmsg_type = RTM_GETLINK;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  auto* head = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
  head->ifi_family = AF_UNSPEC;
  mnl_attr_put_strz(message, IFLA_IFNAME, name.c_str());
  std::optional<link_info> found;
  const int error = transact(message, [&](const nlmsghdr* answer) {
    if (answer->nlmsg_type == RTM_NEWLINK) {
      found = parse_link(answer);
    }
  });
  return error == 0 ? found : std::nullopt;
}

netlink_monitor::netlink_monitor()
    : socket_(open_socket(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR)) {
  const int flags = ::fcntl(fd(), F_GETFL);
  if (flags < 0 || ::fcntl(fd(), F_SETFL, flags | O_NONBLOCK) < 0) {
    throw std::system_error{errno, std::generic_category(), "rtnetlink monitor"};
  }
}

int netlink_monitor::fd() const {
  return mnl_socket_get_fd(socket_.get());
}

void netlink_monitor::drain(const std::function<void(const netlink_event&)>& each) {
  using what = netlink_event::what;
  const auto deliver = [](const nlmsghdr* message, void* raw) {
    const auto& callback = *static_cast<const std::function<void(const netlink_event&)>*>(raw);
    switch (message->nlmsg_type) {
    case RTM_NEWADDR:
    case RTM_DELADDR:
      if (const auto info = parse_address(message)) {
        callback(
            {message->nlmsg_type == RTM_NEWADDR ? what::address_added : what::address_deleted, *info, {}});
      }
      break;
    case RTM_NEWLINK:
    case RTM_DELLINK:
      callback({message->nlmsg_type == RTM_NEWLINK ? what::link_changed : what::link_gone,
                {},
                parse_link(message)});
      break;
    default:
      break;
    }
    return MNL_CB_OK;
  };
  buffer space;
  auto callback = each;
  for (;;) {
    const auto got = mnl_socket_recvfrom(socket_.get(), space.data(), space.size());
    if (got < 0) {
      if (errno == ENOBUFS) {
        each({what::overrun, {}, {}});
        continue;
      }
      return; // EAGAIN: all read
    }
    mnl_cb_run(space.data(), static_cast<std::size_t>(got), 0, 0, deliver, &callback);
  }
}

} // namespace holdfast::vip
