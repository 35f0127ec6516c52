#include "actors/node/supervisor_actor.hpp"
#include "runtime/test_world.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

using namespace holdfast;
using namespace std::chrono_literals;

namespace {

using poke_atom = caf::atom_constant<caf::atom("poke")>;
using worker = caf::typed_actor<caf::replies_to<poke_atom>::with<int>>;

class worker_impl final : public runtime::counting_actor<worker::base> {
public:
  using counting_actor::counting_actor;
  behavior_type make_behavior() override {
    return {[](poke_atom) { return 1; }};
  }
};

struct tree {
  runtime::test_world world;
  runtime::directory_ptr directory = std::make_shared<runtime::actor_directory>();
  std::vector<std::string> log; ///< starts and stops of groups
  std::string verdict = "none";
  int refuse_starts = 0;
  msg::node_actor root;
  std::map<std::string, caf::actor> actors; ///< the latest life of each

  node::child_group group(const std::string& name, std::vector<std::string> members, bool critical) {
    node::child_group out;
    out.name = name;
    out.members = members;
    out.critical = critical;
    out.start = [this, name, members] {
      if (refuse_starts > 0) {
        --refuse_starts;
        throw std::runtime_error("no luck today");
      }
      log.push_back("start " + name);
      std::vector<caf::actor> spawned;
      for (const auto& member : members) {
        spawned.push_back(
            caf::actor_cast<caf::actor>(world.system().spawn<worker_impl>(directory->open(member, "node"))));
        this->actors[member] = spawned.back();
      }
      return spawned;
    };
    out.stopped = [this, name] { log.push_back("stopped " + name); };
    return out;
  }

  tree() {
    node::supervisor_config config;
    config.directory = directory;
    config.groups = {group("trio", {"a", "b", "c"}, true), group("solo", {"d"}, false)};
    config.verdict = [this](bool healthy, const std::string& reason) { verdict = healthy ? "" : reason; };
    root = world.system().spawn<node::supervisor_impl>(directory->open("node", ""), config);
    world.settle();
  }
  ~tree() {
    caf::anon_send_exit(root, caf::exit_reason::user_shutdown);
    world.advance(1s);
  }

  std::string control(const std::string& verb, const std::string& name) {
    return world.ask<std::string>(root, msg::control_atom::value, verb, name).value_or("no answer");
  }
  msg::actor_row row(const std::string& name) { return directory->find(name)->row(); }
};

} // namespace

TEST_CASE("killing one child of a group restarts the whole group and nobody else") {
  tree nodes;
  const auto before = nodes.row("d").id;
  CHECK(nodes.control("kill", "b").empty());
  nodes.world.advance(1s);
  CHECK(nodes.log == std::vector<std::string>{"start trio", "start solo", "stopped trio", "start trio"});
  for (const auto* name : {"a", "b", "c"}) {
    CHECK(nodes.row(name).state == "running");
    CHECK(nodes.row(name).restarts == 1);
  }
  CHECK(nodes.row("d").id == before);
  CHECK(nodes.row("d").restarts == 0);
}

TEST_CASE("the live tree names every actor with its parent, state and counters") {
  tree nodes;
  const auto rows = nodes.world.ask<std::vector<msg::actor_row>>(nodes.root, msg::actors_atom::value);
  REQUIRE(rows);
  REQUIRE(rows->size() == 5);
  CHECK(std::all_of(rows->begin(), rows->end(), [](const auto& row) { return row.state == "running"; }));
  CHECK(std::count_if(rows->begin(), rows->end(), [](const auto& row) { return row.parent == "node"; }) == 4);
}

TEST_CASE("a critical group that keeps failing is given up: failed in the tree, and the verdict says so") {
  tree nodes;
  for (int i = 0; i < 5; ++i) {
    CHECK(nodes.control("kill", "a").empty());
    nodes.world.advance(2500ms);
    CHECK(nodes.row("a").state == "running");
  }
  CHECK(nodes.verdict == "none");
  CHECK(nodes.control("kill", "a").empty());
  nodes.world.advance(60s);
  CHECK(nodes.row("a").state == "failed");
  CHECK(nodes.row("c").state == "failed");
  CHECK(nodes.verdict == "trio failed for good");
  CHECK(nodes.row("d").state == "running");
  CHECK_FALSE(nodes.control("kill", "a").empty());
}

TEST_CASE("a group that starts after another failed for good hears the verdict too") {
  tree nodes;
  for (int i = 0; i < 6; ++i) {
    CHECK(nodes.control("kill", "a").empty());
    nodes.world.advance(2500ms);
  }
  nodes.world.advance(60s);
  REQUIRE(nodes.verdict == "trio failed for good");
  nodes.verdict = "none";
  CHECK(nodes.control("kill", "d").empty());
  nodes.world.advance(1s);
  CHECK(nodes.row("d").state == "running");
  CHECK(nodes.verdict == "trio failed for good");
}

TEST_CASE("a child that cannot be started counts as one that ended, and comes back") {
  tree nodes;
  nodes.refuse_starts = 2;
  CHECK(nodes.control("kill", "d").empty());
  nodes.world.advance(2s);
  CHECK(nodes.row("d").state == "running");
  CHECK(nodes.row("d").restarts == 3);
}

TEST_CASE(
    "suspend keeps a child's messages until resume; unknown names and verbs are refused with the reason") {
  tree nodes;
  CHECK(nodes.control("suspend", "d").empty());
  CHECK(nodes.row("d").state == "suspended");
  CHECK(nodes.control("resume", "d").empty());
  nodes.world.settle();
  CHECK(nodes.row("d").state == "running");
  CHECK(nodes.control("poison", "d").find("unknown verb") == 0);
  CHECK(nodes.control("kill", "nobody") == "no actor of that name");
  CHECK(nodes.control("kill", "node").find("stop the daemon") != std::string::npos);
  CHECK(nodes.row("node").state == "running");
}

TEST_CASE("a suspended child goes on by itself after a minute, each suspension counted for itself") {
  tree nodes;
  CHECK(nodes.control("suspend", "d").empty());
  nodes.world.advance(40s);
  CHECK(nodes.control("resume", "d").empty());
  CHECK(nodes.control("suspend", "d").empty());
  nodes.world.advance(40s); // the time of the first is over
  CHECK(nodes.row("d").state == "suspended");
  nodes.world.advance(21s);
  CHECK(nodes.row("d").state == "running");
}

TEST_CASE("a critical child that leaves its messages alone makes the verdict bad until it moves again") {
  tree nodes;
  CHECK(nodes.control("suspend", "b").empty());
  CHECK(nodes.control("suspend", "d").empty());
  nodes.world.advance(20s);
  CHECK(nodes.verdict == "none"); // nobody wants anything of them
  caf::anon_send(nodes.actors.at("b"), poke_atom::value);
  caf::anon_send(nodes.actors.at("d"), poke_atom::value);
  nodes.world.advance(8s);
  CHECK(nodes.verdict == "none");
  nodes.world.advance(4s);
  CHECK(nodes.verdict == "b handles none of its messages"); // d is not critical
  CHECK(nodes.control("resume", "b").empty());
  nodes.world.advance(2s);
  CHECK(nodes.verdict.empty());
}

TEST_CASE("the end comes in the opposite order of the start, group by group, and nothing is restarted") {
  tree nodes;
  caf::anon_send_exit(nodes.root, caf::exit_reason::user_shutdown);
  nodes.world.advance(10s);
  for (const auto* name : {"a", "b", "c", "d", "node"})
    CHECK(nodes.row(name).state == "stopped");
  CHECK(nodes.log == std::vector<std::string>{"start trio", "start solo", "stopped solo", "stopped trio"});
}
