// Ids, limits, configurations, the log view.
#include <raft/config.hpp>
#include <raft/core.hpp>
#include <raft/limits.hpp>
#include <raft/log_view.hpp>

#include <doctest/doctest.h>

using namespace holdfast::raft;

namespace {
entry make_entry(std::uint64_t term, std::uint64_t index, std::size_t size = 1) {
  return {{term}, {index}, first_application_kind, std::make_shared<const std::string>(size, 'x')};
}
membership_change change_of(change_kind kind, std::uint64_t id) {
  membership_change c;
  c.kind = kind;
  c.id = {0, id};
  return c;
}
} // namespace

TEST_CASE("an id survives its text form, and other text is refused") {
  const node_id id{0x0123456789ABCDEFULL, 0xFEDCBA9876543210ULL};
  CHECK(to_string(id) == "01234567-89ab-cdef-fedc-ba9876543210");
  CHECK(parse_node_id(to_string(id)) == id);
  CHECK(parse_node_id("01234567-89AB-CDEF-FEDC-BA9876543210") == id);
  for (const char* bad : {"", "01234567-89ab-cdef-fedc-ba987654321", "0123456789ab-cdef-fedc-ba98765432100",
                          "01234567-89ab-cdef-fedc-ba987654321g", "01234567089ab-cdef-fedc-ba9876543210"})
    CHECK_FALSE(parse_node_id(bad).has_value());
}

TEST_CASE("limits that contradict one another are named, and no core starts on them") {
  CHECK(limits{}.violation().empty());
  struct breach {
    const char* named;
    void (*commit)(limits&);
  };
  const breach breaches[] = {
      {"heartbeat_interval must", [](limits& l) { l.heartbeat_interval = duration{0}; }},
      {"election_timeout_min must", [](limits& l) { l.heartbeat_interval = l.election_timeout_min; }},
      {"election_timeout_max must", [](limits& l) { l.election_timeout_max = l.election_timeout_min; }},
      {"lease_length with clock drift", [](limits& l) { l.lease_length = l.election_timeout_min; }},
      {"lease_length with clock drift", [](limits& l) { l.clock_drift_permille = 300; }},
      {"lease_length must", [](limits& l) { l.lease_length = l.heartbeat_interval; }},
      {"refused_link_delay_max", [](limits& l) { l.refused_link_delay_max = l.election_timeout_min; }},
      {"disk_stall_limit must be", [](limits& l) { l.disk_stall_limit = l.heartbeat_interval / 2; }},
      {"disk_stall_limit must not", [](limits& l) { l.disk_stall_limit = l.election_timeout_max * 2; }},
      {"append_retry_interval", [](limits& l) { l.append_retry_interval = l.heartbeat_interval / 2; }},
      {"max_members", [](limits& l) { l.max_members = 65; }},
      {"append windows", [](limits& l) { l.max_append_entries = 0; }},
      {"append windows", [](limits& l) { l.max_inflight_appends = 0; }},
      {"max_inflight_bytes", [](limits& l) { l.max_inflight_bytes = {l.max_append_bytes.value - 1}; }},
      {"max_uncommitted_bytes", [](limits& l) { l.max_uncommitted_bytes = {l.max_entry_bytes.value - 1}; }},
      {"proposal and apply windows", [](limits& l) { l.max_uncommitted_entries = 0; }},
      {"proposal and apply windows", [](limits& l) { l.max_apply_ahead_entries = 0; }},
      {"max_pending_reads", [](limits& l) { l.max_pending_reads = 0; }},
      {"chunks", [](limits& l) { l.snapshot_chunk_bytes = {}; }},
      {"chunks", [](limits& l) { l.max_disk_read_bytes = {}; }},
  };
  for (const breach& b : breaches) {
    boot start;
    b.commit(start.lim);
    CAPTURE(b.named);
    CHECK(start.lim.violation().find(b.named) != std::string::npos);
    CHECK_FALSE(core{start}.step({{1}, ev::tick{}}).fatal.empty());
  }
}

TEST_CASE("ENR-12 a newcomer is a learner, and gets its vote through a joint configuration") {
  const limits lim;
  const config one = make_config({{0, 1}});
  const auto added = std::get<config>(apply_change(one, change_of(change_kind::add_learner, 2), lim));
  CHECK_FALSE(added.joint);
  CHECK_FALSE(added.is_voter({0, 2}));
  const auto joint = std::get<config>(apply_change(added, change_of(change_kind::promote, 2), lim));
  CHECK(joint.joint);
  CHECK(joint.find({0, 2})->voter);
  CHECK_FALSE(joint.find({0, 2})->outgoing);
  const config after = leave_joint(joint, lim);
  CHECK(after.voter_count() == 2);
  CHECK(invalid_reason(joint, lim).empty());
  CHECK(invalid_reason(after, lim).empty());
}

TEST_CASE("REM-07 a removed id is remembered and never comes back") {
  const limits lim;
  const config two = make_config({{0, 1}, {0, 2}});
  const auto joint = std::get<config>(apply_change(two, change_of(change_kind::remove, 2), lim));
  CHECK(joint.is_voter({0, 2})); // still of the old set
  const config after = leave_joint(joint, lim);
  CHECK(after.find({0, 2}) == nullptr);
  CHECK(after.is_removed({0, 2}));
  CHECK(std::get<change_error>(apply_change(after, change_of(change_kind::add_learner, 2), lim)) ==
        change_error::id_was_removed);
}

TEST_CASE("changes that make no sense are refused with the reason") {
  const limits lim;
  const config one = make_config({{0, 1}});
  const auto error = [&](const config& c, change_kind k, std::uint64_t id) {
    return std::get<change_error>(apply_change(c, change_of(k, id), lim));
  };
  CHECK(error(one, change_kind::remove, 1) == change_error::last_voter);
  CHECK(error(one, change_kind::demote, 1) == change_error::last_voter);
  CHECK(error(one, change_kind::remove, 9) == change_error::not_a_member);
  CHECK(error(one, change_kind::promote, 1) == change_error::not_a_learner);
  CHECK(error(one, change_kind::add_learner, 1) == change_error::already_member);
  CHECK(error(one, change_kind::add_learner, 0) == change_error::bad_address);
}

TEST_CASE("the log answers for terms of entries that are no longer in memory") {
  log_view log{{0}, {0}};
  for (std::uint64_t i = 1; i <= 30; ++i)
    log.append(make_entry(1 + i / 10, i, 100));
  log.evict({500}, {25});
  CHECK_FALSE(log.resident({5}));
  CHECK(log.resident({30}));
  CHECK(log.memory().value <= 6 * 200);
  for (std::uint64_t i = 1; i <= 30; ++i)
    CHECK(log.term_at({i}) == term_t{1 + i / 10});
  CHECK_FALSE(log.term_at({31}).has_value());
  CHECK(log.last_index_with_term_at_most({30}, {2}) == index_t{19});
  log.truncate_from({12});
  CHECK(log.last_index() == index_t{11});
  CHECK(log.last_term() == term_t{2});
  log.compact({10});
  CHECK(log.term_at({10}) == term_t{2});
  CHECK_FALSE(log.term_at({9}).has_value());
  log.append(make_entry(7, 12));
  CHECK(log.term_at({11}) == term_t{2});
  CHECK(log.term_at({12}) == term_t{7});
}

TEST_CASE("a copy of entries keeps to its limits but always takes one") {
  log_view log{{0}, {0}};
  for (std::uint64_t i = 1; i <= 5; ++i)
    log.append(make_entry(1, i, 100));
  std::vector<entry> to;
  log.copy({1}, {5}, 10, {250}, to);
  CHECK(to.size() == 2);
  to.clear();
  log.copy({2}, {5}, 3, {100000}, to);
  CHECK(to.size() == 3);
  to.clear();
  log.copy({2}, {5}, 3, {1}, to);
  CHECK(to.size() == 1);
}
