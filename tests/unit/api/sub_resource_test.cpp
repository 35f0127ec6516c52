// Params, meta, actions, contents.
#include "tests/unit/api/api_world.hpp"

#include <raft/limits.hpp>

using namespace holdfast::api;
using namespace holdfast::api::test;

TEST_CASE("contract 3.8: params of an object") {
  world w;
  w.post("profiles", R"({"Name":"bob","Params":{"a":1}})");
  CHECK(w.get("profiles/bob/params").body == R"({"a":1})");
  CHECK(w.get("profiles/bob/params/none").body == "null");
  CHECK(w.post("profiles/bob/params/incrementer/step", "5").body == "5");
  CHECK(w.get("profiles/bob/params/incrementer/step").body == "5");
  CHECK(w.patch("profiles/bob/params", R"([{"op":"test","path":"","value":{"a":1,"incrementer/step":5}},
                                           {"op":"add","path":"/b","value":2}])")
            .body == R"({"a":1,"incrementer/step":5,"b":2})");
  CHECK(w.del("profiles/bob/params/b").body == "2");
  check_error(w.del("profiles/bob/params/b"), "params", "b", "DELETE", {"Not Found"}, 404);
  CHECK(w.post("profiles/bob/params", R"({"z":true})").body == R"({"z":true})");
  check_error(w.get("profiles/john/params"), "profiles", "john", "GET", {"Not Found"}, 404);
  check_error(w.post("profiles/john/params", "{}"), "profiles", "john", "POST", {"Not Found"}, 404);
  CHECK(w.post("params", R"({"Name":"goodDefault","Schema":{"type":"string"}})").status == 201);
  check_error(
      w.post("profiles/bob/params/goodDefault", "[5]"), "profiles", "bob", "POST",
      {"Key 'goodDefault': invalid val '[5]': : (root): Invalid type. Expected: string, given: array"}, 422);
  CHECK(w.get("users/x/params").status == 404);
}

TEST_CASE("contract 3.8: aggregation goes from the object to the defaults") {
  world w;
  w.post("params", R"({"Name":"dd","Schema":{"type":"integer","default":7}})");
  w.post("profiles", R"({"Name":"base","Params":{"x":"base","y":"base","list":[2]}})");
  w.post("profiles", R"({"Name":"top","Params":{"x":"top","list":[1]},"Profiles":["base"]})");
  w.patch("profiles/global", R"([{"op":"add","path":"/Params/g","value":"global"}])");
  REQUIRE(w.post("machines", R"({"Name":"m1","Profiles":["top"],"Params":{"m":"own"}})").status == 201);
  const auto sum = w.get("machines/Name:m1/params?aggregate=true").body;
  INFO(sum);
  CHECK(same_json(
      sum,
      R"({"m":"own","x":"top","y":"base","list":[1],"g":"global","dd":7,"pxelinux-local-boot":"localboot 0"})"));
  CHECK(w.get("machines/Name:m1/params/list?compose=true").body == "[1,2]");
  CHECK(w.get("machines/Name:m1/params?aggregate=true&params=x").body == R"({"x":"top"})");
}

TEST_CASE("contract 3.8: meta") {
  world w;
  w.post("tasks", R"({"Name":"job1","Meta":{"color":"red"}})");
  CHECK(w.get("meta/tasks/job1").body == R"({"color":"red"})");
  CHECK(w.patch("meta/tasks/job1", R"([{"op":"add","path":"/icon","value":"x"}])").body ==
        R"({"color":"red","icon":"x"})");
  CHECK(w.patch("meta/tasks/job1", R"([{"op":"add","path":"/icon","value":1}])").status == 400);
  check_error(w.get("meta/tasks/none"), "tasks", "none", "GET", {"Not Found"}, 404);
}

TEST_CASE("contract 3.9: without plugins there are no actions") {
  world w;
  w.post("machines", R"({"Uuid":"11111111-2222-3333-4444-555555555555","Name":"m1"})");
  const std::string id = "11111111-2222-3333-4444-555555555555";
  CHECK(w.get("machines/" + id + "/actions").body == "[]");
  check_error(w.get("machines/" + id + "/actions/command"), "machines", id, "GET", {"command: Not Found"},
              404);
  check_error(w.post("machines/" + id + "/actions/command", "{}"), "machines", id, "INVOKE",
              {"Action command on machines: Not Found"}, 404);
}

TEST_CASE("contract 5.2: a pack comes, is replaced and goes as one") {
  world w;
  const auto made = w.post("contents", R"({"meta":{"Name":"pack","Version":"1.2.0"},"sections":{
    "stages":{"one":{"Name":"one","BootEnv":"env"}},"bootenvs":{"env":{"Name":"env"}}}})");
  REQUIRE(made.status == 201);
  CHECK(made.body.find(R"("Counts":{"stages":1,"bootenvs":1},"Warnings":[])") != std::string::npos);
  const auto stage = w.get("stages/one").body;
  CHECK(stage.find(R"("ReadOnly":true)") != std::string::npos);
  CHECK(stage.find(R"("Bundle":"pack")") != std::string::npos);
  CHECK(stage.find(R"("Available":true)") != std::string::npos);
  check_error(w.del("stages/one"), "stages", "one", "DELETE", {"ReadOnly"}, 403);
  check_error(w.post("contents", R"({"meta":{"Name":"pack"}})"), "contents", "pack", "POST",
              {"Content pack already exists"}, 409);
  CHECK(w.put("contents/pack", R"({"meta":{"Name":"pack"},"sections":{"stages":{"two":{"Name":"two"}}}})")
            .status == 200);
  CHECK(w.get("stages/one").status == 404);
  CHECK(w.get("stages/two").status == 200);
  CHECK(w.get("contents/pack").body.find(R"("two")") != std::string::npos);
  const auto gone = w.del("contents/pack");
  CHECK(gone.status == 204);
  CHECK(gone.content_type == "application/json");
  CHECK(w.get("stages/two").status == 404);
}

TEST_CASE("contract 2: refusals of contents") {
  world w;
  check_error(w.get("contents/BarkingStore"), "contents", "BarkingStore", "GET", {"No such content store"},
              404);
  check_error(w.del("contents/BarkingStore"), "contents", "BarkingStore", "DELETE", {"No such content store"},
              404);
  check_error(w.post("contents", "{}"), "contents", "", "POST", {"Store at content- has no Name metadata"},
              422);
  CHECK(w.post("contents", R"({"meta":{"Name":"BarkingStore"}})").status == 201);
  check_error(
      w.put("contents/BarkingStore",
            R"({"meta":{"Name":"BarkingStore"},"sections":{"profiles":{"global":{"Name":"global"}}}})"),
      "contents", "BarkingStore", "PUT",
      {"profiles:global in layer dynamic-BarkingStore would override layer writable-BackingStore"}, 422);
  CHECK(w.post("contents", R"({"meta":{"Name":"needy","RequiredFeatures":"no-such-thing"}})").status == 422);
  CHECK(w.post("contents", R"({"meta":{"Name":"needy","Prerequisites":"BarkingStore: >=1.0"}})").status ==
        422);
  CHECK(w.post("contents", R"({"meta":{"Name":"bad"},"sections":{"stages":{"x":{"Name":"y"}}}})").status ==
        422);
  CHECK(w.get("contents/bad").status == 404);
}

TEST_CASE("contract 5.2: an overwritable layer shows again when what covered it goes") {
  world w;
  CHECK(w.post("contents",
               R"({"meta":{"Name":"cover"},"sections":{"bootenvs":{"local":{"Name":"local","Kernel":"k"}}}})")
            .status == 201);
  CHECK(w.get("bootenvs/local").body.find(R"("Bundle":"cover")") != std::string::npos);
  CHECK(w.del("contents/cover").status == 204);
  CHECK(w.get("bootenvs/local").body.find(R"("Bundle":"BasicStore")") != std::string::npos);
}

TEST_CASE("contract 5.2: replaceWritable lets a pack take over writable objects") {
  world w;
  w.post("profiles", R"({"Name":"mine"})");
  const auto pack = R"({"meta":{"Name":"pack"},"sections":{"profiles":{"mine":{"Name":"mine"}}}})";
  CHECK(w.post("contents", pack).status == 422);
  CHECK(w.post("contents?replaceWritable=true", pack).status == 201);
  CHECK(w.get("profiles/mine").body.find(R"("ReadOnly":true)") != std::string::npos);
}

TEST_CASE("contract 5.2: BackingStore is the live writable data") {
  world w;
  CHECK(same_json(w.get("contents").body.substr(0, 1) + "]", "[]"));
  w.post("profiles", R"({"Name":"mine"})");
  json::document doc;
  REQUIRE(!json::parse(w.get("contents/BackingStore").body, doc));
  const auto* profiles = json::member(*json::member(doc, "sections"), "profiles");
  REQUIRE(profiles);
  CHECK(profiles->MemberCount() == 2);
  CHECK_FALSE(json::member(*json::member(doc, "sections"), "bootenvs"));
  CHECK(w.put("contents/BackingStore", R"({"meta":{"Name":"BackingStore"}})").status == 409);
}

TEST_CASE("contract 5.2: a large BackingStore is told in steps, whole and counted") {
  world w;
  msg::transaction many;
  for (int n = 1000; n < 3000; ++n)
    many.mutations.push_back({"profiles", "p" + std::to_string(n), R"({"Name":"p"})"});
  many.mutations.push_back({"users", "u", R"({"Name":"u"})"});
  w.gateway.apply(many);
  json::document doc;
  REQUIRE(!json::parse(w.get("contents/BackingStore").body, doc));
  const auto* sections = json::member(std::as_const(static_cast<json::value&>(doc)), "sections");
  REQUIRE(sections);
  CHECK(json::member(*sections, "profiles")->MemberCount() == 2001);
  CHECK(json::member(*sections, "users")->MemberCount() == 1);
  CHECK(w.get("contents").body.find(R"("profiles":2001,"users":1)") != std::string::npos);
}

TEST_CASE(
    "a change that no log entry can hold is refused as too large, not as a server that may be asked again") {
  world w;
  const std::string pack = R"({"meta":{"Name":"big"},"sections":{"templates":{"tt":{"ID":"tt","Contents":")" +
                           std::string(5 << 20, 'x') + R"("}}}})"; // the pack and the object: twice that
  check_error(
      w.post("contents", pack), "", "", "POST",
      {"The change is larger than 8126464 bytes, the most that one write may hold; nothing was changed"},
      413);
  CHECK(w.get("contents/big").status == 404);
  check_error(w.post("templates", R"({"ID":"tt","Contents":")" + std::string(9 << 20, 'x') + "\"}"), "", "",
              "POST", {"Body is larger than 8126464 bytes"}, 413);
  static_assert(most_written < holdfast::raft::limits{}.max_entry_bytes.value);
}

TEST_CASE("large bodies are worked on away from the event loop, small ones in place") {
  world w;
  int pieces = 0;
  w.shared.offload = [&](std::function<void()> work) -> asio::awaitable<void> {
    ++pieces;
    work();
    co_return;
  };
  CHECK(w.post("templates", R"({"ID":"small","Contents":"x"})").status == 201);
  CHECK(pieces == 0);
  CHECK(w.post("templates", R"({"ID":"large","Contents":")" + std::string(large_body, 'x') + "\"}").status ==
        201);
  CHECK(pieces == 1);
}

TEST_CASE("bad input: nothing is stored that could not be read again for its depth") {
  world w;
  w.post("profiles", R"({"Name":"bob"})");
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  check_error(w.post("profiles/bob/params/x", nested(63)), "profiles", "bob", "ValidationError",
              {"bob: nested more than 64 deep"}, 422);
  CHECK(w.post("profiles/bob/params/x", nested(62)).status == 200);
  CHECK(w.post("profiles/bob/params/y", "1").status == 200);
  const std::string pack =
      R"({"meta":{"Name":"deep"},"sections":{"profiles":{"p":{"Name":"p","Params":{"x":)" + nested(100) +
      "}}}}}";
  CHECK(w.post("contents", pack).status == 422);
  CHECK(w.get("profiles/p").status == 404);
}

TEST_CASE("large bodies are bounded all together, and their share is given back") {
  world w;
  w.shared.large_bodies = most_large_bodies - large_body;
  const std::string large = R"({"ID":"tt","Contents":")" + std::string(large_body, 'x') + "\"}";
  // Without a length the whole limit counts.
  check_error(w.post("templates", large), "", "", "POST", {"Too many large bodies at once; try again"}, 503);
  w.shared.large_bodies = 0;
  CHECK(w.post("templates", large).status == 201);
  CHECK(w.shared.large_bodies == 0);
}

TEST_CASE("contract 4, 5.3: there are no files, ISOs and providers, and what would store one is refused") {
  world w;
  for (const std::string prefix : {"files", "isos"}) {
    CHECK(w.get(prefix).body == "[]");
    CHECK(w.get(prefix + "?path=/x&all=true").body == "[]");
    check_error(w.get(prefix + "/foo"), prefix, "/foo", "GET", {"Not a regular file"}, 404);
    CHECK(w.head(prefix + "/foo").status == 404);
    check_error(w.post(prefix + "/foo/bar", "x"), prefix, "/foo/bar", "POST",
                {"This server does not store " + prefix + " yet; nothing was kept"}, 501);
    check_error(w.del(prefix + "/foo"), prefix, "/foo", "DELETE", {"Unable to delete"}, 404);
  }
  CHECK(w.get("plugin_providers").body == "[]");
  check_error(w.post("plugin_providers/incrementer", "x"), "plugin_providers", "incrementer", "POST",
              {"This server runs no plugin providers; nothing was kept"}, 501);
  check_error(w.del("plugin_providers/incrementer"), "plugin_providers", "incrementer", "DELETE",
              {"Not Found"}, 404);
}

TEST_CASE("contract 2, 8.2: the server itself has no actions either") {
  world w;
  CHECK(w.get("system/actions").body == "[]");
  check_error(w.get("system/actions/command"), "profiles", "global", "GET", {"command: Not Found"}, 404);
  check_error(w.post("system/actions/command", "{}"), "system", "global", "INVOKE",
              {"Action command on system: Not Found"}, 404);
  CHECK(w.post("system/upgrade", "x").status == 501);
}

TEST_CASE("contract 3.8: without secure params none is ever called secure, and no key is given out") {
  world w;
  check_error(w.post("params", R"({"Name":"pw","Secure":true})"), "params", "pw", "ValidationError",
              {"pw: Secure params are not supported"}, 422);
  CHECK(w.post("params", R"({"Name":"pw"})").status == 201);
  CHECK(w.patch("params/pw", R"([{"op":"replace","path":"/Secure","value":true}])").status == 422);
  CHECK(w.get("params?Secure=true").body == "[]");
  w.post("profiles", R"({"Name":"bob"})");
  CHECK(w.get("profiles/bob/pubkey").status == 404);
}
