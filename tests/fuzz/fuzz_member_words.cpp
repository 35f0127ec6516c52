// What members tell one another of themselves: health digests, and what happened to the virtual address. A
// member of another version, or one that was taken over, crashes nobody and makes no broken JSON.
#include "actors/vip/member_digest.hpp"
#include "actors/vip/vip_notice.hpp"

#include "tests/fuzz/seeds.hpp"

#include <rapidjson/document.h>

#include <string>

using namespace holdfast::vip;
using holdfast::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto digest = decode_digest(bytes))
    require(decode_digest(encode_digest(*digest))->fit == digest->fit);
  if (const auto notice = decode_notice(bytes)) {
    require(decode_notice(encode_notice(*notice)) == notice);
    require(encode_notice(*notice).size() <= size); // a later version may have added bytes
    const auto event = to_event(*notice, "01234567-89ab-cdef-0123-456789abcdef");
    rapidjson::Document object;
    object.Parse<rapidjson::kParseValidateEncodingFlag>(event.object.data(), event.object.size());
    require(!object.HasParseError() && object.IsObject());
    require(!event.action.empty() && event.action != "unknown");
  }
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  const auto add = [&all](const std::string& bytes) { all.emplace_back(bytes.begin(), bytes.end()); };
  add(encode_digest({true}));
  add(encode_digest({false}));
  add(encode_notice({vip_change::taken, 7, 1'700'000'000'000, "10.0.0.9/24", "eth0", ""}));
  add(encode_notice({vip_change::fit, ~std::uint64_t{0}, -1, "fd00::9/64", "", std::string(255, '\xff')}));
  return all;
}
