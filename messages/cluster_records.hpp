// What the members of a cluster know about it and about one another, as JSON objects in the replicated store.
// They stand under prefixes no ordinary route serves and are written by ordinary transactions:
//
//   _cluster global            {HaID, LoadBalanced, VirtAddr, ServerHostname, Enabled, ConsensusEnabled,
//   ClusterID} _cluster member/<id>       one per member, <id> its ConsensusID (member_record) _cluster
//   ticket/<id>       one-time join tickets (ticket_record), deleted when used or expired _secrets roots
//   [{"Data":[base64 DER],"Key":base64}], newest first _secrets token             {Current, Previous,
//   PreviousUntil}
//
// Reading ignores keys it does not know (a newer member may write more) and refuses wrong JSON types. Pure;
// any thread.
#pragma once

#include "messages/ha_state.hpp"
#include "messages/object_view.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::msg {

inline constexpr std::string_view cluster_prefix = "_cluster";
inline constexpr std::string_view cluster_secrets_prefix = "_secrets";
inline constexpr std::string_view global_key = "global";
inline constexpr std::string_view roots_key = "roots";
inline constexpr std::string_view token_key = "token";
[[nodiscard]] std::string member_key(std::string_view consensus_id);
[[nodiscard]] std::string ticket_key(std::string_view id);

struct global_record {
  std::string ha_id;
  bool load_balanced = false;
  std::string virt_addr;
  std::string server_hostname;
  bool enabled = false;
  bool consensus_enabled = false;
  std::string cluster_id;
  bool operator==(const global_record&) const = default;
};

struct member_record {
  std::string consensus_id;
  std::string raft_id; ///< what the consensus core calls this incarnation; single-use
  std::uint64_t incarnation = 1;
  std::string drp_id;
  std::string consensus_addr;
  std::string api_url;
  std::string api_fingerprint; ///< SHA-256 of the API's leaf certificate, hex
  std::string virt_interface;
  std::string virt_interface_script;
  bool observer = false;
  std::string version;
  std::string os;
  std::string arch;
  std::uint64_t joined_ms = 0; ///< since the Unix epoch
  bool operator==(const member_record&) const = default;
};

struct token_record {
  std::string current;
  std::string previous; ///< accepted until previous_until_ms
  std::uint64_t previous_until_ms = 0;
  bool operator==(const token_record&) const = default;
};

struct ticket_record {
  std::string secret; ///< shared with the target alone; the proof is an HMAC, it is not sent
  std::uint64_t expires_ms = 0;
  std::string created_by;
  bool operator==(const ticket_record&) const = default;
};

[[nodiscard]] std::string to_json(const global_record& record);
[[nodiscard]] std::string to_json(const member_record& record);
[[nodiscard]] std::string to_json(const token_record& record);
[[nodiscard]] std::string to_json(const ticket_record& record);
[[nodiscard]] std::string to_json(const std::vector<trust_root>& roots);

/// False: not such an object; `out` is then unspecified. Bounded: 1 MiB, depth 32.
[[nodiscard]] bool parse_record(std::string_view json, global_record& out);
[[nodiscard]] bool parse_record(std::string_view json, member_record& out);
[[nodiscard]] bool parse_record(std::string_view json, token_record& out);
[[nodiscard]] bool parse_record(std::string_view json, ticket_record& out);
[[nodiscard]] bool parse_record(std::string_view json, std::vector<trust_root>& out);

/// All of it at one point of the log. Holds secrets.
struct cluster_facts {
  std::optional<global_record> global;          ///< none: this store was never part of an enrolled cluster
  std::map<std::string, member_record> members; ///< by ConsensusID
  std::vector<trust_root> roots;
  token_record token;
  bool operator==(const cluster_facts&) const = default;

  [[nodiscard]] const member_record* by_raft_id(std::string_view raft_id) const;
};

/// Records that cannot be read are left out. O(members).
[[nodiscard]] cluster_facts read_cluster_facts(const object_view& view);

} // namespace holdfast::msg
