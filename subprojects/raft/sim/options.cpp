#include "sim/options.hpp"

#include <algorithm>
#include <sstream>

namespace holdfast::raft::sim {

namespace {

recurring draw(random_source& random, std::uint32_t chance_per_mille, microseconds often, microseconds seldom,
               microseconds shortest, microseconds longest) {
  recurring result;
  const bool on = random.per_mille(chance_per_mille);
  const auto mean = random.between(often, seldom);
  const auto most = random.between(shortest, longest);
  if (on)
    result = {mean, shortest, most};
  return result;
}

void draw_network(random_source& random, network_options& net) {
  if (random.per_mille(600))
    net.loss_per_mille = static_cast<std::uint32_t>(random.between(std::int64_t{0}, 200));
  if (random.per_mille(400))
    net.duplicate_per_mille = static_cast<std::uint32_t>(random.between(std::int64_t{0}, 300));
  net.delay_low = random.between(20us, 500us);
  net.delay_high = net.delay_low + random.between(100us, random.per_mille(200) ? 60'000us : 3'000us);
  if (random.per_mille(400)) {
    net.straggler_per_mille = static_cast<std::uint32_t>(random.between(std::int64_t{1}, 60));
    net.straggler_delay = random.between(10ms, 3000ms);
  }
}

void draw_disk(random_source& random, disk_options& disk) {
  disk.sync_low = random.between(100us, 1000us);
  disk.sync_high = disk.sync_low + random.between(200us, random.per_mille(200) ? 80'000us : 5'000us);
  disk.keep_all_per_mille = static_cast<std::uint32_t>(random.between(std::int64_t{0}, 500));
  disk.keep_none_per_mille = static_cast<std::uint32_t>(random.between(std::int64_t{0}, 500));
  if (random.per_mille(250))
    disk.error_per_million = static_cast<std::uint32_t>(random.between(std::int64_t{50}, 2000));
}

void draw_shape(random_source& random, options& result) {
  constexpr std::size_t sizes[] = {3, 3, 3, 3, 3, 3, 5, 5, 5, 4, 2, 1};
  result.voters = sizes[random.below(std::size(sizes))];
  result.spares = random.below(4);
  result.observers = result.voters >= 3 && random.per_mille(300) ? random.below(result.voters - 1) : 0;
  result.skew_ppm = random.per_mille(500) ? random.between(std::int64_t{0}, 20'000) : 0;
}

void draw_faults(random_source& random, options& result) {
  result.partition = draw(random, 600, 1s, 8s, 50ms, 6s);
  result.flap = draw(random, 250, 2s, 9s, 500ms, 5s);
  result.crash = draw(random, 600, 700ms, 8s, 20ms, 4s);
  result.pause = draw(random, 450, 1s, 9s, 20ms, 5s);
  result.stall = draw(random, 350, 1s, 9s, 50ms, 4s);
  result.full = draw(random, 200, 2s, 9s, 200ms, 5s);
  result.rot = draw(random, 350, 3s, 12s, 100ms, 1s);
  result.membership = draw(random, 500, 500ms, 6s, 0us, 1us);
  result.transfer = draw(random, 400, 400ms, 5s, 0us, 1us);
  result.false_refusal = draw(random, 200, 500ms, 5s, 0us, 1us);
  result.lease_attack = draw(random, 300, 600ms, 4s, 0us, 1us);
}

void draw_clients(random_source& random, options& result) {
  result.clients = 1 + random.below(6);
  result.think_low = random.between(5ms, 200ms);
  result.think_high = result.think_low + random.between(50ms, 600ms);
  result.client_timeout = random.between(400ms, 3000ms);
  result.read_per_mille = static_cast<std::uint32_t>(random.between(std::int64_t{100}, 700));
  result.retry_per_mille = static_cast<std::uint32_t>(random.between(std::int64_t{300}, 1000));
}

void draw_limits(random_source& random, limits& lim) {
  if (random.per_mille(500)) {
    lim.max_append_entries = static_cast<std::uint32_t>(random.between(std::int64_t{1}, 8));
    lim.max_inflight_appends = static_cast<std::uint32_t>(random.between(std::int64_t{1}, 8));
  }
  if (random.per_mille(300))
    lim.max_uncommitted_entries = static_cast<std::uint32_t>(random.between(std::int64_t{2}, 12));
  if (random.per_mille(400))
    lim.log_memory_bytes.value = static_cast<std::uint64_t>(random.between(std::int64_t{64}, 2048));
  if (random.per_mille(300))
    lim.max_apply_ahead_entries = static_cast<std::uint32_t>(random.between(std::int64_t{1}, 16));
  lim.snapshot_chunk_bytes.value = static_cast<std::uint64_t>(random.between(std::int64_t{64}, 4096));
  lim.catch_up_entries = static_cast<std::uint64_t>(random.between(std::int64_t{0}, 64));
  lim.clock_drift_permille = 50;
}

/// A server that takes or applies entries more slowly than the clients write never catches up, whatever the
/// protocol does. What may be sent, and what may be handed out, in one go must exceed the clients' rate by
/// half.
void bound_throughput(options& result) {
  const auto between_writes =
      (result.think_low + result.think_high) / 2 / static_cast<std::int64_t>(result.clients);
  const auto round =
      2 * (result.net.delay_high + result.disk.sync_high); // there and back, read here, synced there
  const auto least = static_cast<std::uint32_t>(1 + round * 3 / 2 / between_writes);
  result.lim.max_append_entries = std::max(result.lim.max_append_entries, least);
  const auto batch =
      static_cast<std::int64_t>(std::min<std::uint32_t>(result.lim.max_apply_ahead_entries, 64));
  const auto may_take = batch * between_writes * 2 / 3 - result.disk.sync_high;
  result.apply_high = std::min(result.apply_high, std::max(result.apply_low, may_take));
}

void line(std::ostringstream& out, const char* name, const recurring& what) {
  if (what.mean.count() != 0)
    out << ' ' << name << " every ~" << what.mean.count() / 1000 << "ms up to " << what.longest.count() / 1000
        << "ms;";
}

} // namespace

options draw_options(std::uint64_t seed) {
  random_source random{mix64(seed ^ 0x6f7074696f6e73ULL)};
  options result;
  draw_shape(random, result);
  draw_network(random, result.net);
  draw_disk(random, result.disk);
  draw_faults(random, result);
  draw_clients(random, result);
  draw_limits(random, result.lim);
  result.codec_on_wire = random.per_mille(120);
  result.snapshots_aligned = random.per_mille(700);
  result.ticket_per_mille = static_cast<std::uint32_t>(random.between(std::int64_t{0}, 1000));
  result.apply_high = result.apply_low + random.between(0us, random.per_mille(150) ? 300'000us : 2'000us);
  result.compact_every = 20 + random.below(random.per_mille(500) ? 60 : 600);
  result.compact_keep = random.below(1 + result.compact_every / 2);
  result.snapshot_bytes = 256 + 8 * random.below(random.per_mille(400) ? 8192 : 128);
  // A transfer must fit between two snapshots of the sender, or it starts over for ever.
  result.lim.snapshot_chunk_bytes.value =
      std::max<std::uint64_t>(result.lim.snapshot_chunk_bytes.value, result.snapshot_bytes / 12);
  result.safety_phase = random.between(10s, 40s);
  result.replay_per_mille = random.per_mille(400) ? static_cast<std::uint32_t>(random.below(800)) : 0;
  result.founded_in_log = random.per_mille(300);
  result.idle_end = random.per_mille(400);
  bound_throughput(result);
  return result;
}

std::string options::text() const {
  std::ostringstream out;
  out << "voters " << voters << " spares " << spares << " observers " << observers << " skew " << skew_ppm
      << "ppm; loss " << net.loss_per_mille << " dup " << net.duplicate_per_mille << " delay "
      << net.delay_low.count() << ".." << net.delay_high.count() << "us stragglers "
      << net.straggler_per_mille << '/' << net.straggler_delay.count() / 1000 << "ms; sync "
      << disk.sync_low.count() << ".." << disk.sync_high.count() << "us errors " << disk.error_per_million
      << "ppm;";
  line(out, "partition", partition);
  line(out, "flap", flap);
  line(out, "crash", crash);
  line(out, "pause", pause);
  line(out, "stall", stall);
  line(out, "full", full);
  line(out, "rot", rot);
  line(out, "membership", membership);
  line(out, "transfer", transfer);
  line(out, "lease attack", lease_attack);
  out << " compact every " << compact_every << " keep " << compact_keep << " snapshot " << snapshot_bytes
      << " bytes; clients " << clients << " reads " << read_per_mille << "; tickets replayed "
      << replay_per_mille << (founded_in_log ? "; founded in the log" : "") << (idle_end ? "; idle end" : "")
      << "; safety " << safety_phase.count() / 1000 << "ms";
  return out.str();
}

} // namespace holdfast::raft::sim
