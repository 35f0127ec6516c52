// The HA settings of one node, as they stand in `<base-root>/ha-state.json` and travel in
// system/consensus/state, introduction and enroll (contract §8.1: GlobalHaState + NodeHaState, flattened).
//
// On disk: one compact JSON object, the 17 keys below in alphabetical order, then every key this version does
// not know, as it was read (HST-08). Booleans and strings are never null; Roots is a list of
// {"Data":[base64 DER,…],"Key":base64}. Reading is bounded (1 MiB, depth 32) and refuses wrong JSON types by
// key; it also takes `Roots: null` or a missing key, `ActiveUrl` for ActiveUri (HST-09), and the form of
// versions before 4.6, an object with the single key Passive (HST-28). Pure values; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace holdfast::msg {

/// A trust root. Holds a private key: never log it, never send it but in introduction and enroll.
struct trust_root {
  std::vector<std::string> data; ///< base64 DER certificates
  std::string key;               ///< base64 Ed25519 private key, 64 bytes (seed, public)
  bool operator==(const trust_root&) const = default;
};

struct ha_state {
  std::string active_uri;
  std::string api_url;
  std::string consensus_addr; ///< "ip:port", empty until set
  bool consensus_enabled = false;
  std::string consensus_id; ///< UUID, lower case
  std::string consensus_join;
  bool enabled = false;
  std::string ha_id;
  bool load_balanced = false;
  bool observer = false;
  bool passive = false;
  std::vector<trust_root> roots; ///< newest first
  std::string token;             ///< secret
  bool valid = false;
  std::string virt_addr;
  std::string virt_interface;
  std::string virt_interface_script;
  /// Keys this version does not know, with their JSON text, in the order read.
  std::vector<std::pair<std::string, std::string>> unknown;
  bool operator==(const ha_state&) const = default;
};
using ha_state_ptr = std::shared_ptr<const ha_state>;

struct parsed_ha_state {
  ha_state state;
  bool legacy = false; ///< only Passive was there: everything else is still unset
};

/// The state, or what is wrong with the text, for people.
[[nodiscard]] std::variant<parsed_ha_state, std::string> parse_ha_state(std::string_view text);

enum class secrets : std::uint8_t { keep, blank };
/// Compact JSON. blank empties Token and every root's Key (contract §8.1, C-06).
[[nodiscard]] std::string to_json(const ha_state& state, secrets how);

/// True for 8-4-4-4-12 hexadecimal digits.
[[nodiscard]] bool is_uuid(std::string_view text);

} // namespace holdfast::msg
