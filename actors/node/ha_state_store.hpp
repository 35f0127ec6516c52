// Loads and keeps ha-state.json (HST-01..29): precedence, identity, the second copy, and repair.
//
// Two files in the base root hold the state. `ha-state.json` is the one of record. `raft/ha-state.copy` is
// written before it at every change:
//   line 1   "holdfast-ha-copy 1 <sha256 of line 3> <sha256 of the ha-state.json before this change, or ->"
//   line 2   empty
//   line 3   the state as in ha-state.json
// So a start can tell an update cut short (ha-state.json is the one before the copy: the copy is rolled
// forward) from a hand that edited the file (it is neither: HST-07). The ConsensusID is also kept by the
// consensus room in its own metadata, and comes in here as `known_identity`: a missing or damaged file never
// costs the identity. Blocking; called by main at start and by the node's own thread later.
#pragma once

#include "actors/node/host_facts.hpp"
#include "actors/node/settings.hpp"
#include "actors/node/state_file.hpp"
#include "messages/ha_state.hpp"

#include <functional>
#include <string>
#include <vector>

namespace holdfast::node {

/// What the consensus metadata says about who this node is.
struct known_identity {
  std::string consensus_id; ///< empty: the metadata does not exist yet
  bool clustered = false;   ///< the last known membership has other members
};

struct ha_state_load {
  enum class outcome : std::uint8_t {
    loaded,  ///< the file was valid and stands as it is
    created, ///< no file and no identity: a new one was made (HST-15)
    filled,  ///< the file was invalid: filled from flags and environment, identity kept (HST-04, HST-28)
    refused, ///< the node must not start; `refusal` says why and what to do
  };
  outcome how = outcome::refused;
  msg::ha_state state;
  std::vector<std::string> warnings; ///< one line each, to log
  std::string refusal;
};

class ha_state_store {
public:
  /// `files` is borrowed. `base_root` must exist; `<base_root>/raft` is used for the copy and must exist too.
  ha_state_store(file_seam& files, std::string base_root);

  /// Decides what this start runs with and writes it when it changed. Refreshes ApiUrl (HST-12).
  [[nodiscard]] ha_state_load load(const settings& from, const host_facts& host, const known_identity& known,
                                   const std::function<std::string()>& new_uuid);

  /// Writes a changed state, Valid true (HST-05, HST-24). An error is final: the node gives up rather than
  /// run on settings it could not keep.
  [[nodiscard]] io_error save(msg::ha_state state);

  struct repair_report {
    bool repaired = false;
    bool nothing_to_do = false; ///< the file is whole; neither: it was refused
    std::string text;           ///< for the operator
  };
  /// `holdfast ha repair-state`: rebuilds a missing or damaged ha-state.json from the copy, or, for a node
  /// that was never in a cluster, around the identity alone. Keeps the damaged bytes aside. Refuses when the
  /// copy names another identity than the metadata. Only while no daemon runs on this base root (take the
  /// instance lock).
  [[nodiscard]] repair_report repair(const known_identity& known);

  [[nodiscard]] const std::string& path() const { return path_; }

private:
  struct copy_content {
    msg::ha_state state;
    std::string state_digest;
    std::string previous_digest;
  };
  enum class rewrite : std::uint8_t { when_changed, always };
  [[nodiscard]] std::optional<copy_content> read_copy() const;
  [[nodiscard]] ha_state_load load_valid(msg::ha_state state, std::string_view bytes, const settings& from,
                                         const host_facts& host, const known_identity& known, rewrite when);
  [[nodiscard]] ha_state_load fill(const msg::parsed_ha_state* legacy, const settings& from,
                                   const host_facts& host, const known_identity& known,
                                   const std::function<std::string()>& new_uuid);

  file_seam& files_;
  std::string root_;
  std::string path_;
};

/// HA half of the settings as a state, without identity (HST-04, -10, -13, -14). Errors go to `refusal`.
[[nodiscard]] msg::ha_state state_from_settings(const settings& from, std::string& refusal,
                                                std::vector<std::string>& warnings);

/// CFG-07, -08, -19, -20 and PRE-16 against this host. Empty when all holds, else the reason by name.
[[nodiscard]] std::string check_against_host(const msg::ha_state& state, const host_facts& host);

/// A random (version 4) UUID from the kernel's generator.
[[nodiscard]] std::string random_uuid();

} // namespace holdfast::node
