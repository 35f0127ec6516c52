#include "actors/node/settings_table.hpp"

#include "actors/node/addresses.hpp"

#include <array>
#include <charconv>

namespace holdfast::node {

namespace {

using kind = option_row::kind;

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

template <std::string settings::*Field>
std::string take_text(settings& into, const std::string& value) {
  into.*Field = value;
  return {};
}

/// A path that is handed to the system: absolute or not, but never with a NUL or empty.
template <std::string settings::*Field>
std::string take_path(settings& into, const std::string& value) {
  if (value.empty() || value.find('\0') != std::string::npos)
    return "a path";
  into.*Field = value;
  return {};
}

template <std::string settings::*Field>
std::string take_ip(settings& into, const std::string& value) {
  if (!is_ip(value))
    return "an IP address";
  into.*Field = value;
  return {};
}

template <bool settings::*Field>
std::string take_flag(settings& into, const std::string& value) {
  const auto word = lower(value);
  if (word == "true" || word == "t" || word == "1" || word == "yes" || word == "on")
    into.*Field = true;
  else if (word == "false" || word == "f" || word == "0" || word == "no" || word == "off")
    into.*Field = false;
  else
    return "true or false";
  return {};
}

template <std::uint16_t settings::*Field>
std::string take_port(settings& into, const std::string& value) {
  const auto port = parse_port(value);
  if (!port)
    return "a port from 1 to 65535";
  into.*Field = *port;
  return {};
}

/// "250ms", "1s", or a bare number of milliseconds; 10 ms to 60 s.
template <std::chrono::milliseconds settings::*Field>
std::string take_span(settings& into, const std::string& value) {
  const std::string wanted = "a time from 10ms to 60s, such as 250ms or 2s";
  long number = 0;
  const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(value.data() + value.size() - end));
  if (code != std::errc() || number < 0 || number > 60000 || (unit != "" && unit != "ms" && unit != "s"))
    return wanted;
  const std::chrono::milliseconds span(unit == "s" ? number * 1000 : number);
  if (span.count() < 10 || span.count() > 60000)
    return wanted;
  into.*Field = span;
  return {};
}

std::string take_threads(settings& into, const std::string& value) {
  unsigned number = 0;
  const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (code != std::errc() || end != value.data() + value.size() || number > 64)
    return "a number from 0 to 64";
  into.io_threads = number;
  return {};
}

/// "64MiB", "1GiB", "512KiB"; 64 KiB to 1 GiB.
template <std::uint64_t settings::*Field>
std::string take_size(settings& into, const std::string& value) {
  const std::string wanted = "a size from 64KiB to 1GiB, such as 512KiB or 64MiB";
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(value.data() + value.size() - end));
  const unsigned shift = unit == "KiB" ? 10 : unit == "MiB" ? 20 : unit == "GiB" ? 30 : 0;
  constexpr std::uint64_t most = std::uint64_t{1} << 30U;
  if (code != std::errc() || shift == 0 || number > most >> shift ||
      number << shift < std::uint64_t{64} << 10U)
    return wanted;
  into.*Field = number << shift;
  return {};
}

std::string take_level(settings& into, const std::string& value) {
  const auto word = lower(value);
  for (const char* level : {"trace", "debug", "info", "warn", "error"}) {
    if (word == level) {
      into.log_level = word;
      return {};
    }
  }
  return "one of trace, debug, info, warn, error";
}

/// Both forms are taken here; which one is right depends on the load balancer and is checked at the end.
std::string take_virtual_address(settings& into, const std::string& value) {
  if (!is_ip(value) && !parse_cidr(value))
    return "an address with its prefix (10.0.0.9/24), or a bare address behind a load balancer";
  into.ha_address = value;
  return {};
}

std::string take_consensus_address(settings& into, const std::string& value) {
  // A bare IPv4 address is completed with --consensus-port once every option is read; a bare IPv6 one could
  // swallow a port that was meant.
  const bool bare = is_ip(value) && value.find(':') == std::string::npos;
  if (!bare && !parse_endpoint(value))
    return "ip:port with an IP address of this host and a port from 1 to 65535";
  into.ha_consensus_addr = value;
  return {};
}

std::string take_url(settings& into, const std::string& value) {
  if (!value.starts_with("https://") || value.size() < 9)
    return "an https:// URL";
  into.ha_join = value;
  return {};
}

std::string take_script(settings& into, const std::string& value) {
  if (!value.starts_with('/'))
    return "the full path of a program";
  into.ha_interface_script = value;
  return {};
}

template <std::string settings::*Field>
std::string take_id(settings& into, const std::string& value) {
  constexpr std::size_t longest = 255;
  if (value.empty() || value.size() > longest)
    return "1 to 255 characters";
  for (const char c : value) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) == 0x7f)
      return "an id without blanks or control characters";
  }
  into.*Field = value;
  return {};
}

constexpr auto rows = std::to_array<option_row>({
    {"--base-root", "", "RS_BASE_ROOT", kind::text, "DIR", "/var/lib/dr-provision", "Node",
     "directory that holds everything this node keeps", take_path<&settings::base_root>},
    {"--wal-root", "", "RS_WAL_ROOT", kind::text, "DIR", "<base-root>/wal", "Node",
     "directory of the replicated log", take_path<&settings::wal_root>},
    {"--drp-id", "", "RS_DRP_ID", kind::text, "ID", "lowest MAC address", "Node",
     "id of this server; must differ from every other server's and from the cluster's",
     take_id<&settings::drp_id>},
    {"--static-ip", "", "RS_STATIC_IP", kind::text, "IP", "", "Node",
     "address under which clients reach this server", take_ip<&settings::static_ip>},
    {"--listen", "", "RS_LISTEN", kind::text, "IP", "every address", "Node",
     "address the API listens on; a loopback --static-ip alone is listened on unless this says otherwise",
     take_ip<&settings::listen>},
    {"--api-port", "", "RS_API_PORT", kind::text, "PORT", "8092", "Node", "port of the API",
     take_port<&settings::api_port>},
    {"--consensus-port", "", "RS_CONSENSUS_PORT", kind::text, "PORT", "8093", "Node",
     "port between members, where --ha-consensus-addr names none", take_port<&settings::consensus_port>},
    {"--tls-key", "", "RS_TLS_KEY_FILE", kind::text, "FILE", "server.key", "Node",
     "private key of the API, relative to the base root; made with the certificate when both are missing",
     take_path<&settings::tls_key>},
    {"--tls-cert", "", "RS_TLS_CERT_FILE", kind::text, "FILE", "server.crt", "Node", "certificate of the API",
     take_path<&settings::tls_cert>},
    {"--io-threads", "", "RS_IO_THREADS", kind::text, "N", "0", "Node",
     "further event loops for HTTP sessions, for machines with many cores", take_threads},
    {"--log-limit", "", "RS_LOG_LIMIT", kind::text, "SIZE", "64MiB", "Node",
     "length of the replicated log below which it is not cut; it is when it is also four times the last "
     "snapshot",
     take_size<&settings::log_limit>},
    {"--user", "", "RS_USER", kind::text, "NAME", "", "Node",
     "user the daemon becomes when started as root; the guard of the virtual address keeps the rights it "
     "needs",
     take_id<&settings::user>},
    {"--dial-map", "", "RS_DIAL_MAP", kind::text, "FILE", "", "Node",
     "for tests on one host: pairs of addresses, of which the second is dialled when the first is meant",
     take_path<&settings::dial_map>},
    {"--log-level", "", "RS_LOG_LEVEL", kind::text, "LEVEL", "info", "Node",
     "trace, debug, info, warn or error", take_level},
    {"--heartbeat", "", "RS_HEARTBEAT", kind::text, "TIME", "100ms", "Timing",
     "time between the leader's heartbeats", take_span<&settings::heartbeat>},
    {"--election-timeout", "", "RS_ELECTION_TIMEOUT", kind::text, "TIME", "500ms", "Timing",
     "shortest silence after which a member stands for election; the longest is twice that",
     take_span<&settings::election_timeout>},
    {"--lease", "", "RS_LEASE", kind::text, "TIME", "400ms", "Timing",
     "how long the virtual address may be held after the last proof of a majority",
     take_span<&settings::lease>},
    {"--ha-enabled", "", "RS_HA_ENABLED", kind::flag, "", "false", "High availability",
     "switch high availability on", take_flag<&settings::ha_enabled>},
    {"--ha-id", "", "RS_HA_ID", kind::text, "ID", "", "High availability",
     "id of the cluster, the same on every member", take_id<&settings::ha_id>},
    {"--ha-address", "", "RS_HA_ADDRESS", kind::text, "ADDR", "", "High availability",
     "virtual address: with its prefix, or bare behind a load balancer", take_virtual_address},
    {"--ha-interface", "", "RS_HA_INTERFACE", kind::text, "LINK", "", "High availability",
     "link that carries the virtual address; not used behind a load balancer",
     take_id<&settings::ha_interface>},
    {"--ha-interface-script", "", "RS_HA_INTERFACE_SCRIPT", kind::text, "PROGRAM", "", "High availability",
     "full path of a program run as: PROGRAM add|remove LINK ADDRESS", take_script},
    {"--ha-load-balanced", "--load-balanced", "RS_HA_LOAD_BALANCED", kind::flag, "", "false",
     "High availability", "an external load balancer owns the virtual address",
     take_flag<&settings::ha_load_balanced>},
    {"--ha-passive", "", "RS_HA_PASSIVE", kind::flag, "", "false", "High availability",
     "start as a passive member; a hint for the first start alone", take_flag<&settings::ha_passive>},
    {"--ha-observer", "", "RS_HA_OBSERVER", kind::flag, "", "false", "High availability",
     "vote and hold all data but never become active", take_flag<&settings::ha_observer>},
    {"--ha-join", "", "RS_HA_JOIN", kind::text, "URL", "https://<virtual address>:<api port>/",
     "High availability", "API of the active node, for a passive one in synchronous replication", take_url},
    {"--ha-token", "", "RS_HA_TOKEN", kind::secret, "TOKEN", "", "High availability",
     "token shared by the members in synchronous replication", take_text<&settings::ha_token>},
    {"--ha-consensus-addr", "", "RS_HA_CONSENSUS_ADDR", kind::text, "IP:PORT", "", "High availability",
     "address for all traffic between members", take_consensus_address},
    {"--entitlement-key", "", "RS_ENTITLEMENT_KEY", kind::text, "FILE", "", "High availability",
     "public Ed25519 key (PEM) of the issuer of entitlements; with it, forming or growing a cluster needs "
     "one "
     "that is installed",
     take_path<&settings::entitlement_key>},
});

} // namespace

std::span<const option_row> option_table() {
  return rows;
}

} // namespace holdfast::node
