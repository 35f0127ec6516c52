#include "tools/chaos/linearizability.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>

namespace holdfast::chaos {

namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

/// Call or return of one operation in a doubly linked list, as the search lifts operations out and puts them
/// back.
struct event {
  std::size_t op = 0;
  bool is_return = false;
  std::size_t match = 0; ///< of a call: its return
  std::size_t previous = 0;
  std::size_t next = 0;
};

/// Can the operation happen when the register holds `state`? If so the state after it.
std::optional<std::uint64_t> apply(const operation& op, std::uint64_t state) {
  switch (op.kind) {
  case op_kind::put:
    return op.value;
  case op_kind::remove:
    return 0;
  case op_kind::conditional_put:
    return state == op.expected ? std::optional{op.value} : std::nullopt;
  case op_kind::get:
    return state == op.value ? std::optional{state} : std::nullopt;
  }
  return std::nullopt;
}

class search {
public:
  explicit search(const std::vector<operation>& ops, std::uint64_t limit) : ops_(ops), limit_(limit) {
    link();
    done_.resize((ops_.size() + 63) / 64);
  }

  verdict run() {
    std::uint64_t state = 0;
    std::size_t at = first();
    while (first() != end_) {
      if (++steps_ > limit_) {
        return verdict::undecided;
      }
      const event& here = events_[at];
      if (!here.is_return) {
        const auto after = apply(ops_[here.op], state);
        if (after && remember(here.op, *after)) {
          trail_.push_back({at, state});
          state = *after;
          lift(at);
          at = first();
        } else {
          at = here.next;
        }
        continue;
      }
      // The return of an operation that is not placed yet: something before it was placed wrongly.
      if (must_return(here.op)) {
        if (trail_.empty()) {
          return verdict::violated;
        }
        const auto [back, old] = trail_.back();
        trail_.pop_back();
        unlift(back);
        state = old;
        at = events_[back].next;
      } else {
        at = here.next;
      }
    }
    return verdict::linearizable;
  }

  [[nodiscard]] std::uint64_t steps() const { return steps_; }

private:
  [[nodiscard]] bool must_return(std::size_t op) const { return ops_[op].outcome == op_outcome::ok; }
  [[nodiscard]] std::size_t first() const { return events_[head_].next; }

  void link() {
    struct moment {
      std::int64_t time;
      bool is_return;
      std::size_t op;
    };
    std::vector<moment> order;
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      order.push_back({ops_[i].called, false, i});
      order.push_back({ops_[i].outcome == op_outcome::ok ? ops_[i].returned : never, true, i});
    }
    // Equal times overlap: the call comes first.
    std::stable_sort(order.begin(), order.end(), [](const moment& a, const moment& b) {
      return a.time != b.time ? a.time < b.time : a.is_return < b.is_return;
    });
    events_.resize(order.size() + 2);
    end_ = order.size() + 1;
    std::vector<std::size_t> call_of(ops_.size());
    for (std::size_t i = 0; i < events_.size(); ++i) {
      events_[i].previous = i == 0 ? 0 : i - 1;
      events_[i].next = std::min(i + 1, events_.size() - 1);
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
      auto& e = events_[i + 1];
      e.op = order[i].op;
      e.is_return = order[i].is_return;
      if (!e.is_return) {
        call_of[e.op] = i + 1;
      } else {
        events_[call_of[e.op]].match = i + 1;
      }
    }
  }

  void unlink(std::size_t i) {
    events_[events_[i].previous].next = events_[i].next;
    events_[events_[i].next].previous = events_[i].previous;
  }
  void relink(std::size_t i) {
    events_[events_[i].previous].next = i;
    events_[events_[i].next].previous = i;
  }
  void lift(std::size_t call) {
    unlink(call);
    unlink(events_[call].match);
  }
  void unlift(std::size_t call) {
    const std::size_t op = events_[call].op;
    relink(events_[call].match);
    relink(call);
    done_[op / 64] &= ~(std::uint64_t{1} << (op % 64));
  }

  /// Marks the operation as placed; false (and unmarked) when this set with this state was reached before.
  bool remember(std::size_t op, std::uint64_t state) {
    done_[op / 64] |= std::uint64_t{1} << (op % 64);
    std::string key(reinterpret_cast<const char*>(done_.data()), done_.size() * 8);
    // Only the words from the first unfinished one on differ in an interesting way.
    std::size_t full = 0;
    while (full < done_.size() && done_[full] == ~std::uint64_t{0}) {
      ++full;
    }
    std::size_t used = done_.size();
    while (used > full && done_[used - 1] == 0) {
      --used;
    }
    key = key.substr(full * 8, (used - full) * 8);
    key.append(reinterpret_cast<const char*>(&full), sizeof full);
    key.append(reinterpret_cast<const char*>(&state), sizeof state);
    if (seen_.insert(std::move(key)).second) {
      return true;
    }
    done_[op / 64] &= ~(std::uint64_t{1} << (op % 64));
    return false;
  }

  struct step {
    std::size_t event;
    std::uint64_t state_before;
  };

  const std::vector<operation>& ops_;
  std::uint64_t limit_;
  std::uint64_t steps_ = 0;
  std::vector<event> events_;
  std::size_t head_ = 0;
  std::size_t end_ = 0;
  std::vector<std::uint64_t> done_;
  std::unordered_set<std::string> seen_;
  std::vector<step> trail_;
};

/// Operations of one key that can matter to the verdict, in order of their calls.
std::vector<operation> relevant(std::vector<operation> ops) {
  std::set<std::uint64_t> observed;
  for (const auto& op : ops) {
    if (op.outcome == op_outcome::ok && op.kind == op_kind::get) {
      observed.insert(op.value);
    }
    if (op.outcome == op_outcome::ok && op.kind == op_kind::conditional_put) {
      observed.insert(op.expected);
    }
  }
  // What is not known to have happened asks for a value only when its own one was seen.
  for (bool more = true; std::exchange(more, false);) {
    for (const auto& op : ops) {
      if (op.outcome == op_outcome::unknown && op.kind == op_kind::conditional_put &&
          observed.contains(op.value)) {
        more = observed.insert(op.expected).second || more;
      }
    }
  }
  std::erase_if(ops, [&observed](const operation& op) {
    if (op.outcome == op_outcome::refused || (op.outcome == op_outcome::unknown && op.kind == op_kind::get)) {
      return true;
    }
    const bool seen = op.kind == op_kind::remove ? observed.contains(0) : observed.contains(op.value);
    return op.outcome == op_outcome::unknown && !seen;
  });
  std::stable_sort(ops.begin(), ops.end(), [](const auto& a, const auto& b) { return a.called < b.called; });
  return ops;
}

/// The operations called before the one whose addition makes the history impossible, by bisection on returns.
std::string explain(const std::vector<operation>& ops, std::uint64_t limit) {
  std::vector<std::int64_t> returns;
  for (const auto& op : ops) {
    if (op.outcome == op_outcome::ok) {
      returns.push_back(op.returned);
    }
  }
  std::sort(returns.begin(), returns.end());
  const auto prefix = [&ops](std::int64_t until) {
    std::vector<operation> part;
    for (auto op : ops) {
      if (op.called > until) {
        continue;
      }
      if (op.outcome == op_outcome::ok && op.returned > until) {
        if (op.kind == op_kind::get) {
          continue;
        }
        op.outcome = op_outcome::unknown;
      }
      part.push_back(op);
    }
    return part;
  };
  std::size_t low = 0;
  std::size_t high = returns.size() - 1;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    const auto part = prefix(returns[middle]);
    if (search{part, limit}.run() == verdict::violated) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  const auto part = prefix(returns[high]);
  std::string text;
  constexpr std::size_t shown = 20;
  for (std::size_t i = part.size() > shown ? part.size() - shown : 0; i < part.size(); ++i) {
    text += describe(part[i]) + "\n";
  }
  return text;
}

} // namespace

std::string describe(const operation& op) {
  static constexpr const char* kinds[] = {"put", "conditional put", "get", "remove"};
  static constexpr const char* outcomes[] = {"ok", "refused", "unknown"};
  std::string text = "client " + std::to_string(op.client) + " key " + std::to_string(op.key) + " [" +
                     std::to_string(op.called / 1000) + " us, " +
                     (op.returned == never ? "never" : std::to_string(op.returned / 1000) + " us") + "] " +
                     kinds[static_cast<int>(op.kind)];
  if (op.kind == op_kind::conditional_put) {
    text += " if " + std::to_string(op.expected) + " then";
  }
  if (op.kind != op_kind::remove) {
    text += " " + std::to_string(op.value);
  }
  text += std::string{" -> "} + outcomes[static_cast<int>(op.outcome)];
  return op.note.empty() ? text : text + " (" + op.note + ")";
}

linearizability_result check_linearizable(const history& all, const linearizability_limits& limits) {
  std::map<std::uint32_t, std::vector<operation>> by_key;
  for (const auto& op : all) {
    by_key[op.key].push_back(op);
  }
  linearizability_result result;
  for (auto& [key, raw] : by_key) {
    const auto ops = relevant(std::move(raw));
    result.operations += ops.size();
    search looking{ops, limits.steps_per_key};
    const auto found = looking.run();
    result.steps += looking.steps();
    if (found == verdict::linearizable) {
      continue;
    }
    result.key = key;
    result.what = found;
    result.explanation = found == verdict::violated ? explain(ops, limits.steps_per_key)
                                                    : "the search was given up after " +
                                                          std::to_string(looking.steps()) + " steps\n";
    return result;
  }
  return result;
}

} // namespace holdfast::chaos
