// An entitlement as anybody may install it, and its document: nothing crashes, nothing is believed but what
// the issuer signed, and what a document is read as keeps its bounds.
#include "tests/unit/entitlement_forms.hpp"

#include "tests/fuzz/seeds.hpp"

#include <algorithm>
#include <cstdlib>

using namespace holdfast;
using namespace holdfast::node;

namespace {

constexpr std::string_view plain = R"({"Features":["ha"],"Endpoints":["a","b"],"HaID":"site"})";
constexpr std::string_view dated =
    R"({"Features":[],"Endpoints":["02:00:00:00:00:01"],"HaID":"\u00e4","SoftExpireDate":"2030-02-28T23:59:59Z",)"
    R"("HardExpireDate":null,"Later":{"a":[1,2.5,{}]}})";

const entitlement_forms::issuer& made_issuer() {
  static const entitlement_forms::issuer made;
  return made;
}

void require(bool fact) {
  if (!fact)
    std::abort();
}

/// Alike is enough: base64 has many spellings of the same bytes, JSON of the same text.
bool was_signed(const entitlement& document) {
  return document == std::get<entitlement>(parse_entitlement(plain)) ||
         document == std::get<entitlement>(parse_entitlement(dated));
}

void require_bounds(const entitlement& document) {
  const auto is_name = [](const std::string& text) { return !text.empty() && text.size() <= 255; };
  require(is_name(document.ha_id));
  require(std::all_of(document.features.begin(), document.features.end(), is_name));
  require(std::all_of(document.endpoints.begin(), document.endpoints.end(), is_name));
  for (const auto& date : {document.soft_expires, document.hard_expires})
    require(!date || date->text.size() == 20);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto reading = read_entitlement(text, made_issuer().open);
  require(reading.document.has_value() == reading.trouble.empty());
  require(!reading.document || was_signed(*reading.document));
  const growth wanted{"a", "site", {{"a", ""}, {"b", ""}}};
  const auto now = std::chrono::sys_seconds(std::chrono::seconds(0));
  require(refuse_growth(reading, wanted, now).empty() == license_of(reading, wanted, now).valid);
  const auto parsed = parse_entitlement(text);
  if (const auto* why = std::get_if<std::string>(&parsed))
    require(!why->empty());
  else
    require_bounds(std::get<entitlement>(parsed));
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  for (const auto document : {plain, dated}) {
    const auto signature = made_issuer().signature_of(document);
    const auto profile = entitlement_forms::profile_with(document, signature);
    all.emplace_back(document.begin(), document.end());
    all.emplace_back(profile.begin(), profile.end());
  }
  return all;
}
