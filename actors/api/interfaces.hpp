// The network interfaces of this host, read only (contract §3.2). The operating system is asked on each call.
#pragma once

#include <string>
#include <vector>

namespace holdfast::api {

struct interface_row {
  std::string name;
  int index = 0;
  std::vector<std::string> addresses; ///< CIDR form, IPv4 and IPv6
};

/// Interfaces that are up, by index; empty when the system refuses. Microseconds; any thread.
[[nodiscard]] std::vector<interface_row> read_interfaces();
/// {Available, Errors, Name, Index, Addresses, ActiveAddress, Gateway, DnsServers, DnsDomain, Meta, ReadOnly}
[[nodiscard]] std::string to_json(const interface_row& row);

class router;
/// GET interfaces, GET interfaces/<name>.
void add_interface_routes(router& routes);

} // namespace holdfast::api
