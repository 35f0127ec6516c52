#include "actors/node/ha_state_store.hpp"
#include "actors/node/instance_lock.hpp"
#include "messages/log_line.hpp"
#include "tests/unit/node/fake_files.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

using namespace holdfast;
using namespace holdfast::node;
using holdfast::node::test::fake_files;
using outcome = ha_state_load::outcome;

namespace {

const std::string root = "/base";
const std::string state_path = root + "/ha-state.json";
const std::string copy_path = root + "/raft/ha-state.copy";

host_facts this_host() {
  host_facts host;
  host.links.push_back({"eth0", 2, "02:00:00:00:00:01", true, false, true, {"10.0.0.1/24"}});
  return host;
}

ha_state_load load(file_seam& files, const settings& from = {}, const known_identity& known = {}) {
  return ha_state_store(files, root).load(from, this_host(), known, random_uuid);
}

msg::ha_state parsed(const std::string& text) {
  auto out = msg::parse_ha_state(text);
  REQUIRE(std::holds_alternative<msg::parsed_ha_state>(out));
  return std::get<msg::parsed_ha_state>(out).state;
}

} // namespace

TEST_CASE("HST-08 a fresh node writes exactly the seventeen keys, all empty but its id and Valid") {
  fake_files files;
  const auto made = load(files);
  CHECK(made.how == outcome::created);
  const auto id = made.state.consensus_id;
  CHECK(msg::is_uuid(id));
  CHECK(
      files.bytes(state_path) ==
      R"({"ActiveUri":"","ApiUrl":"","ConsensusAddr":"","ConsensusEnabled":false,"ConsensusID":")" + id +
          R"(","ConsensusJoin":"","Enabled":false,"HaID":"","LoadBalanced":false,"Observer":false,"Passive":false,)"
          R"("Roots":[],"Token":"","Valid":true,"VirtAddr":"","VirtInterface":"","VirtInterfaceScript":""})");
}

TEST_CASE(
    "HST-08, HST-09 the reader takes null roots, unknown keys and the other spelling, and loses nothing") {
  fake_files files;
  files.place(
      state_path,
      R"({"ActiveUrl":"https://v:1","ConsensusID":"01234567-89ab-cdef-0123-456789abcdef","Roots":null,)"
      R"("ServerHostname":"h","Later":{"a":[1,2.50]},"Valid":true})");
  const auto loaded = load(files);
  REQUIRE(loaded.how == outcome::loaded);
  CHECK(loaded.state.active_uri == "https://v:1");
  CHECK(ha_state_store(files, root).save(loaded.state).empty());
  const auto text = files.bytes(state_path);
  CHECK(text.find(R"("ActiveUri":"https://v:1")") != std::string::npos);
  CHECK(text.find(R"("ServerHostname":"h")") != std::string::npos);
  CHECK(text.find(R"("Later":{"a":[1,2.5]})") != std::string::npos);
  CHECK(text.find("ActiveUrl") == std::string::npos);
}

TEST_CASE("HST-02, HST-03, CFG-17 a valid file beats every flag, and each ignored one is named once") {
  fake_files files;
  settings first;
  first.ha_id = "mine";
  const auto made = load(files, first);
  settings other;
  other.ha_id = "other";
  other.ha_passive = true;
  other.given = {{"--ha-id", "--ha-id", source::command_line},
                 {"--ha-passive", "RS_HA_PASSIVE", source::environment}};
  const auto again = load(files, other, {made.state.consensus_id, false});
  CHECK(again.how == outcome::loaded);
  CHECK(again.state == made.state);
  REQUIRE(again.warnings.size() == 2);
  CHECK(again.warnings[0].find("--ha-id has no effect") == 0);
  CHECK(again.warnings[1].find("RS_HA_PASSIVE has no effect") == 0);
}

TEST_CASE("HST-04, HST-15 an invalid file is filled from the flags, and the identity is never drawn twice") {
  settings flags;
  flags.ha_id = "cluster";
  for (const char* bytes :
       {"", "{\"Valid\": true, ", R"({"HaID":"old","Valid":false})", "[]", R"({"Valid":"yes"})"}) {
    CAPTURE(bytes);
    fake_files files;
    const auto id = load(files).state.consensus_id;
    if (*bytes == '\0')
      files.erase(state_path);
    else
      files.place(state_path, bytes);
    const auto filled = load(files, flags, {id, false});
    CHECK(filled.how == outcome::filled);
    CHECK(filled.state.ha_id == "cluster");
    CHECK(filled.state.consensus_id == id);
    CHECK(filled.state.valid);
    // Also when the consensus metadata is gone too, the copy knows.
    files.erase(state_path);
    CHECK(load(files, flags).state.consensus_id == id);
  }
}

TEST_CASE("HST-15 an id that looks like a number with a small exponent is no damage") {
  msg::ha_state state;
  state.consensus_id = "2f9d6c1e-1234-4567-812e-345678901234";
  CHECK(parsed(msg::to_json(state, msg::secrets::keep)).consensus_id == state.consensus_id);
}

TEST_CASE("C-03 damaged bytes are kept aside, never overwritten") {
  fake_files files;
  const auto id = load(files).state.consensus_id;
  files.place(state_path, "precious");
  const auto filled = load(files, {}, {id, false});
  CHECK(files.bytes(state_path + ".damaged-1") == "precious");
  REQUIRE_FALSE(filled.warnings.empty());
  CHECK(filled.warnings[0].find("ha-state.json.damaged-1") != std::string::npos);
  files.place(state_path, "more");
  CHECK(load(files, {}, {id, false}).how == outcome::filled);
  CHECK(files.bytes(state_path + ".damaged-1") == "precious");
  CHECK(files.bytes(state_path + ".damaged-2") == "more");
}

TEST_CASE(
    "TRB-08, C-03 a member whose file is gone or damaged stops with guidance, and repair brings it back") {
  fake_files files;
  settings member;
  member.ha_enabled = true;
  member.ha_consensus_addr = "10.0.0.1:8093";
  auto state = load(files, member).state;
  CHECK(state.consensus_enabled); // HST-14
  state.token = "t";
  REQUIRE(ha_state_store(files, root).save(state).empty());
  const known_identity known{state.consensus_id, true};
  const auto whole = files.bytes(state_path);
  for (const bool erase : {true, false}) {
    if (erase)
      files.erase(state_path);
    else
      files.place(state_path, "{");
    const auto stopped = load(files, {}, known);
    CHECK(stopped.how == outcome::refused);
    CHECK(stopped.refusal.find("repair-state") != std::string::npos);
    CHECK(files.has(state_path) == !erase);
    const auto report = ha_state_store(files, root).repair(known);
    CHECK(report.repaired);
    CHECK(files.bytes(state_path) == whole);
    CHECK(load(files, {}, known).how == outcome::loaded);
  }
  CHECK(files.bytes(state_path + ".damaged-1") == "{");
}

TEST_CASE("HST-07, HST-15 an edited identity, HaID or root is refused, never followed") {
  fake_files files;
  settings member;
  member.ha_consensus_addr = "10.0.0.1:8093";
  const auto state = load(files, member).state;
  const known_identity known{state.consensus_id, true};
  const auto edited = [&](auto change) {
    auto copy = state;
    change(copy);
    files.place(state_path, msg::to_json(copy, msg::secrets::keep));
    return load(files, {}, known);
  };
  CHECK(edited([](auto& s) { s.consensus_id = random_uuid(); }).refusal.find("ConsensusID") == 0);
  CHECK(edited([](auto& s) { s.ha_id = "x"; }).refusal.find("HaID") == 0);
  CHECK(edited([](auto& s) { s.roots.push_back({{"AA=="}, "AA=="}); }).refusal.find("Roots") == 0);
  CHECK(edited([](auto& s) { s.virt_interface_script = "/bin/x"; }).how == outcome::loaded);
}

TEST_CASE("HST-28 the form of old versions is read, the rest comes from the flags") {
  for (const bool passive : {true, false}) {
    fake_files files;
    files.place(state_path, passive ? R"({"Passive":true})" : R"({"Passive":false})");
    settings flags;
    flags.ha_id = "c";
    const auto out = load(files, flags);
    CHECK(out.how == outcome::filled);
    CHECK(out.state.passive == passive);
    CHECK(out.state.ha_id == "c");
    CHECK(parsed(files.bytes(state_path)) == out.state);
  }
}

TEST_CASE("HST-12 ApiUrl follows the address of this start") {
  fake_files files;
  settings first;
  first.static_ip = "10.0.0.1";
  CHECK(load(files, first).state.api_url == "https://10.0.0.1:8092");
  first.static_ip = "10.0.0.7";
  first.api_port = 99;
  CHECK(load(files, first).state.api_url == "https://10.0.0.7:99");
  CHECK(parsed(files.bytes(state_path)).api_url == "https://10.0.0.7:99");
}

TEST_CASE("PRE-16 a member whose address is gone does not start with another") {
  fake_files files;
  settings member;
  member.ha_consensus_addr = "10.0.0.1:8093";
  const auto state = load(files, member).state;
  const auto out =
      ha_state_store(files, root).load({}, host_facts{}, {state.consensus_id, true}, random_uuid);
  CHECK(out.how == outcome::refused);
  CHECK(out.refusal.find("10.0.0.1") != std::string::npos);
}

TEST_CASE("HST-04 a file that cannot be read is no invalid file") {
  fake_files files;
  static_cast<void>(load(files));
  files.unreadable = state_path;
  CHECK(load(files).how == outcome::refused);
}

TEST_CASE("HST-06 whatever write loses power, the file is whole, valid and of the same node") {
  for (std::uint32_t seed = 1; seed <= 3000; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    fake_files files(seed);
    settings flags;
    if (seed % 2 == 0)
      flags.ha_consensus_addr = "10.0.0.1:8093";
    known_identity known;
    std::string acknowledged_script;
    std::string in_flight_script;
    for (int life = 0; life < 4; ++life) {
      files.lose_power_after(static_cast<int>(random() % 24));
      try {
        const auto out = load(files, flags, known);
        INFO(out.refusal);
        REQUIRE(out.how != outcome::refused);
        REQUIRE((known.consensus_id.empty() || out.state.consensus_id == known.consensus_id));
        REQUIRE((out.state.virt_interface_script == acknowledged_script ||
                 out.state.virt_interface_script == in_flight_script));
        known = {out.state.consensus_id, out.state.consensus_enabled};
        auto state = out.state;
        acknowledged_script = in_flight_script = state.virt_interface_script;
        for (int change = 0; change < 3; ++change) {
          in_flight_script = "/" + std::to_string(random());
          state.virt_interface_script = in_flight_script;
          const auto failed = ha_state_store(files, root).save(state); // outside of REQUIRE: power may go
          REQUIRE(failed.empty());
          acknowledged_script = in_flight_script;
          REQUIRE(parsed(files.bytes(state_path)).valid);
        }
      } catch (const test::power_lost&) {
      }
      files.restart();
      if (!known.consensus_id.empty()) {
        REQUIRE(files.has(state_path));
        REQUIRE(parsed(files.bytes(state_path)).consensus_id == known.consensus_id);
      }
    }
  }
}

TEST_CASE("HST-06, HST-29 the real file is replaced whole and owner-only whatever the umask") {
  char name[] = "/tmp/holdfast-state-XXXXXX";
  REQUIRE(mkdtemp(name) != nullptr);
  const std::string directory = name;
  const auto before = ::umask(0);
  CHECK(write_atomically(real_files(), directory, "ha-state.json", "one").empty());
  ::umask(0777);
  CHECK(write_atomically(real_files(), directory, "ha-state.json", "two").empty());
  ::umask(before);
  struct stat info {};
  REQUIRE(::stat((directory + "/ha-state.json").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  io_error error;
  CHECK(real_files().read(directory + "/ha-state.json", 10, error) == "two");
  CHECK_FALSE(real_files().read(directory + "/ha-state.json", 2, error));
  CHECK_FALSE(error.empty());
  CHECK_FALSE(write_atomically(real_files(), directory + "/none", "x", "y").empty());
  std::filesystem::remove_all(directory);
}

TEST_CASE("PRE-17 a second holder of one base root is turned away, also through another path to it") {
  char name[] = "/tmp/holdfast-lock-XXXXXX";
  REQUIRE(mkdtemp(name) != nullptr);
  const std::string directory = name;
  const std::string alias = directory + "-alias";
  std::string error;
  auto first = instance_lock::take(directory, error);
  REQUIRE(first.held());
  const auto id = first.instance_id();
  CHECK_FALSE(instance_lock::take(directory, error).held());
  CHECK(error.find("pid " + std::to_string(::getpid())) != std::string::npos);
  std::filesystem::create_directory(alias);
  std::filesystem::create_hard_link(directory + "/instance.lock", alias + "/instance.lock");
  CHECK_FALSE(instance_lock::take(alias, error).held());
  first = instance_lock();
  auto again = instance_lock::take(directory, error);
  CHECK(again.held());
  CHECK(again.instance_id() == id);
  CHECK_FALSE(again.copied());
  // A copied directory carries the id along, and says so.
  std::filesystem::remove(alias + "/instance.lock");
  std::filesystem::copy_file(directory + "/instance.lock", alias + "/instance.lock");
  CHECK(instance_lock::take(alias, error).copied());
  CHECK_FALSE(instance_lock::take(directory + "/none", error).held());
  std::filesystem::remove_all(alias);
  std::filesystem::remove_all(directory);
}

TEST_CASE("HST-15 a thousand fresh starts are a thousand nodes") {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i)
    seen.insert(random_uuid());
  CHECK(seen.size() == 1000);
}

TEST_CASE("LOG-05 a log line stays one line and can be read back") {
  CHECK(
      msg::log_line("role").with("term", 3).with("leader", true).with("reason", "lease lost\n\"x\"").str() ==
      R"(event=role term=3 leader=true reason="lease lost\x0a\"x\"")");
}

TEST_CASE("HST-08 a wrong type, a deep nest and a long text are refused by name") {
  const auto why = [](const std::string& text) {
    const auto out = msg::parse_ha_state(text);
    const auto* reason = std::get_if<std::string>(&out);
    return reason == nullptr ? std::string() : *reason;
  };
  CHECK(why(R"({"Enabled":"true"})") == "Enabled is not true or false");
  CHECK(why(R"({"HaID":null})") == "HaID is not a string");
  CHECK(why(R"({"Roots":[1]})").find("Roots") == 0);
  CHECK(why(std::string(100000, '[')) == "nested too deeply");
  CHECK(why(std::string(2 << 20, ' ')) == "longer than 1 MiB");
}
