#include "actors/api/api_front.hpp"
#include "actors/api/system_json.hpp"
#include "tests/unit/api/system_world.hpp"

#include <set>

using namespace holdfast;
using namespace holdfast::api;
using namespace holdfast::api::system_test;

TEST_CASE("§7.1 info has every key, no null, and no secret") {
  system_world world;
  const auto body = world.get("info").body;
  json::document doc;
  REQUIRE_FALSE(json::parse(body, doc));
  std::set<std::string> keys;
  for (const auto& member : doc.GetObject()) {
    keys.emplace(json::text(member.name));
    CHECK_FALSE(member.value.IsNull());
  }
  const std::set<std::string> wanted = {"arch",
                                        "os",
                                        "version",
                                        "id",
                                        "local_id",
                                        "ha_id",
                                        "api_port",
                                        "file_port",
                                        "secure_file_port",
                                        "dhcp_port",
                                        "binl_port",
                                        "tftp_port",
                                        "tftp_enabled",
                                        "dhcp_enabled",
                                        "binl_enabled",
                                        "prov_enabled",
                                        "secure_prov_enabled",
                                        "address",
                                        "server_hostname",
                                        "manager",
                                        "stats",
                                        "features",
                                        "scopes",
                                        "License",
                                        "errors",
                                        "ha_enabled",
                                        "ha_virtual_address",
                                        "ha_is_active",
                                        "ha_status",
                                        "ha_active_id",
                                        "ha_passive_state",
                                        "vip",
                                        "ClusterState"};
  CHECK(keys == wanted);
  CHECK(json::text_at(doc, "ha_status") == "Up");
  CHECK(json::text_at(doc, "ha_id") == json::text_at(doc, "id"));
  CHECK(json::flag_at(doc, "ha_is_active"));
  for (const char* list : {"stats", "features", "errors", "ha_passive_state"})
    CHECK(doc[list].IsArray());
  CHECK(doc["errors"].Empty());
  CHECK(doc["scopes"]["users"].HasMember("token"));
}

TEST_CASE("LIC-05, LIC-07 info tells the entitlement on the active alone, and warns of a date that passed") {
  system_world world;
  CHECK(world.get("info").body.find(R"("License":{"Licenses":[]})") != std::string::npos);
  auto& facts = world.node->entitlement.emplace();
  facts.reason = "The entitlement does not name endpoint b";
  facts.features = {"ha"};
  facts.endpoints = {"a"};
  facts.ha_id = "site";
  facts.soft_expires = "2030-01-01T00:00:00Z";
  facts.active = facts.expired = true;
  facts.warning = "The entitlement's term ended";
  const auto told = world.get("info").body;
  CHECK(told.find(
            R"("License":{"Valid":false,"Reason":"The entitlement does not name endpoint b",)"
            R"("Features":["ha"],"Endpoints":["a"],"HaID":"site","SoftExpireDate":"2030-01-01T00:00:00Z",)"
            R"("Licenses":[{"Name":"ha","SoftExpireDate":"2030-01-01T00:00:00Z","Active":true,)"
            R"("Expired":true}]})") != std::string::npos);
  CHECK(told.find(R"("errors":["The entitlement's term ended"])") != std::string::npos);
  CHECK(world.get("users/rocketskates/token").body.find(R"("HaID":"site")") != std::string::npos);
  world.node->answer->active_id = "somebody-else";
  const auto passive = world.get("info").body;
  CHECK(passive.find(R"("License":{"Licenses":[]})") != std::string::npos);
  CHECK(passive.find(R"("errors":[])") != std::string::npos);
}

TEST_CASE("STA-01..STA-06, STA-12 a stand-alone node answers every status call") {
  system_world world;
  const std::string id = "\"01234567-89ab-cdef-0123-456789abcdef\"";
  CHECK(world.get("system/consensus/id").body == id);
  CHECK(world.get("system/consensus/leader").body == id);
  CHECK(world.get("system/consensus/active").body == id);
  CHECK(world.get("system/consensus/peers").body ==
        "[{\"ConsensusID\":" + id +
            R"(,"VirtInterface":"","VirtInterfaceScript":"","ConsensusAddr":"","ApiUrl":"",)" +
            R"("Passive":false,"Observer":false,"Offline":false,"LastArtifactCommitHandled":0}])");
  CHECK(world.call("POST", "system/consensus/failOverSafe").body == "false");
  // STA-10: also without consensus.
  world.node->answer.reset();
  CHECK(world.get("system/consensus/id").body == id);
  CHECK(world.get("system/consensus/leader").body == "\"\"");
  CHECK(world.get("system/consensus/fullstate").status == 200);
}

TEST_CASE(
    "architecture §7 ready: with a store that is filled, a leader, and, as the leader, the active role") {
  system_world w;
  w.login.clear();
  const auto ready = [&w] { return w.get("/health/ready").status == 200; };
  const auto active = [&w] { return w.get("/health/active").status == 200; };
  CHECK(ready());
  CHECK(active());
  w.node->answer->active_id.clear(); // elected a moment ago
  CHECK_FALSE(ready());
  CHECK_FALSE(active());
  w.node->answer->leader_id = "another"; // a passive serves its reads whoever is active there
  CHECK(ready());
  CHECK_FALSE(active());
  w.node->answer->leader_id.clear();
  CHECK_FALSE(ready());
  w.node->answer.reset(); // consensus does not answer
  CHECK_FALSE(ready());
  CHECK_FALSE(active());
}

TEST_CASE("architecture §7 a node whose state cannot be read, or holds no user yet, is not ready") {
  system_world w;
  w.login.clear();
  CHECK(w.get("/health/ready").status == 200);
  w.store->serving = false;
  CHECK(w.get("/health/ready").status == 503);
  w.store->serving = true;
  auto tx = std::make_shared<msg::transaction>();
  tx->principal = "test";
  tx->mutations.push_back({"users", "rocketskates", std::nullopt});
  asio::co_spawn(w.loop, w.store->write(tx), asio::detached);
  w.until([&w] { return w.store->store.view()->count("users") == 0; });
  CHECK(w.get("/health/ready").status == 503);
}

TEST_CASE("C-06, STA-05, STA-06 secrets are told in the introduction alone, and to superusers alone") {
  system_world world;
  world.add_user("anna", "pass word", "[]");
  for (const char* path :
       {"info", "system/consensus/state", "system/consensus/fullstate", "system/consensus/peers",
        "users/rocketskates/token", "/metrics", "system/actors"}) {
    const auto body = world.get(path).body;
    CHECK(body.find("the-cluster-token") == std::string::npos);
    CHECK(body.find("the-root-key") == std::string::npos);
  }
  world.node->desk.json = msg::to_json(*world.node->state, msg::secrets::keep);
  const auto intro = world.get("system/consensus/introduction").body;
  CHECK(intro.find("\"Token\":\"the-cluster-token\"") != std::string::npos);
  CHECK(intro.find("\"Key\":\"the-root-key\"") != std::string::npos);
  world.login = system_world::basic("anna", "pass word");
  CHECK(world.get("system/consensus/introduction").status == 403);
  CHECK(world.get("system/cert").status == 403);
}

TEST_CASE("STA-08, B-04 failOverSafe waits between 50 ms and 5 s and refuses the rest") {
  system_world world;
  for (const char* good : {"50ms", "3", "5s", "0.5"})
    CHECK(world.call("POST", "system/consensus/failOverSafe?waitFor=" + std::string(good)).status == 200);
  for (const char* bad : {"6s", "10ms", "cow", "-1"})
    CHECK(world.call("POST", "system/consensus/failOverSafe?waitFor=" + std::string(bad)).status == 406);
}

TEST_CASE("REM-04, C-05 a refusal of the cluster desk reaches raw HTTP in the contract's shape") {
  system_world world;
  world.node->desk = {409, "", {"This is the active node; hand over first"}};
  const auto refused = world.call("DELETE", "system/consensus/node/01234567-89ab-cdef-0123-456789abcdef");
  CHECK(refused.status == 409);
  CHECK(refused.body.find("\"Messages\":[\"This is the active node; hand over first\"],\"Code\":409") !=
        std::string::npos);
  CHECK(world.call("POST", "system/passive").status == 409);
  REQUIRE(world.node->desk_calls.size() == 1); // without a cluster there is nobody to hand over to
  CHECK(world.node->desk_calls.front() == "remove 01234567-89ab-cdef-0123-456789abcdef");
  world.add_user("anna", "pass word", "[]");
  world.login = system_world::basic("anna", "pass word");
  CHECK(world.call("DELETE", "system/consensus/node/01234567-89ab-cdef-0123-456789abcdef").status == 403);
  CHECK(world.node->desk_calls.size() == 1);
}

TEST_CASE("PRE-14 counts that stand no failure are named") {
  CHECK(tolerance_warning(1) == "Not fault tolerant: 1 member, automatic failover needs at least 3");
  CHECK_FALSE(tolerance_warning(2).empty());
  CHECK_FALSE(tolerance_warning(4).empty());
  CHECK(tolerance_warning(3).empty());
  CHECK(tolerance_warning(5).empty());
}

TEST_CASE("§7.3 preferences: defaults, partial changes, refusals, no secrets") {
  system_world world;
  const auto all = world.get("prefs").body;
  CHECK(all.find(R"("defaultBootEnv":"local")") != std::string::npos);
  CHECK(all.find(R"("knownTokenTimeout":"3600")") != std::string::npos);
  CHECK(all.find("Secret") == std::string::npos);
  CHECK(world.call("POST", "prefs", "{}").body == all);
  CHECK(world.call("POST", "prefs", R"({"greg":"x"})").body ==
        error_text("prefs", "", "POST", {"Unknown Preference greg"}, 422));
  CHECK(world.call("POST", "prefs", R"({"baseTokenSecret":"short"})").body ==
        error_text("prefs", "", "POST", {"baseTokenSecret: Must be 32 bytes long"}, 422));
  CHECK(world.call("POST", "prefs", R"({"logLevel":"2","greg":"x"})").status == 422);
  CHECK(world.get("prefs").body == all); // nothing changed
  const auto changed = world.call("POST", "prefs", R"({"logLevel":"2","defaultStage":"local"})").body;
  CHECK(changed.find(R"("logLevel":"debug")") != std::string::npos);
  CHECK(changed.find(R"("defaultStage":"local")") != std::string::npos);
  CHECK(world.get("prefs").body == changed);
  CHECK(world.call("POST", "prefs", R"({"logLevel":2})").status == 400);
}

TEST_CASE("architecture §9 the actor tree, and the superuser's hand on it") {
  system_world world;
  CHECK(world.get("system/actors").body.find(R"({"Name":"replay","Parent":"node","State":"running")") == 1);
  CHECK(world.get("system/actors/replay").body.front() == '{');
  CHECK(world.get("system/actors/replay").body.find(R"("MeanNs":150000000)") != std::string::npos);
  CHECK(world.get("system/actors/none").body == error_text("actors", "none", "GET", {"Not Found"}, 404));
  CHECK(world.call("POST", "system/actors/replay/kill").status == 204);
  CHECK(world.call("POST", "system/actors/none/kill").status == 409);
  CHECK(world.call("POST", "system/actors/replay/hug").status == 404);
  REQUIRE(world.node->controlled.size() == 2);
  CHECK(world.node->controlled[0] == std::pair<std::string, std::string>("kill", "replay"));
  const auto text = world.get("/metrics");
  CHECK(text.content_type.starts_with("text/plain"));
  CHECK(text.body.find("holdfast_actor_busy_seconds_total{actor=\"replay\"} 1.500000000\n") !=
        std::string::npos);
  CHECK(text.body.find("# TYPE holdfast_consensus_term gauge\nholdfast_consensus_term 0\n") !=
        std::string::npos);
  CHECK(text.body.find("holdfast_objects{prefix=\"users\"} 1\n") != std::string::npos);
}

TEST_CASE("VIP the address stands in info and among the metrics, when there is one to guard") {
  system_world world;
  CHECK(world.get("/metrics").body.find("holdfast_vip_") == std::string::npos);
  CHECK(world.get("info").body.find(R"("vip":{"mode":"none","address":"")") != std::string::npos);
  auto state = std::make_shared<msg::ha_state>(*world.node->state);
  state->consensus_enabled = true;
  state->virt_addr = "10.0.0.9/24";
  state->virt_interface = "c0";
  world.node->state = state;
  world.node->answer->term = 9;
  auto& vip = world.node->address.emplace();
  vip.managed = vip.holding = vip.guard_ready = true;
  vip.epoch = 9;
  vip.lease_left_ms = 320;
  vip.announced_ms = 4000;
  vip.conflicts = 3;
  vip.conflict_mac = "02:00:00:00:00:09";
  vip.conflict_ms = 77;
  vip.tickets_refused = 5;
  const auto info = world.get("info").body;
  CHECK(info.find(R"("vip":{"mode":"address","address":"10.0.0.9/24","interface":"c0","holder":")" +
                  state->consensus_id +
                  R"(","holding":true,"epoch":9,"lease_left_ms":320,"link_up":true,"trouble":"",)"
                  R"("last_error":"","last_announcement_ago_ms":4000,"guard":{"ready":true,"missing":"",)"
                  R"("restarts":0},"conflicts":{"count":3,"mac":"02:00:00:00:00:09","ago_ms":77}})") !=
        std::string::npos);
  const auto text = world.get("/metrics").body;
  for (const char* line :
       {"holdfast_vip_holding 1\n", "holdfast_vip_epoch 9\n", "holdfast_vip_lease_left_seconds 0.320000000\n",
        "holdfast_vip_conflicts_total 3\n",
        "# TYPE holdfast_vip_tickets_refused_total counter\n"
        "holdfast_vip_tickets_refused_total 5\n"}) {
    INFO(line);
    CHECK(text.find(line) != std::string::npos);
  }
}

TEST_CASE("architecture §9 a rate is what happened since the last look, at first the mean of a life") {
  actor_rates rates;
  std::vector<msg::actor_row> rows(1);
  rows[0].name = "replay";
  rows[0].started_ms = 100'000;
  rows[0].messages = 50;
  CHECK(rates.per_second(rows, 110'000)[0] == doctest::Approx(5));
  rows[0].messages = 70;
  CHECK(rates.per_second(rows, 110'500)[0] == doctest::Approx(70 / 10.5)); // too soon after the first look
  rows[0].messages = 150;
  CHECK(rates.per_second(rows, 112'000)[0] == doctest::Approx(50));
  rows[0].messages = 3; // restarted, and counts anew
  rows[0].started_ms = 113'000;
  CHECK(rates.per_second(rows, 114'000)[0] == doctest::Approx(3));
  CHECK(rates.per_second({}, 115'000).empty());
}

TEST_CASE("§2 the refusals that belong to no prefix, exactly") {
  system_world world;
  CHECK(world.get("freds/john").body == error_text("", "/api/v3/freds/john", "GET", {"No route"}, 404));
  CHECK(world.call("POST", "info").body ==
        error_text("", "/api/v3/info", "POST", {"Method not allowed"}, 405));
  CHECK(world.call("POST", "prefs", "{").status == 400);
  CHECK(world.call("POST", "system/cert", R"({"Cert":"!","Key":""})").status == 422);
  CHECK(world.call("POST", "system/cert", R"({"Cert":"eA==","Key":"eA=="})").body ==
        error_text("system", "cert", "POST", {"the certificate does not parse"}, 422));
}

namespace {

struct open_auth final : authenticator {
  identity_ptr cached(const net::http_head&) override { return nullptr; }
  asio::awaitable<identity_ptr> authenticate(const net::http_head&, bool) override { co_return nullptr; }
};

struct bare_router {
  memory_store store;
  change_hub hub;
  services shared{store, hub, [] { return msg::log_time{1}; }};
  open_auth auth;
  router routes{shared, auth};

  void add(const char* pattern, plain_handler run = {}, net::http_method method = net::http_method::get) {
    route entry;
    entry.method = method;
    entry.pattern = pattern;
    entry.run = std::move(run);
    routes.add(std::move(entry));
  }
  net::http_response call(const char* path, const char* type = "application/json") {
    asio::io_context loop;
    auto exchange = std::make_shared<fake_exchange>(loop);
    exchange->request.method = net::http_method::get;
    exchange->request.method_name = "GET";
    exchange->request.path = exchange->request.target = path;
    exchange->request.headers = {{"content-type", type}, {"idempotency-key", "a b"}};
    asio::co_spawn(loop, routes.handle(exchange), asio::detached);
    loop.run();
    REQUIRE(exchange->answer.has_value());
    return *exchange->answer;
  }
};

} // namespace

TEST_CASE("§0.12 keys hold slashes and colons, and the most special pattern wins") {
  bare_router world;
  for (const char* pattern :
       {"params", "params/{id*}", "machines/{id}/params/{key*}", "machines/{id*}",
        "templates/{id*}/actions/{cmd}", "templates/{id*}", "{prefix}/{id}", "/health/ready"})
    world.add(pattern);
  const auto find = [&](const char* path) { return world.routes.find(net::http_method::get, path); };
  CHECK(find("/api/v3/params/incrementer/step").params.get("id") == "incrementer/step");
  CHECK(find("/api/v3/params/OnlyUnknown:true/").params.get("id") == "OnlyUnknown:true");
  const auto nested = find("/api/v3/machines/u1/params/a/b");
  CHECK(nested.params.get("id") == "u1");
  CHECK(nested.params.get("key") == "a/b");
  const auto action = find("/api/v3/templates/a/actions/b/actions/run");
  CHECK(action.found->pattern == "templates/{id*}/actions/{cmd}");
  CHECK(action.params.get("id") == "a/actions/b");
  CHECK(find("/api/v3/others/x").found->pattern == "{prefix}/{id}");
  CHECK(find("/health/ready").found != nullptr);
  CHECK(find("/api/v3/health/ready").found->pattern == "{prefix}/{id}");
  CHECK(find("/api/v3/").found == nullptr);
  CHECK(find("/").found == nullptr);
  CHECK(find("/api/v3/params//x").found != nullptr); // an odd key, but the handler's to judge
  CHECK(world.routes.find(net::http_method::head, "/api/v3/params").found != nullptr);
  const auto wrong = world.routes.find(net::http_method::post, "/api/v3/params");
  CHECK(wrong.found == nullptr);
  CHECK(wrong.path_known);
  CHECK(find(("/api/v3/params" + std::string(1000, '/') + "x").c_str()).found == nullptr);
}

TEST_CASE("§2 a handler that fails says so without a word of what it held") {
  bare_router world;
  world.add("boom", [](request_context&) -> asio::awaitable<net::http_response> {
    throw std::runtime_error("secret 1234");
    co_return net::http_response{};
  });
  world.add("body", [](request_context& ctx) -> asio::awaitable<net::http_response> {
    co_return json_response(co_await ctx.json_body());
  });
  world.add("key", [](request_context& ctx) -> asio::awaitable<net::http_response> {
    co_return json_response(ctx.idempotency_key());
  });
  world.add("empty",
            [](request_context&) -> asio::awaitable<net::http_response> { co_return empty_response(); });
  const auto failed = world.call("/api/v3/boom");
  CHECK(failed.status == 500);
  CHECK(failed.body.find("1234") == std::string::npos);
  CHECK(failed.body.find("\"Key\":\"/api/v3/boom\",\"Type\":\"GET\"") != std::string::npos);
  CHECK(world.call("/api/v3/body", "text/plain").body ==
        error_text("", "", "GET", {"Invalid content type: text/plain"}, 400));
  CHECK(world.call("/api/v3/body", "Application/JSON; charset=utf-8").status == 200);
  CHECK(world.call("/api/v3/key").status == 400);
  CHECK(world.call("/api/v3/empty").content_type == "application/json"); // §0.3
}

TEST_CASE("WAL-09 the log's digest is shown at any index, with the reason when it is not there") {
  system_world world;
  const auto newest = world.get("system/consensus/verify");
  CHECK(newest.status == 200);
  CHECK(newest.body.find("\"Index\":40,\"Chain\":\"abc00028\",\"Error\":\"\"") != std::string::npos);
  CHECK(world.get("system/consensus/verify?index=7").body.find("\"Chain\":\"abc00007\"") !=
        std::string::npos);
  CHECK(world.get("system/consensus/verify?index=41").body.find("\"Chain\":\"\"") != std::string::npos);
  CHECK(world.get("system/consensus/verify?index=fred").status == 406);
  world.node->log_down = true;
  CHECK(world.get("system/consensus/verify").status == 503);
}

TEST_CASE("§2 an error is UTF-8 with all five keys, whatever the client sent") {
  CHECK(to_json(error_body{"", "a\xff\"\n", "GET", {}, 404}) ==
        "{\"Model\":\"\",\"Key\":\"a\xef\xbf\xbd\\\"\\n\",\"Type\":\"GET\",\"Messages\":[],\"Code\":404}");
  CHECK(server_error(431, "too long", nullptr).body ==
        R"({"Model":"","Key":"","Type":"","Messages":["too long"],"Code":431})");
}
