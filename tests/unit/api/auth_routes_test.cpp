#include "tests/unit/api/system_world.hpp"

using namespace holdfast;
using namespace holdfast::api;
using namespace holdfast::api::system_test;

TEST_CASE("§1.1 the default user of a fresh store gets in, a wrong password gets the exact refusal") {
  system_world world;
  CHECK(world.get("info").status == 200);
  const auto denied = error_text("users", "", "", {"Access Denied"}, 403);
  for (const auto& wrong :
       {system_world::basic("rocketskates", "x"), system_world::basic("nobody", "r0cketsk8ts")}) {
    world.login = wrong;
    const auto answer = world.get("info");
    CHECK(answer.status == 403);
    CHECK(answer.body == denied);
  }
  world.login = "Basic !!!";
  CHECK(world.get("info").body == denied);
  world.login.clear();
  const auto none = world.get("info");
  CHECK(none.status == 401);
  CHECK(none.body == error_text("users", "", "", {"Access Denied"}, 401));
}

TEST_CASE("STA-11 nothing but the health probes answers without a login") {
  system_world world;
  world.login.clear();
  for (const char* path :
       {"info", "prefs", "users", "system/consensus/id", "system/actors", "/metrics", "freds"})
    CHECK(world.get(path).status == 401);
  CHECK(world.get("/health/ready").status == 200);
  CHECK(world.get("/health/active").status == 200);
  world.store->serving = false;
  CHECK(world.get("/health/ready").status == 503);
  world.node->answer->active_id.clear();
  CHECK(world.get("/health/active").status == 503);
}

TEST_CASE("§1.1 a repeated password costs one scrypt, a repeated credential no read of the store") {
  system_world world;
  REQUIRE(world.get("system/consensus/id").status == 200);
  const auto scrypts = world.room->auth().stats().scrypts;
  const auto reads = world.store->reads;
  REQUIRE(world.get("system/consensus/id").status == 200);
  CHECK(world.room->auth().stats().scrypts == scrypts);
  CHECK(world.store->reads == reads);
  world.room->auth().forget(); // any change of users, roles or secrets
  REQUIRE(world.get("system/consensus/id").status == 200);
  CHECK(world.room->auth().stats().scrypts == scrypts);
}

TEST_CASE("§1.2 a token opens every door until it expires") {
  system_world world;
  const auto token = world.token("users/rocketskates/token?ttl=600");
  world.login = "Bearer " + token;
  CHECK(world.get("info").status == 200);
  CHECK(world.get("users/rocketskates/token").status == 200); // it can be renewed
  world.now_ms += 599'000;
  CHECK(world.get("info").status == 200);
  world.now_ms += 1'000;
  const auto late = world.get("info");
  CHECK(late.status == 403);
  CHECK(late.body == error_text("users", "", "", {"Invalid token: Token is expired"}, 403));
}

TEST_CASE("§1.3 a token of another system, a forged and a cut one are refused with an error") {
  system_world world;
  system_world other;
  const auto token = world.token();
  auto forged = token;
  forged[10] = forged[10] == 'A' ? 'B' : 'A';
  const auto refused = error_text("users", "", "", {"Invalid token: No valid key specified"}, 403);
  for (const auto& bad : {forged, token.substr(0, token.size() - 1), token + "A", other.token(),
                          std::string("x"), std::string("hf1..")}) {
    world.login = "Bearer " + bad;
    CHECK(world.get("info").body == refused);
  }
}

TEST_CASE("§1.2 tokens die with the user's secret, the grantor's, the system's, and with the user") {
  system_world world;
  world.add_user("fred", "first pass", R"(["superuser"])");
  const auto root = world.login;
  const auto own = [&] {
    world.login = root;
    return world.token("users/fred/token"); // granted by rocketskates
  };
  const auto works = [&](const std::string& token) {
    world.login = "Bearer " + token;
    const bool good = world.get("info").status == 200;
    world.login = root;
    return good;
  };
  auto token = own();
  CHECK(works(token));
  CHECK(world.call("PUT", "users/fred/password", R"({"Password":"second pass"})").status == 200);
  CHECK_FALSE(works(token));
  token = own();
  CHECK(works(token));
  CHECK(world.call("POST", "prefs", R"({"systemGrantorSecret":"0123456789abcdef0123456789abcdef"})").status ==
        200);
  CHECK_FALSE(works(token));
  token = own();
  CHECK(world.call("POST", "prefs", R"({"baseTokenSecret":"0123456789abcdef0123456789abcdef"})").status ==
        200);
  CHECK_FALSE(works(token));
  token = own();
  CHECK(world.call("DELETE", "users/fred").status == 200);
  CHECK_FALSE(works(token));
  // A new user of the old name has neither the old password nor the old tokens.
  CHECK(world.call("POST", "users", R"({"Name":"fred"})").status == 201);
  CHECK_FALSE(works(token));
  world.login = system_world::basic("fred", "second pass");
  CHECK(world.get("info").status == 403);
}

TEST_CASE("§1.2 token requests: unknown user, bad ttl, and the ways to write a time") {
  system_world world;
  CHECK(world.get("users/greg/token").body == error_text("users", "greg", "GET", {"Not Found"}, 404));
  const auto bad = world.get("users/rocketskates/token?ttl=cow");
  CHECK(bad.body == error_text("users", "rocketskates", "GET",
                               {"strconv.ParseInt: parsing \"cow\": invalid syntax"}, 400));
  for (const char* ttl : {"600", "1h", "3y", "never", "90m", "2w", "1.5h"})
    CHECK(world.get("users/rocketskates/token?ttl=" + std::string(ttl)).status == 200);
}

TEST_CASE("§1.4 a restricted token does what it is for, and begets nothing wider") {
  system_world world;
  world.login = "Bearer " + world.token("users/rocketskates/token?scope=users&action=token");
  CHECK(world.get("prefs").body ==
        error_text("", "", "AUTH", {"Cannot access /api/v3/prefs", "Requires: preferences list *"}, 403));
  const auto child = world.token("users/rocketskates/token");
  CHECK(world.get("users/rocketskates/token?scope=preferences").status == 403);
  world.login = "Bearer " + child;
  CHECK(world.get("prefs").status == 403);
  CHECK(world.get("system/consensus/introduction").status == 403);
}

TEST_CASE("§1.4 a token with fewer roles than its owner cannot set the password that gives them all") {
  system_world world;
  REQUIRE(
      world.call("POST", "roles", R"({"Name":"reader","Claims":[{"Scope":"preferences","Action":"list"}]})")
          .status == 201);
  world.login = "Bearer " + world.token("users/rocketskates/token?roles=reader");
  REQUIRE(world.get("prefs").status == 200);
  CHECK(world.get("users/rocketskates").status == 200);
  CHECK(world.call("PUT", "users/rocketskates/password", R"({"Password":"all of it"})").status == 403);
}

TEST_CASE("changes that were missed end what was derived from them: a snapshot took a user away") {
  system_world world;
  world.add_user("bob", "pass word", R"(["superuser"])");
  world.login = system_world::basic("bob", "pass word");
  REQUIRE(world.get("prefs").status == 200);
  msg::transaction gone;
  gone.time = {1};
  gone.mutations.push_back({"users", "bob", std::nullopt});
  gone.mutations.push_back({"_passwords", "bob", std::nullopt});
  REQUIRE(world.store->store.apply(1'000'000, gone).status == replay::apply_status::applied);
  REQUIRE(world.get("prefs").status == 200); // nobody told it
  world.room->on_changes(nullptr);
  CHECK(world.get("prefs").status == 403);
}

TEST_CASE("§1.4 without rights: the exact refusal, an empty list, and oneself") {
  system_world world;
  REQUIRE(
      world.call("POST", "roles", R"({"Name":"reader","Claims":[{"Scope":"preferences","Action":"list"}]})")
          .status == 201);
  world.add_user("anna", "pass word", R"([])");
  world.add_user("bert", "pass word", R"(["reader"])");
  world.login = system_world::basic("anna", "pass word");
  CHECK(world.call("GET", "prefs?x=1").body ==
        error_text("", "", "AUTH", {"Cannot access /api/v3/prefs?x=1", "Requires: preferences list *"}, 403));
  CHECK(world.get("profiles").body == "[]");
  CHECK(world.get("users/anna").status == 200);
  CHECK(world.get("users/anna/token").status == 200);
  CHECK(world.get("users/bert/token").status == 403);
  CHECK(world.call("PUT", "users/bert/password", R"({"Password":"mine"})").status == 403);
  CHECK(world.call("PUT", "users/anna/password", R"({"Password":"new one"})").status == 200);
  CHECK(world.get("info").status == 403); // the old password
  world.login = system_world::basic("bert", "pass word");
  CHECK(world.get("prefs").status == 200);
  CHECK(world.call("POST", "prefs", "{}").status == 403);
  CHECK(world.call("POST", "system/actors/replay/kill").status == 403);
  CHECK(world.node->controlled.empty());
}

TEST_CASE("§1.2 a password is changed with the user as the answer and no hash anywhere") {
  system_world world;
  CHECK(world.call("PUT", "users/greg/password", R"({"Password":"x"})").body ==
        error_text("users", "greg", "PUT", {"Not Found"}, 404));
  const auto answer = world.call("PUT", "users/rocketskates/password", R"({"Password":"something else"})");
  CHECK(answer.status == 200);
  CHECK(answer.body.find("rocketskates") != std::string::npos);
  world.login = system_world::basic("rocketskates", "something else");
  for (const char* path : {"users", "users/rocketskates", "contents/BackingStore", "info", "prefs"}) {
    const auto body = world.get(path).body;
    CHECK(body.find("16384$8$1") == std::string::npos);
    CHECK(body.find("PasswordHash") == std::string::npos);
  }
  CHECK(world.get("_passwords").status == 404);
  CHECK(world.get("_secrets/baseTokenSecret").status == 404);
  CHECK(world.call("PUT", "users/rocketskates/password", R"({"Password":""})").status == 422);
  CHECK(world.call("PUT", "users/rocketskates/password", R"({"Password")").status == 400);
}

TEST_CASE("unknown outcomes and refusals of the store are told as what they are") {
  system_world world;
  REQUIRE(world.get("info").status == 200);
  world.store->outcome = msg::write_status::unknown;
  CHECK(world.call("POST", "prefs", R"({"logLevel":"info"})").status == 504);
  world.store->outcome = msg::write_status::not_done;
  CHECK(world.call("POST", "prefs", R"({"logLevel":"info"})").status == 503);
  world.store->serving = false;
  CHECK(world.get("prefs").status == 503);
  world.store->serving = true;
  world.store->outcome = msg::write_status::applied;
  world.store->ends_after_write = true;
  const auto done = world.call("POST", "prefs", R"({"logLevel":"info"})");
  CHECK(done.status == 200); // 503 would say that nothing was done
  CHECK(done.body.find(R"("logLevel":"info")") != std::string::npos);
}

TEST_CASE(
    "§1.2 a machine's token is the machine: itself, its jobs, what they refer to, and dies with its secret") {
  system_world world;
  const std::string id = "11111111-2222-3333-4444-555555555555";
  REQUIRE(world.call("POST", "tasks", R"({"Name":"one"})").status == 201);
  REQUIRE(world.call("POST", "machines", R"({"Uuid":")" + id + R"(","Name":"m1","Tasks":["one"]})").status ==
          201);
  REQUIRE(world.call("POST", "machines", R"({"Name":"m2"})").status == 201);
  const auto root = world.login;
  CHECK(world.get("machines/none/token").body == error_text("machines", "none", "GET", {"Not Found"}, 404));
  CHECK(world.get("machines/" + id + "/token?ttl=cow").body ==
        error_text("machines", id, "GET", {"strconv.ParseInt: parsing \"cow\": invalid syntax"}, 400));
  const auto token = world.token("machines/" + id + "/token?ttl=1h");
  world.login = "Bearer " + token;
  CHECK(world.get("machines/" + id).status == 200);
  CHECK(world.get("machines/Name:m2").status == 403);
  CHECK(world.get("users").body == "[]");
  CHECK(world.get("tasks/one").status == 200);
  CHECK(world.call("POST", "jobs", R"({"Machine":")" + id + "\"}").status == 201);
  CHECK(world.call("POST", "profiles", R"({"Name":"x"})").status == 403);
  CHECK(world.get("system/consensus/introduction").status == 403);
  CHECK(world.get("users/rocketskates/token").status == 403);
  const auto renewed = world.token("machines/" + id + "/token");
  world.login = "Bearer " + renewed;
  CHECK(world.get("machines/" + id).status == 200);
  CHECK(world.get("users/rocketskates/token").status == 403);

  world.login = root;
  CHECK(world.call("PATCH", "machines/" + id, R"([{"op":"replace","path":"/Description","value":"x"}])")
            .status == 200);
  world.login = "Bearer " + token;
  CHECK(world.get("machines/" + id).status == 200);
  world.login = root;
  CHECK(world.call("PATCH", "machines/" + id, R"([{"op":"replace","path":"/Secret","value":"another"}])")
            .status == 200);
  for (const auto& old : {token, renewed}) {
    world.login = "Bearer " + old;
    CHECK(world.get("info").body ==
          error_text("users", "", "", {"Invalid token: No valid key specified"}, 403));
  }
}

TEST_CASE("C-08 a password change is repeated with its key, and a key is its user's own") {
  system_world world;
  world.add_user("anna", "pass word", R"([])");
  const auto root = world.login;
  const auto change = [&](std::string_view user, std::string_view password) {
    return world.call("PUT", "users/" + std::string(user) + "/password",
                      R"({"Password":")" + std::string(password) + "\"}", {{"idempotency-key", "k"}});
  };
  const auto first = change("rocketskates", "another one");
  CHECK(first.status == 200);
  world.login = system_world::basic("rocketskates", "another one");
  CHECK(change("rocketskates", "another one").body == first.body);
  const auto other = change("rocketskates", "a third");
  CHECK(other.status == 422);
  CHECK(other.body.find("Idempotency-Key `k` was used for another request") != std::string::npos);
  CHECK(other.body.find("a third") == std::string::npos);
  CHECK(world.get("info").status == 200); // the first change stands
  CHECK(world.call("POST", "profiles", R"({"Name":"pea"})", {{"idempotency-key", "p"}}).status == 201);
  CHECK(
      world
          .call("PUT", "users/rocketskates/password", R"({"Password":"a third"})", {{"idempotency-key", "p"}})
          .status == 422);
  world.login = system_world::basic("anna", "pass word");
  const auto hers = change("anna", "new word");
  CHECK(hers.status == 200);
  CHECK(hers.body.find("anna") != std::string::npos);
  CHECK(hers.body != first.body);
}
