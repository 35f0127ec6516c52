// Rules that need one core and a hand-made message; the stories are in scenarios/.
#include "cluster.hpp"

#include <raft/codec.hpp>

#include <doctest/doctest.h>

using namespace holdfast::raft;
using namespace holdfast::raft::test;
using namespace std::chrono_literals;

namespace {

constexpr cluster_id our_cluster{1, 1};

boot boot_of(node_number self, std::uint64_t term) {
  boot b;
  b.self = id_of(self);
  b.cluster = our_cluster;
  b.seed = 7;
  b.snapshot.members = make_config({id_of(1), id_of(2), id_of(3)});
  b.state.term = {term};
  return b;
}

message from(node_number sender, std::uint64_t term, message_body body) {
  return {our_cluster, id_of(sender), id_of(1), protocol_version, {term}, std::move(body)};
}

/// Leads in term 3, from a boot in term 2.
core lead(boot b, output& out) {
  core c{std::move(b)};
  instant now{0};
  while (c.current_role() != role::pre_candidate) {
    now = now + 10ms;
    c.step({now, ev::tick{}}, out);
  }
  vote_response yes;
  yes.granted = yes.pre = true;
  yes.asked_term = {3};
  out.clear();
  c.step({now, ev::receive{from(2, 2, yes)}}, out);
  c.step({now, ev::persisted{out.persist.sequence}}, out);
  yes.pre = false;
  out.clear();
  c.step({now, ev::receive{from(2, 3, yes)}}, out);
  return c;
}

/// A leader of term 3 whose log holds an entry of term 1 that is on no other disk yet.
core make_leader(output& out) {
  boot b = boot_of(1, 2);
  b.log = {{{1}, {1}, 16, std::make_shared<const std::string>("old")}};
  return lead(std::move(b), out);
}

} // namespace

TEST_CASE("an entry of an earlier term is not committed by counting, only with one of the own term") {
  output out;
  core c = make_leader(out);
  REQUIRE(c.is_leader());
  const instant now = c.peers().front().last_heard;
  c.step({now, ev::persisted{out.persist.sequence}}, out);
  append_response ack;
  ack.match = {1};
  c.step({now, ev::receive{from(2, 3, ack)}}, out);
  CHECK(c.commit_index() == index_t{0});
  ack.match = {2};
  c.step({now, ev::receive{from(2, 3, ack)}}, out);
  CHECK(c.commit_index() == index_t{2});
}

TEST_CASE("a vote leaves only after it is durable, and only once in a term") {
  core c{boot_of(1, 0)};
  vote_request ask;
  ask.asked_term = {1};
  output out = c.step({{1}, ev::receive{from(2, 1, ask)}});
  CHECK(out.send_now.empty());
  REQUIRE(out.send_after_persist.size() == 1);
  CHECK(std::get<vote_response>(out.send_after_persist[0].body).granted);
  CHECK(out.persist.state->vote == id_of(2));
  out = c.step({{2}, ev::receive{from(3, 1, ask)}});
  for (const message& m : out.send_after_persist)
    CHECK_FALSE(std::get<vote_response>(m.body).granted);
}

TEST_CASE("a pre-vote changes neither term nor vote") {
  core c{boot_of(1, 0)};
  vote_request ask;
  ask.pre = true;
  ask.asked_term = {8};
  const output out = c.step({{1}, ev::receive{from(2, 7, ask)}});
  CHECK(out.persist.empty());
  CHECK(c.term() == term_t{0});
  CHECK(std::get<vote_response>(out.send_now.at(0).body).granted);
}

TEST_CASE("an acknowledgement of entries that are replaced in the same write does not leave") {
  core c{boot_of(1, 0)};
  output out;
  append_request first{{0}, {0}, {0}, {1}, 0, {{{1}, {1}, 16, std::make_shared<const std::string>("a")}}};
  append_request second{{0}, {0}, {0}, {1}, 0, {{{2}, {1}, 16, std::make_shared<const std::string>("b")}}};
  c.step({{1}, ev::receive{from(2, 1, first)}}, out);
  c.step({{2}, ev::receive{from(3, 2, second)}}, out);
  REQUIRE(out.persist.entries.size() == 1);
  CHECK(*out.persist.entries[0].payload == "b");
  CHECK_FALSE(out.persist.truncate_from.has_value());
  for (const message& m : out.send_after_persist)
    CHECK(m.term == term_t{2});
}

TEST_CASE("a write that finishes late does not make a replaced tail durable") {
  core c{boot_of(1, 0)};
  append_request first{{0}, {0}, {0}, {2}, 0, {{{1}, {1}, 16, nullptr}, {{1}, {2}, 16, nullptr}}};
  for (entry& e : first.entries)
    e.payload = std::make_shared<const std::string>("a");
  append_request second{{1}, {1}, {0}, {2}, 0, {{{2}, {2}, 16, std::make_shared<const std::string>("b")}}};
  const output one = c.step({{1}, ev::receive{from(2, 1, first)}});
  const output two = c.step({{2}, ev::receive{from(3, 2, second)}});
  CHECK(two.persist.truncate_from == index_t{2});
  (void)c.step({{3}, ev::persisted{one.persist.sequence}});
  CHECK(c.durable_index() == index_t{1});
  (void)c.step({{4}, ev::persisted{two.persist.sequence}});
  CHECK(c.durable_index() == index_t{2});
}

TEST_CASE("messages of another cluster, for another node or of another version are dropped and counted") {
  core c{boot_of(1, 0)};
  message m = from(2, 5, heartbeat{});
  m.cluster = {9, 9};
  CHECK(c.step({{1}, ev::receive{m}}).send_now.empty());
  m.cluster = our_cluster;
  m.to = id_of(3);
  (void)c.step({{1}, ev::receive{m}});
  m.to = id_of(1);
  m.version = 2;
  (void)c.step({{1}, ev::receive{m}});
  CHECK(c.dropped().wrong_cluster == 1);
  CHECK(c.dropped().wrong_receiver == 1);
  CHECK(c.dropped().wrong_version == 1);
  CHECK(c.term() == term_t{0});
}

TEST_CASE("an entry kind of the core that this version does not know is fatal, never skipped") {
  core c{boot_of(1, 0)};
  append_request bad{{0}, {0}, {0}, {1}, 0, {{{1}, {1}, 7, nullptr}}};
  CHECK_FALSE(c.step({{1}, ev::receive{from(2, 1, bad)}}).fatal.empty());
}

TEST_CASE("a log on disk with an entry kind of the core that this version does not know is fatal") {
  boot b = boot_of(1, 2);
  b.log = {{{1}, {1}, 16, std::make_shared<const std::string>("a")}, {{2}, {2}, 7, nullptr}};
  core c{std::move(b)};
  CHECK_FALSE(c.step({{1}, ev::tick{}}).fatal.empty());
}

TEST_CASE("an answer given while blank is no news of a peer that has taken entries since") {
  boot b = boot_of(1, 2);
  b.snapshot.members = {};
  b.log = {{{1},
            {1},
            kind_config,
            std::make_shared<const std::string>(encode_config(make_config({id_of(1), id_of(2), id_of(3)})))}};
  output out;
  core c = lead(std::move(b), out);
  REQUIRE(c.is_leader());
  const instant now = c.peers().front().last_heard;
  append_response blank;
  blank.rejected = blank.needs_snapshot = true;
  append_response ack;
  ack.match = {2};
  c.step({now, ev::receive{from(2, 3, blank)}}, out);
  c.step({now, ev::receive{from(2, 3, ack)}}, out);
  c.step({now, ev::receive{from(2, 3, blank)}}, out);
  CHECK(c.broken_invariant().empty());
  CHECK(c.peers().front().match == index_t{2});
  // Only one that has lost its whole log may start over.
  blank.recovering = true;
  c.step({now, ev::receive{from(2, 3, blank)}}, out);
  CHECK(c.broken_invariant().empty());
  CHECK(c.peers().front().match == index_t{0});
}

TEST_CASE("a release ticket of the own living leadership frees nothing") {
  output out;
  core c = make_leader(out);
  const instant now = c.peers().front().last_heard;
  heartbeat_response answer;
  answer.round = 1;
  c.step({now, ev::receive{from(2, 3, answer)}}, out);
  REQUIRE(c.lease().until.has_value());
  out.clear();
  c.step({now, ev::release_ticket{{3}}}, out);
  CHECK(c.lease().until.has_value());
  // Deposed, it still tells a candidate how long its own lease may run.
  const instant later = now + 100ms;
  c.step({later, ev::receive{from(3, 4, heartbeat_response{})}}, out);
  REQUIRE_FALSE(c.is_leader());
  vote_request ask;
  ask.asked_term = {4};
  ask.last_term = {9};
  out.clear();
  c.step({later, ev::receive{from(2, 4, ask)}}, out);
  REQUIRE(out.send_after_persist.size() == 1);
  CHECK(std::get<vote_response>(out.send_after_persist[0].body).lease_remaining > 0ms);
}

TEST_CASE("a read is not confirmed by answers to a round that was sent before it was asked") {
  output out;
  core c = make_leader(out);
  const instant now = c.peers().front().last_heard;
  c.step({now, ev::persisted{out.persist.sequence}}, out);
  append_response ack;
  ack.match = {2};
  c.step({now, ev::receive{from(2, 3, ack)}}, out);
  out.clear();
  c.step({now, ev::read{5}}, out); // goes out with round 2, while nobody has answered round 1
  heartbeat_response answer;
  answer.round = 1;
  c.step({now, ev::receive{from(2, 3, answer)}}, out);
  CHECK(out.reads.empty());
  answer.round = 2;
  c.step({now, ev::receive{from(2, 3, answer)}}, out);
  REQUIRE(out.reads.size() == 1);
  CHECK(out.reads[0].ok);
}

TEST_CASE("proposals stepped into one output travel as one message to each peer") {
  output out;
  core c = make_leader(out);
  const instant now = c.peers().front().last_heard;
  append_response ack;
  ack.match = {1};
  c.step({now, ev::receive{from(2, 3, ack)}}, out);
  out.clear();
  for (context_id i = 0; i < 100; ++i)
    c.step({now, ev::propose{i, 16, std::make_shared<const std::string>("x")}}, out);
  std::size_t appends = 0, entries = 0;
  for (const message& m : out.send_now)
    if (const auto* a = std::get_if<append_request>(&m.body); a && m.to == id_of(2)) {
      ++appends;
      entries += a->entries.size();
    }
  CHECK(appends == 1);
  CHECK(entries == 100);
  CHECK(out.persist.entries.size() == 100);
}

TEST_CASE("two runs from one seed give the same trace, another seed another one") {
  const auto trace = [](std::uint64_t seed) {
    cluster c{seed};
    c.show_messages = true;
    c.found(5);
    (void)c.await_leader();
    c.refuse(c.leader());
    c.run(2s);
    CHECK(c.broken().empty());
    return c.take_trace();
  };
  CHECK(trace(1) == trace(1));
  CHECK(trace(1) != trace(2));
}
