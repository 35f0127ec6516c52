#include "actors/node/log_aside.hpp"

#include "actors/node/json_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <filesystem>

namespace holdfast::node {

namespace fs = std::filesystem;

namespace {

constexpr const char* seeds_name = "members.json";

} // namespace

std::string seeds_json(const std::vector<join_member>& members) {
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

io_error save_seeds(file_seam& files, const std::string& root, const std::string& json) {
  return write_atomically(files, root + "/raft", seeds_name, json);
}

std::vector<join_member> load_seeds(file_seam& files, const std::string& root) {
  io_error error;
  const auto text = files.read(root + "/raft/" + seeds_name, std::size_t{1} << 16, error);
  std::vector<join_member> out;
  rapidjson::Document doc;
  if (!text || doc.Parse<rapidjson::kParseIterativeFlag>(text->data(), text->size()).HasParseError() ||
      !doc.IsArray())
    return out;
  for (const auto& item : doc.GetArray()) {
    if (item.IsObject() && msg::is_uuid(text_at(item, "RaftID")))
      out.push_back({text_at(item, "RaftID"), text_at(item, "ConsensusAddr"), text_at(item, "ApiUrl")});
  }
  return out;
}

io_error set_log_aside(const std::string& wal, std::string& kept_in) {
  std::error_code error;
  const auto parent = fs::path(wal).parent_path();
  if (fs::exists(wal, error) && !fs::is_empty(wal, error)) {
    const auto name = fmt::format("{}.damaged-{:%Y%m%dT%H%M%SZ}", wal, fmt::gmtime(std::time(nullptr)));
    kept_in = name;
    for (int number = 2; fs::exists(kept_in, error); ++number)
      kept_in = name + "-" + std::to_string(number);
    fs::rename(wal, kept_in, error);
    if (error)
      return wal + ": " + error.message();
  }
  fs::create_directories(wal, error);
  if (error)
    return wal + ": " + error.message();
  return real_files().sync_directory(parent.string());
}

} // namespace holdfast::node
