#include "tools/chaos/secrets.hpp"

#include <algorithm>

namespace holdfast::chaos {

std::vector<std::string> find_secrets(std::string_view log, const std::vector<secret>& secrets,
                                      const std::string& where) {
  constexpr std::size_t shortest = 8; // anything shorter would be found by chance
  std::vector<std::string> out;
  std::size_t number = 0;
  while (!log.empty()) {
    const auto end = std::min(log.find('\n'), log.size());
    const auto line = log.substr(0, end);
    log.remove_prefix(std::min(end + 1, log.size()));
    ++number;
    const auto say = [&](const std::string& name) {
      out.push_back(where + " line " + std::to_string(number) + " shows " + name);
    };
    for (const auto& one : secrets) {
      if (one.value.size() >= shortest && line.find(one.value) != std::string_view::npos)
        say(one.name);
    }
    if (line.find("PRIVATE KEY-----") != std::string_view::npos)
      say("a private key");
  }
  return out;
}

} // namespace holdfast::chaos
