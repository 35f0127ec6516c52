// Names, times, tags, JSON values and their limits.
#include "actors/api/content_meta.hpp"
#include "actors/api/etag.hpp"
#include "actors/api/go_time.hpp"
#include "actors/api/json_value.hpp"
#include "actors/api/name_rules.hpp"
#include "actors/api/object_shape.hpp"
#include "actors/api/param_schema.hpp"

#include <doctest/doctest.h>

using namespace holdfast::api;
using namespace std::chrono_literals;

namespace {

json::document parsed(std::string_view text) {
  json::document doc;
  REQUIRE(!json::parse(text, doc));
  return doc;
}

} // namespace

TEST_CASE("JSON: depth and size are bounded, broken text is refused") {
  json::document doc;
  CHECK(json::parse(std::string(65, '[') + std::string(65, ']'), doc, {1000, 64}));
  CHECK_FALSE(json::parse(std::string(64, '[') + std::string(64, ']'), doc, {1000, 64}));
  CHECK(json::parse(std::string(1'000'000, '['), doc));
  CHECK(json::parse("[1,2", doc));
  CHECK(json::parse("\"\xff\"", doc));
  CHECK(json::parse("1e999", doc));
  CHECK(json::parse(R"("\ude00")", doc));
  CHECK(json::parse(R"({"\ud83d":1})", doc));
  CHECK_FALSE(json::parse(R"("\ud83d\ude00 \ud7ff")", doc));
  CHECK(json::parse("{} x", doc));
  CHECK(json::parse("\"aaaa\"", doc, {3, 64}));
}

TEST_CASE("JSON: numbers with more zeros or a smaller exponent than a double has are read, and near what "
          "they say") {
  const std::string digits = "12345678901234567890123";
  for (const std::size_t zeros : {60U, 63U, 64U, 300U, 320U, 340U, 348U, 400U, 5000U})
    for (const std::string tail :
         {"", "e-9", "e-99", "e-100", "e-320", "E-0000300", "e+99", "e99", "e-2147483"})
      CHECK(std::abs(parsed("[0." + std::string(zeros, '0') + digits + tail + "]")[0].GetDouble()) < 1e100);
  for (const std::string text :
       {"1e-400", "0.0000000001234567890123456789e-320", "123456789012345678901234567890e-370"})
    CHECK(parsed("[" + text + "]")[0].GetDouble() < 1e-300);
  CHECK(parsed("[1.25e-300]")[0].GetDouble() == doctest::Approx(1.25e-300));
  CHECK(parsed("[0.1234567890123456789]")[0].GetDouble() == 0.1234567890123456789);
}

TEST_CASE("JSON: numbers are read exactly, as integers where they are, and none ends the process") {
  CHECK(json::compact(parsed("[0,-0,1,-1,2147483648,-9223372036854775808,18446744073709551615]")) ==
        "[0,0,1,-1,2147483648,-9223372036854775808,18446744073709551615]");
  CHECK(parsed("[18446744073709551616]")[0].GetDouble() == 18446744073709551616.0);
  CHECK(parsed("[-9223372036854775809]")[0].GetDouble() == -9223372036854775808.0);
  CHECK(std::signbit(parsed("[-0.0]")[0].GetDouble()));
  for (const std::string text : {"0e92", "0e-400", "0.000e308", "-0E+10"}) // RapidJSON 1.1: undefined
    CHECK(parsed("[" + text + "]")[0].GetDouble() == 0);
  CHECK(parsed("[-2222288e289,-8838888617828888801356378e283]")[1].GetDouble() ==
        -8838888617828888801356378e283);
  CHECK(parsed("[1.7976931348623157e308]")[0].GetDouble() == 1.7976931348623157e308);
  CHECK(parsed("[5e-324]")[0].GetDouble() == 5e-324);
  CHECK(parsed("[\"\\\\\",1e-400,\"1e400\",0.1]")[1].GetDouble() == 0);
  json::document doc;
  for (const std::string text : {"1.8e308", "-1.8e308", "10e308", "1e309", "123456789e305",
                                 "-8838888617828888801356378e288"}) // RapidJSON 1.1: an assertion fails
    CHECK(json::parse("[" + text + "]", doc).value_or("").find("umber") != std::string::npos);
  CHECK(json::parse("1" + std::string(400, '0'), doc));
}

TEST_CASE("JSON: a zero byte is no end of the text, a byte order mark is skipped") {
  json::document doc;
  for (const std::string_view text : {std::string_view("{}\0", 3), std::string_view("{}\0[", 4),
                                      std::string_view("\"a\0b\"", 5), std::string_view("\0", 1)})
    CHECK(json::parse(text, doc));
  CHECK(json::compact(parsed("\xef\xbb\xbf{\"a\":1}")) == R"({"a":1})");
}

TEST_CASE("JSON: a document needs the parsed text no longer, in plain and other letters, short and long") {
  for (const auto& letter : {std::string("x"), std::string("\xc3\xa9")}) {
    for (const std::size_t count : {1, 40, 5'000, 100'000}) {
      std::string text;
      for (std::size_t i = 0; i < count; ++i)
        text += letter;
      const auto whole = R"({"name":")" + text + R"(\u0041","list":["a\nb"]})";
      auto sent = whole;
      const auto doc = parsed(sent);
      sent.assign(sent.size(), '?');
      CHECK(json::text_at(doc, "name") == text + "A");
      CHECK(json::compact(doc) == R"({"name":")" + text + R"(A","list":["a\nb"]})");
    }
  }
}

TEST_CASE("JSON: of equal member names the last one counts, as in Go") {
  const auto doc = parsed(R"({"a":1,"b":2,"a":3,"c":{"x":1,"x":2}})");
  CHECK(json::compact(doc) == R"({"b":2,"a":3,"c":{"x":2}})");
}

TEST_CASE("JSON: values compare numerically and members in any order") {
  CHECK(json::equal(parsed("1"), parsed("1.0")));
  CHECK(json::equal(parsed(R"({"a":[1,{"b":null}],"c":"x"})"), parsed(R"({"c":"x","a":[1.0,{"b":null}]})")));
  CHECK_FALSE(json::equal(parsed("-1"), parsed("18446744073709551615")));
  CHECK_FALSE(json::equal(parsed("true"), parsed("false")));
  CHECK_FALSE(json::equal(parsed(R"({"a":1})"), parsed(R"({"a":1,"b":1})")));
}

TEST_CASE("contract 3.2: name rules") {
  CHECK(valid_name(key_rule::name, "fred"));
  CHECK(valid_name(key_rule::name, "f1-a b_c.d"));
  CHECK(valid_name(key_rule::name, "\xc3\xa9t\xc3\xa9"));
  CHECK_FALSE(valid_name(key_rule::name, "f"));
  CHECK_FALSE(valid_name(key_rule::name, "1fred"));
  CHECK_FALSE(valid_name(key_rule::name, "fr/ed"));
  CHECK_FALSE(valid_name(key_rule::name, "fred\n"));
  CHECK_FALSE(valid_name(key_rule::name, "fr\xff"));
  CHECK(valid_name(key_rule::user, "fred@example.com"));
  CHECK(valid_name(key_rule::param, "incrementer/step"));
  CHECK(valid_name(key_rule::number_name, "1fred"));
  CHECK(valid_name(key_rule::endpoint, "52:54:00:00:00:01"));
}

TEST_CASE("contract 2: lease keys are normalised when they parse") {
  const auto& leases = *find_prefix("leases");
  CHECK(stored_key(leases, "192.168.100.100") == "C0A86464");
  CHECK(stored_key(leases, "0.0.0.0") == "00000000");
  CHECK(stored_key(leases, "foo") == "foo");
}

TEST_CASE("contract 3.3: times are RFC 3339 without trailing zeros") {
  CHECK(normal_time("2019-01-02T03:04:05.120Z") == "2019-01-02T03:04:05.12Z");
  CHECK(normal_time("2019-01-02T03:04:05.000+02:00") == "2019-01-02T03:04:05+02:00");
  CHECK_FALSE(normal_time("2019-02-30T03:04:05Z"));
  CHECK_FALSE(normal_time("yesterday"));
  CHECK_FALSE(normal_time("2019-01-02T03:04:05"));
  CHECK(*parse_time("1970-01-01T01:00:00+01:00") == instant{0, 0});
  CHECK(to_text(holdfast::msg::log_time{1'500}) == "1970-01-01T00:00:01.5Z");
  CHECK(to_text(holdfast::msg::log_time{0}) == "1970-01-01T00:00:00Z");
}

TEST_CASE("contract 3.7: entity tags and the wait preference") {
  CHECK(etag_of({17}) == "\"17\"");
  CHECK(etag_matches("\"16\", W/\"17\"", "\"17\""));
  CHECK_FALSE(etag_matches("", "\"17\""));
  CHECK_FALSE(etag_matches("17", "\"17\""));
  CHECK(preferred_wait("wait=5").wait == 5000ms);
  CHECK(preferred_wait("respond-async, wait=250ms").wait == 250ms);
  CHECK(preferred_wait("wait=2h").wait == 10min);
  CHECK_FALSE(preferred_wait("respond-async").wait);
  CHECK_FALSE(preferred_wait("respond-async").unreadable);
  for (const auto* bad : {"wait=-1", "wait=soon", "wait=nan", "wait=", "wait=5x"})
    CHECK(preferred_wait(bad).unreadable);
  for (const auto* good : {"", "*", "\"17\"", "W/\"17\", \"18\"", "\"SHA256:ab\""})
    CHECK(valid_if_none_match(good));
  for (const auto* bad : {"17", "\"17", "\"a b\"", "*, \"1\""})
    CHECK_FALSE(valid_if_none_match(bad));
}

TEST_CASE("contract 3.2: every field is emitted, unknown and server-owned ones are dropped") {
  auto doc = parsed(
      R"({"Name":"fred","Nonsense":1,"Available":false,"ReadOnly":true,"Bundle":"x","params":{"a":1}})");
  REQUIRE(!shape_object(*find_prefix("profiles"), doc, doc.GetAllocator()));
  CHECK(json::equal(doc,
                    parsed(R"({"Validated":true,"Available":true,"Errors":[],"ReadOnly":false,"Endpoint":"",
    "Bundle":"","Partial":false,"Meta":{},"Name":"fred","Description":"","Documentation":"","Params":{"a":1},"Profiles":[]})")));
}

TEST_CASE("contract 3.3: fields of a wrong type are refused") {
  for (const auto* text : {R"({"Name":1})", R"({"Name":"x","Roles":"y"})", R"({"Name":"x","Meta":{"a":1}})",
                           "[]", "7", R"({"Name":"x","Roles":[1]})"}) {
    auto doc = parsed(text);
    INFO(text);
    CHECK(shape_object(*find_prefix("users"), doc, doc.GetAllocator()));
  }
  auto job = parsed(R"({"Uuid":"not-a-uuid"})");
  CHECK(shape_object(*find_prefix("jobs"), job, job.GetAllocator()));
}

TEST_CASE("contract 2: a param's value is held against its schema") {
  const auto schema = parsed(R"({"type":"string"})");
  CHECK(schema_violation(schema, parsed("[5]")) == "(root): Invalid type. Expected: string, given: array");
  CHECK_FALSE(schema_violation(schema, parsed("\"x\"")));
  CHECK(schema_violation(parsed(R"({"type":"object","required":["a"]})"), parsed("{}")));
  CHECK(schema_defect(parsed(R"({"type":"wrong"})")));
  CHECK(schema_defect(parsed(R"({"type":"integer","default":"x"})")));
  CHECK(schema_defect(parsed(R"({"$ref":"http://example.com/x"})")));
  CHECK_FALSE(schema_defect(parsed("null")));
}

TEST_CASE("contract 5.2: versions compare number by number") {
  CHECK(version_meets("v1.10.0", ">=1.9"));
  CHECK_FALSE(version_meets("1.2.3", ">=2.0.0"));
  CHECK(version_meets("v1.2.3-alpha5", "1.2.3"));
  CHECK(version_meets("1.5", ">=1.0 <2.0.0"));
  CHECK_FALSE(version_meets("2.0", ">=1.0 <2.0.0"));
}
