#include "actors/node/state_repairs.hpp"

#include "actors/node/json_text.hpp"

#include <algorithm>

namespace holdfast::node {

namespace {

constexpr const char* repairs_name = "state_repairs.json";
constexpr std::size_t repairs_file_limit = 4096;

bool counts_at(const state_repair& one, std::uint64_t now_ms) {
  return !one.worked || one.at_ms > now_ms || now_ms - one.at_ms < state_repairs::window_ms;
}

} // namespace

bool state_repairs::may_repair(std::uint64_t now_ms) const {
  const auto counting = std::count_if(list_.begin(), list_.end(),
                                      [now_ms](const state_repair& one) { return counts_at(one, now_ms); });
  return static_cast<std::size_t>(counting) < most;
}

void state_repairs::note_repair(std::uint64_t index, std::uint64_t now_ms) {
  std::erase_if(list_, [now_ms](const state_repair& one) { return !counts_at(one, now_ms); });
  list_.push_back({now_ms, index, false});
}

bool state_repairs::awaits(std::uint64_t index) const {
  return (gave_up_at_ != 0 && gave_up_at_ <= index) ||
         std::any_of(list_.begin(), list_.end(),
                     [index](const state_repair& one) { return !one.worked && one.index <= index; });
}

void state_repairs::note_equal(std::uint64_t index) {
  for (auto& one : list_)
    one.worked = one.worked || one.index <= index;
  if (gave_up_at_ <= index)
    gave_up_at_ = 0;
}

std::string state_repairs::to_json() const {
  std::vector<std::string> items;
  for (const auto& one : list_) {
    items.push_back(
        json_object().number("AtMs", one.at_ms).number("Index", one.index).flag("Worked", one.worked).take());
  }
  return json_object().number("GaveUpAt", gave_up_at_).raw("Repairs", json_list(items)).take();
}

std::optional<state_repairs> state_repairs::parse(std::string_view text) {
  rapidjson::Document doc;
  if (text.size() > repairs_file_limit || !parse_object(text, doc))
    return std::nullopt;
  const auto list = doc.FindMember("Repairs");
  if (list == doc.MemberEnd() || !list->value.IsArray() || list->value.Size() > most)
    return std::nullopt;
  state_repairs out;
  out.gave_up_at_ = number_at(doc, "GaveUpAt");
  for (const auto& item : list->value.GetArray()) {
    if (!item.IsObject() || number_at(item, "Index") == 0)
      return std::nullopt;
    out.list_.push_back({number_at(item, "AtMs"), number_at(item, "Index"), flag_at(item, "Worked")});
  }
  return out;
}

io_error save_state_repairs(file_seam& files, const std::string& root, const state_repairs& repairs) {
  return write_atomically(files, root + "/raft", repairs_name, repairs.to_json());
}

state_repairs load_state_repairs(file_seam& files, const std::string& root) {
  io_error error;
  const auto text = files.read(root + "/raft/" + repairs_name, repairs_file_limit, error);
  return text ? state_repairs::parse(*text).value_or(state_repairs{}) : state_repairs{};
}

} // namespace holdfast::node
