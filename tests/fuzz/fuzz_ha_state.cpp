// ha-state.json from the disk, old forms included: what is read can be written and reads the same again, and
// every other text is refused with a reason.
#include "messages/ha_state.hpp"

#include "tests/fuzz/seeds.hpp"

#include <string>
#include <string_view>

using namespace holdfast;
using holdfast::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = msg::parse_ha_state(text);
  if (const auto* reason = std::get_if<std::string>(&read)) {
    require(!reason->empty());
    return 0;
  }
  const auto& state = std::get<msg::parsed_ha_state>(read).state;
  const auto written = msg::to_json(state, msg::secrets::keep);
  const auto again = msg::parse_ha_state(written);
  require(std::holds_alternative<msg::parsed_ha_state>(again));
  require(msg::to_json(std::get<msg::parsed_ha_state>(again).state, msg::secrets::keep) == written);
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  msg::ha_state state;
  state.consensus_id = "01234567-89ab-cdef-0123-456789abcdef";
  state.roots.push_back({{"AAAA"}, "AAAA"});
  state.unknown.emplace_back("Later", R"({"a":[1,2.5,null,"\u00e4"]})");
  for (const std::string& text :
       {std::string(R"({"Passive":true})"), std::string(R"({"Roots":null,"ActiveUrl":"x"})"),
        R"({"Later":0.)" + std::string(400, '0') +
            "12345678901234567890123}", // outside RapidJSON's table of powers
        msg::to_json(state, msg::secrets::keep)})
    all.emplace_back(text.begin(), text.end());
  return all;
}
