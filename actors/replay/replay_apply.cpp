// The half of replay that takes committed entries: nothing here may depend on anything but the entries, or
// the members' states would part (WAL-06). What it does besides (answers, events, snapshots, log lines)
// changes no state.
#include "actors/replay/replay_actor.hpp"

#include "messages/log_line.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#ifdef HOLDFAST_UNSAFE_FAULTS // only in holdfastd-unsafe, which the repair of a wrong state is tested with
#include <cstdlib>
#include <set>
#include <string_view>
#endif

namespace holdfast::replay {

namespace {

#ifdef HOLDFAST_UNSAFE_FAULTS
/// Each such object is stored wrongly once: when the log is replayed, it comes out right.
void misapply(msg::transaction& transaction) {
  static std::set<std::string> done;
  const char* wanted = std::getenv("HOLDFAST_UNSAFE");
  if (!wanted || std::string_view(wanted) != "wrong-state")
    return;
  for (auto& one : transaction.mutations) {
    if (one.json && one.key.starts_with("misapplied") && done.insert(one.key).second)
      one.json->append(" ");
  }
}
#endif

constexpr std::uint64_t record_overhead_bytes = 40; // of the log's format, about

} // namespace

void replay_impl::apply(const msg::apply_batch& batch) {
  if (dead_)
    return;
  auto& newest = *config_.feed->local_view;
  newest.view.reset();
  const bool wanted = std::exchange(newest.asked_for, false);
  for (const auto& entry : batch.entries) {
    apply_one(entry, batch);
    if (dead_)
      return; // and answer nobody: what the entry means is not known here
  }
  if (wanted && diverged_.empty())
    newest.view = store_.view(); // whoever looked at the last one will not have to ask for this one
  send(consensus_, msg::applied_atom::value, store_.applied_index(), store_.state().active);
  serve_reads();
  tell_changes();
  consider_cut();
}

void replay_impl::apply_one(const raft::entry& entry, const msg::apply_batch& batch) {
  const auto index = entry.index.value;
  if (index <= store_.applied_index())
    return; // covered by the snapshot this life began with
  facts_.log_bytes += record_overhead_bytes + raft::payload_size(entry);
  ++facts_.log_entries;
  if (entry.kind < raft::first_application_kind)
    return store_.skip(index);
  auto decoded =
      msg::decode_entry(entry.kind, entry.payload ? msg::as_bytes(*entry.payload) : msg::byte_view{});
  if (decoded.error != msg::codec_error::none) {
    return fail("entry " + std::to_string(index) + " of kind " + std::to_string(entry.kind) +
                    " cannot be replayed: " + to_string(decoded.error),
                decoded.unknown_kind ? "this program is older than the cluster's log: upgrade it"
                                     : "run holdfast wal check; remove this node and enrol it anew");
  }
  std::visit(
      [&](auto& command) {
        using T = std::decay_t<decltype(command)>;
        if constexpr (std::is_same_v<T, msg::transaction>) {
          apply_command(index, std::move(command));
        } else if constexpr (std::is_same_v<T, msg::compact_mark>) {
          apply_cut(index, command, batch);
        } else if constexpr (std::is_same_v<T, msg::state_hash_mark>) {
          check_digest(index, command);
        } else if constexpr (std::is_same_v<T, msg::activation>) {
          apply_activation(index, command);
        } else if (!store_.apply(index, command)) {
          fail("the cluster moved to format " + std::to_string(command.format), "upgrade this program");
        }
      },
      decoded.command);
}

void replay_impl::apply_command(std::uint64_t index, msg::transaction transaction) {
#ifdef HOLDFAST_UNSAFE_FAULTS
  misapply(transaction);
#endif
  auto outcome = store_.apply(index, std::move(transaction));
  if (index > config_.feed->told.value_or(0))
    std::move(outcome.changes.begin(), outcome.changes.end(), std::back_inserter(changes_));
  if (!std::exchange(hash_due_, true))
    delayed_send(this, config_.hash_interval, caf::tick_atom::value);
  const auto waiting = committed_.find(index);
  if (waiting == committed_.end())
    return;
  msg::write_result result;
  result.index = index;
  switch (outcome.status) {
  case apply_status::applied:
    result.status = msg::write_status::applied;
    break;
  case apply_status::conflict:
    result.status = msg::write_status::conflict;
    result.failed_precondition = outcome.failed_precondition;
    break;
  case apply_status::repeated:
    result.status = msg::write_status::repeated;
    result.answer = std::move(outcome.answer);
    break;
  }
  waiting->second.deliver(std::move(result));
  committed_.erase(waiting);
}

// Every member cuts here. The view costs nothing and delays nobody; a worker turns it into base.<n>.
void replay_impl::apply_cut(std::uint64_t index, const msg::compact_mark& mark,
                            const msg::apply_batch& batch) {
  store_.apply(index, mark);
  cut_index_ = index;
  facts_.log_bytes = 0;
  facts_.log_entries = 0;
  facts_.cut_pending = true;
  const auto config = std::find_if(batch.cut_configs.begin(), batch.cut_configs.end(),
                                   [&](const auto& known) { return known.first.value == index; });
  if (config == batch.cut_configs.end()) {
    return fail("no configuration is known for the cut at index " + std::to_string(index),
                "start the node again");
  }
  send(log_writer_, msg::snapshot_atom::value, index, std::make_shared<const std::string>(config->second),
       msg::view_ptr(store_.snapshot()));
}

void replay_impl::apply_activation(std::uint64_t index, const msg::activation& activation) {
  if (!store_.apply(index, activation))
    return; // of an older leader: it lost the race
  spdlog::info("{}", msg::log_line("active")
                         .with("node", activation.node.none() ? "" : msg::to_string(activation.node))
                         .with("term", activation.epoch)
                         .with("index", index)
                         .str());
}

void replay_impl::check_digest(std::uint64_t index, const msg::state_hash_mark& mark) {
  if (const auto own = store_.digest_at(mark.index))
    config_.verdict->note(mark.index, *own);
  const auto verdict = store_.apply(index, mark);
  if (verdict == hash_verdict::equal)
    config_.verdict->same = mark.index;
  if (verdict != hash_verdict::differs)
    return;
  if (diverged_.empty())
    doubt_state(mark.index);
  else
    doubted_later_ = mark.index;
}

/// Either this copy or the proposer's is wrong, and nobody can tell from here: serve nobody until the members
/// have compared (node/state_judgement.hpp).
void replay_impl::doubt_state(std::uint64_t index) {
  config_.verdict->differs = index;
  diverged_ = "the state of this node differs from the cluster's at index " + std::to_string(index);
  config_.feed->local_view->view.reset();
  spdlog::critical(
      "{}", msg::log_line("state_diverged")
                .with("index", index)
                .with("advice", "this node serves nothing until the members have compared their states")
                .str());
  send(consensus_, msg::judged_atom::value, diverged_);
}

void replay_impl::judged(std::uint64_t index, bool right) {
  if (!right && diverged_.empty())
    return doubt_state(index);
  if (!right || diverged_.empty() || config_.verdict->differs != index)
    return;
  spdlog::warn("{}", msg::log_line("state_confirmed").with("index", index).str());
  config_.verdict->differs = 0;
  config_.verdict->trouble.clear();
  diverged_.clear();
  // Right there does not mean right at what came since.
  if (const auto later = std::exchange(doubted_later_, 0); later > index && config_.verdict->same < later)
    return doubt_state(later);
  send(consensus_, msg::judged_atom::value, diverged_);
}

void replay_impl::tell_changes() {
  auto& feed = *config_.feed;
  feed.told = std::max(feed.told.value_or(0), store_.applied_index());
  if (changes_.empty())
    return;
  feed.tell(std::make_shared<const std::vector<msg::change>>(std::exchange(changes_, {})));
}

/// What an installed snapshot changed is not known one by one.
void replay_impl::tell_missed() {
  changes_.clear();
  config_.feed->told = store_.applied_index();
  config_.feed->tell(nullptr);
}

} // namespace holdfast::replay
