// The rest of the grammar (contract §9), verb by verb: what is sent, what is printed, how it ends.
#include "tests/unit/cli/cli_world.hpp"

using namespace holdfast::cli;
using namespace holdfast::cli::test;

namespace {

const std::string machine = R"({"Uuid":"u1","Name":"m1","Profiles":["a"],"Tasks":[],"Stage":"none"})";

} // namespace

TEST_CASE("contract 9: show, indexes and the shape flags") {
  CHECK(cli({"profiles", "show", "bob", "--slim", "Params,Meta", "--params", "a,b", "--decode"},
            {{"GET /api/v3/profiles/bob?slim=Params,Meta&params=a,b&decode=true", {200, {}, bob}}})
            .code == 0);
  CHECK(cli({"machines", "show", "Name:m1"}, {{"GET /api/v3/machines/Name:m1", {200, {}, machine}}}).code ==
        0);
  CHECK(cli({"jobs", "indexes"}, {{"GET /api/v3/indexes/jobs", {200, {}, "{}"}}}).out == "{}\n");
  CHECK(cli({"objects", "list"}, {{"GET /api/v3/objects", {200, {}, "[]"}}}).code == 0);
  CHECK(cli({"interfaces", "show", "lo"}, {{"GET /api/v3/interfaces/lo", {200, {}, "{}"}}}).code == 0);
}

TEST_CASE("contract 9: etag prints the tag as it came and waits with it") {
  CHECK(
      cli({"profiles", "etag", "bob"}, {{"HEAD /api/v3/profiles/bob", {200, {{"etag", "\"7\""}}, ""}}}).out ==
      "\"7\"\n");
  const auto waited =
      cli({"profiles", "etag", "bob", "\"7\"", "5s"}, {{"HEAD /api/v3/profiles/bob", {304, {}, ""}}});
  CHECK(waited.code == 0);
  CHECK(waited.out == "Timeout: no change\n");
  CHECK(waited.headers.at(0).count({"If-None-Match", "\"7\""}) == 1);
  CHECK(waited.headers.at(0).count({"Prefer", "wait=5s"}) == 1);
  CHECK(cli({"profiles", "etag", "none"}, {{"HEAD /api/v3/profiles/none", {404, {}, ""}}}).err ==
        "Error: profiles:none does not exist\n");
}

TEST_CASE("contract 9: wait looks, then sleeps on the tag until the field has the value") {
  const auto got = cli({"machines", "wait", "u1", "Stage", "done", "30"},
                       {{"GET /api/v3/machines/u1", {200, {{"etag", "\"1\""}}, R"({"Stage":"none"})"}},
                        {"GET /api/v3/machines/u1", {304, {{"etag", "\"1\""}}, ""}},
                        {"GET /api/v3/machines/u1", {200, {{"etag", "\"2\""}}, R"({"Stage":"done"})"}}});
  CHECK(got.out == "complete\n");
  CHECK(got.headers.at(0).count({"If-None-Match", "\"1\""}) == 0);
  CHECK(got.headers.at(1).count({"If-None-Match", "\"1\""}) == 1);
  CHECK(cli({"machines", "wait", "u1", "Runnable", "true", "0"},
            {{"GET /api/v3/machines/u1", {200, {{"etag", "\"1\""}}, R"({"Runnable":false})"}}})
            .out == "timeout\n");
  CHECK(cli({"machines", "wait", "u1", "Stage", "done", "soon"}).err.find("not a duration") !=
        std::string::npos);
}

TEST_CASE("contract 9: create by name where a name is enough, not elsewhere") {
  CHECK(cli({"machines", "create", "m1"}, {{R"(POST /api/v3/machines {"Name":"m1"})", {201, {}, machine}}})
            .code == 0);
  for (const char* prefix : {"roles", "tenants", "templates", "workflows", "contexts", "subnets"}) {
    CHECK(cli({prefix, "create", "x"}).code == 1);
  }
}

TEST_CASE("contract 9: patch needs no look: it is valid only while the object is as given") {
  CHECK(cli({"profiles", "patch", bob, R"({"Description":"d"})"},
            {{R"(PATCH /api/v3/profiles/bob [{"op":"test","path":"/Description","from":"","value":""},)"
              R"({"op":"replace","path":"/Description","from":"","value":"d"}])",
              {200, {}, bob}}})
            .code == 0);
  CHECK(cli({"profiles", "patch", R"({"Description":"x"})", "{}"}).err ==
        "Error: the object given has no Name\n");
}

TEST_CASE("contract 3.5: --ref guards an update with a test of the whole object") {
  const auto got =
      cli({"--ref", bob, "profiles", "update", "bob", R"({"Description":"d"})"},
          {{"GET /api/v3/profiles/bob", {200, {}, bob}},
           {R"(PATCH /api/v3/profiles/bob [{"op":"test","path":"","from":"","value":)" + bob +
                R"(},{"op":"replace","path":"/Description","from":"","value":"d"}])",
            {409, {}, R"({"Model":"profiles","Key":"bob","Type":"PATCH","Messages":["x"],"Code":409})"}}});
  CHECK(got.code == 1);
  CHECK(got.err == "Error: PATCH: profiles/bob: x\n");
}

TEST_CASE("contract 9: profiles and tasks are added to and taken from lists") {
  CHECK(cli({"machines", "addprofile", "u1", "b"},
            {{"GET /api/v3/machines/u1", {200, {}, machine}},
             {R"(PATCH /api/v3/machines/u1 [{"op":"test","path":"/Profiles","from":"","value":["a"]},)"
              R"({"op":"replace","path":"/Profiles","from":"","value":["a","b"]}])",
              {200, {}, machine}}})
            .code == 0);
  CHECK(cli({"machines", "removeprofile", "u1", "a"},
            {{"GET /api/v3/machines/u1", {200, {}, machine}},
             {R"(PATCH /api/v3/machines/u1 [{"op":"test","path":"/Profiles","from":"","value":["a"]},)"
              R"({"op":"replace","path":"/Profiles","from":"","value":[]}])",
              {200, {}, machine}}})
            .code == 0);
  CHECK(cli({"machines", "stage", "u1", "done"},
            {{"GET /api/v3/machines/u1", {200, {}, machine}},
             {R"(PATCH /api/v3/machines/u1 [{"op":"test","path":"/Stage","from":"","value":"none"},)"
              R"({"op":"replace","path":"/Stage","from":"","value":"done"}])",
              {200, {}, machine}}})
            .code == 0);
}

TEST_CASE("contract 9: params are shown, replaced, got, added and removed") {
  const std::string params = "/api/v3/profiles/bob/params";
  CHECK(cli({"profiles", "params", "bob", "--aggregate"},
            {{"GET " + params + "?aggregate=true", {200, {}, "{}"}}})
            .out == "{}\n");
  CHECK(
      cli({"profiles", "params", "bob", R"({"a":1})"}, {{"POST " + params + R"( {"a":1})", {200, {}, "{}"}}})
          .code == 0);
  CHECK(cli({"profiles", "get", "bob", "param", "a/b", "--compose"},
            {{"GET " + params + "/a/b?compose=true", {200, {}, "null"}}})
            .out == "null\n");
  CHECK(
      cli({"profiles", "remove", "bob", "param", "a"}, {{"DELETE " + params + "/a ", {200, {}, "1"}}}).out ==
      "1\n");
  CHECK(cli({"profiles", "add", "bob", "param", "a", "to", "red"},
            {{"GET " + params, {200, {}, "{}"}},
             {"PATCH " + params + R"( [{"op":"add","path":"/a","from":"","value":"red"}])",
              {200, {}, R"({"a":"red"})"}}})
            .out == "\"red\"\n");
}

TEST_CASE("contract 9: meta is got, set and removed") {
  const std::string meta = "/api/v3/meta/tasks/one";
  CHECK(
      cli({"tasks", "meta", "get", "one", "color"}, {{"GET " + meta, {200, {}, R"({"color":"red"})"}}}).out ==
      "\"red\"\n");
  CHECK(cli({"tasks", "meta", "set", "one", "key", "color", "to", "blue"},
            {{"GET " + meta, {200, {}, R"({"color":"red"})"}},
             {"PATCH " + meta +
                  R"( [{"op":"test","path":"/color","from":"","value":"red"},)"
                  R"({"op":"replace","path":"/color","from":"","value":"blue"}])",
              {200, {}, "{}"}}})
            .code == 0);
  CHECK(cli({"tasks", "meta", "get", "one", "none"}, {{"GET " + meta, {200, {}, "{}"}}}).code == 1);
}

TEST_CASE("contract 3.9: actions, and those of jobs under their other name") {
  CHECK(cli({"machines", "actions", "u1"}, {{"GET /api/v3/machines/u1/actions", {200, {}, "[]"}}}).out ==
        "[]\n");
  CHECK(cli({"machines", "runaction", "u1", "boot", R"({"a":1})"},
            {{R"(POST /api/v3/machines/u1/actions/boot {"a":1})", {200, {}, "{}"}}})
            .code == 0);
  CHECK(cli({"jobs", "actions", "j1", "linux"}, {{"GET /api/v3/jobs/j1/actions?os=linux", {200, {}, "[]"}}})
            .code == 0);
  CHECK(cli({"system", "actions"}, {{"GET /api/v3/system/actions", {200, {}, "[]"}}}).code == 0);
}

TEST_CASE("contract 5.1: jobs are created, logged and purged") {
  CHECK(cli({"jobs", "create", R"({"Machine":"u1"})"},
            {{R"(POST /api/v3/jobs {"Machine":"u1"})", {204, {}, ""}}})
            .out == "null\n");
  CHECK(cli({"jobs", "log", "j1"}, {{"GET /api/v3/jobs/j1/log", {200, {}, "Log for Job: j1\n"}}}).out ==
        "Log for Job: j1\n");
  CHECK(cli({"jobs", "purge"}, {{"DELETE /api/v3/jobs ", {200, {}, R"({"Deleted":0})"}}}).code == 0);
}

TEST_CASE("contract 9: destroy says what it deleted, without a newline for contents and files") {
  CHECK(cli({"jobs", "destroy", "j1"}, {{"DELETE /api/v3/jobs/j1", {200, {}, "{}"}}}).out ==
        "Deleted job j1\n");
  CHECK(cli({"contents", "destroy", "x"}, {{"DELETE /api/v3/contents/x", {204, {}, ""}}}).out ==
        "Deleted content x");
  CHECK(cli({"files", "destroy", "x"}, {{"DELETE /api/v3/files/x", {204, {}, ""}}}).out == "Deleted x");
}

TEST_CASE("contract 9: users get tokens and passwords") {
  CHECK(cli({"users", "token", "fred", "ttl", "3y", "scope", "users", "action", "get", "specific", "fred"},
            {{"GET /api/v3/users/fred/token?ttl=3y&scope=users&action=get&specific=fred", {200, {}, "{}"}}})
            .code == 0);
  CHECK(cli({"users", "token", "fred", "ttl"}).code == 1);
  CHECK(cli({"users", "password", "fred", "x"},
            {{R"(PUT /api/v3/users/fred/password {"Password":"x"})", {200, {}, "{}"}}})
            .code == 0);
  const auto hash = cli({"users", "passwordhash", "x"});
  CHECK(hash.out.rfind("16384$8$1$", 0) == 0);
  CHECK(hash.seen.empty());
}

TEST_CASE("contract 9: prefs, contents and events") {
  CHECK(cli({"prefs", "set", "logLevel", "info"},
            {{R"(POST /api/v3/prefs {"logLevel":"info"})", {200, {}, "{}"}}})
            .code == 0);
  const std::string pack = R"({"meta":{"Name":"p"}})";
  CHECK(cli({"contents", "upload", pack, "--replace-writable"},
            {{"GET /api/v3/contents", {200, {}, R"([{"meta":{"Name":"p"}}])"}},
             {"PUT /api/v3/contents/p?replaceWritable=true " + pack, {200, {}, "{}"}}})
            .code == 0);
  CHECK(cli({"contents", "upload", pack},
            {{"GET /api/v3/contents", {200, {}, "[]"}}, {"POST /api/v3/contents " + pack, {201, {}, "{}"}}})
            .code == 0);
  CHECK(cli({"contents", "exists", "p"}, {{"GET /api/v3/contents/p", {404, {}, ""}}}).code == 1);
  CHECK(cli({"events", "post", R"({"Type":"x"})"}, {{R"(POST /api/v3/events {"Type":"x"})", {204, {}, ""}}})
            .code == 0);
}

TEST_CASE("contract 9: -X fails when a returned object has errors, after it was shown") {
  const std::string broken = R"({"Errors":["no"],"Name":"s"})";
  const auto shown = cli({"-X", "stages", "show", "s"}, {{"GET /api/v3/stages/s", {200, {}, broken}}});
  CHECK(shown.code == 1);
  CHECK(shown.out.find("\"no\"") != std::string::npos);
  CHECK(shown.err == "Error: the object has errors: [\"no\"]\n");
  CHECK(cli({"stages", "list"}, {{"GET /api/v3/stages", {200, {}, "[" + broken + "]"}}},
            {{"RS_OBJECT_ERRORS_ARE_FATAL", "true"}})
            .code == 1);
  CHECK(cli({"stages", "show", "s"}, {{"GET /api/v3/stages/s", {200, {}, broken}}}).code == 0);
}

TEST_CASE("contract 9: the environment sets what flags set, and flags win") {
  const std::deque<fake_transport::exchange> list{{"GET /api/v3/profiles", {200, {}, "[" + bob + "]"}}};
  CHECK(cli({"profiles", "list"}, list, {{"RS_FORMAT", "yaml"}}).out ==
        "- Description: \"\"\n  Name: bob\n  Params: {}\n");
  CHECK(cli({"-F", "json", "profiles", "list"}, list, {{"RS_FORMAT", "yaml"}}).out.front() == '[');
  CHECK(cli({"profiles", "list"}, list,
            {{"RS_FORMAT", "text"}, {"RS_PRINT_FIELDS", "Name"}, {"RS_NO_HEADER", "true"}})
            .out == "bob\n");
  CHECK(cli({"-F", "table", "-J", "Name,Params", "profiles", "list"}, list).out ==
        "Name | Params\nbob  | {}\n");
  CHECK(
      cli({"prefs", "list"}, {{"GET /manager/api/v3/prefs", {200, {}, "{}"}}}, {{"RS_URL_PROXY", "manager"}})
          .code == 0);
  CHECK(cli({"prefs", "list"}, {}, {{"RS_TRUNCATE_LENGTH", "long"}}).err.find("RS_TRUNCATE_LENGTH") !=
        std::string::npos);
}

TEST_CASE("contract 0.9: --trace and --no-token show in the headers") {
  const auto traced =
      cli({"-t", "info", "-Z", "word", "prefs", "list"}, {{"GET /api/v3/prefs", {200, {}, "{}"}}});
  CHECK(traced.headers.at(0).count({"X-Log-Request", "info"}) == 1);
  CHECK(traced.headers.at(0).count({"X-Log-Token", "word"}) == 1);
  CHECK(traced.headers.at(0).count({"Authorization", "Bearer t"}) == 1);
  const auto basic = cli({"-x", "-U", "u", "-P", "p", "prefs", "list"},
                         {{"GET /api/v3/prefs", {200, {}, "{}"}}}, {{"RS_TOKEN", ""}});
  CHECK(basic.headers.at(0).count({"Authorization", "Basic dTpw"}) == 1);
}

TEST_CASE("architecture 9: actors shows what matters as a table") {
  const std::string rows = R"([{"Name":"replay","State":"running","Mailbox":0,"Messages":5,"PerSecond":1.5,)"
                           R"("MeanNs":10,"Restarts":1,"LastError":"killed","Id":3}])";
  CHECK(cli({"-F", "table", "actors"}, {{"GET /api/v3/system/actors", {200, {}, rows}}}).out ==
        "Name   | State   | Mailbox | Messages | PerSecond | MeanNs | Restarts | LastError\n"
        "replay | running | 0       | 5        | 1.5       | 10     | 1        | killed\n");
  CHECK(cli({"actors", "kill", "replay"}, {{"POST /api/v3/system/actors/replay/kill {}", {204, {}, ""}}})
            .code == 0);
}

TEST_CASE("C-03 repair-state asks no server, and names a folder that is no base root") {
  const auto got = cli({"ha", "repair-state", "--base-root", "/nonexistent"});
  CHECK(got.code == 1);
  CHECK(got.seen.empty());
  CHECK(got.err.find("/nonexistent is not the base root of a node") != std::string::npos);
}
