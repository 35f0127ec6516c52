#include "net/dial_map.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

namespace holdfast::net {

namespace {

dial_map& process_map() {
  static dial_map map;
  return map;
}

} // namespace

std::optional<dial_map> parse_dial_map(std::string_view text, std::string& why) {
  dial_map out;
  std::istringstream lines{std::string(text)};
  unsigned number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    line.resize(std::min(line.find('#'), line.size()));
    std::istringstream words(line);
    std::string meant;
    std::string dialled;
    std::string more;
    if (!(words >> meant))
      continue;
    words >> dialled;
    const auto from = parse_address(meant, why);
    const auto to = from ? parse_address(dialled, why) : std::nullopt;
    if (!to || words >> more) {
      why = "line " + std::to_string(number) + ": " + (to ? "more than two addresses" : why);
      return std::nullopt;
    }
    out[from->text()] = *to;
  }
  return out;
}

void set_dial_map(dial_map map) {
  process_map() = std::move(map);
}

net_address dial_target(const net_address& meant) {
  const auto& map = process_map();
  if (map.empty())
    return meant;
  const auto found = map.find(meant.text());
  return found == map.end() ? meant : found->second;
}

} // namespace holdfast::net
