#include "actors/node/join_file.hpp"

#include "actors/node/json_text.hpp"

#include <array>
#include <filesystem>
#include <system_error>

namespace holdfast::node {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view join_name = "join.json";
constexpr std::string_view member_name = "member.json";
constexpr std::array<std::string_view, 3> phase_names{"prepared", "moving", "waiting"};
/// What belongs to one life in one cluster; ha-state.copy and join.json belong to the node.
constexpr std::array<std::string_view, 4> metadata_names{"meta.0", "meta.1", "member.json",
                                                         "state_repairs.json"};

std::string raft_of(const std::string& root) {
  return root + "/raft";
}

io_error failed(const fs::path& what, const std::error_code& why) {
  return what.string() + ": " + why.message();
}

io_error move_if_there(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(from, error))
    return {};
  fs::rename(from, to, error);
  return error ? failed(from, error) : io_error{};
}

io_error sync_all(const std::string& root, const std::string& backup) {
  for (const auto& directory :
       {root + "/" + backup + "/raft", root + "/" + backup, root + "/backup", raft_of(root), root}) {
    std::error_code ignored;
    if (!fs::exists(directory, ignored))
      continue;
    if (auto error = real_files().sync_directory(directory); !error.empty())
      return error;
  }
  return {};
}

std::string members_json(const std::vector<join_member>& members) {
  std::vector<std::string> items;
  for (const auto& member : members) {
    items.push_back(json_object()
                        .text("RaftID", member.raft_id)
                        .text("ConsensusAddr", member.consensus_addr)
                        .text("ApiUrl", member.api_url)
                        .take());
  }
  return json_list(items);
}

bool read_state(const rapidjson::Value& object, const char* name, msg::ha_state& out) {
  const auto at = object.FindMember(name);
  if (at == object.MemberEnd())
    return false;
  auto parsed = msg::parse_ha_state(json_of(at->value));
  auto* good = std::get_if<msg::parsed_ha_state>(&parsed);
  if (good != nullptr)
    out = std::move(good->state);
  return good != nullptr;
}

} // namespace

std::string to_json(const join_intent& intent) {
  return json_object()
      .text("Phase", phase_names[static_cast<std::size_t>(intent.phase)])
      .text("BackupDir", intent.backup_dir)
      .text("ClusterID", intent.cluster_id)
      .text("RaftID", intent.raft_id)
      .text("OldRaftID", intent.old_raft_id)
      .number("Incarnation", intent.incarnation)
      .text("JoinUrl", intent.join_url)
      .text("Fingerprint", intent.fingerprint)
      .raw("Members", members_json(intent.members))
      .raw("Before", msg::to_json(intent.before, msg::secrets::keep))
      .raw("State", msg::to_json(intent.state, msg::secrets::keep))
      .take();
}

std::optional<join_intent> parse_join_intent(const std::string& text) {
  rapidjson::Document doc;
  if (!parse_object(text, doc))
    return std::nullopt;
  join_intent out;
  const auto phase = text_at(doc, "Phase");
  std::size_t at = 0;
  while (at < phase_names.size() && phase_names[at] != phase)
    ++at;
  if (at == phase_names.size())
    return std::nullopt;
  out.phase = static_cast<join_phase>(at);
  out.backup_dir = text_at(doc, "BackupDir");
  out.cluster_id = text_at(doc, "ClusterID");
  out.raft_id = text_at(doc, "RaftID");
  out.old_raft_id = text_at(doc, "OldRaftID");
  out.incarnation = number_at(doc, "Incarnation");
  out.join_url = text_at(doc, "JoinUrl");
  out.fingerprint = text_at(doc, "Fingerprint");
  const auto members = doc.FindMember("Members");
  if (members == doc.MemberEnd() || !members->value.IsArray())
    return std::nullopt;
  for (const auto& item : members->value.GetArray()) {
    if (!item.IsObject())
      return std::nullopt;
    out.members.push_back({text_at(item, "RaftID"), text_at(item, "ConsensusAddr"), text_at(item, "ApiUrl")});
  }
  const bool inside = !out.backup_dir.empty() && out.backup_dir.find("..") == std::string::npos;
  if (!inside || !msg::is_uuid(out.raft_id) || !msg::is_uuid(out.cluster_id) ||
      !read_state(doc, "Before", out.before) || !read_state(doc, "State", out.state))
    return std::nullopt;
  return out;
}

io_error save_join_intent(file_seam& files, const std::string& root, const join_intent& intent) {
  return write_atomically(files, raft_of(root), std::string(join_name), to_json(intent));
}

std::optional<join_intent> load_join_intent(file_seam& files, const std::string& root, io_error& error) {
  const auto path = raft_of(root) + "/" + std::string(join_name);
  const auto text = files.read(path, std::size_t{1} << 20, error);
  if (!text)
    return std::nullopt;
  auto intent = parse_join_intent(*text);
  if (!intent)
    error = path + " is damaged";
  return intent;
}

io_error drop_join_intent(file_seam& files, const std::string& root) {
  if (auto error = files.remove(raft_of(root) + "/" + std::string(join_name)); !error.empty())
    return error;
  return files.sync_directory(raft_of(root));
}

io_error save_member_identity(file_seam& files, const std::string& root, const member_identity& who) {
  return write_atomically(files, raft_of(root), std::string(member_name),
                          json_object()
                              .text("ConsensusID", who.consensus_id)
                              .text("RaftID", who.raft_id)
                              .number("Incarnation", who.incarnation)
                              .take());
}

std::optional<member_identity> load_member_identity(file_seam& files, const std::string& root) {
  io_error error;
  const auto text = files.read(raft_of(root) + "/" + std::string(member_name), 4096, error);
  rapidjson::Document doc;
  if (!text || !parse_object(*text, doc))
    return std::nullopt;
  member_identity out{text_at(doc, "ConsensusID"), text_at(doc, "RaftID"), number_at(doc, "Incarnation")};
  if (!msg::is_uuid(out.consensus_id) || !msg::is_uuid(out.raft_id))
    return std::nullopt;
  return out;
}

io_error move_to_backup(const std::string& root, const std::string& backup) {
  const fs::path to = root + "/" + backup;
  std::error_code error;
  fs::create_directories(to / "raft", error);
  if (error)
    return failed(to, error);
  fs::permissions(to, fs::perms::owner_all, error);
  for (const auto name : metadata_names) {
    if (auto why = move_if_there(fs::path(raft_of(root)) / name, to / "raft" / name); !why.empty())
      return why;
  }
  // The settings stay in use under the same name, changed; a copy goes with the data they belonged to.
  if (fs::exists(root + "/ha-state.json", error) && !fs::exists(to / "ha-state.json", error)) {
    fs::copy_file(root + "/ha-state.json", to / "ha-state.json", error);
    if (error)
      return failed(to / "ha-state.json", error);
  }
  if (!fs::exists(to / "wal", error)) {
    if (auto why = move_if_there(root + "/wal", to / "wal"); !why.empty())
      return why;
  }
  fs::create_directories(root + "/wal", error);
  if (error)
    return failed(root + "/wal", error);
  return sync_all(root, backup);
}

io_error restore_backup(const std::string& root, const std::string& backup) {
  const fs::path from = root + "/" + backup;
  std::error_code error;
  // Once: what the attempt made goes. The mark keeps a second pass from taking what the first brought back.
  const auto mark = from / "raft" / "discarded";
  if (fs::exists(from / "wal", error) && !fs::exists(mark, error)) {
    for (const auto name : metadata_names)
      fs::remove(fs::path(raft_of(root)) / name, error);
    if (auto why = write_atomically(real_files(), mark.parent_path().string(), "discarded", ""); !why.empty())
      return why;
  }
  for (const auto name : metadata_names) {
    if (auto why = move_if_there(from / "raft" / name, fs::path(raft_of(root)) / name); !why.empty())
      return why;
  }
  if (fs::exists(from / "wal", error)) {
    fs::remove_all(root + "/wal", error);
    if (error)
      return failed(root + "/wal", error);
    if (auto why = move_if_there(from / "wal", root + "/wal"); !why.empty())
      return why;
  }
  fs::remove_all(from, error); // all it held is back in place
  if (error)
    return failed(from, error);
  return sync_all(root, backup);
}

} // namespace holdfast::node
