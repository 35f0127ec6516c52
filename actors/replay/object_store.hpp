// The replicated state machine: applies decoded log entries in log order and hands out O(1) snapshots of the
// result. Pure: no clock, no I/O, no actor; the same entries give the same state, digest and snapshot bytes
// on every member (WAL-06, architecture §5).
//
// Order inside one transaction: an idempotency key that is known → `repeated`, the first answer, nothing
// changed; a precondition that fails → `conflict` with its position, nothing changed; else every mutation
// takes effect and the revision of what was put is the entry's index. A delete of an object that does not
// exist changes nothing.
//
// Threads: one owner calls everything that is not const. Snapshots may be read and dropped by any thread.
#pragma once

#include "actors/replay/digest_history.hpp"
#include "actors/replay/graveyard.hpp"
#include "actors/replay/store_state.hpp"
#include "messages/digested_view.hpp"
#include "messages/object_view.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace holdfast::replay {

/// The immutable root of one moment, and the msg::object_view on it. Holding one delays no writer.
class state_snapshot final : public msg::object_view, public msg::digested_view {
public:
  state_snapshot(store_state state, std::shared_ptr<graveyard> grave);
  ~state_snapshot() override;
  state_snapshot(const state_snapshot&) = delete;
  state_snapshot& operator=(const state_snapshot&) = delete;

  [[nodiscard]] msg::object_ref get(std::string_view prefix, std::string_view key) const override;
  void scan(std::string_view prefix, std::string_view from,
            const std::function<bool(std::string_view key, const msg::object_ref&)>& visit) const override;
  [[nodiscard]] std::size_t count(std::string_view prefix) const override;
  [[nodiscard]] msg::revision last_change(std::string_view prefix) const override;
  [[nodiscard]] std::uint64_t applied_index() const override;
  [[nodiscard]] msg::state_digest digest() const override { return state_.digest; }

  /// For the snapshot encoder.
  [[nodiscard]] const store_state& state() const { return state_; }

private:
  store_state state_;
  std::shared_ptr<graveyard> grave_;
};
using snapshot_ptr = std::shared_ptr<const state_snapshot>;

enum class apply_status : std::uint8_t { applied, conflict, repeated };

struct apply_result {
  apply_status status = apply_status::applied;
  std::size_t failed_precondition = 0; ///< position, when conflict
  msg::stored_answer answer;           ///< the first answer, when repeated
  std::vector<msg::change> changes;    ///< in the order of the mutations; empty unless applied
};

/// Comparison of a state_hash entry with this member's own digest at that index.
enum class hash_verdict : std::uint8_t {
  equal,
  differs, ///< this member or the proposer is wrong: it must stop serving and say so
  unknown, ///< too long ago, or before the snapshot this member started from
};

class object_store {
public:
  explicit object_store(store_limits limits = {});

  /// Applies one transaction. `index` must be above applied_index(), else std::logic_error (the host broke
  /// the log's order). Strings of `tx` are moved into the store. Typically 1 µs for one put.
  apply_result apply(std::uint64_t index, msg::transaction tx);

  /// Notes who is active. An epoch below the one known changes nothing (the entry lost a race): false.
  bool apply(std::uint64_t index, const msg::activation& act);
  /// Raises the format; false: this program cannot replay that format and the host must stop.
  bool apply(std::uint64_t index, const msg::version_gate& gate);
  /// Notes the cut; the host then writes base.<generation> from snapshot().
  void apply(std::uint64_t index, const msg::compact_mark& mark);
  /// Compares; never changes what is replicated but the index and the running hash.
  hash_verdict apply(std::uint64_t index, const msg::state_hash_mark& mark);
  /// An entry of the consensus core (no-op, membership): only the applied index moves.
  void skip(std::uint64_t index);

  [[nodiscard]] const store_state& state() const { return state_; }
  [[nodiscard]] std::uint64_t applied_index() const { return state_.applied_index; }
  [[nodiscard]] msg::state_digest digest() const { return state_.digest; }
  /// As it was right after that index; nothing when that is too long ago or was not applied here.
  [[nodiscard]] std::optional<msg::state_digest> digest_at(std::uint64_t index) const {
    return history_->at(index);
  }
  /// The mark to propose in a state_hash entry now.
  [[nodiscard]] msg::state_hash_mark hash_mark() const { return {state_.applied_index, state_.digest}; }

  /// O(1). The same pointer is given again while nothing was applied and somebody still holds it.
  [[nodiscard]] snapshot_ptr snapshot();
  /// The same, as readers in other rooms see it.
  [[nodiscard]] msg::view_ptr view() { return snapshot(); }

  /// Replaces the whole state (a snapshot from disk or from the leader, see snapshot_codec.hpp). What was
  /// there before is freed bit by bit: by later apply() calls, or by reclaim().
  void load(store_state state);

  /// Frees up to `nodes` map nodes that no snapshot needs any more (a node holds up to 16 objects); true:
  /// more is waiting. apply() does a few by itself; a host calls this when idle. 64 nodes take well under 1
  /// ms.
  bool reclaim(std::size_t nodes);

private:
  void advance(std::uint64_t index);
  apply_result evaluate(const msg::transaction& tx);
  void put(msg::mutation& m, std::uint64_t index, const msg::transaction& tx, apply_result& result);
  void remove(msg::mutation& m, std::uint64_t index, const msg::transaction& tx, apply_result& result);

  store_limits limits_;
  store_state state_;
  std::unique_ptr<digest_history> history_;
  std::shared_ptr<graveyard> grave_;
  std::weak_ptr<const state_snapshot> last_;
};

} // namespace holdfast::replay
