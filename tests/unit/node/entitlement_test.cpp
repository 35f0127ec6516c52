#include "actors/node/entitlement.hpp"
#include "tests/unit/entitlement_forms.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using namespace holdfast::node;
using namespace holdfast::entitlement_forms;

namespace {

const std::string named_all =
    R"({"Features":["other","ha"],"Endpoints":["a","b"],"HaID":"site",)"
    R"("SoftExpireDate":"2030-01-01T00:00:00Z","HardExpireDate":"2030-02-01T12:30:15Z"})";

std::chrono::sys_seconds date_of(int year, unsigned month, unsigned day) {
  using namespace std::chrono;
  return sys_days{year_month_day{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}}};
}
const auto in_time = date_of(2029, 12, 31);

/// Both of them are in the document above.
growth of_two() {
  return {"a", "site", {{"a", "10.0.0.1:8093"}, {"b", "10.0.0.2:8093"}}};
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts)
    out += text + "\n";
  return out;
}

bool says(const std::vector<std::string>& texts, std::string_view what) {
  return joined(texts).find(what) != std::string::npos;
}

entitlement_reading read_signed(const issuer& by, const std::string& document) {
  return read_entitlement(profile_with(document, by.signature_of(document)), by.open);
}

std::string trouble_of(const std::string& document) {
  const issuer by;
  const auto reading = read_signed(by, document);
  CHECK_FALSE(reading.document.has_value());
  return reading.trouble;
}

} // namespace

TEST_CASE("LIC-01, LIC-04 a signed document that names feature, cluster and all servers allows the cluster") {
  const issuer by;
  const auto reading = read_signed(by, named_all);
  CHECK(reading.trouble.empty());
  REQUIRE(reading.document.has_value());
  CHECK(reading.document->endpoints == std::vector<std::string>{"a", "b"});
  CHECK(refuse_growth(reading, of_two(), in_time).empty());
}

TEST_CASE("LIC-02 without one the refusal names the node, what must be issued, and how to install it") {
  const issuer by;
  const auto none = read_entitlement(std::nullopt, by.open);
  CHECK(none.trouble.empty());
  const auto reasons = refuse_growth(none, of_two(), in_time);
  for (const char* text : {"No entitlement is installed on node a", "--entitlement-key", "the feature ha",
                           "HaID site", "endpoint a, endpoint b", "holdfast contents upload FILE"})
    CHECK_MESSAGE(says(reasons, text), joined(reasons));
}

TEST_CASE("PRE-09, PRE-10, ENR-06 everything that is not named is told at once, with the node's address") {
  const issuer by;
  const auto reading = read_signed(by, R"({"Features":["HA"],"Endpoints":["b"],"HaID":"other"})");
  auto wanted = of_two();
  wanted.servers.push_back({"c", "10.0.0.3:8093"});
  const auto reasons = refuse_growth(reading, wanted, in_time);
  for (const char* text : {"does not name the feature ha", "does not name HaID site but other",
                           "does not name endpoint a (the node at 10.0.0.1:8093)",
                           "does not name endpoint c (the node at 10.0.0.3:8093)"})
    CHECK_MESSAGE(says(reasons, text), joined(reasons));
  CHECK_FALSE(says(reasons, "does not name endpoint b"));
  wanted.ha_id.clear(); // a node that has none yet
  CHECK_FALSE(says(refuse_growth(reading, wanted, in_time), "does not name HaID"));
}

TEST_CASE("LIC-07 the soft date warns, the hard date refuses, each from its second on") {
  const issuer by;
  const auto reading = read_signed(by, named_all);
  const auto hard =
      date_of(2030, 2, 1) + std::chrono::hours(12) + std::chrono::minutes(30) + std::chrono::seconds(15);
  const auto second = std::chrono::seconds(1);
  CHECK(refuse_growth(reading, of_two(), hard - second).empty());
  CHECK(says(refuse_growth(reading, of_two(), hard), "ran out at 2030-02-01T12:30:15Z"));

  auto facts = license_of(reading, of_two(), date_of(2030, 1, 1) - second);
  CHECK(facts.valid);
  CHECK(facts.active);
  CHECK_FALSE(facts.expired);
  CHECK(facts.warning.empty());
  facts = license_of(reading, of_two(), date_of(2030, 1, 1));
  CHECK(facts.valid);
  CHECK(facts.expired);
  CHECK(facts.warning.find("term ended at 2030-01-01T00:00:00Z") != std::string::npos);
  facts = license_of(reading, of_two(), hard);
  CHECK_FALSE(facts.valid);
  CHECK_FALSE(facts.active);
  CHECK(facts.reason.find("ran out at 2030-02-01T12:30:15Z") != std::string::npos);
  CHECK(facts.warning.find("ran out") != std::string::npos);
}

TEST_CASE("LIC-07 without dates it never runs out") {
  const issuer by;
  for (const char* dates : {"", R"(,"SoftExpireDate":"","HardExpireDate":"")", R"(,"HardExpireDate":null)"}) {
    const auto reading = read_signed(by, R"({"Features":["ha"],"Endpoints":["a","b"],"HaID":"site")" +
                                             std::string(dates) + "}");
    CHECK(refuse_growth(reading, of_two(), date_of(9999, 12, 31)).empty());
  }
}

TEST_CASE("LIC-05 what info tells is what the document says") {
  const issuer by;
  const auto facts = license_of(read_signed(by, named_all), of_two(), in_time);
  CHECK(facts.features == std::vector<std::string>{"other", "ha"});
  CHECK(facts.endpoints == std::vector<std::string>{"a", "b"});
  CHECK(facts.ha_id == "site");
  CHECK(facts.soft_expires == "2030-01-01T00:00:00Z");
  CHECK(facts.hard_expires == "2030-02-01T12:30:15Z");
  const auto none = license_of(read_entitlement(std::nullopt, by.open), of_two(), in_time);
  CHECK_FALSE(none.valid);
  CHECK(none.reason.find("No entitlement is installed") != std::string::npos);
}

TEST_CASE("LIC-01 a changed document, another issuer's or a cut signature is nobody's") {
  const issuer by;
  const issuer other;
  const auto text = by.signature_of(named_all);
  auto changed = named_all;
  changed.replace(changed.find("\"b\""), 3, "\"c\"");
  for (const auto& profile :
       {profile_with(changed, text), profile_with(named_all, other.signature_of(named_all)),
        profile_with(named_all + "\n", text), profile_with(named_all, text.substr(0, 63)),
        profile_with(named_all, text + "x"), profile_with(named_all, std::string(64, '\0'))}) {
    const auto reading = read_entitlement(profile, by.open);
    CHECK_FALSE(reading.document.has_value());
    CHECK(reading.trouble.find("signature is not one by the key") != std::string::npos);
    const auto reasons = refuse_growth(reading, of_two(), in_time);
    CHECK(says(reasons, "installed on node a is of no use"));
    CHECK(license_of(reading, of_two(), in_time).endpoints.empty()); // nothing of it is believed
  }
}

TEST_CASE("LIC-01 a profile that carries no entitlement says what it lacks") {
  const issuer by;
  const auto trouble = [&](const std::string& profile) { return read_entitlement(profile, by.open).trouble; };
  CHECK(trouble("").find("not a JSON object") != std::string::npos);
  CHECK(trouble("[]").find("not a JSON object") != std::string::npos);
  for (const char* bare :
       {"{}", R"({"Params":[]})", R"({"Params":{}})", R"({"Params":{"holdfast/entitlement":"x"}})"})
    CHECK(trouble(bare).find("no param holdfast/entitlement") != std::string::npos);
  const auto with = [](const std::string& document, const std::string& proof) {
    return R"({"Params":{"holdfast/entitlement":{"Document":")" + document + R"(","Signature":")" + proof +
           "\"}}}";
  };
  for (const std::string& bad :
       {std::string(), std::string("AAA"), std::string("????"), std::string(400, 'A') + "\\n"})
    CHECK(trouble(with(bad, "AAAA")).find("Document is not base64") != std::string::npos);
  CHECK(trouble(with("AAAA", "")).find("Signature is not base64") != std::string::npos);
}

TEST_CASE("LIC-01 a document of more than 64 KiB is refused unread") {
  const issuer by;
  const auto filled = [](std::size_t size) {
    const std::string head = R"({"Features":["ha"],"Endpoints":["a","b"],"HaID":"site","Note":")";
    return head + std::string(size - head.size() - 2, 'x') + "\"}";
  };
  const std::size_t most = std::size_t{64} << 10;
  CHECK(read_signed(by, filled(most)).document.has_value());
  CHECK(read_signed(by, filled(most + 1)).trouble.find("64 KiB") != std::string::npos);
}

TEST_CASE("LIC-01 a signed document with a key of the wrong kind names it") {
  CHECK(trouble_of("[]").find("not a JSON object") != std::string::npos);
  CHECK(trouble_of("{} ,").find("not a JSON object") != std::string::npos);
  CHECK(trouble_of(R"({"Features":["ha"],"Endpoints":[]})").find("HaID") != std::string::npos);
  CHECK(trouble_of(R"({"Features":["ha"],"Endpoints":[],"HaID":""})").find("HaID") != std::string::npos);
  CHECK(trouble_of(R"({"Features":"ha","Endpoints":[],"HaID":"s"})").find("Features") != std::string::npos);
  CHECK(trouble_of(R"({"Features":["ha"],"HaID":"s"})").find("Endpoints") != std::string::npos);
  CHECK(trouble_of(R"({"Features":["ha"],"Endpoints":[""],"HaID":"s"})").find("Endpoints") !=
        std::string::npos);
  CHECK(trouble_of(R"({"Features":["ha"],"Endpoints":[7],"HaID":"s"})").find("Endpoints") !=
        std::string::npos);
  CHECK(trouble_of(R"({"Features":["ha"],"Endpoints":[")" + std::string(256, 'x') + R"("],"HaID":"s"})")
            .find("Endpoints") != std::string::npos);
  for (const char* date :
       {"2030-02-30T00:00:00Z", "2030-13-01T00:00:00Z", "2030-01-01T24:00:00Z", "2030-01-01T00:60:00Z",
        "2030-01-01T00:00:60Z", "2030-01-01", "2030-01-01T00:00:00+01:00", "2030-01-01 00:00:00Z", "soon"}) {
    CAPTURE(date);
    CHECK(trouble_of(R"({"Features":[],"Endpoints":[],"HaID":"s","HardExpireDate":")" + std::string(date) +
                     "\"}")
              .find("HardExpireDate must be a date") != std::string::npos);
  }
  CHECK(
      trouble_of(R"({"Features":[],"Endpoints":[],"HaID":"s","SoftExpireDate":1})").find("SoftExpireDate") !=
      std::string::npos);
}
