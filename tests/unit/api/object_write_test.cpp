// Writes of objects, their refusals compared deeply, and what holds under concurrency and repeats.
#include "actors/api/repeat_mark.hpp"
#include "tests/unit/api/api_world.hpp"

using namespace holdfast::api;
using namespace holdfast::api::test;

namespace {

constexpr std::string_view uuid = "11111111-2222-3333-4444-555555555555";

std::string machine(std::string_view more) {
  return R"({"Uuid":")" + std::string(uuid) + R"(","Name":"m1")" + std::string(more) + "}";
}

std::string field(const net::http_response& r, std::string_view name) {
  json::document doc;
  REQUIRE(!json::parse(r.body, doc));
  const auto* found = json::member(std::as_const(static_cast<json::value&>(doc)), name);
  return found ? json::compact(*found) : "missing";
}

} // namespace

TEST_CASE("contract 2: refusals of look-up, create and delete") {
  world w;
  check_error(w.get("bootenvs/frabjulous"), "bootenvs", "frabjulous", "GET", {"Not Found"}, 404);
  check_error(w.get("bootenvs/OnlyUnknown:true"), "bootenvs", "OnlyUnknown:true", "GET", {"Not Found"}, 404);
  check_error(w.get("leases/0.0.0.0"), "leases", "00000000", "GET", {"Not Found"}, 404);
  check_error(w.get("leases/foo"), "leases", "foo", "GET", {"Not Found"}, 404);
  check_error(w.del("bootenvs/fred"), "bootenvs", "fred", "DELETE", {"Not Found"}, 404);
  check_error(w.get("freds/john"), "", "/api/v3/freds/john", "GET", {"No route"}, 404);
  CHECK(w.post("bootenvs", R"({"Name":"fred"})").status == 201);
  check_error(w.post("bootenvs", R"({"Name":"fred"})"), "bootenvs", "fred", "CREATE", {"already exists"},
              409);
  check_error(w.post("bootenvs", "{}"), "bootenvs", "", "CREATE", {"Empty key not allowed"}, 422);
  CHECK(w.post("bootenvs", "{").status == 400);
  CHECK(w.post("bootenvs", std::string(200, '[')).status == 400);
}

TEST_CASE("contract 2: the patch conflict dump") {
  world w;
  CHECK(w.post("bootenvs", R"({"Name":"fred"})").status == 201);
  check_error(w.patch("bootenvs/fred", R"([{"op":"test","path":"/OS/Name","from":"","value":"ffred"},
                                           {"op":"replace","path":"/OS/Name","from":"","value":"x"}])"),
              "bootenvs", "fred", "PATCH",
              {"Patch error at line 0: Test op failed.",
               "Patch: [\n  {\n    \"op\": \"test\",\n    \"path\": \"/OS/Name\",\n    \"from\": \"\",\n    "
               "\"value\": "
               "\"ffred\"\n  },\n  {\n    \"op\": \"replace\",\n    \"path\": \"/OS/Name\",\n    \"from\": "
               "\"\",\n    "
               "\"value\": \"x\"\n  }\n]"},
              409);
  check_error(w.patch("bootenvs/john", "[]"), "bootenvs", "john", "PATCH", {"Not Found"}, 404);
}

TEST_CASE("contract 2: a patch that removes what is not there") {
  world w;
  w.post("profiles", R"({"Name":"bob"})");
  check_error(
      w.patch("profiles/bob", R"([{"op":"remove","path":"/Params/none"}])"), "profiles", "bob", "PATCH",
      {"Patch error at line 0: `/Params/none` does not point to an existing location",
       "Patch: [\n  {\n    \"op\": \"remove\",\n    \"path\": \"/Params/none\",\n    \"from\": \"\",\n"
       "    \"value\": null\n  }\n]"},
      409);
}

TEST_CASE("contract 3.4: an object lives through create, get, patch, replace, delete") {
  world w;
  const auto made = w.post("profiles", R"({"Name":"bob","Params":{"a":1}})");
  CHECK(made.status == 201);
  const auto got = w.get("profiles/bob");
  CHECK(got.body == made.body);
  const auto tag = header_of(got, "ETag");
  CHECK(tag.front() == '"');
  CHECK(w.get("profiles/bob", {{"if-none-match", tag}}).status == 304);
  CHECK(w.get("profiles/Name:bob").body == made.body);
  CHECK(w.get("profiles/Key:bob").body == made.body);
  const auto whole =
      R"([{"op":"test","path":"","value":)" + made.body + R"(},{"op":"add","path":"/Params/b","value":[1]}])";
  const auto changed = w.patch("profiles/bob", whole);
  CHECK(changed.status == 200);
  CHECK(field(changed, "Params") == R"({"a":1,"b":[1]})");
  CHECK(header_of(w.get("profiles/bob"), "ETag") != tag);
  CHECK(field(w.put("profiles/bob", R"({"Name":"bob","Description":"x"})"), "Params") == "{}");
  const auto gone = w.del("profiles/bob");
  CHECK(field(gone, "Description") == "\"x\"");
  CHECK(w.get("profiles/bob").status == 404);
}

TEST_CASE("contract 3.5: a patch that changes nothing writes nothing") {
  world w;
  w.post("profiles", R"({"Name":"bob"})");
  const auto before = w.gateway.store.applied_index();
  CHECK(w.patch("profiles/bob", R"([{"op":"test","path":"/Name","value":"bob"}])").status == 200);
  CHECK(w.gateway.store.applied_index() == before);
}

TEST_CASE("contract 3.3: what a new machine gets") {
  world w;
  const auto made = w.post("machines", R"({"Name":"m1"})");
  REQUIRE(made.status == 201);
  CHECK(field(made, "Stage") == "\"none\"");
  CHECK(field(made, "BootEnv") == "\"local\"");
  CHECK(field(made, "Runnable") == "true");
  CHECK(field(made, "CurrentTask") == "0");
  CHECK(field(made, "Pool") == "\"default\"");
  CHECK(field(made, "PoolStatus") == "\"Free\"");
  CHECK(field(made, "WorkflowComplete") == "true");
  CHECK(field(made, "Arch") == "\"amd64\"");
  CHECK(field(made, "Secret").size() > 20);
  CHECK(w.get("machines/Name:m1").body == made.body);
  CHECK(w.post("machines", R"({"Name":"m1"})").status == 422);
  CHECK(w.del("machines/Name:m1").status == 200);
  CHECK(w.get("machines/Name:m1").status == 404);
  CHECK(w.post("machines", R"({"Name":"m1"})").status == 201);
}

TEST_CASE("contract 2: refusals of machines") {
  world w;
  const std::string id(uuid);
  const auto refused = [&](std::string_view more, const std::vector<std::string>& messages) {
    check_error(w.post("machines", machine(more)), "machines", id, "ValidationError", messages, 422);
  };
  check_error(w.post("machines", R"({"Uuid":")" + id + R"(","Name":"bad/name"})"), "machines", id,
              "ValidationError", {id + ": Invalid Name `bad/name`"}, 422);
  refused(R"(,"Stage":"baz","BootEnv":"bar")", {"Stage baz does not exist", "Bootenv bar does not exist"});
  refused(R"(,"Profiles":["foo"])", {id + ": Profile foo (at 0) does not exist"});
  refused(R"(,"Tasks":["foo"])", {id + ": Task foo (at 0) does not exist"});
  refused(R"(,"BootEnv":"ignore")",
          {"BootEnv ignore does not allow Machine assignments, it has the OnlyUnknown flag."});
  CHECK(w.post("profiles", R"({"Name":"jill"})").status == 201);
  refused(R"(,"Profiles":["jill","jill"])", {id + ": Duplicate profile jill: at 0 and 1"});
  CHECK(w.post("bootenvs", R"({"Name":"foo","Templates":[{"Name":"t","ID":"nowhere","Path":"x"}]})").status ==
        201);
  refused(R"(,"BootEnv":"foo")", {"BootEnv foo is not available"});
  CHECK(w.post("machines", machine(R"(,"Locked":true)")).status == 201);
  check_error(w.patch("machines/" + id, R"([{"op":"replace","path":"/Description","value":"x"}])"),
              "machines", id, "PATCH", {"Locked"}, 409);
  check_error(w.del("machines/" + id), "machines", id, "DELETE", {"Locked"}, 409);
  CHECK(w.patch("machines/" + id, R"([{"op":"replace","path":"/Locked","value":false}])").status == 200);
}

TEST_CASE("contract 3.3: a missing reference makes an object unavailable until the referent appears") {
  world w;
  auto made = w.post("stages", R"({"Name":"fred","BootEnv":"fredhammer"})");
  CHECK(made.status == 201);
  CHECK(field(made, "Available") == "false");
  CHECK(field(made, "Errors") == R"(["fred: BootEnv fredhammer does not exist"])");
  CHECK(w.post("workflows", R"({"Name":"flow","Stages":["fred"]})").status == 201);
  CHECK(field(w.get("workflows/flow"), "Available") == "false");
  CHECK(w.post("bootenvs", R"({"Name":"fredhammer"})").status == 201);
  CHECK(field(w.get("stages/fred"), "Available") == "true");
  CHECK(field(w.get("workflows/flow"), "Available") == "true");
  CHECK(w.del("bootenvs/fredhammer").status == 200);
  CHECK(field(w.get("stages/fred"), "Available") == "false");
  CHECK(field(w.get("workflows/flow"), "Errors") == R"(["flow: Stage fred (at 0) is not available"])");
}

TEST_CASE("contract 2: deletes of used objects") {
  world w;
  CHECK(w.post("users", R"({"Name":"rocketskates","Roles":["superuser"]})").status == 201);
  check_error(w.del("roles/superuser"), "roles", "superuser", "StillInUseError",
              {"In use by User rocketskates"}, 409);
  CHECK(w.post("users", R"({"Name":"t1-0"})").status == 201);
  CHECK(w.post("users", R"({"Name":"t1-1"})").status == 201);
  CHECK(w.post("tenants", R"({"Name":"tenant1","Users":["t1-0","t1-1"]})").status == 201);
  check_error(w.del("tenants/tenant1"), "tenants", "tenant1", "StillInUseError",
              {"Constraining Users: [t1-0 t1-1]"}, 409);
  CHECK(w.post("tenants", R"({"Name":"tenant2","Users":["t1-0"]})").status == 422);
  CHECK(w.post("bootenvs", R"({"Name":"local3"})").status == 201);
  msg::transaction pref;
  pref.mutations = {
      {"preferences", "defaultBootEnv", R"({"Name":"defaultBootEnv","Val":"local3","Meta":{}})"}};
  w.gateway.apply(pref);
  check_error(w.del("bootenvs/local3"), "bootenvs", "local3", "StillInUseError",
              {"BootEnv local3 is the active defaultBootEnv, cannot remove it"}, 409);
}

TEST_CASE("contract 2: roles name known scopes and actions") {
  world w;
  check_error(w.post("roles", R"({"Name":"rr","Claims":[{"Scope":"bar","action":"get","specific":"*"}]})"),
              "roles", "rr", "ValidationError", {"rr: No such scope 'bar'"}, 422);
  check_error(w.post("roles", R"({"Name":"rr","Claims":[{"scope":"users","action":"bar","specific":"*"}]})"),
              "roles", "rr", "ValidationError", {"rr: No such action 'bar'"}, 422);
  CHECK(w.post("roles",
               R"({"Name":"rr","Claims":[{"scope":"machines","action":"update:/Meta,get","specific":"*"}]})")
            .status == 201);
}

TEST_CASE("a write that met another one looks again and loses nothing") {
  world w;
  w.post("profiles", R"({"Name":"bob"})");
  w.gateway.before_write = [&] {
    const auto other = w.patch("profiles/bob", R"([{"op":"add","path":"/Params/theirs","value":1}])");
    CHECK(other.status == 200);
  };
  CHECK(w.patch("profiles/bob", R"([{"op":"add","path":"/Params/mine","value":2}])").status == 200);
  CHECK(field(w.get("profiles/bob"), "Params") == R"({"theirs":1,"mine":2})");
  w.gateway.before_write = [&] { w.post("profiles", R"({"Name":"jill","Description":"theirs"})"); };
  check_error(w.post("profiles", R"({"Name":"jill","Description":"mine"})"), "profiles", "jill", "CREATE",
              {"already exists"}, 409);
}

TEST_CASE("a reference that another writer deletes first is refused as if it had never been there") {
  world w;
  const auto body = machine(R"(,"Profiles":["pea"],"BootEnv":"bee")");
  const auto race = [&](std::string_view lost) {
    w.post("profiles", R"({"Name":"pea"})");
    w.post("bootenvs", R"({"Name":"bee"})");
    w.gateway.before_write = [&] { CHECK(w.del(lost).status == 200); };
    const auto raced = w.post("machines", body);
    CHECK(w.get(lost).status == 404);
    CHECK(raced.status == 422);
    CHECK(raced.body == w.post("machines", body).body);
  };
  race("profiles/pea");
  race("bootenvs/bee");
}

TEST_CASE("what an object was judged by counts as it is when the object is written, and no more than that") {
  world w;
  w.gateway.before_write = [&] { CHECK(w.post("profiles", R"({"Name":"late"})").status == 201); };
  CHECK(field(w.post("stages", R"({"Name":"ash","Profiles":["late"]})"), "Available") == "true");

  w.gateway.before_write = [&] {
    CHECK(w.patch("profiles/late", R"([{"op":"add","path":"/Profiles/-","value":"none"}])").status == 200);
  };
  const auto judged = w.post("stages", R"({"Name":"elm","Profiles":["late"]})");
  CHECK(judged.status == 201);
  CHECK(field(judged, "Available") == "false");

  CHECK(w.post("stages", R"({"Name":"oak","Profiles":[""]})").status == 201); // no object has that name

  // A machine asks of its profiles only that they are there: their changes cost it no second look.
  w.gateway.linear_reads = 0;
  w.gateway.before_write = [&] {
    CHECK(w.patch("profiles/late", R"([{"op":"add","path":"/Params/x","value":1}])").status == 200);
  };
  CHECK(w.post("machines", machine(R"(,"Profiles":["late"])")).status == 201);
  CHECK(w.gateway.linear_reads == 0);
}

TEST_CASE("C-08 a repeat with the same Idempotency-Key gets the first answer") {
  world w;
  const headers key = {{"idempotency-key", "k1"}};
  const auto first = w.post("machines", R"({"Name":"m1"})", key);
  CHECK(first.status == 201);
  const auto again = w.post("machines", R"({"Name":"m1"})", key);
  CHECK(again.status == 201);
  CHECK(again.body == first.body);
  CHECK(w.gateway.store.view()->count("machines") == 1);
  const auto refused = w.post("profiles", R"({"Name":"x"})", {{"idempotency-key", "k2"}});
  CHECK(refused.status == 422);
  w.post("profiles", R"({"Name":"x"})");
  const auto again_refused = w.post("profiles", R"({"Name":"x"})", {{"idempotency-key", "k2"}});
  CHECK(again_refused.status == 422);
  CHECK(again_refused.body == refused.body);
}

TEST_CASE("C-08 an Idempotency-Key belongs to one request: another one under it is refused and not done") {
  world w;
  const headers key = {{"idempotency-key", "k"}};
  const auto refused = [](const net::http_response& answer, std::string_view method) {
    check_error(answer, "", "", method,
                {"Idempotency-Key `k` was used for another request: nothing was changed; use a fresh key for "
                 "each request"},
                422);
  };
  w.post("profiles", R"({"Name":"pea"})");
  w.post("profiles", R"({"Name":"bean"})");
  const auto put = [&](std::string_view body) {
    return w.call(net::http_method::put, "PUT", "profiles/pea", body, key);
  };
  const auto first = put(R"({"Name":"pea","Description":"one"})");
  CHECK(first.status == 200);
  CHECK(first.body.starts_with('{'));

  refused(w.call(net::http_method::del, "DELETE", "profiles/bean", {}, key), "DELETE"); // another target
  refused(w.call(net::http_method::del, "DELETE", "profiles/pea", {}, key), "DELETE");  // another method
  refused(put(R"({"Name":"pea","Description":"two"})"), "PUT");                         // another body
  refused(w.call(net::http_method::put, "PUT", "profiles/pea?force=true",
                 R"({"Name":"pea","Description":"one"})", key),
          "PUT"); // another query
  CHECK(w.get("profiles/bean").status == 200);
  CHECK(field(w.get("profiles/pea"), "Description") == R"("one")");

  const auto again = put(R"({"Name":"pea","Description":"one"})");
  CHECK(again.status == 200);
  CHECK(again.body == first.body);
}

TEST_CASE("C-08 an answer that an older version stored is given to whoever has its key") {
  world w;
  msg::transaction tx;
  tx.idempotency_key = "rocketskates/old";
  tx.time = w.shared.now();
  tx.answer = {201, R"({"Name":"x"})"};
  w.gateway.apply(tx);
  const auto answer = w.post("profiles", R"({"Name":"y"})", {{"idempotency-key", "old"}});
  CHECK(answer.status == 201);
  CHECK(answer.body == R"({"Name":"x"})");
}

TEST_CASE("C-08 a request is the same one on whichever member it arrives") {
  net::http_head here;
  here.method_name = "PUT";
  here.target = "/api/v3/profiles/a%62";
  here.path = "/api/v3/profiles/ab";
  here.query = {{"force", "true"}};
  auto there = here;
  there.target = "https://10.0.0.2/api/v3/profiles/ab";
  there.peer_node = "raft-other";
  there.headers = {{"x-holdfast-client", "10.9.8.7:1"}};
  CHECK(repeat_mark(here, "d") == repeat_mark(there, "d"));
  CHECK(repeat_mark(here, "d") != repeat_mark(there, "e"));
  there.query = {{"force", ""}, {"true", ""}};
  CHECK(repeat_mark(here, "d") != repeat_mark(there, "d"));
}

TEST_CASE("contract 1.4: rights are asked for each field a patch changes") {
  world w;
  w.post("profiles", R"({"Name":"bob"})");
  w.auth.who = std::make_shared<test_identity>(std::set<std::string>{"profiles update:/Description"}, false);
  CHECK(w.patch("profiles/bob", R"([{"op":"replace","path":"/Description","value":"x"}])").status == 200);
  check_error(w.patch("profiles/bob", R"([{"op":"replace","path":"/Documentation","value":"x"}])"), "", "",
              "AUTH", {"Cannot access /api/v3/profiles/bob", "Requires: profiles update:/Documentation bob"},
              403);
  CHECK(w.post("profiles", R"({"Name":"jill"})").status == 403);
}
