// A physical transaction: what one client write becomes once the active has evaluated it (architecture §5).
// Replay is the same on every node because nothing in here is left to interpretation: whole objects go in,
// whole objects come out, and the preconditions name the exact revisions the writer looked at.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::msg {

/// Revision of an object: the log index of the entry that last wrote it. Never 0 for an existing object.
struct revision {
  std::uint64_t value = 0;
  auto operator<=>(const revision&) const = default;
};

/// Milliseconds since the Unix epoch as the proposer's clock saw it. Log time: replay never asks a clock.
struct log_time {
  std::int64_t ms = 0;
  auto operator<=>(const log_time&) const = default;
};

enum class expectation : std::uint8_t {
  absent = 1,   ///< no such object
  exists = 2,   ///< any revision
  revision = 3, ///< exactly `rev`
};

struct precondition {
  std::string prefix;
  std::string key;
  expectation expect = expectation::exists;
  revision rev;
};

/// A put carries the whole object as compact JSON; no value means delete.
struct mutation {
  std::string prefix;
  std::string key;
  std::optional<std::string> json;
};

/// Remembered under an Idempotency-Key and given to every repeat, also after a failover.
struct stored_answer {
  std::uint16_t status = 0;
  std::string body;
};

struct transaction {
  std::string idempotency_key; ///< empty: none
  std::string principal;       ///< who asked, for the event
  log_time time;
  std::vector<precondition> preconditions;
  std::vector<mutation> mutations;
  stored_answer answer; ///< kept only with an idempotency key
};

using transaction_ptr = std::shared_ptr<const transaction>;

enum class write_status : std::uint8_t {
  applied,    ///< durable on a majority and applied here
  conflict,   ///< a precondition failed when the entry was applied: nothing changed; look again and retry
  repeated,   ///< the idempotency key is known: `answer` is the first answer, nothing changed
  not_done,   ///< surely not done: safe to retry
  unknown,    ///< may or may not take effect (leadership or the process was lost on the way)
  overloaded, ///< refused before anything was proposed; retry later
};

struct write_result {
  write_status status = write_status::unknown;
  std::uint64_t index = 0;             ///< log index of the entry; the new revision of everything it put
  std::size_t failed_precondition = 0; ///< position, when status is conflict
  stored_answer answer;                ///< when status is repeated
  std::string reason;                  ///< for people, when status is not_done, unknown or overloaded
};

} // namespace holdfast::msg
