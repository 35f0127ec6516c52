// The replicated state machine that the simulated clusters run: a handful of registers and the sessions that
// make retries harmless. Small on purpose, yet with everything that a mistake in consensus would show in:
// values that depend on order (conditional puts), answers kept for repeats, and a state hash at every index.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::raft::sim {

inline constexpr std::size_t key_count = 6;
inline constexpr std::size_t client_count = 8;

enum class command_kind : std::uint8_t { put = 1, conditional_put = 2 };

/// One client write. (client, sequence) is the idempotency key: a repeat carries the same pair.
struct command {
  command_kind kind = command_kind::put;
  std::uint8_t key = 0;
  std::uint8_t client = 0;
  std::uint16_t attempt = 0;  ///< tells the repeats of one write apart in the log
  std::uint32_t sequence = 0; ///< from 1; a client has one write under way at a time
  std::uint64_t value = 0;    ///< unique over the whole run
  std::uint64_t expected = 0; ///< conditional_put: the value that must be there

  bool operator==(const command&) const = default;
};

/// 32 bytes: kind, key, client (a byte each), sequence (3), attempt (2), value, expected, check word; little
/// endian. Decoding refuses any other length and any damaged check word, so an entry that changed on its way
/// is seen at once.
std::string encode(const command& from);
std::optional<command> decode_command(std::string_view bytes);

struct answer {
  bool done = false;       ///< false: a conditional put whose condition did not hold
  bool repeated = false;   ///< answered from the session: nothing changed
  bool stale = false;      ///< older than the session's last write: the client had moved on
  std::uint64_t index = 0; ///< where the write took effect the first time
};

class machine {
public:
  /// Applies one command; `index` and `payload` also feed the running state hash.
  answer apply(std::uint64_t index, std::string_view payload);

  /// An entry that is not a command (configuration, leadership, ...): only the index moves.
  void skip(std::uint64_t index);

  std::uint64_t applied() const { return applied_; }
  std::uint64_t hash() const { return hash_; }
  std::uint64_t value(std::size_t key) const { return registers_[key]; }

  /// The whole state as bytes, padded to at least `padding` bytes so that transfers take several chunks.
  std::string save(std::size_t padding) const;
  /// Empty when the bytes are damaged.
  static std::optional<machine> load(std::string_view bytes);

private:
  struct session {
    std::uint32_t sequence = 0;
    bool done = false;
    std::uint64_t index = 0;
  };

  std::uint64_t applied_ = 0;
  std::uint64_t hash_ = 0;
  std::array<std::uint64_t, key_count> registers_{};
  std::array<session, client_count> sessions_{};
};

} // namespace holdfast::raft::sim
