// Any text as JSON: refused with a reason or read, and what was read can be written and read again. Built
// with the address sanitizer in every build: this parser is the first to see what a client sends, and works
// in place.
#include "actors/api/json_value.hpp"
#include "tests/fuzz/seeds.hpp"

#include <string>

using namespace holdfast;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  api::json::document doc;
  if (const auto why = api::json::parse(text, doc)) {
    fuzz::require(!why->empty());
    return 0;
  }
  api::json::document again;
  fuzz::require(!api::json::parse(api::json::compact(doc), again));
  fuzz::require(!api::json::parse(api::json::pretty(doc), again));
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  // The texts end within a letter: of two, three and four bytes, in a short text and in a long one.
  const std::string filler(200, 'x');
  for (const auto* cut : {"\xc3", "\xe2\x82", "\xe2", "\xf0\x9f\x98", "\xf0\x9f", "\xf0"}) {
    for (const auto& text :
         {std::string("\"") + cut, "{\"" + filler + cut}) // the last bytes of what they stand in
      all.emplace_back(text.begin(), text.end());
  }
  for (const std::string_view text :
       {std::string_view(R"({"a":[1,-2.5e3,true,null,"\u0041\ud83d\ude00"],"b":{}})"),
        std::string_view("\xef\xbb\xbf[\"\xe2\x82\xac\"]"), std::string_view(R"("\u12)"),
        std::string_view("[0.0000000000001e-300,0e92,-2222288e289]")})
    all.emplace_back(text.begin(), text.end());
  return all;
}
