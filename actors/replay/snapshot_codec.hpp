// A whole state as a stream of bytes, for base.<n> and for sending to a member that is too far behind. Equal
// states give equal bytes whatever way led to them (WAL-03). Fields as in messages/wire.hpp:
//
//   8 bytes  "HFSTATE1" (the last character is the version of this format)
//   u64 applied index · zigzag log time · u64 hash of commands · u64 hash of contents · u32 format
//   16 bytes active node id · u64 its epoch · u64 generation of the last compact entry
//   varint number of prefixes · varint number of objects · varint number of answers
//   each prefix, in byte order:  text name · varint last change · varint number of objects
//     each object, in byte order: text key · varint revision · text JSON
//   each answer, in log order:   varint index · zigzag log time · text key · u16 status · text body
//   u64 XXH3-64 of everything before
#pragma once

#include "actors/replay/store_state.hpp"
#include "messages/wire.hpp"

#include <functional>
#include <memory>
#include <string>

namespace holdfast::replay {

/// Receives the stream in order. False ends the encoding (disk error, cancelled).
using snapshot_sink = std::function<bool(msg::byte_view chunk)>;

/// Writes `state` to `sink` in chunks of about `chunk_bytes` (one large object may make a chunk larger).
/// Returns the number of bytes given to the sink, or nothing when the sink refused. Meant for a worker thread
/// holding a state_snapshot; touches nothing else.
[[nodiscard]] std::optional<std::uint64_t> write_snapshot(const store_state& state, const snapshot_sink& sink,
                                                          std::size_t chunk_bytes = 256U << 10U);

/// Rebuilds a state from the stream, fed in chunks of any size. Everything is checked: order, counts, limits,
/// the hash of the contents and of the bytes. Memory: the state, plus one object and one chunk. One thread at
/// a time; meant for a worker thread.
class snapshot_reader {
public:
  explicit snapshot_reader(msg::transaction_limits limits = {});
  ~snapshot_reader();
  snapshot_reader(const snapshot_reader&) = delete;
  snapshot_reader& operator=(const snapshot_reader&) = delete;

  enum class status : std::uint8_t {
    more,   ///< feed on
    done,   ///< the state is whole; take it
    failed, ///< see error(); nothing can be taken
  };

  /// After done, any further byte is a failure.
  status feed(msg::byte_view chunk);
  /// What is wrong and at which byte, for people. Empty unless failed.
  [[nodiscard]] const std::string& error() const;
  /// Once, and only after done.
  [[nodiscard]] store_state take();

private:
  struct parser;
  std::unique_ptr<parser> parser_;
};

} // namespace holdfast::replay
