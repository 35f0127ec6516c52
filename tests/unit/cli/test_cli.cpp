// Lists, log-in, errors, enrolment; the rest of the grammar is in test_verbs.cpp.
#include "tests/unit/cli/cli_world.hpp"

using namespace holdfast::cli;
using namespace holdfast::cli::test;

TEST_CASE("contract 9: list passes filters and meta-filters in the query") {
  const auto got = cli({"profiles", "list", "Name=Ne(bob)", "--limit", "2", "--slim", "Params"},
                       {{"GET /api/v3/profiles?Name=Ne(bob)&slim=Params&limit=2", {200, {}, "[]"}}});
  CHECK(got.code == 0);
  CHECK(got.out == "[]\n");
}

TEST_CASE("contract 3.6: count reads X-DRP-LIST-FILTER-COUNT") {
  const auto got =
      cli({"machines", "count"}, {{"HEAD /api/v3/machines", {200, {{"x-drp-list-filter-count", "7"}}, ""}}});
  CHECK(got.out == "7\n");
}

TEST_CASE("contract 9: exists exits 1 and says which object does not exist") {
  const auto got = cli({"profiles", "exists", "bob"}, {{"HEAD /api/v3/profiles/bob", {404, {}, ""}}});
  CHECK(got.code == 1);
  CHECK(got.err == "Error: profiles:bob does not exist\n");
}

TEST_CASE("create takes JSON, YAML or a bare name") {
  CHECK(cli({"profiles", "create", "bob"}, {{R"(POST /api/v3/profiles {"Name":"bob"})", {201, {}, bob}}})
            .code == 0);
  CHECK(
      cli({"profiles", "create", "Name: bob"}, {{R"(POST /api/v3/profiles {"Name":"bob"})", {201, {}, bob}}})
          .code == 0);
  CHECK(cli({"roles", "create", "bob"}).code == 1);
}

TEST_CASE("update gets, merges and sends a patch with tests") {
  const auto got =
      cli({"profiles", "update", "bob", R"({"Description":"d"})"},
          {{"GET /api/v3/profiles/bob", {200, {}, bob}},
           {R"(PATCH /api/v3/profiles/bob [{"op":"test","path":"/Description","from":"","value":""},)"
            R"({"op":"replace","path":"/Description","from":"","value":"d"}])",
            {200, {}, bob}}});
  CHECK(got.code == 0);
}

TEST_CASE("contract 9: destroy names what it deleted; --force travels in the query") {
  const auto got =
      cli({"-f", "profiles", "destroy", "bob"}, {{"DELETE /api/v3/profiles/bob?force=true", {200, {}, bob}}});
  CHECK(got.out == "Deleted profile bob\n");
}

TEST_CASE(
    "contract 2: an error body prints as Type: Model/Key: message, several messages on lines of their own") {
  const std::string one =
      R"({"Model":"bootenvs","Key":"fred","Type":"GET","Messages":["Not Found"],"Code":404})";
  CHECK(cli({"bootenvs", "show", "fred"}, {{"GET /api/v3/bootenvs/fred", {404, {}, one}}}).err ==
        "Error: GET: bootenvs/fred: Not Found\n");
  const std::string two = R"({"Model":"","Key":"","Type":"AUTH","Messages":["a","b"],"Code":403})";
  CHECK(cli({"bootenvs", "show", "fred"}, {{"GET /api/v3/bootenvs/fred", {403, {}, two}}}).err ==
        "Error: AUTH\n  a\n  b\n");
}

TEST_CASE("contract 1.3: without a token the CLI logs in with Basic and asks for a 7200 s token") {
  const auto got =
      cli({"prefs", "list"},
          {{"GET /api/v3/users/rocketskates/token?ttl=7200", {200, {}, R"({"Token":"abc","Info":{}})"}},
           {"GET /api/v3/prefs", {200, {}, "{}"}}},
          {{"RS_TOKEN", ""}});
  CHECK(got.code == 0);
}

TEST_CASE("RS_ENDPOINTS: the first that authenticates wins, the last error is shown when none does") {
  const auto got = cli({"prefs", "list"},
                       {{"GET /api/v3/users/rocketskates/token?ttl=7200", {503, {}, "down"}},
                        {"GET /api/v3/users/rocketskates/token?ttl=7200", {503, {}, "also down"}}},
                       {{"RS_TOKEN", ""}, {"RS_ENDPOINTS", "https://a https://b"}});
  CHECK(got.code == 1);
  CHECK(got.err == "Error: also down\n");
}

TEST_CASE("events watch hides the handshake and prints events") {
  const auto got = cli({"events", "watch", "profiles.*.*"});
  CHECK(got.seen.front() == "register profiles.*.*");
  CHECK(got.out.find("\"bob\"") != std::string::npos);
  CHECK(got.out.find("websocket") == std::string::npos);
}

TEST_CASE("STA-08: failOverSafe sends the wait and refuses one out of bounds before anything is sent") {
  CHECK(cli({"system", "ha", "failOverSafe", "3s"},
            {{"POST /api/v3/system/consensus/failOverSafe?waitFor=3000ms ", {200, {}, "true"}}})
            .out == "true\n");
  CHECK(cli({"system", "ha", "failOverSafe", "6s"}).code == 1);
  CHECK(cli({"system", "ha", "failOverSafe", "10ms"}).code == 1);
  CHECK(cli({"system", "ha", "failOverSafe", "soon"}).code == 1);
}

TEST_CASE(
    "WAL-09 verify compares members at the highest index all of them have, and fails when they differ") {
  const std::string peers =
      R"([{"ConsensusID":"a","ApiUrl":"https://a"},{"ConsensusID":"b","ApiUrl":"https://b"}])";
  const auto script = [&peers](const char* chain_b) {
    return std::deque<fake_transport::exchange>{
        {"GET /api/v3/system/consensus/peers", {200, {}, peers}},
        {"GET /api/v3/system/consensus/verify",
         {200, {}, R"({"ConsensusID":"a","SyncedIndex":9,"Chain":"x"})"}},
        {"GET /api/v3/system/consensus/verify",
         {200, {}, R"({"ConsensusID":"b","SyncedIndex":7,"Chain":"y"})"}},
        {"GET /api/v3/system/consensus/verify?index=7", {200, {}, R"({"ConsensusID":"a","Chain":"12"})"}},
        {"GET /api/v3/system/consensus/verify?index=7",
         {200, {}, std::string{R"({"ConsensusID":"b","Chain":")"} + chain_b + "\"}"}}};
  };
  CHECK(cli({"ha", "verify"}, script("12")).code == 0);
  const auto differ = cli({"ha", "verify"}, script("13"));
  CHECK(differ.code == 1);
  CHECK(differ.err.find("the logs differ at index 7") != std::string::npos);
}

TEST_CASE("enroll takes a ticket and posts it with the arguments over the target's state: no secret passes "
          "through") {
  const std::string state = R"({"ConsensusID":"t","ConsensusAddr":"","HaID":"","Observer":false})";
  const std::string here = R"({"ConsensusID":"a","ConsensusEnabled":true})";
  const std::vector<std::string> line{
      "system", "ha", "enroll", "https://t", "u", "p", "ConsensusAddr", "10.0.0.2:8093", "Observer", "true"};
  CHECK(
      cli(line,
          {{"GET /api/v3/system/consensus/state", {200, {}, state}},
           {"GET /api/v3/system/consensus/state", {200, {}, here}},
           {"POST /api/v3/system/consensus/ticket {}", {200, {}, R"({"Id":"1"})"}},
           {R"(POST /api/v3/system/consensus/enroll {"ConsensusAddr":"10.0.0.2:8093","ConsensusID":"t","HaID":"",)"
            R"("Observer":true,"Ticket":{"Id":"1"}})",
            {200, {}, "{}"}}})
          .code == 0);
  // A server without tickets is the seed's: contract 8.3, the introduction over the target's state.
  CHECK(
      cli(line,
          {{"GET /api/v3/system/consensus/state", {200, {}, state}},
           {"GET /api/v3/system/consensus/state", {200, {}, here}},
           {"POST /api/v3/system/consensus/ticket {}", {404, {}, "{}"}},
           {"GET /api/v3/system/consensus/introduction",
            {200, {}, R"({"HaID":"c","ConsensusEnabled":true})"}},
           {R"(POST /api/v3/system/consensus/enroll {"ConsensusAddr":"10.0.0.2:8093","ConsensusEnabled":true,)"
            R"("ConsensusID":"t","HaID":"c","Observer":true})",
            {200, {}, "{}"}}})
          .code == 0);
}

TEST_CASE("SEL-11, SEL-12 bad enrolment words are refused before anything is sent") {
  const auto refused = [](std::vector<std::string> pairs) {
    std::vector<std::string> line{"ha", "enroll", "https://t", "u", "p"};
    line.insert(line.end(), pairs.begin(), pairs.end());
    return cli(line);
  };
  CHECK(refused({"Observer", "yes"}).err.find("must be true or false") != std::string::npos);
  CHECK(refused({"Frob", "1"}).err.find("unknown key Frob") != std::string::npos);
  CHECK(refused({"HaID"}).code == 1);
}

TEST_CASE(
    "SEL-04 what belongs to the whole cluster, or to another node, is refused before anything is posted") {
  const auto tried = [](const char* here, std::vector<std::string> pairs) {
    std::vector<std::string> line{"ha", "enroll", "https://t", "u", "p"};
    line.insert(line.end(), pairs.begin(), pairs.end());
    return cli(line,
               {{"GET /api/v3/system/consensus/state", {200, {}, R"({"ConsensusID":"t"})"}},
                {"GET /api/v3/system/consensus/state", {200, {}, here}}},
               {{"RS_ENDPOINT", "https://here"}});
  };
  CHECK(tried(R"({"ConsensusEnabled":true})", {"HaID", "x"}).err.find("belongs to the whole cluster") !=
        std::string::npos);
  CHECK(tried(R"({"ConsensusID":"a"})", {}).err.find("in no cluster yet") != std::string::npos);
}

TEST_CASE("REM-08 remove finds the member by id or address and names the list when it is not there") {
  const std::string peers = R"([{"ConsensusID":"a","ConsensusAddr":"10.0.0.1:8093"}])";
  CHECK(cli({"ha", "remove", "10.0.0.1:8093"}, {{"GET /api/v3/system/consensus/peers", {200, {}, peers}},
                                                {"DELETE /api/v3/system/consensus/node/a", {200, {}, ""}}})
            .code == 0);
  CHECK(cli({"ha", "remove", "b"}, {{"GET /api/v3/system/consensus/peers", {200, {}, peers}}})
            .err.find("ha peers") != std::string::npos);
}

TEST_CASE("params verbs: set posts the value, words out of place print usage") {
  CHECK(cli({"profiles", "set", "bob", "param", "a/b", "to", "[1]"},
            {{"POST /api/v3/profiles/bob/params/a/b [1]", {200, {}, "[1]"}}})
            .code == 0);
  const auto bad = cli({"profiles", "set", "bob", "parm", "a", "to", "1"});
  CHECK(bad.code == 1);
  CHECK(bad.err.find("expected: ID param NAME to VALUE") != std::string::npos);
}

TEST_CASE("an unknown format or verb is an error before anything is sent") {
  CHECK(cli({"-F", "xml", "prefs", "list"}, {{"GET /api/v3/prefs", {200, {}, "{}"}}}).err ==
        "Error: Unknown pretty format xml\n");
  CHECK(cli({"profiles", "frobnicate"}).code == 1);
  CHECK(cli({}).code == 1);
}

TEST_CASE("every prefix of the contract has its generic verbs in the completion script") {
  const auto got = cli({"completion", "bash"});
  CHECK(got.code == 0);
  for (const char* prefix : {"bootenvs", "machines", "profiles", "users", "version_sets", "workflows"}) {
    CHECK(got.out.find(std::string{"'holdfast "} + prefix + " list'") != std::string::npos);
  }
}
