#include "tools/chaos/added.hpp"

namespace holdfast::chaos {

std::vector<std::string> check_added(const std::vector<addition>& made,
                                     const std::vector<std::uint64_t>& found, const std::string& where) {
  constexpr std::size_t most = 20;
  std::vector<std::string> out;
  const auto say = [&](std::uint64_t id, const std::string& what, const std::string& note = {}) {
    if (out.size() < most)
      out.push_back(where + ": " + std::to_string(id) + " " + what + (note.empty() ? "" : " (" + note + ")"));
  };
  std::map<std::uint64_t, std::size_t> count;
  for (const auto id : found)
    ++count[id];
  for (const auto& one : made) {
    const auto at = count.find(one.id);
    const std::size_t times = at == count.end() ? 0 : at->second;
    if (at != count.end())
      count.erase(at);
    if (times == 0 && one.outcome == op_outcome::ok)
      say(one.id, "was acknowledged and is lost", one.note);
    if (times > 0 && one.outcome == op_outcome::refused)
      say(one.id, "was refused and is there all the same", one.note);
    if (times > 1)
      say(one.id,
          "was added " + std::to_string(times) + " times in " + std::to_string(one.attempts) + " attempts",
          one.note);
  }
  for (const auto& [id, times] : count)
    say(id, "is there and nobody added it");
  return out;
}

} // namespace holdfast::chaos
