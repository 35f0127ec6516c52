#include "tools/holdfast/document.hpp"
#include "tools/holdfast/output.hpp"
#include "tools/holdfast/settings.hpp"

#include <doctest/doctest.h>

using namespace holdfast::cli;

TEST_CASE("contract 3.5: a patch tests the old value before each replace or remove, key by key in maps") {
  const document before = parse_json(R"({"A":1,"M":{"x":1,"y":2},"L":[1,2],"Gone":true})", "before");
  const document after = parse_json(R"({"A":2,"M":{"x":1,"z":3},"L":[1],"New":"n"})", "after");
  CHECK(
      to_compact(make_patch(before, after)) ==
      R"([{"op":"test","path":"/A","from":"","value":1},{"op":"replace","path":"/A","from":"","value":2},)"
      R"({"op":"test","path":"/M/y","from":"","value":2},{"op":"remove","path":"/M/y","from":"","value":null},)"
      R"({"op":"add","path":"/M/z","from":"","value":3},{"op":"test","path":"/L","from":"","value":[1,2]},)"
      R"({"op":"replace","path":"/L","from":"","value":[1]},{"op":"test","path":"/Gone","from":"","value":true},)"
      R"({"op":"remove","path":"/Gone","from":"","value":null},{"op":"add","path":"/New","from":"","value":"n"}])");
}

TEST_CASE("contract 3.5: with a reference there is one test of the whole object and no other") {
  const document before = parse_json(R"({"A":1})", "before");
  const document after = parse_json(R"({"A":2})", "after");
  CHECK(
      to_compact(make_patch_against(before, before, after)) ==
      R"([{"op":"test","path":"","from":"","value":{"A":1}},{"op":"replace","path":"/A","from":"","value":2}])");
}

TEST_CASE("a key with a slash or a tilde is escaped in a patch path (RFC 6901)") {
  const document before = parse_json(R"({})", "before");
  const document after = parse_json(R"({"a/b~c":1})", "after");
  CHECK(to_compact(make_patch(before, after)) == R"([{"op":"add","path":"/a~1b~0c","from":"","value":1}])");
}

TEST_CASE("contract 9: arguments may be JSON or YAML; quoted YAML scalars stay strings") {
  CHECK(to_compact(read_argument(R"({"a": [1, true]})")) == R"({"a":[1,true]})");
  CHECK(to_compact(read_argument("a: 1\nb: \"1\"\nc: [x, ~]\nd: true\n")) ==
        R"({"a":1,"b":"1","c":["x",null],"d":true})");
  CHECK_THROWS_AS((void)read_argument("just words"), failure);
}

TEST_CASE("a word is JSON when it reads as JSON, else a string") {
  CHECK(to_compact(word_to_json("12")) == "12");
  CHECK(to_compact(word_to_json("fred")) == "\"fred\"");
  CHECK(to_compact(word_to_json("{\"a\":1}")) == "{\"a\":1}");
}

TEST_CASE("RFC 7396 merge removes on null and goes down into maps") {
  document target = parse_json(R"({"a":{"b":1,"c":2},"d":1})", "target");
  merge(target, parse_json(R"({"a":{"c":null,"e":3},"d":[1]})", "change"), target.GetAllocator());
  CHECK(to_compact(target) == R"({"a":{"b":1,"e":3},"d":[1]})");
}

TEST_CASE("contract 9: JSON output has two spaces and sorted keys") {
  CHECK(render(parse_json(R"({"b":1,"a":[]})", "v"), {}) == "{\n  \"a\": [],\n  \"b\": 1\n}\n");
}

TEST_CASE("YAML output quotes what would read back as another type") {
  output_options options;
  options.format = "yaml";
  const document v = parse_json(R"({"k":1,"s":"1","e":"","l":[],"w":"word","yes":"no","v":"1.0.0"})", "v");
  CHECK(render(v, options) == "e: \"\"\nk: 1\nl: []\ns: \"1\"\nv: \"1.0.0\"\nw: word\n\"yes\": \"no\"\n");
}

TEST_CASE("YAML output keeps the lines of a text where they read back exactly") {
  output_options options;
  options.format = "yaml";
  for (const char* text :
       {"a\n  b\n\nc\n", "a\nb", "a\n\n", " a\n", "\na\n", "a\r\n", "- a: b\n", "#\n", "a \n"}) {
    document v{rapidjson::kObjectType};
    v.AddMember("t", rapidjson::StringRef(text), v.GetAllocator());
    CHECK(parse_document(render(v, options), "it") == v);
  }
  CHECK(render(parse_json(R"({"t":"a\n  b\n"})", "v"), options) == "t: |\n  a\n    b\n");
}

TEST_CASE("YAML that stands for too much, twice for one key, or for more than one document is refused") {
  std::string bomb = "a: &a [1,1,1,1,1,1,1,1,1,1]\n";
  for (char c = 'b'; c < 'l'; ++c) {
    bomb += std::string{c} + ": &" + c + " [";
    for (int n = 0; n < 10; ++n) {
      bomb += std::string{n > 0 ? ",*" : "*"} + static_cast<char>(c - 1);
    }
    bomb += "]\n";
  }
  CHECK_THROWS_AS((void)parse_document(bomb, "bomb"), failure);
  CHECK_THROWS_WITH_AS((void)parse_document("a: 1\na: 2\n", "it"),
                       "the YAML has the key 'a' twice in one map", failure);
  CHECK_THROWS_WITH_AS((void)parse_document("a: 1\n---\nb: 1\n", "it"),
                       "it holds more than one YAML document", failure);
  const std::string deep = std::string(600, '[') + std::string(600, ']');
  CHECK_THROWS_WITH_AS((void)parse_json(deep, "it"), "it is nested more than 512 levels deep", failure);
  CHECK_THROWS_AS((void)parse_document(deep, "it"), failure);
}

TEST_CASE("table output: chosen columns, header, cells cut at the truncate length") {
  output_options options;
  options.format = "table";
  options.print_fields = {"Name", "Meta.color"};
  options.truncate_length = 4;
  const document v =
      parse_json(R"([{"Name":"abcdefgh","Meta":{"color":"red"}},{"Name":"x","Meta":{}}])", "v");
  CHECK(render(v, options) == "Name    | Meta.color\nabcd... | red\nx       | \n");
  options.no_header = true;
  options.format = "text";
  CHECK(render(v, options) == "abcd...\tred\nx\t\n");
}

TEST_CASE("contract 9: an unknown format is refused by name") {
  output_options options;
  options.format = "xml";
  CHECK_THROWS_WITH_AS((void)render(value{}, options), "Unknown pretty format xml", failure);
}

TEST_CASE("rc lines: comments, export and quotes are understood, nonsense is named") {
  const auto rc = parse_rc("# c\nexport RS_ENDPOINT=\"https://a:1\"\nRS_KEY='u:p'\n\n", "rc");
  CHECK(rc.at("RS_ENDPOINT") == "https://a:1");
  CHECK(rc.at("RS_KEY") == "u:p");
  CHECK_THROWS_WITH_AS((void)parse_rc("A=1\nnonsense\n", "rc"), "rc, line 2: expected KEY=VALUE", failure);
}
