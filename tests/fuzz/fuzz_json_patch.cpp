// The first line is a JSON patch, the rest the document it is applied to: nothing may crash or grow without
// bound, and what comes out must be JSON that reads back as the same value.
#include "actors/api/json_patch.hpp"
#include "tests/fuzz/seeds.hpp"

#include <cstdlib>
#include <string>

using namespace holdfast::api;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const auto cut = all.find('\n');
  if (cut == std::string_view::npos)
    return 0;
  json::document body, target;
  if (json::parse(all.substr(0, cut), body) || json::parse(all.substr(cut + 1), target))
    return 0;
  const auto decoded = decode_patch(body);
  if (std::holds_alternative<std::string>(decoded))
    return 0;
  const auto& steps = std::get<0>(decoded);
  if (const auto failed = apply_patch(steps, target, target.GetAllocator(), 1U << 20U)) {
    if (failed->line >= steps.size() || patch_messages(steps, *failed).size() != 2)
      std::abort();
    return 0;
  }
  json::document again;
  const auto why = json::parse(json::compact(target), again, {std::size_t{64} << 20U, 100000});
  if (why || !json::equal(target, again))
    std::abort();
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  for (const std::string_view text :
       {R"([{"op":"test","path":"","value":{"a":1}}])"
        "\n"
        R"({"a":1.0})",
        R"([{"op":"add","path":"/a/-","value":[1,2]},{"op":"remove","path":"/a/0"}])"
        "\n"
        R"({"a":[0]})",
        R"([{"op":"move","from":"/a","path":"/b~1c"},{"op":"copy","from":"","path":"/d"}])"
        "\n"
        R"({"a":{"x":null}})",
        R"([{"op":"replace","path":"/~01","value":"x"}])"
        "\n"
        R"({"~1":true})"})
    all.emplace_back(text.begin(), text.end());
  return all;
}
