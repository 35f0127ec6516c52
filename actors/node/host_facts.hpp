// What this host is: its links and addresses. collect() reads the kernel; the rest is pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::node {

struct host_link {
  std::string name;
  int index = 0;
  std::string mac; ///< lower case, colons; empty when the link has none
  bool up = false;
  bool loopback = false;
  bool physical = false;              ///< backed by a device (/sys/class/net/<name>/device)
  std::vector<std::string> addresses; ///< "ip/prefix"
};

struct host_facts {
  std::vector<host_link> links; ///< in kernel order
  std::string hostname;

  /// Reads the kernel's tables; blocking, some milliseconds at most. Start-up only.
  [[nodiscard]] static host_facts collect();

  [[nodiscard]] bool has_link(std::string_view name) const;
  [[nodiscard]] bool has_address(std::string_view ip) const;
  /// Node id when no --drp-id is given: the lowest MAC of the physical links, else of any, else "" (B-06).
  [[nodiscard]] std::string lowest_mac() const;
  /// info.local_id: MAC of the first link that is up, not loopback and not veth* (contract §7.1).
  [[nodiscard]] std::string local_id() const;
  /// First address that is neither loopback nor link-local, else 127.0.0.1.
  [[nodiscard]] std::string first_address() const;
};

} // namespace holdfast::node
