// What a scenario file says (the language is specified in docs/chaos.md). Values only.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace holdfast::chaos {

using milliseconds = std::chrono::milliseconds;

enum class place_kind : std::uint8_t {
  loopback,   ///< processes on 127.x.y.z; no root; no network faults
  namespaces, ///< a network namespace a member behind one bridge; root
};

enum class disk_kind : std::uint8_t {
  plain, ///< a folder
  small, ///< a tmpfs of `disk_mib`, so that it can be filled (root)
  image, ///< ext4 on a loop device, so that its power can be cut (root)
};

struct cluster_spec {
  unsigned members = 3;
  unsigned observers = 0; ///< the last ones of the members
  place_kind place = place_kind::loopback;
  bool virtual_ip = false; ///< otherwise load-balanced
  disk_kind disk = disk_kind::plain;
  unsigned disk_mib = 0;
  unsigned log_limit_kib = 0; ///< when the log is cut behind a snapshot; 0: as the daemon does
  milliseconds heartbeat{100};
  milliseconds election{500};
  milliseconds lease{400};
  std::string unsafe; ///< fault of the `holdfastd-unsafe` build; empty: the real daemon
};

/// Operations on registers; the shares are relative weights.
struct workload_spec {
  unsigned clients = 0;
  unsigned keys = 5;
  unsigned rate = 0; ///< operations a second over all clients; 0: as fast as answers come
  unsigned put = 0;
  unsigned conditional = 0;
  unsigned get = 0;
  unsigned list = 0;
  unsigned remove = 0;
};

/// Clients that add unique things, to a set or to the ends of lists.
struct adders_spec {
  unsigned clients = 0;
  unsigned rate = 0;
};

enum class target_kind : std::uint8_t { member, active, passive, observer, any, all, down, minority };
struct target {
  target_kind kind = target_kind::all;
  unsigned number = 0; ///< of a member, from 1
  bool operator==(const target&) const = default;
};

enum class action_kind : std::uint8_t {
  kill,
  term,
  pause,
  resume,
  start,
  restart,
  freeze,
  thaw,
  starve,
  feed,
  cut,
  block,
  isolate,
  unplug,
  partition,
  lose,
  reset,
  cap,
  delay,
  jitter,
  reorder,
  duplicate,
  heal,
  fill,
  empty,
  slow_disk,
  fail_disk,
  mend_disk,
  power_cut,
  rot,
  add,
  remove,
  replace,
  wipe,
  transfer,
  actor,
  clock,
  vip_delete,
  vip_claim,
};

struct action {
  action_kind what = action_kind::heal;
  target who;
  target other;         ///< the far side of a cut
  milliseconds time{0}; ///< of a slow disk, of a clock's jump
  unsigned amount = 0;  ///< percent, kbit/s
  std::string word;     ///< shape of a partition, verb of an actor, log or snapshot
  std::string name;     ///< of an actor
  bool drawn = false;   ///< by a swarm: may meet a cluster to which it cannot be done
  unsigned line = 0;
};

enum class condition_kind : std::uint8_t { active, new_active, serving, writes, address, snapshot };

struct swarm_spec {
  milliseconds length{0};
  milliseconds shortest{0};
  milliseconds longest{0};
  std::vector<std::string> faults;
};

enum class step_kind : std::uint8_t { at, wait, until, act, repeat, swarm };
struct step {
  step_kind kind = step_kind::wait;
  milliseconds time{0}; ///< at, wait; the deadline of until
  condition_kind condition = condition_kind::active;
  action act;
  unsigned times = 0; ///< repeat
  std::vector<step> body;
  swarm_spec swarm;
  unsigned line = 0;
};

enum class expectation_kind : std::uint8_t {
  failover_below, ///< every loss of the active is followed by an acknowledged write within `time`
  acknowledged,   ///< at least `number` acknowledged writes
  no_failed,      ///< every member that is there serves every request, whoever is active
  violation,      ///< a must-fail scenario: the checker called `word` finds one
};
struct expectation {
  expectation_kind kind = expectation_kind::acknowledged;
  milliseconds time{0};
  unsigned number = 0;
  std::string word;
  unsigned line = 0;
};

struct scenario {
  std::string file;
  std::string story;
  cluster_spec cluster;
  workload_spec workload;
  adders_spec set;
  adders_spec append;
  milliseconds patience{2000}; ///< of a client for one request
  std::vector<step> steps;
  std::vector<expectation> expectations;
};

/// "file:line:column: expected X, found Y".
class scenario_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

} // namespace holdfast::chaos
