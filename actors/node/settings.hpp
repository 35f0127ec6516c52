// Flags and environment of the daemon. One table (settings_table.cpp) drives names, environment, defaults,
// help and checks. The command line beats the environment; a valid ha-state.json beats both for the HA
// settings (HST-03, see ha_state_store.hpp). Pure: reads nothing but its arguments, so --help and --version
// touch nothing (CFG-18). Called once, by main, before any thread exists.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::node {

enum class source : std::uint8_t { defaulted, environment, command_line };

/// An option that was set, under the name it was spelled with ("--ha-id" or "RS_HA_ID").
struct given_option {
  std::string flag; ///< canonical, "--ha-id"
  std::string spelled;
  source from = source::defaulted;
};

struct settings {
  std::string base_root = "/var/lib/dr-provision"; ///< HST-01
  std::string wal_root;                            ///< empty: <base_root>/wal
  std::string static_ip;                           ///< CFG-03, an IP literal or empty
  std::string listen;                              ///< an IP literal or empty, see listen_address()
  std::uint16_t api_port = 8092;
  std::uint16_t consensus_port = 8093;
  std::string drp_id;                 ///< CFG-04; empty: the lowest MAC
  std::string tls_key = "server.key"; ///< relative to base_root, as tls_cert
  std::string tls_cert = "server.crt";

  std::string ha_id;               ///< CFG-05
  bool ha_enabled = false;         ///< CFG-06
  std::string ha_address;          ///< CFG-07
  std::string ha_interface;        ///< CFG-08
  std::string ha_interface_script; ///< CFG-12
  bool ha_passive = false;         ///< CFG-09
  std::string ha_join;             ///< CFG-10
  std::string ha_token;            ///< CFG-11, secret
  std::string ha_consensus_addr;   ///< CFG-13, "ip:port" after parsing
  bool ha_load_balanced = false;   ///< CFG-14
  bool ha_observer = false;        ///< HST-20
  std::string entitlement_key;     ///< LIC-01; a file, empty: no entitlement is asked for

  std::chrono::milliseconds heartbeat{100};
  std::chrono::milliseconds election_timeout{500}; ///< shortest; the longest is twice that
  std::chrono::milliseconds lease{400};            ///< shorter than election_timeout (architecture §7)
  unsigned io_threads = 0;                         ///< extra loops for HTTP sessions
  std::string user;                                ///< who the daemon becomes when started as root
  std::string log_level = "info";                  ///< trace, debug, info, warn, error
  std::string dial_map; ///< a file, see net/dial_map.hpp; empty: every address is dialled as it is
  std::uint64_t log_limit = std::uint64_t{64} << 20; ///< bytes; the log is not cut below it (WAL-05)

  /// Every option that was set, for the warnings of CFG-17.
  std::vector<given_option> given;

  /// Address the API listens on; empty means every address. With a loopback static_ip and no --listen, that
  /// one.
  [[nodiscard]] std::string listen_address() const;
  [[nodiscard]] std::string wal_directory() const;
  /// tls_key / tls_cert made absolute.
  [[nodiscard]] std::string tls_key_path() const;
  [[nodiscard]] std::string tls_cert_path() const;
};

/// Looks an environment variable up; nothing when unset. An empty value counts as unset.
using environment = std::function<std::optional<std::string>(const std::string& name)>;
[[nodiscard]] environment process_environment();

struct settings_outcome {
  std::optional<settings> value; ///< absent: print `output` or `error` and exit
  int exit_code = 0;             ///< when value is absent
  std::string output;            ///< for stdout: help or version
  std::string error;             ///< for stderr; names the option and what it takes, never a secret's value
  std::vector<std::string> warnings; ///< to log once the log stands
};
[[nodiscard]] settings_outcome parse_settings(int argc, const char* const* argv, const environment& env);

/// Flags of the HA half ("--ha-…") that were set; a valid state file overrules them (CFG-17).
[[nodiscard]] std::vector<given_option> given_ha_options(const settings& from);

} // namespace holdfast::node
