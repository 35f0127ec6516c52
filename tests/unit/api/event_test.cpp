// Events, websocket sessions, long polls, log lines.
#include "tests/unit/api/api_world.hpp"

#include "actors/api/event_routes.hpp"

#include <spdlog/logger.h>

using namespace holdfast::api;
using namespace holdfast::api::test;

namespace {

constexpr msg::log_time now{1'700'000'000'000};

struct client {
  std::shared_ptr<test_socket> socket = std::make_shared<test_socket>();
  event_hub::session_ptr session;
  explicit client(world& w, identity_ptr who = std::make_shared<test_identity>())
      : session(w.events.open(socket, std::move(who))) {}
  /// "Type.Action.Key" of the oldest event, which is taken off.
  std::string next() {
    if (socket->sent.empty())
      return "nothing";
    json::document doc;
    REQUIRE(!json::parse(socket->sent.front(), doc));
    socket->sent.pop_front();
    return std::string(json::text_at(doc, "Type")) + "." + std::string(json::text_at(doc, "Action")) + "." +
           std::string(json::text_at(doc, "Key"));
  }
};

} // namespace

TEST_CASE("contract 6: registrations split on the first two dots and know their escapes") {
  const auto p = event_pattern::parse("machines, jobs.update,save.a.b");
  REQUIRE(p);
  CHECK(p->matches("jobs", "save", "a.b"));
  CHECK_FALSE(p->matches("jobs", "delete", "a.b"));
  CHECK_FALSE(p->matches("users", "save", "a.b"));
  const auto escaped = event_pattern::parse(R"(a\1b.*.x\2y,\3)");
  REQUIRE(escaped);
  CHECK(escaped->matches("a.b", "any", "x,y"));
  CHECK(escaped->matches("a.b", "any", "*"));
  CHECK_FALSE(escaped->matches("a.b", "any", "z"));
  CHECK_FALSE(event_pattern::parse("a.b"));
  CHECK_FALSE(event_pattern::parse(".b.c"));
  CHECK_FALSE(event_pattern::parse(std::string(5000, 'a') + ".b.c"));
}

TEST_CASE("contract 6: exactly one acknowledgement, after the effect, that matches nothing") {
  world w;
  client c(w);
  CHECK(c.session->handle("register *.*.*", now));
  CHECK(c.next() == "websocket.register.*.*.*");
  CHECK(c.next() == "nothing");
  w.post("profiles", R"({"Name":"bob"})");
  CHECK(c.next() == "profiles.create.bob");
  CHECK(c.session->handle("deregister *.*.*", now));
  CHECK(c.next() == "websocket.deregister.*.*.*");
  w.del("profiles/bob");
  CHECK(c.next() == "nothing");
  CHECK(c.session->handle("register nonsense", now));
  CHECK(c.next() == "websocket.error.nonsense");
  CHECK_FALSE(c.session->handle("hello", now));
}

TEST_CASE("contract 6: an event is sent once however many registrations match") {
  world w;
  client c(w);
  c.session->handle("register profiles.*.*", now);
  c.session->handle("register *.create.bob", now);
  c.next();
  c.next();
  w.post("profiles", R"({"Name":"bob"})");
  CHECK(c.next() == "profiles.create.bob");
  w.patch("profiles/bob", R"([{"op":"replace","path":"/Description","value":"x"}])");
  json::document doc;
  REQUIRE(!json::parse(c.socket->sent.front(), doc));
  CHECK(json::text_at(*json::member(doc, "Object"), "Description") == "x");
  CHECK(json::text_at(*json::member(doc, "Original"), "Description") == "");
  CHECK(json::text_at(doc, "Principal") == "rocketskates");
  CHECK(json::text_at(doc, "Time") == "2023-11-14T22:13:20Z");
  CHECK(c.next() == "profiles.update.bob");
  w.del("profiles/bob");
  CHECK(c.next() == "profiles.delete.bob");
  CHECK(c.next() == "nothing");
}

TEST_CASE("contract 6: only what the user may get, and never the server's own records") {
  world w;
  client limited(w, std::make_shared<test_identity>(std::set<std::string>{"profiles get"}, false));
  client all(w);
  limited.session->handle("register *.*.*", now);
  all.session->handle("register *.*.*", now);
  limited.next();
  all.next();
  w.post("params", R"({"Name":"secret"})");
  w.post("profiles", R"({"Name":"bob"})");
  CHECK(limited.next() == "profiles.create.bob");
  CHECK(limited.next() == "nothing");
  CHECK(w.post("machines", R"({"Name":"m1"})").status == 201);
  CHECK(all.next() == "params.create.secret");
  CHECK(all.next() == "profiles.create.bob");
  CHECK(all.next().starts_with("machines.create."));
  CHECK(all.next() == "nothing");
}

TEST_CASE("contract 6: a stream ends when the rights of whoever watches may have changed") {
  const auto ends = [](const std::string& prefix, const std::string& key, bool superuser) {
    world w;
    client c(w, std::make_shared<test_identity>(std::set<std::string>{"profiles get"}, superuser));
    c.session->handle("register *.*.*", now);
    msg::change one;
    one.prefix = prefix;
    one.key = key;
    w.events.end_outdated(rights_changed({one}, false));
    c.next();
    w.post("profiles", R"({"Name":"bob"})");
    CHECK((c.next() == "nothing") == c.socket->closed);
    return c.socket->closed;
  };
  CHECK(ends("users", "rocketskates", false));
  CHECK(ends("_passwords", "rocketskates", true));
  CHECK(ends("_secrets", "baseTokenSecret", true));
  CHECK(ends("tenants", "t", true));
  CHECK(ends("roles", "reader", false));
  CHECK_FALSE(ends("roles", "reader", true)); // built in
  CHECK_FALSE(ends("users", "somebody-else", false));
  CHECK_FALSE(ends("profiles", "rocketskates", false));
}

TEST_CASE("contract 6: a client that does not read is closed") {
  world w;
  client c(w);
  c.session->handle("register *.*.*", now);
  c.socket->room = 3;
  for (int n = 0; n < 5; ++n)
    w.post("profiles", R"({"Name":"p)" + std::to_string(n) + "\"}");
  CHECK(c.socket->closed);
  CHECK(c.socket->sent.size() == 3);
}

TEST_CASE("contract 6: POST events publishes as given") {
  world w;
  client c(w);
  c.session->handle("register fred.*.*", now);
  c.next();
  const auto r = w.post("events", R"({"Type":"fred","Action":"a","Key":"k","Object":{"x":1}})");
  CHECK(r.status == 204);
  CHECK(r.content_type == "application/json");
  CHECK(r.body.empty());
  CHECK(c.next() == "fred.a.k");
  CHECK(w.post("events", "{}").status == 400);
  CHECK(w.post("events", R"({"Type":7})").status == 400);
}

TEST_CASE("contract 6: log lines are kept and watched") {
  world w;
  auto ring = std::make_shared<log_ring>(3, 10);
  spdlog::logger logger("api", ring);
  publish_log_lines(*ring, w.events, w.loop.get_executor());
  client c(w);
  c.session->handle("register log.*.*", now);
  c.next();
  for (int n = 0; n < 5; ++n)
    logger.warn("line {} with a long tail", n);
  w.run();
  CHECK(c.next() == "log.api.warn");
  CHECK(c.socket->sent.size() == 4);
  json::document doc;
  REQUIRE(!json::parse(ring->text(), doc));
  REQUIRE(doc.Size() == 3);
  CHECK(json::text_at(doc[0], "Message") == "line 2 wit");
  CHECK(json::text_at(doc[2], "Level") == "warn");
}

TEST_CASE("contract 3.7: a long poll holds until the object changes") {
  world w;
  w.post("profiles", R"({"Name":"bob"})");
  const auto tag = header_of(w.get("profiles/bob"), "ETag");
  const auto held = w.start(net::http_method::get, "GET", "profiles/bob", {},
                            {{"if-none-match", tag}, {"prefer", "wait=60"}});
  CHECK_FALSE(held->answer);
  w.post("profiles", R"({"Name":"jill"})");
  CHECK_FALSE(held->answer);
  w.patch("profiles/bob", R"([{"op":"replace","path":"/Description","value":"x"}])");
  w.loop.restart();
  w.loop.poll();
  REQUIRE(held->answer);
  CHECK(held->answer->status == 200);
  CHECK(held->answer->body.find("\"x\"") != std::string::npos);
}

TEST_CASE("contract 3.7: a long poll answers at once when the tag differs, 304 when time is up") {
  world w;
  w.post("profiles", R"({"Name":"bob"})");
  CHECK(w.get("profiles/bob", {{"if-none-match", "\"1\""}, {"prefer", "wait=60"}}).status == 200);
  const auto tag = header_of(w.get("profiles/bob"), "ETag");
  const auto held = w.start(net::http_method::get, "GET", "profiles/bob", {},
                            {{"if-none-match", tag}, {"prefer", "wait=20ms"}});
  w.run();
  REQUIRE(held->answer);
  CHECK(held->answer->status == 304);
}

TEST_CASE("contract 3.7: waiting for an object that does not exist, and a client that leaves") {
  world w;
  const auto held = w.start(net::http_method::get, "GET", "profiles/bob", {}, {{"prefer", "wait=60"}});
  CHECK_FALSE(held->answer);
  w.post("profiles", R"({"Name":"bob"})");
  w.loop.restart();
  w.loop.poll();
  REQUIRE(held->answer);
  CHECK(held->answer->status == 200);
  const auto left = w.start(net::http_method::get, "GET", "profiles/none", {}, {{"prefer", "wait=60"}});
  CHECK_FALSE(left->answer);
  left->left = true;
  left->when_gone();
  w.loop.restart();
  w.loop.poll();
  CHECK(left->answer);
  CHECK(w.hub.size() == 1);
}

TEST_CASE("contract 3.7: a tag, a wait or a consistency that cannot be read is refused, never guessed") {
  world w;
  w.post("profiles", R"({"Name":"bob"})");
  check_error(w.get("profiles/bob", {{"prefer", "wait=soon"}}), "profiles", "", "GET",
              {"Prefer: wait must be a time such as 30 or 5m"}, 400);
  check_error(w.get("profiles/bob", {{"if-none-match", "17"}, {"prefer", "wait=5"}}), "profiles", "", "GET",
              {"If-None-Match must hold entity tags in quotes, as ETag gave them"}, 400);
  check_error(w.get("profiles/bob?consistency=strong"), "", "", "GET",
              {"consistency must be linear or local, not 'strong'"}, 406);
  check_error(w.get("profiles?consistency="), "", "", "GET", {"consistency must be linear or local, not ''"},
              406);
  const auto reads = w.gateway.linear_reads;
  CHECK(w.get("profiles/bob?consistency=local").status == 200);
  CHECK(w.gateway.linear_reads == reads);
  CHECK(w.get("profiles/bob?consistency=linear").status == 200);
  CHECK(w.gateway.linear_reads == reads + 1);
}

TEST_CASE("contract 6: every way to change an object says update once, with the object before and after") {
  world w;
  client c(w);
  REQUIRE(c.session->handle("register profiles.*.*", now));
  c.next();
  const auto one_change = [&](const net::http_response& answer, std::string_view action,
                              std::string_view before, std::string_view after) {
    CHECK(answer.status < 300);
    REQUIRE(c.socket->sent.size() == 1);
    json::document doc;
    REQUIRE(!json::parse(c.socket->sent.front(), doc));
    c.socket->sent.pop_front();
    CHECK(json::text_at(doc, "Action") == action);
    CHECK(json::text_at(doc, "Key") == "bob");
    CHECK(json::text_at(doc, "Principal") == "rocketskates");
    CHECK(json::text_at(doc, "Time") == "2023-11-14T22:13:20Z");
    const auto text = [&](std::string_view name) {
      return json::compact(*json::member(std::as_const(static_cast<json::value&>(doc)), name));
    };
    INFO(text("Original") << " -> " << text("Object"));
    CHECK(text("Original").find(before) != std::string::npos);
    CHECK(text("Object").find(after) != std::string::npos);
  };
  one_change(w.post("profiles", R"({"Name":"bob"})"), "create", "null", R"("Params":{})");
  one_change(w.post("profiles/bob/params/a", "1"), "update", R"("Params":{})", R"("Params":{"a":1})");
  one_change(w.post("profiles/bob/params", R"({"b":2})"), "update", R"({"a":1})", R"({"b":2})");
  one_change(w.patch("profiles/bob/params", R"([{"op":"add","path":"/c","value":3}])"), "update",
             R"({"b":2})", R"({"b":2,"c":3})");
  one_change(w.del("profiles/bob/params/c"), "update", R"({"b":2,"c":3})", R"({"b":2})");
  one_change(w.patch("meta/profiles/bob", R"([{"op":"add","path":"/color","value":"red"}])"), "update",
             R"("Meta":{})", R"("Meta":{"color":"red"})");
  one_change(w.patch("profiles/bob", R"([{"op":"add","path":"/Description","value":"x"}])"), "update",
             R"("Description":"")", R"("Description":"x")");
  one_change(w.put("profiles/bob", R"({"Name":"bob"})"), "update", R"("Description":"x")",
             R"("Description":"")");
  w.put("profiles/bob", R"({"Name":"bob"})");
  CHECK(c.socket->sent.empty()); // nothing changed
  one_change(w.del("profiles/bob"), "delete", R"("Name":"bob")", R"("Name":"bob")");
}
