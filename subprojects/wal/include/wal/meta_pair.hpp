// The node's own facts in `raft/`: identity, term, vote, synced-index hint. Not part of `wal/`, which is
// equal on all members (WAL-03).
//
// Two files, `meta.0` and `meta.1`, written in turn; the valid one with the higher counter counts. Each is
// exactly one 512-byte sector, the unit a disk writes whole: a power cut leaves the old or the new content,
// so a file that fails its check is rot. Format, version 1, integers little-endian:
//
//   offset size
//        0    8  magic "HOLDMETA"
//        8    4  format version, 1
//       12    4  bytes, 512
//       16    8  counter, one more at each save
//       24    8  current term
//       32    8  synced hint: index
//       40    8  synced hint: term
//       48    1  length of the cluster id; 49: of the node id; 50: of the vote; 51: zero; 52: 2 bytes, of the
//       host's 54    2  zero 56   48  cluster id     104  48  node id     152  48  vote (empty: none)     200
//       256  the host's own bytes
//      456   52  zero
//      508    4  CRC32C of bytes 0..507
//
// Known weakness: when one copy is rotten, nobody can tell whether it was the newer one. `load` then says
// `suspect`: a promise (vote, term) may be forgotten, and the host must not vote until it has been brought up
// to date.
#pragma once

#include "wal/file_system.hpp"

#include <optional>
#include <string>

namespace holdfast::wal {

inline constexpr std::size_t meta_file_bytes = 512;
inline constexpr std::size_t meta_id_max_bytes = 48;
inline constexpr std::size_t meta_host_max_bytes = 256;

struct meta {
  std::string cluster_id; ///< at most meta_id_max_bytes
  std::string node_id;    ///< at most meta_id_max_bytes
  log_term term;
  std::string vote; ///< node voted for in `term`, empty: none; at most meta_id_max_bytes
  synced_hint hint;
  std::string host; ///< the host's own small facts, opaque here; at most meta_host_max_bytes
  bool operator==(const meta&) const = default;
};

/// Owner of the two files. One thread; the host sees to it that there is one process.
class meta_pair {
public:
  struct loaded {
    std::optional<meta>
        value; ///< none: first start (both missing), or nothing readable (see `damaged_copies`)
    int damaged_copies =
        0;                ///< copies that are there but fail their check, or are missing beside a present one
    bool suspect = false; ///< a newer save may have been lost to rot: the host must not trust term and vote
    std::uint64_t counter = 0; ///< saves so far
  };

  /// `directory` must exist or be creatable (one level).
  meta_pair(file_system& fs, std::string directory);

  /// Reads both copies. Call once, before the first save.
  result<loaded> load();
  /// Makes `value` durable: writes the older copy and syncs it. `invalid` (nothing done) when a field is too
  /// long; `no_space` only at the very first saves; `io` poisons the object.
  status save(const meta& value);

private:
  std::string path_of(std::uint64_t slot) const;
  status create(std::uint64_t slot, byte_view image);
  status fail(error e);

  file_system& fs_;
  std::string directory_;
  std::unique_ptr<file> files_[2];
  std::uint64_t counter_ = 0;
  std::uint64_t next_slot_ = 0;
  bool is_loaded_ = false;
  bool poisoned_ = false;
};

/// The 512 bytes of a copy; `value` must satisfy the limits.
bytes encode_meta(const meta& value, std::uint64_t counter);
struct decoded_meta {
  meta value;
  std::uint64_t counter = 0;
};
/// Bounded; for any input.
result<decoded_meta> decode_meta(byte_view image);

} // namespace holdfast::wal
