#include "actors/node/addresses.hpp"
#include "actors/node/ha_state_store.hpp"
#include "actors/node/settings.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace holdfast;
using namespace holdfast::node;

namespace {

using variables = std::map<std::string, std::string>;

settings_outcome parse(std::vector<const char*> arguments, const variables& set = {}) {
  arguments.insert(arguments.begin(), "holdfastd");
  return parse_settings(static_cast<int>(arguments.size()), arguments.data(),
                        [&](const std::string& name) -> std::optional<std::string> {
                          const auto found = set.find(name);
                          return found == set.end() ? std::nullopt : std::optional(found->second);
                        });
}

settings good(std::vector<const char*> arguments, const variables& set = {}) {
  auto out = parse(std::move(arguments), set);
  INFO(out.error);
  REQUIRE(out.value.has_value());
  return std::move(*out.value);
}

} // namespace

TEST_CASE("CFG-02 without a flag the node is stand-alone on its default ports") {
  const auto all = good({});
  CHECK_FALSE(all.ha_enabled);
  CHECK(all.ha_consensus_addr.empty());
  CHECK(all.api_port == 8092);
  CHECK(all.consensus_port == 8093);
  CHECK(all.listen_address().empty());
  CHECK(all.base_root == "/var/lib/dr-provision");
  CHECK(all.given.empty());
}

TEST_CASE("CFG-03..CFG-14 every HA option takes its flag and its variable, and the flag wins") {
  struct row {
    const char* flag;
    const char* variable;
    const char* from_flag;
    const char* from_variable;
    std::string settings::*field;
  };
  const row rows[] = {
      {"--static-ip", "RS_STATIC_IP", "10.0.0.1", "10.0.0.2", &settings::static_ip},
      {"--drp-id", "RS_DRP_ID", "a", "b", &settings::drp_id},
      {"--ha-id", "RS_HA_ID", "a", "b", &settings::ha_id},
      {"--ha-address", "RS_HA_ADDRESS", "10.0.0.9/24", "10.0.0.8", &settings::ha_address},
      {"--ha-interface", "RS_HA_INTERFACE", "eth0", "eth1", &settings::ha_interface},
      {"--ha-join", "RS_HA_JOIN", "https://a:1/", "https://b:1/", &settings::ha_join},
      {"--ha-token", "RS_HA_TOKEN", "one", "two", &settings::ha_token},
      {"--ha-interface-script", "RS_HA_INTERFACE_SCRIPT", "/bin/a", "/bin/b", &settings::ha_interface_script},
      {"--ha-consensus-addr", "RS_HA_CONSENSUS_ADDR", "10.0.0.1:8093", "[fd00::1]:9000",
       &settings::ha_consensus_addr},
  };
  for (const auto& one : rows) {
    CAPTURE(one.flag);
    CHECK(good({one.flag, one.from_flag}).*one.field == one.from_flag);
    CHECK(good({}, {{one.variable, one.from_variable}}).*one.field == one.from_variable);
    const auto both = good({one.flag, one.from_flag}, {{one.variable, one.from_variable}});
    CHECK(both.*one.field == one.from_flag);
    REQUIRE(both.given.size() == 1);
    CHECK(both.given[0].spelled == one.flag);
  }
}

TEST_CASE("CFG-06, CFG-09, CFG-14 switches take every usual word and no other") {
  CHECK(good({"--ha-enabled"}).ha_enabled);
  CHECK_FALSE(good({"--ha-enabled=false"}, {{"RS_HA_ENABLED", "true"}}).ha_enabled);
  CHECK(good({}, {{"RS_HA_PASSIVE", "True"}}).ha_passive);
  CHECK(good({"--load-balanced"}).ha_load_balanced);
  CHECK(good({"--ha-load-balanced"}).ha_load_balanced);
  CHECK(good({}, {{"RS_HA_LOAD_BALANCED", "1"}}).ha_load_balanced);
  CHECK(parse({"--ha-enabled=perhaps"}).error == "--ha-enabled: 'perhaps' is not true or false");
  CHECK(parse({}, {{"RS_HA_PASSIVE", "2"}}).error == "RS_HA_PASSIVE: '2' is not true or false");
}

TEST_CASE("CFG-15 the lines of a drop-in are enough") {
  const auto all = good({}, {{"RS_HA_ENABLED", "true"},
                             {"RS_HA_INTERFACE", "eth0"},
                             {"RS_HA_ADDRESS", "10.0.0.9/24"},
                             {"RS_HA_ID", "cluster"},
                             {"RS_HA_TOKEN", "ACTIVE_NO_TOKEN"},
                             {"RS_HA_PASSIVE", "false"}});
  std::string refusal;
  std::vector<std::string> warnings;
  const auto state = state_from_settings(all, refusal, warnings);
  CHECK(refusal.empty());
  CHECK(state.enabled);
  CHECK_FALSE(state.consensus_enabled);
  CHECK(state.active_uri == "https://10.0.0.9:8092"); // HST-10
}

TEST_CASE("WAL-05 the limit of the log takes a size with its unit, within bounds") {
  CHECK(good({}).log_limit == 64U << 20U);
  CHECK(good({"--log-limit", "128KiB"}).log_limit == 128U << 10U);
  CHECK(good({}, {{"RS_LOG_LIMIT", "1GiB"}}).log_limit == 1U << 30U);
  for (const char* bad :
       {"63KiB", "1025MiB", "2GiB", "64", "64MB", "-1MiB", "1 MiB", "MiB", "99999999999999999999GiB"})
    CHECK(parse({"--log-limit", bad}).error.find("64KiB to 1GiB") != std::string::npos);
}

TEST_CASE("LIC-01 the issuer's key is a file by its flag or its variable, and none by default") {
  CHECK(good({}).entitlement_key.empty());
  CHECK(good({"--entitlement-key", "a.pem"}, {{"RS_ENTITLEMENT_KEY", "b.pem"}}).entitlement_key == "a.pem");
  CHECK(good({}, {{"RS_ENTITLEMENT_KEY", "b.pem"}}).entitlement_key == "b.pem");
  CHECK(parse({"--entitlement-key", ""}).error.find("--entitlement-key: '' is not a path") !=
        std::string::npos);
}

TEST_CASE("CFG-18 help and version are printed without anything being looked at") {
  const auto help = parse({"--help"});
  CHECK(help.exit_code == 0);
  CHECK_FALSE(help.value.has_value());
  for (const char* word : {"--ha-consensus-addr", "RS_HA_CONSENSUS_ADDR", "8092", "--load-balanced"})
    CHECK(help.output.find(word) != std::string::npos);
  CHECK(parse({"--version"}).output == std::string("holdfastd ") + HOLDFAST_VERSION + "\n");
  // Not even a bad variable keeps help from being shown.
  CHECK(parse({"--help"}, {{"RS_API_PORT", "abc"}}).exit_code == 0);
}

TEST_CASE("CFG-19 a bad consensus address is refused by name") {
  for (const char* bad :
       {"node1:8093", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:abc", "abc", "::1:8093", "10.0.0.1:"}) {
    CAPTURE(bad);
    const auto out = parse({"--ha-consensus-addr", bad});
    CHECK(out.exit_code == 64);
    CHECK(out.error.find("--ha-consensus-addr") == 0);
  }
  CHECK(good({"--ha-consensus-addr", "10.0.0.1"}).ha_consensus_addr == "10.0.0.1:8093");
}

TEST_CASE("CFG-19, CFG-20, CFG-08 what this host does not have is refused") {
  host_facts host;
  host.links.push_back({"eth0", 2, "02:00:00:00:00:01", true, false, true, {"10.0.0.1/24"}});
  msg::ha_state state;
  state.enabled = true;
  state.virt_addr = "10.0.0.9/24";
  state.virt_interface = "eth0";
  state.consensus_addr = "10.0.0.1:8093";
  CHECK(check_against_host(state, host).empty());
  state.consensus_addr = "10.0.0.2:8093";
  CHECK(check_against_host(state, host).find("10.0.0.2") != std::string::npos);
  state.consensus_addr = "10.0.0.1:8093";
  state.virt_addr = "10.0.0.1/24";
  CHECK(check_against_host(state, host).find("both 10.0.0.1") != std::string::npos);
  state.virt_addr = "10.0.0.9/24";
  state.virt_interface = "eth7";
  CHECK(check_against_host(state, host).find("eth7") != std::string::npos);
}

TEST_CASE("CFG-07 the virtual address fits the load balancer or the start is refused") {
  struct row {
    bool balanced;
    const char* address;
    bool good;
  };
  for (const auto& one : {row{false, "10.0.0.9/24", true}, row{true, "10.0.0.9", true},
                          row{false, "10.0.0.9", false}, row{true, "10.0.0.9/24", false}}) {
    settings all;
    all.ha_enabled = true;
    all.ha_load_balanced = one.balanced;
    all.ha_address = one.address;
    std::string refusal;
    std::vector<std::string> warnings;
    static_cast<void>(state_from_settings(all, refusal, warnings));
    CHECK(refusal.empty() == one.good);
  }
}

TEST_CASE("CFG-04, TOK-08 clashing ids are refused, and a token's value is never repeated") {
  CHECK(parse({"--drp-id", "x", "--ha-id", "x"}).error.find("'x'") != std::string::npos);
  CHECK(parse({"--listen"}).exit_code == 64);
  CHECK(parse({"--nope"}).exit_code == 64);
  CHECK(parse({"--heartbeat", "400ms"}).error == "--election-timeout must be at least twice --heartbeat");
  CHECK(parse({"--lease", "500ms"}).error == "--lease must be shorter than --election-timeout");
  CHECK(parse({"--api-port", "65536"}).error == "--api-port: '65536' is not a port from 1 to 65535");
}

TEST_CASE("PRE-16 a loopback static address is listened on alone") {
  CHECK(good({"--static-ip", "127.0.0.2"}).listen_address() == "127.0.0.2");
  CHECK(good({"--static-ip", "10.0.0.1"}).listen_address().empty());
  CHECK(good({"--static-ip", "127.0.0.2", "--listen", "0.0.0.0"}).listen_address() == "0.0.0.0");
}

TEST_CASE("C-20 addresses are read strictly") {
  CHECK(parse_endpoint("[::1]:80")->address == "::1");
  CHECK_FALSE(parse_endpoint("[10.0.0.1]:80"));
  CHECK_FALSE(parse_cidr("10.0.0.1/33"));
  CHECK_FALSE(parse_cidr("10.0.0.1/"));
  CHECK_FALSE(parse_cidr("10.0.0.1"));
  CHECK_FALSE(is_ip("10.0.0.1 "));
  CHECK_FALSE(is_ip("010.0.0.300"));
  CHECK(same_ip("::1", "0:0::1"));
  CHECK(https_url("fd00::1", 8092) == "https://[fd00::1]:8092");
}
