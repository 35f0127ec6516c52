// Request targets from the network: whatever is accepted is safe to hand to a route.
#include "net/http_target.hpp"

#include "tests/fuzz/seeds.hpp"

#include <string_view>

using namespace holdfast::net;
using holdfast::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view target(reinterpret_cast<const char*>(data), size);
  http_head head;
  head.path = "unchanged";
  if (!decode_target(target, head).empty()) {
    require(head.path == "unchanged" && head.query.empty());
    return 0;
  }
  require(head.path == "*" || head.path.starts_with('/'));
  require(valid_utf8(head.path) && head.path.find('\0') == std::string::npos);
  require((head.path + "/").find("/../") == std::string::npos);
  for (const auto& [name, value] : head.query)
    require(valid_utf8(name) && valid_utf8(value));
  http_head again; // what was decoded can be said again
  require(decode_target(encode_path(head.path), again).empty() || head.path == "*");
  require(again.path == head.path || head.path == "*");
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  for (const std::string_view text :
       {std::string_view("/"), std::string_view("/api/v3/users/a%2Fb?slim=Meta&x=1+2&y=%C3%A4"),
        std::string_view("https://h:1/a/../b"), std::string_view("*"),
        std::string_view("/%2e%2e/%00/\xf0\x9f\x98\x80#f")})
    all.emplace_back(text.begin(), text.end());
  return all;
}
