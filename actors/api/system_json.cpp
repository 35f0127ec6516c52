#include "actors/api/system_json.hpp"

#include "actors/api/features.hpp"
#include "actors/api/scopes.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>

namespace holdfast::api {

namespace {

using json_writer = rapidjson::Writer<rapidjson::StringBuffer>;

class object_writer {
public:
  void text(std::string_view name, std::string_view value) {
    key(name);
    out_.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  }
  void flag(std::string_view name, bool value) {
    key(name);
    out_.Bool(value);
  }
  void number(std::string_view name, std::uint64_t value) {
    key(name);
    out_.Uint64(value);
  }
  void signed_number(std::string_view name, std::int64_t value) {
    key(name);
    out_.Int64(value);
  }
  void key(std::string_view name) { out_.Key(name.data(), static_cast<rapidjson::SizeType>(name.size())); }
  void empty_list(std::string_view name) {
    key(name);
    out_.StartArray();
    out_.EndArray();
  }
  json_writer& raw() { return out_; }
  [[nodiscard]] std::string take() const { return {buffer_.GetString(), buffer_.GetSize()}; }

private:
  rapidjson::StringBuffer buffer_;
  json_writer out_{buffer_};
};

std::string server_hostname(const node_facts& facts, const msg::ha_state& state) {
  // A key of a later version than the seed's: kept among the unknown ones, as its JSON text.
  for (const auto& [name, value] : state.unknown) {
    if (name == "ServerHostname" && value.size() >= 2 && value.front() == '"' &&
        value.find('\\') == std::string::npos)
      return value.substr(1, value.size() - 2);
  }
  return state.enabled ? facts.hostname : std::string();
}

void write_global(object_writer& out, const node_facts& facts, const msg::ha_state& state, msg::secrets how) {
  out.flag("LoadBalanced", state.load_balanced);
  out.flag("Enabled", state.enabled);
  out.flag("ConsensusEnabled", state.consensus_enabled);
  out.text("ConsensusJoin", state.consensus_join);
  out.text("VirtAddr", state.virt_addr);
  out.text("ServerHostname", server_hostname(facts, state));
  out.text("ActiveUri", state.active_uri);
  out.text("Token", how == msg::secrets::keep ? state.token : std::string());
  out.text("HaID", state.ha_id);
  out.flag("Valid", state.valid);
  out.key("Roots");
  out.raw().StartArray();
  for (const auto& root : state.roots) {
    out.raw().StartObject();
    out.key("Data");
    out.raw().StartArray();
    for (const auto& der : root.data)
      out.raw().String(der.data(), static_cast<rapidjson::SizeType>(der.size()));
    out.raw().EndArray();
    out.text("Key", how == msg::secrets::keep ? root.key : std::string());
    out.raw().EndObject();
  }
  out.raw().EndArray();
}

/// Only this node's own record is known here; the others are told by their members' rows.
void write_node(object_writer& out, const msg::ha_state& state, const msg::consensus_status& status,
                const std::string& member) {
  const bool self = member == state.consensus_id;
  out.raw().StartObject();
  out.text("ConsensusID", member);
  out.text("VirtInterface", self ? state.virt_interface : std::string());
  out.text("VirtInterfaceScript", self ? state.virt_interface_script : std::string());
  out.text("ConsensusAddr", self ? state.consensus_addr : std::string());
  out.text("ApiUrl", self ? state.api_url : std::string());
  out.flag("Passive", member != status.active_id);
  out.flag("Observer", self && state.observer);
  out.flag("Offline", false);
  out.number("LastArtifactCommitHandled", self ? status.applied_index : 0);
  out.raw().EndObject();
}

void write_row(object_writer& out, const msg::member_row& row) {
  out.raw().StartObject();
  out.text("ConsensusID", row.consensus_id);
  out.text("VirtInterface", row.virt_interface);
  out.text("VirtInterfaceScript", row.virt_interface_script);
  out.text("ConsensusAddr", row.consensus_addr);
  out.text("ApiUrl", row.api_url);
  out.flag("Passive", row.passive);
  out.flag("Observer", row.observer);
  out.flag("Offline", row.offline);
  out.number("LastArtifactCommitHandled", row.handled);
  out.raw().EndObject();
}

void write_nodes(object_writer& out, const msg::ha_state& state, const msg::consensus_status& status) {
  out.raw().StartArray();
  if (!status.rows.empty()) {
    for (const auto& row : status.rows)
      write_row(out, row);
    out.raw().EndArray();
    return;
  }
  if (status.members.empty())
    write_node(out, state, status, state.consensus_id);
  for (const auto& member : status.members)
    write_node(out, state, status, member);
  out.raw().EndArray();
}

void write_cluster(object_writer& out, const node_facts& facts, const msg::ha_state& state,
                   const msg::consensus_status& status) {
  write_global(out, facts, state, msg::secrets::blank);
  out.key("Nodes");
  write_nodes(out, state, status);
}

std::vector<std::string> warnings_of(const msg::ha_state& state, const msg::consensus_status& status) {
  std::vector<std::string> out;
  if (state.consensus_enabled) {
    if (auto text = tolerance_warning(status.voters != 0 ? status.voters : status.members.size());
        !text.empty())
      out.push_back(std::move(text));
  }
  return out;
}

void write_texts(object_writer& out, std::string_view name, const std::vector<std::string>& texts) {
  out.key(name);
  out.raw().StartArray();
  for (const auto& text : texts)
    out.raw().String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  out.raw().EndArray();
}

void write_scopes(object_writer& out) {
  out.key("scopes");
  out.raw().StartObject();
  for (const auto& [scope, actions] : static_scopes()) {
    out.key(scope);
    out.raw().StartObject();
    for (const auto& action : actions) {
      out.key(action);
      out.raw().StartObject();
      out.raw().EndObject();
    }
    out.raw().EndObject();
  }
  out.raw().EndObject();
}

/// Counts and rights are the active's to tell (contract §7.1).
void write_active_part(object_writer& out, bool active, const msg::object_view* view) {
  out.key("stats");
  out.raw().StartArray();
  if (active && view != nullptr) {
    for (const char* prefix : {"machines", "subnets"}) {
      out.raw().StartObject();
      out.text("name", std::string(prefix) + ".count");
      out.number("count", view->count(prefix));
      out.raw().EndObject();
    }
  }
  out.raw().EndArray();
  if (active) {
    write_scopes(out);
  } else {
    out.key("scopes");
    out.raw().StartObject();
    out.raw().EndObject();
  }
}

void write_dates(object_writer& out, const msg::license_facts& license) {
  // A client takes a date that is there for a date.
  if (!license.soft_expires.empty())
    out.text("SoftExpireDate", license.soft_expires);
  if (!license.hard_expires.empty())
    out.text("HardExpireDate", license.hard_expires);
}

/// LIC-05. `Licenses` is the existing client's form, the keys beside it those of the document.
void write_license(object_writer& out, const std::optional<msg::license_facts>& license) {
  out.key("License");
  out.raw().StartObject();
  if (!license) {
    out.empty_list("Licenses");
    out.raw().EndObject();
    return;
  }
  out.flag("Valid", license->valid);
  out.text("Reason", license->reason);
  write_texts(out, "Features", license->features);
  write_texts(out, "Endpoints", license->endpoints);
  out.text("HaID", license->ha_id);
  write_dates(out, *license);
  out.key("Licenses");
  out.raw().StartArray();
  for (const auto& feature : license->features) {
    out.raw().StartObject();
    out.text("Name", feature);
    write_dates(out, *license);
    out.flag("Active", license->active);
    out.flag("Expired", license->expired);
    out.raw().EndObject();
  }
  out.raw().EndArray();
  out.raw().EndObject();
}

/// Entries a member may miss and still be called in step: what is on its way under load.
constexpr std::uint64_t in_step = 256;

/// How each passive stands to the active, as the active alone knows (contract §7.1).
void write_passives(object_writer& out, const msg::ha_state& state, const msg::consensus_status& status) {
  const bool active = !status.active_id.empty() && status.active_id == status.node_id;
  out.key("ha_passive_state");
  out.raw().StartArray();
  for (const auto& row : status.rows) {
    if (!active || !state.consensus_enabled || !row.passive)
      continue;
    const bool behind = row.learner || row.handled + in_step < status.commit_index;
    out.raw().StartObject();
    out.text("id", row.consensus_id);
    out.text("address", row.consensus_addr);
    out.text("state", row.offline ? "Connecting" : behind ? "Syncing" : "In-Sync");
    out.flag("electable", !row.offline && !behind && !row.observer);
    out.raw().EndObject();
  }
  out.raw().EndArray();
}

/// The virtual address as this node sees it; times are milliseconds before now, -1: never.
void write_vip(object_writer& out, const msg::ha_state& state, const msg::consensus_status& status,
               const std::optional<msg::vip_status>& vip) {
  out.key("vip");
  out.raw().StartObject();
  out.text("mode", !state.consensus_enabled              ? "none"
                   : state.load_balanced                 ? "load-balanced"
                   : state.virt_interface_script.empty() ? "address"
                                                         : "script");
  out.text("address", state.virt_addr);
  out.text("interface", state.virt_interface);
  out.text("holder", state.load_balanced ? std::string() : status.active_id);
  if (vip) {
    out.flag("holding", vip->holding);
    out.number("epoch", status.term);
    out.signed_number("lease_left_ms", vip->lease_left_ms);
    out.flag("link_up", vip->link_up);
    out.text("trouble", vip->trouble);
    out.text("last_error", vip->last_error);
    out.signed_number("last_announcement_ago_ms", vip->announced_ms);
    out.key("guard");
    out.raw().StartObject();
    out.flag("ready", vip->guard_ready);
    out.text("missing", vip->guard_missing);
    out.number("restarts", vip->guard_restarts);
    out.raw().EndObject();
    out.key("conflicts");
    out.raw().StartObject();
    out.number("count", vip->conflicts);
    out.text("mac", vip->conflict_mac);
    out.signed_number("ago_ms", vip->conflict_ms);
    out.raw().EndObject();
  }
  out.raw().EndObject();
}

/// This node's own state: what it hears and how much of it it has taken in.
std::string_view status_word(const msg::consensus_status& status) {
  if (!status.active_id.empty() && status.active_id == status.node_id)
    return "Up";
  if (status.leader_id.empty())
    return "Connecting";
  const bool settled = status.role == "follower" || status.role == "leader";
  return settled && status.applied_index + in_step >= status.commit_index ? "In-Sync" : "Syncing";
}

} // namespace

std::string tolerance_warning(std::size_t members) {
  const auto count = std::to_string(members);
  if (members < 3)
    return "Not fault tolerant: " + count + (members == 1 ? " member" : " members") +
           ", automatic failover needs at least 3";
  if (members % 2 == 0)
    return "An even number of members (" + count + ") stands no more failures than " +
           std::to_string(members - 1);
  return {};
}

std::string info_json(const node_facts& facts, const msg::ha_state& state,
                      const msg::consensus_status& status, const std::optional<msg::vip_status>& vip,
                      const msg::object_view* view, const std::optional<msg::license_facts>& license) {
  const bool active = !status.active_id.empty() && status.active_id == status.node_id;
  object_writer out;
  out.raw().StartObject();
#ifdef __aarch64__
  out.text("arch", "arm64");
#else
  out.text("arch", "amd64");
#endif
  out.text("os", "linux");
  out.text("version", "v" + facts.version);
  out.text("id", facts.id);
  out.text("local_id", facts.local_id);
  out.text("ha_id", state.ha_id.empty() ? facts.id : state.ha_id);
  out.number("api_port", facts.api_port);
  for (const char* port : {"file_port", "secure_file_port", "dhcp_port", "binl_port", "tftp_port"})
    out.number(port, 0);
  for (const char* service :
       {"tftp_enabled", "dhcp_enabled", "binl_enabled", "prov_enabled", "secure_prov_enabled"})
    out.flag(service, false);
  out.text("address", facts.address);
  out.text("server_hostname", server_hostname(facts, state));
  out.flag("manager", false);
  write_active_part(out, active, view);
  write_license(out, active ? license : std::nullopt);
  out.key("features");
  out.raw().StartArray();
  for (const auto flag : claimed_features())
    out.raw().String(flag.data(), static_cast<rapidjson::SizeType>(flag.size()));
  out.raw().EndArray();
  auto errors = warnings_of(state, status);
  if (active && license && !license->warning.empty())
    errors.push_back(license->warning);
  write_texts(out, "errors", errors);
  out.flag("ha_enabled", state.enabled);
  out.text("ha_virtual_address", state.virt_addr);
  out.flag("ha_is_active", active);
  out.text("ha_status", status_word(status));
  out.text("ha_active_id", status.active_id);
  write_passives(out, state, status);
  write_vip(out, state, status, vip);
  out.key("ClusterState");
  out.raw().StartObject();
  write_cluster(out, facts, state, status);
  out.raw().EndObject();
  out.raw().EndObject();
  return out.take();
}

std::string peers_json(const msg::ha_state& state, const msg::consensus_status& status) {
  object_writer out;
  write_nodes(out, state, status);
  return out.take();
}

std::string fullstate_json(const node_facts& facts, const msg::ha_state& state,
                           const msg::consensus_status& status) {
  object_writer out;
  out.raw().StartObject();
  write_cluster(out, facts, state, status);
  const auto voters = status.voters != 0 ? status.voters : status.members.size();
  out.number("FaultTolerance", voters == 0 ? 0 : (voters - 1) / 2);
  write_texts(out, "Warnings", warnings_of(state, status));
  out.raw().EndObject();
  return out.take();
}

std::string introduction_json(const node_facts& facts, const msg::ha_state& state) {
  object_writer out;
  out.raw().StartObject();
  write_global(out, facts, state, msg::secrets::keep);
  out.raw().EndObject();
  return out.take();
}

std::string actors_json(const std::vector<msg::actor_row>& rows, const std::vector<double>& per_second) {
  object_writer out;
  out.raw().StartArray();
  for (std::size_t at = 0; at < rows.size(); ++at) {
    const auto& row = rows[at];
    out.raw().StartObject();
    out.text("Name", row.name);
    out.text("Parent", row.parent);
    out.text("State", row.state);
    out.number("Id", row.id);
    out.number("Messages", row.messages);
    out.key("PerSecond");
    constexpr double tenths = 10;
    out.raw().Double(at < per_second.size() ? std::round(per_second[at] * tenths) / tenths : 0);
    out.number("MeanNs", row.messages == 0 ? 0 : row.busy_ns / row.messages);
    out.number("BusyNs", row.busy_ns);
    out.number("LongestNs", row.longest_ns);
    out.number("Mailbox", row.mailbox);
    out.number("MailboxHigh", row.mailbox_high);
    out.number("Restarts", row.restarts);
    out.key("StartedMs");
    out.raw().Int64(row.started_ms);
    out.text("LastError", row.last_error);
    out.raw().EndObject();
  }
  out.raw().EndArray();
  return out.take();
}

} // namespace holdfast::api
