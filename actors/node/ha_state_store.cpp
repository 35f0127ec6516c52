#include "actors/node/ha_state_store.hpp"

#include "actors/node/addresses.hpp"
#include "actors/node/digest.hpp"

#include <algorithm>

namespace holdfast::node {

namespace {

constexpr std::size_t largest_state = std::size_t{1} << 20;
constexpr std::string_view state_name = "ha-state.json";
constexpr std::string_view copy_name = "ha-state.copy";
constexpr std::string_view copy_mark = "holdfast-ha-copy 1";

std::string guidance(const std::string& root) {
  return " This node's identity is not lost and must not be replaced. Run `holdfast ha repair-state "
         "--base-root " +
         root + "`, or restore " + std::string(state_name) + " from a backup of this node, then start again.";
}

/// What an operator must not change by hand once the node is in a cluster (HST-07).
std::string edited_field(const msg::ha_state& now, const msg::ha_state& kept) {
  if (now.consensus_id != kept.consensus_id)
    return "ConsensusID";
  if (!kept.consensus_enabled)
    return {};
  if (now.ha_id != kept.ha_id)
    return "HaID";
  if (now.roots != kept.roots)
    return "Roots";
  if (now.token != kept.token)
    return "Token";
  if (now.consensus_enabled != kept.consensus_enabled)
    return "ConsensusEnabled";
  return {};
}

/// HST-12: a node that others may want to reach says where; a stand-alone node without an address of its own
/// keeps the field as it is.
void refresh_api_url(msg::ha_state& state, const settings& from, const host_facts& host) {
  if (!from.static_ip.empty())
    state.api_url = https_url(from.static_ip, from.api_port);
  else if (const auto at = parse_endpoint(state.consensus_addr))
    state.api_url = https_url(at->address, from.api_port);
  else if (state.enabled)
    state.api_url = https_url(host.first_address(), from.api_port);
}

std::string check_content(const msg::ha_state& state) {
  if (!msg::is_uuid(state.consensus_id))
    return "ConsensusID is not a UUID";
  if (!state.consensus_addr.empty() && !parse_endpoint(state.consensus_addr))
    return "ConsensusAddr is not ip:port";
  return {};
}

} // namespace

ha_state_store::ha_state_store(file_seam& files, std::string base_root)
    : files_(files), root_(std::move(base_root)), path_(root_ + "/" + std::string(state_name)) {}

std::optional<ha_state_store::copy_content> ha_state_store::read_copy() const {
  io_error error;
  const auto bytes = files_.read(root_ + "/raft/" + std::string(copy_name), largest_state + 512, error);
  if (!bytes || !bytes->starts_with(copy_mark))
    return std::nullopt;
  const auto gap = bytes->find("\n\n");
  if (gap == std::string::npos)
    return std::nullopt;
  const std::string_view head = std::string_view(*bytes).substr(0, gap);
  const std::string_view body = std::string_view(*bytes).substr(gap + 2);
  copy_content out;
  const auto second = head.rfind(' ');
  out.previous_digest = head.substr(second + 1);
  out.state_digest = head.substr(copy_mark.size() + 1, second - copy_mark.size() - 1);
  if (sha256_hex(body) != out.state_digest)
    return std::nullopt;
  auto parsed = msg::parse_ha_state(body);
  if (auto* good = std::get_if<msg::parsed_ha_state>(&parsed)) {
    out.state = std::move(good->state);
    return out;
  }
  return std::nullopt;
}

io_error ha_state_store::save(msg::ha_state state) {
  state.valid = true;
  const auto text = msg::to_json(state, msg::secrets::keep);
  io_error ignored;
  const auto before = files_.read(path_, largest_state, ignored);
  const auto copy = std::string(copy_mark) + " " + sha256_hex(text) + " " +
                    (before ? sha256_hex(*before) : "-") + "\n\n" + text;
  // The copy first: whatever falls between the two writes, one of them is whole and the copy tells which is
  // newer.
  if (auto error = write_atomically(files_, root_ + "/raft", std::string(copy_name), copy); !error.empty())
    return error;
  return write_atomically(files_, root_, std::string(state_name), text);
}

ha_state_load ha_state_store::load(const settings& from, const host_facts& host, const known_identity& known,
                                   const std::function<std::string()>& new_uuid) {
  io_error error;
  const auto bytes = files_.read(path_, largest_state, error);
  ha_state_load out;
  if (!error.empty()) {
    out.refusal = "cannot read the HA state: " + error;
    return out;
  }
  std::optional<msg::parsed_ha_state> parsed;
  std::string damage = bytes ? "" : "it is missing";
  if (bytes) {
    auto result = msg::parse_ha_state(*bytes);
    if (auto* good = std::get_if<msg::parsed_ha_state>(&result))
      parsed = std::move(*good);
    else
      damage = std::get<std::string>(result);
  }
  if (parsed && parsed->state.valid) {
    damage = check_content(parsed->state);
    if (damage.empty())
      return load_valid(std::move(parsed->state), *bytes, from, host, known, rewrite::when_changed);
    parsed.reset();
  }
  const auto copy = read_copy();
  if (!bytes && copy && copy->previous_digest == "-" && known.consensus_id.empty()) {
    // The very first write was cut short after the copy: the identity in it was never used, and is whole.
    const auto text = msg::to_json(copy->state, msg::secrets::keep);
    return load_valid(copy->state, text, from, host, known, rewrite::always);
  }
  const bool clustered = known.clustered || (copy && copy->state.consensus_enabled);
  // Nothing but the legacy form or Valid:false is an honest beginning; a member of a cluster has neither.
  if (clustered) {
    out.refusal = std::string(state_name) +
                  (damage.empty() ? " is not marked valid" : " is damaged: " + damage) +
                  ", and this node is a member of a cluster." + guidance(root_);
    return out;
  }
  known_identity keep = known;
  if (keep.consensus_id.empty() && copy)
    keep.consensus_id = copy->state.consensus_id;
  std::string aside;
  if (bytes && !parsed) {
    io_error move_error;
    aside = keep_aside(files_, root_, std::string(state_name), move_error);
    if (aside.empty()) {
      out.refusal =
          std::string(state_name) + " is damaged (" + damage + ") and cannot be kept aside: " + move_error;
      return out;
    }
  }
  out = fill(parsed ? &*parsed : nullptr, from, host, keep, new_uuid);
  if (!aside.empty())
    out.warnings.insert(out.warnings.begin(), std::string(state_name) + " was damaged (" + damage +
                                                  "); its bytes are kept in " + aside);
  return out;
}

ha_state_load ha_state_store::load_valid(msg::ha_state state, std::string_view bytes, const settings& from,
                                         const host_facts& host, const known_identity& known, rewrite when) {
  ha_state_load out;
  if (!known.consensus_id.empty() && known.consensus_id != state.consensus_id) {
    out.refusal = "ConsensusID in " + std::string(state_name) + " is " + state.consensus_id +
                  ", but this node's consensus data belong to " + known.consensus_id + "." + guidance(root_);
    return out;
  }
  bool write = when == rewrite::always;
  if (const auto copy = read_copy()) {
    const auto digest = sha256_hex(bytes);
    if (digest == copy->previous_digest && digest != copy->state_digest) {
      out.warnings.push_back("the last change of " + std::string(state_name) +
                             " was cut short and is completed");
      state = copy->state;
      write = true;
    } else if (digest != copy->state_digest) {
      if (const auto field = edited_field(state, copy->state); !field.empty()) {
        out.refusal = field + " in " + std::string(state_name) +
                      " was changed outside the daemon, which a member of a cluster cannot follow." +
                      guidance(root_);
        return out;
      }
      out.warnings.push_back(std::string(state_name) +
                             " was changed outside the daemon; the change is taken over");
      write = true;
    }
  } else {
    write = true; // The copy is missing or rotten: write both again.
  }
  if (!state.consensus_addr.empty()) {
    if (auto reason = check_against_host(state, host); !reason.empty()) {
      out.refusal = reason;
      return out;
    }
  }
  for (const auto& option : given_ha_options(from))
    out.warnings.push_back(option.spelled + " has no effect: " + std::string(state_name) +
                           " is valid and decides");
  const auto before = state;
  refresh_api_url(state, from, host);
  if (!state.consensus_addr.empty())
    state.consensus_enabled = true; // HST-14
  if (write || !(state == before)) {
    if (auto error = save(state); !error.empty()) {
      out.refusal = "cannot write the HA state: " + error;
      return out;
    }
  }
  out.how = ha_state_load::outcome::loaded;
  out.state = std::move(state);
  return out;
}

ha_state_load ha_state_store::fill(const msg::parsed_ha_state* legacy, const settings& from,
                                   const host_facts& host, const known_identity& known,
                                   const std::function<std::string()>& new_uuid) {
  ha_state_load out;
  msg::ha_state state = state_from_settings(from, out.refusal, out.warnings);
  if (out.refusal.empty())
    out.refusal = check_against_host(state, host);
  if (!out.refusal.empty())
    return out;
  if (legacy != nullptr) {
    state.unknown = legacy->state.unknown;
    if (legacy->legacy)
      state.passive = legacy->state.passive;
  }
  const bool fresh = known.consensus_id.empty();
  state.consensus_id = fresh ? new_uuid() : known.consensus_id;
  refresh_api_url(state, from, host);
  state.valid = true;
  if (auto error = save(state); !error.empty()) {
    out.refusal = "cannot write the HA state: " + error;
    return out;
  }
  out.how = fresh && legacy == nullptr ? ha_state_load::outcome::created : ha_state_load::outcome::filled;
  out.state = std::move(state);
  return out;
}

ha_state_store::repair_report ha_state_store::repair(const known_identity& known) {
  repair_report out;
  io_error error;
  const auto bytes = files_.read(path_, largest_state, error);
  if (bytes) {
    auto parsed = msg::parse_ha_state(*bytes);
    const auto* good = std::get_if<msg::parsed_ha_state>(&parsed);
    if (good != nullptr && good->state.valid && check_content(good->state).empty() &&
        (known.consensus_id.empty() || known.consensus_id == good->state.consensus_id)) {
      const auto copy = read_copy();
      if (!copy || edited_field(good->state, copy->state).empty()) {
        out.nothing_to_do = true;
        out.text = path_ + " is whole: nothing to repair";
        return out;
      }
    }
  }
  const auto copy = read_copy();
  if (copy && !known.consensus_id.empty() && copy->state.consensus_id != known.consensus_id) {
    out.text = "the copy belongs to " + copy->state.consensus_id + " but the consensus data to " +
               known.consensus_id +
               ": restore this node's own backup, or remove the node from the cluster and enroll it again";
    return out;
  }
  if (!copy && (known.consensus_id.empty() || known.clustered)) {
    out.text = known.clustered
                   ? "there is no whole copy, and the cluster's settings cannot be guessed: remove this "
                     "node from the cluster on another member and enroll it again"
                   : "there is neither a copy nor an identity here: start the node, it is a new one";
    return out;
  }
  msg::ha_state state;
  if (copy)
    state = copy->state;
  else
    state.consensus_id = known.consensus_id;
  std::string aside;
  if (bytes || !error.empty()) {
    aside = keep_aside(files_, root_, std::string(state_name), error);
    if (aside.empty()) {
      out.text = "cannot keep the damaged file aside: " + error;
      return out;
    }
  }
  if (auto failed = save(state); !failed.empty()) {
    out.text = "cannot write the HA state: " + failed;
    return out;
  }
  out.repaired = true;
  out.text = path_ + " is rebuilt " +
             (copy ? "from its copy" : "around the identity of this stand-alone node") +
             (aside.empty() ? std::string() : "; the old bytes are in " + aside);
  return out;
}

} // namespace holdfast::node
