// What is known of the actors of this node: one card a name, kept over restarts. The counting base writes the
// cards, the root supervisor and the API read them (architecture §9). Everything here may be called from any
// thread; counters are relaxed atomics, so a row is a snapshot good enough for people and metrics.
#pragma once

#include "messages/actors.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::runtime {

enum class life_state : std::uint8_t { starting, running, suspended, restarting, failed, stopped };

[[nodiscard]] std::string_view to_string(life_state state);

/// The counters of one named actor. Times are nanoseconds of the steady clock.
class actor_card {
public:
  actor_card(std::string name, std::string parent) : name_(std::move(name)), parent_(std::move(parent)) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& parent() const { return parent_; }

  /// A new life begins: what was queued in the last one is gone.
  void born(std::uint64_t actor_id, std::int64_t wall_ms);
  /// The actor ended. An empty reason is an orderly end.
  void died(std::string_view reason);

  /// A message was put into the mailbox / taken out of it (handled or dropped).
  void arrived();
  void handled(std::uint64_t busy_ns);

  void count_restart() { restarts_.fetch_add(1, std::memory_order_relaxed); }
  void set_state(life_state state) { state_.store(state, std::memory_order_relaxed); }
  [[nodiscard]] life_state state() const { return state_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t restarts() const { return restarts_.load(std::memory_order_relaxed); }

  /// While suspended the actor leaves its messages in the mailbox (see counting_actor).
  void suspend(bool on) { suspended_.store(on, std::memory_order_relaxed); }
  [[nodiscard]] bool suspended() const { return suspended_.load(std::memory_order_relaxed); }

  void set_last_error(std::string_view text);
  [[nodiscard]] msg::actor_row row() const;

private:
  const std::string name_;
  const std::string parent_;
  std::atomic<std::uint64_t> id_{0};
  std::atomic<std::uint64_t> messages_{0};
  std::atomic<std::uint64_t> busy_ns_{0};
  std::atomic<std::uint64_t> longest_ns_{0};
  std::atomic<std::int64_t> mailbox_{0};
  std::atomic<std::int64_t> mailbox_high_{0};
  std::atomic<std::uint64_t> restarts_{0};
  std::atomic<std::int64_t> started_ms_{0};
  std::atomic<life_state> state_{life_state::starting};
  std::atomic<bool> suspended_{false};
  mutable std::mutex error_mutex_;
  std::string last_error_;
};
using card_ptr = std::shared_ptr<actor_card>;

class actor_directory {
public:
  /// The card of that name; made on first use. Names are unique within a node.
  [[nodiscard]] card_ptr open(std::string_view name, std::string_view parent);
  /// Null when there is none.
  [[nodiscard]] card_ptr find(std::string_view name) const;
  /// Forgets a card, for children that come and go (peers).
  void drop(std::string_view name);
  /// One row an actor, in order of names.
  [[nodiscard]] std::vector<msg::actor_row> rows() const;

private:
  mutable std::mutex mutex_;
  std::map<std::string, card_ptr, std::less<>> cards_;
};
using directory_ptr = std::shared_ptr<actor_directory>;

} // namespace holdfast::runtime
