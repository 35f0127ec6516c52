// A body of POST for every prefix: bounded in depth and size, and once shaped, shaping it again changes
// nothing.
#include "actors/api/json_value.hpp"
#include "actors/api/object_shape.hpp"
#include "tests/fuzz/seeds.hpp"

#include <cstdlib>
#include <string>

using namespace holdfast::api;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& desc : all_prefixes()) {
    json::document doc;
    if (json::parse(text, doc, {std::size_t{1} << 20U, 64}))
      return 0;
    if (shape_object(desc, doc, doc.GetAllocator()))
      continue;
    const auto once = json::compact(doc);
    json::document again;
    if (json::parse(once, again) || shape_object(desc, again, again.GetAllocator()) ||
        json::compact(again) != once)
      std::abort();
  }
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  const std::string deep = "{\"Params\":" + std::string(70, '[') + std::string(70, ']') + "}";
  for (const std::string_view text :
       {std::string_view(
            R"({"Name":"m","Uuid":"11111111-2222-3333-4444-555555555555","Params":{"a":[1,{"b":null}]}})"),
        std::string_view(
            R"({"Name":"x","Name":"y","OS":{"Name":"z","SupportedArchitectures":{"amd64":{"Kernel":"k"}}}})"),
        std::string_view(R"({"Claims":[{"Scope":"*"}],"StartTime":"2019-01-02T03:04:05.120+02:00"})"),
        std::string_view(R"({"Name":"\u0000\ud83d\ude00","Meta":{"a":null},"Templates":[null]})"),
        std::string_view(deep)})
    all.emplace_back(text.begin(), text.end());
  return all;
}
