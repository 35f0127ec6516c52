#include "messages/cluster_records.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <type_traits>

namespace holdfast::msg {

namespace {

constexpr std::size_t largest_record = std::size_t{1} << 20;

/// One table a record: the same fields are written and read.
template <class Record, class Visit>
void each_field(Record& record, Visit&& visit) {
  using plain = std::remove_const_t<Record>;
  if constexpr (std::is_same_v<plain, global_record>) {
    visit("ClusterID", record.cluster_id);
    visit("ConsensusEnabled", record.consensus_enabled);
    visit("Enabled", record.enabled);
    visit("HaID", record.ha_id);
    visit("LoadBalanced", record.load_balanced);
    visit("ServerHostname", record.server_hostname);
    visit("VirtAddr", record.virt_addr);
  } else if constexpr (std::is_same_v<plain, member_record>) {
    visit("ApiFingerprint", record.api_fingerprint);
    visit("ApiUrl", record.api_url);
    visit("Arch", record.arch);
    visit("ConsensusAddr", record.consensus_addr);
    visit("ConsensusID", record.consensus_id);
    visit("DrpID", record.drp_id);
    visit("Incarnation", record.incarnation);
    visit("Joined", record.joined_ms);
    visit("OS", record.os);
    visit("Observer", record.observer);
    visit("RaftID", record.raft_id);
    visit("Version", record.version);
    visit("VirtInterface", record.virt_interface);
    visit("VirtInterfaceScript", record.virt_interface_script);
  } else if constexpr (std::is_same_v<plain, token_record>) {
    visit("Current", record.current);
    visit("Previous", record.previous);
    visit("PreviousUntil", record.previous_until_ms);
  } else {
    visit("CreatedBy", record.created_by);
    visit("Expires", record.expires_ms);
    visit("Secret", record.secret);
  }
}

using json_writer = rapidjson::Writer<rapidjson::StringBuffer>;

void put(json_writer& out, const std::string& value) {
  out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}
void put(json_writer& out, bool value) {
  out.Bool(value);
}
void put(json_writer& out, std::uint64_t value) {
  out.Uint64(value);
}

bool take(const rapidjson::Value& value, std::string& out) {
  if (value.IsString())
    out.assign(value.GetString(), value.GetStringLength());
  return value.IsString();
}
bool take(const rapidjson::Value& value, bool& out) {
  if (value.IsBool())
    out = value.GetBool();
  return value.IsBool();
}
bool take(const rapidjson::Value& value, std::uint64_t& out) {
  if (value.IsUint64())
    out = value.GetUint64();
  return value.IsUint64();
}

template <class Record>
std::string write_record(const Record& record) {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartObject();
  each_field(record, [&](const char* name, const auto& value) {
    out.Key(name);
    put(out, value);
  });
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

/// Iterative: depth costs no stack.
bool parse_text(std::string_view json, rapidjson::Document& out) {
  if (json.size() > largest_record)
    return false;
  out.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(json.data(), json.size());
  return !out.HasParseError();
}

template <class Record>
bool read_record(std::string_view json, Record& record) {
  rapidjson::Document doc;
  if (!parse_text(json, doc) || !doc.IsObject())
    return false;
  bool good = true;
  each_field(record, [&](const char* name, auto& value) {
    const auto at = doc.FindMember(name);
    if (at != doc.MemberEnd() && !take(at->value, value))
      good = false;
  });
  return good;
}

template <class Record>
void read_object(const object_view& view, std::string_view prefix, std::string_view key, Record& out) {
  if (const auto object = view.get(prefix, key)) {
    Record read;
    if (parse_record(object->json, read))
      out = std::move(read);
  }
}

} // namespace

std::string member_key(std::string_view consensus_id) {
  return "member/" + std::string(consensus_id);
}
std::string ticket_key(std::string_view id) {
  return "ticket/" + std::string(id);
}

std::string to_json(const global_record& record) {
  return write_record(record);
}
std::string to_json(const member_record& record) {
  return write_record(record);
}
std::string to_json(const token_record& record) {
  return write_record(record);
}
std::string to_json(const ticket_record& record) {
  return write_record(record);
}

std::string to_json(const std::vector<trust_root>& roots) {
  rapidjson::StringBuffer buffer;
  json_writer out(buffer);
  out.StartArray();
  for (const auto& root : roots) {
    out.StartObject();
    out.Key("Data");
    out.StartArray();
    for (const auto& der : root.data)
      put(out, der);
    out.EndArray();
    out.Key("Key");
    put(out, root.key);
    out.EndObject();
  }
  out.EndArray();
  return {buffer.GetString(), buffer.GetSize()};
}

bool parse_record(std::string_view json, global_record& out) {
  return read_record(json, out);
}
bool parse_record(std::string_view json, member_record& out) {
  return read_record(json, out) && is_uuid(out.consensus_id) && is_uuid(out.raft_id);
}
bool parse_record(std::string_view json, token_record& out) {
  return read_record(json, out);
}
bool parse_record(std::string_view json, ticket_record& out) {
  return read_record(json, out);
}

bool parse_record(std::string_view json, std::vector<trust_root>& out) {
  rapidjson::Document doc;
  if (!parse_text(json, doc) || !doc.IsArray())
    return false;
  out.clear();
  for (const auto& item : doc.GetArray()) {
    trust_root root;
    if (!item.IsObject() || !item.HasMember("Data") || !item["Data"].IsArray() || !item.HasMember("Key") ||
        !take(item["Key"], root.key))
      return false;
    for (const auto& der : item["Data"].GetArray()) {
      if (!der.IsString())
        return false;
      root.data.emplace_back(der.GetString(), der.GetStringLength());
    }
    out.push_back(std::move(root));
  }
  return true;
}

const member_record* cluster_facts::by_raft_id(std::string_view raft_id) const {
  for (const auto& [id, member] : members) {
    if (member.raft_id == raft_id)
      return &member;
  }
  return nullptr;
}

cluster_facts read_cluster_facts(const object_view& view) {
  cluster_facts out;
  if (const auto object = view.get(cluster_prefix, global_key)) {
    global_record read;
    if (parse_record(object->json, read))
      out.global = std::move(read);
  }
  const auto first = member_key("");
  view.scan(cluster_prefix, first, [&](std::string_view key, const object_ref& object) {
    if (!key.starts_with(first))
      return false;
    member_record read;
    if (parse_record(object->json, read))
      out.members[read.consensus_id] = std::move(read);
    return true;
  });
  read_object(view, cluster_secrets_prefix, roots_key, out.roots);
  read_object(view, cluster_secrets_prefix, token_key, out.token);
  return out;
}

} // namespace holdfast::msg
