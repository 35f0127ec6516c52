// The rules between settings, state and host that ha_state_store.hpp declares; no files in here.
#include "actors/node/addresses.hpp"
#include "actors/node/ha_state_store.hpp"

#include <sys/random.h>

#include <array>
#include <stdexcept>

namespace holdfast::node {

namespace {

std::string bare_address(const std::string& virt_addr) {
  return virt_addr.substr(0, virt_addr.find('/'));
}

} // namespace

msg::ha_state state_from_settings(const settings& from, std::string& refusal,
                                  std::vector<std::string>& warnings) {
  msg::ha_state out;
  out.enabled = from.ha_enabled;
  out.ha_id = from.ha_id;
  out.load_balanced = from.ha_load_balanced;
  out.virt_addr = from.ha_address;
  out.virt_interface = from.ha_interface;
  out.virt_interface_script = from.ha_interface_script;
  out.passive = from.ha_passive;
  out.observer = from.ha_observer;
  out.token = from.ha_token;
  out.consensus_addr = from.ha_consensus_addr;
  out.consensus_enabled = !from.ha_consensus_addr.empty(); // HST-14
  out.consensus_join = from.ha_join;
  if (!from.ha_address.empty()) {
    if (from.ha_load_balanced && !is_ip(from.ha_address))
      refusal = "--ha-address: behind a load balancer it is a bare IP address, not '" + from.ha_address + "'";
    else if (!from.ha_load_balanced && !parse_cidr(from.ha_address))
      refusal =
          "--ha-address: without a load balancer it is an address with its prefix (10.0.0.9/24), not '" +
          from.ha_address + "'";
    else if (from.ha_enabled)
      out.active_uri = https_url(bare_address(from.ha_address), from.api_port);
  }
  if (from.ha_load_balanced && !from.ha_interface.empty()) {
    warnings.push_back("--ha-interface has no effect behind a load balancer");
    out.virt_interface.clear();
  }
  return out;
}

std::string check_against_host(const msg::ha_state& state, const host_facts& host) {
  if (!state.enabled && state.consensus_addr.empty())
    return {};
  const auto virt = bare_address(state.virt_addr);
  if (!state.consensus_addr.empty()) {
    const auto at = parse_endpoint(state.consensus_addr);
    if (!at)
      return "ConsensusAddr '" + state.consensus_addr + "' is not ip:port";
    if (!host.has_address(at->address) && !is_loopback(at->address))
      return "ConsensusAddr " + at->address +
             " is on no link of this host: bring the address back, the node does " + "not choose another";
    if (!virt.empty() && same_ip(virt, at->address))
      return "ConsensusAddr and VirtAddr are both " + virt + ": members need an address that does not move";
  }
  if (!state.load_balanced && state.enabled && !state.virt_interface.empty() &&
      !host.has_link(state.virt_interface))
    return "VirtInterface '" + state.virt_interface + "' is no link of this host";
  if (state.load_balanced && !virt.empty() && host.has_address(virt))
    return "VirtAddr " + virt + " is on this host, though a load balancer should own it";
  return {};
}

std::string random_uuid() {
  std::array<unsigned char, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw std::runtime_error("the kernel gave no random bytes");
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      out += '-';
    out += digits[bytes[i] >> 4];
    out += digits[bytes[i] & 15];
  }
  return out;
}

} // namespace holdfast::node
