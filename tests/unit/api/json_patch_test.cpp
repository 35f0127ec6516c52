#include "actors/api/json_patch.hpp"

#include <doctest/doctest.h>

using namespace holdfast::api;

namespace {

/// The patched document, or "line N: reason", or "bad: reason".
std::string patched(std::string_view target, std::string_view patch) {
  json::document doc, body;
  REQUIRE(!json::parse(target, doc));
  REQUIRE(!json::parse(patch, body));
  const auto decoded = decode_patch(body);
  if (const auto* why = std::get_if<std::string>(&decoded))
    return "bad: " + *why;
  if (const auto failed = apply_patch(std::get<0>(decoded), doc, doc.GetAllocator()))
    return "line " + std::to_string(failed->line) + ": " + failed->reason;
  return json::compact(doc);
}

} // namespace

TEST_CASE("RFC 6902: the operations") {
  CHECK(patched(R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])") ==
        R"({"foo":"bar","baz":"qux"})");
  CHECK(patched(R"({"foo":["bar","baz"]})", R"([{"op":"add","path":"/foo/1","value":"qux"}])") ==
        R"({"foo":["bar","qux","baz"]})");
  CHECK(patched(R"({"foo":["bar"]})", R"([{"op":"add","path":"/foo/-","value":["abc"]}])") ==
        R"({"foo":["bar",["abc"]]})");
  CHECK(patched(R"({"baz":"qux","foo":"bar"})",
                R"([{"op":"remove","path":"/baz","from":"","value":null}])") == R"({"foo":"bar"})");
  CHECK(patched(R"({"foo":["bar","qux","baz"]})", R"([{"op":"remove","path":"/foo/1"}])") ==
        R"({"foo":["bar","baz"]})");
  CHECK(patched(R"({"baz":"qux"})", R"([{"op":"replace","path":"/baz","value":"boo"}])") ==
        R"({"baz":"boo"})");
  CHECK(patched(R"({"foo":["all","grass","cows","eat"]})",
                R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])") ==
        R"({"foo":["all","cows","eat","grass"]})");
  CHECK(patched(R"({"a":{"b":1}})", R"([{"op":"copy","from":"/a","path":"/c"}])") ==
        R"({"a":{"b":1},"c":{"b":1}})");
  CHECK(patched(R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":10}])") == R"({"/":9,"~1":10})");
}

TEST_CASE("contract 3.5: test works on the root, numbers compare numerically") {
  CHECK(patched(R"({"a":1,"b":[]})", R"([{"op":"test","path":"","value":{"b":[],"a":1.0}}])") ==
        R"({"a":1,"b":[]})");
  CHECK(patched(R"({"a":1})", R"([{"op":"test","path":"","value":{"a":2}}])") == "line 0: Test op failed.");
  CHECK(patched(R"({"a":1})", R"([{"op":"test","path":"/x","value":null}])") == "line 0: Test op failed.");
}

TEST_CASE("RFC 6902: what cannot be applied is refused with its line") {
  CHECK(patched("{}", R"([{"op":"add","path":"/a","value":1},{"op":"remove","path":"/b"}])") ==
        "line 1: `/b` does not point to an existing location");
  CHECK(patched(R"({"a":[]})", R"([{"op":"add","path":"/a/1","value":1}])").starts_with("line 0"));
  CHECK(patched(R"({"a":[1]})", R"([{"op":"replace","path":"/a/00","value":1}])").starts_with("line 0"));
  CHECK(patched(R"({"a":{"b":1}})", R"([{"op":"move","from":"/a","path":"/a/c"}])").starts_with("line 0"));
  CHECK(patched("{}", R"([{"op":"add","path":"/a/b","value":1}])").starts_with("line 0"));
}

TEST_CASE("RFC 6902: what is no patch is refused") {
  for (const auto* text : {"{}", "[1]", R"([{"op":"dance","path":""}])", R"([{"op":"add","path":"/a"}])",
                           R"([{"op":"add","path":"a","value":1}])", R"([{"op":"add","value":1}])",
                           R"([{"op":"move","path":"/a"}])", R"([{"op":"remove","path":"/a~2"}])"}) {
    INFO(text);
    CHECK(patched("{}", text).starts_with("bad: "));
  }
}

TEST_CASE("contract 3.5: copies cannot make a document grow without bound") {
  std::string patch = "[";
  for (int n = 0; n < 64; ++n)
    patch +=
        std::string(n == 0 ? "" : ",") + R"({"op":"copy","from":"","path":"/x)" + std::to_string(n) + "\"}";
  CHECK(patched(R"({"x":"0123456789012345678901234567890123456789"})", patch + "]").find("too large") !=
        std::string::npos);
}

TEST_CASE("bad input: no patch nests a document deeper than a body may be") {
  std::string patch = "[";
  for (int n = 0; n < 100; ++n)
    patch += std::string(n == 0 ? "" : ",") + R"({"op":"copy","from":"","path":"/x"})";
  CHECK(patched("{}", patch + "]") == "line 63: the result is nested too deeply");
  const std::string deep = std::string(64, '[') + std::string(64, ']');
  json::document doc;
  REQUIRE(!json::parse(deep, doc));
  CHECK_FALSE(deeper_than(doc, 64));
  CHECK(deeper_than(doc, 63));
  CHECK(
      patched(R"({"a":1})", R"([{"op":"replace","path":"/a","value":)" + deep.substr(3, 122) + "}]").size() >
      100);
}

TEST_CASE("contract 3.5: the conflict dump") {
  json::document body;
  REQUIRE(!json::parse(
      R"([{"op":"test","path":"/OS/Name","from":"","value":"ffred"},{"op":"remove","path":"/x"}])", body));
  const auto steps = std::get<0>(decode_patch(body));
  CHECK(patch_messages(steps, {0, "Test op failed."}) ==
        std::vector<std::string>{"Patch error at line 0: Test op failed.", R"(Patch: [
  {
    "op": "test",
    "path": "/OS/Name",
    "from": "",
    "value": "ffred"
  },
  {
    "op": "remove",
    "path": "/x",
    "from": "",
    "value": null
  }
])"});
}
