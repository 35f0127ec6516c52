// What a websocket client sends, and what POST events takes.
#include "actors/api/event_pattern.hpp"
#include "actors/api/event_text.hpp"
#include "actors/api/json_value.hpp"
#include "tests/fuzz/seeds.hpp"

#include <cstdlib>

using namespace holdfast::api;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto asked = parse_registration(text))
    if (const auto pattern = event_pattern::parse(asked->pattern)) {
      if (pattern->text().size() > longest_pattern_text)
        std::abort();
      static_cast<void>(pattern->matches("machines", "update", text));
    }
  std::string why;
  if (const auto posted = parse_event(text, {0}, why)) {
    json::document doc;
    if (json::parse(to_json(*posted), doc, {std::size_t{64} << 20U, 256}))
      std::abort();
  } else if (why.empty()) {
    std::abort();
  }
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  for (const std::string_view text :
       {"register *.*.*", "deregister machines, jobs.update,save.a.b", R"(register a\1b.c\2d.\3)",
        R"({"Type":"t","Action":"a","Key":"k","Object":{"x":[1]},"Original":null})"})
    all.emplace_back(text.begin(), text.end());
  return all;
}
