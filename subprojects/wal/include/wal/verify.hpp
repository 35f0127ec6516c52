// Offline check of a `wal/` directory (WAL-04, WAL-07, WAL-09) for `holdfast wal check DIR` and `holdfast ha
// verify`: reads only, changes nothing, never repairs. On a directory in use it may see the last records half
// there.
#pragma once

#include "wal/file_system.hpp"
#include "wal/log.hpp"

#include <string>
#include <vector>

namespace holdfast::wal {

enum class file_state : std::uint8_t {
  sound,      ///< every byte is what was written
  torn,       ///< ends in a record that was never finished; a start would cut it
  rotten,     ///< bytes do not match their checksums
  unfinished, ///< a temporary file (.new, .part, .install, .drop) of work in progress
  foreign,    ///< not a name of ours
};

const char* to_string(file_state state) noexcept;

/// One row of the report: a file, sorted by kind and generation.
struct file_check {
  std::string name;
  std::uint64_t bytes = 0;
  std::uint64_t records = 0; ///< entries in a log file; 0 for a base
  log_index first_index;     ///< of a log's first record; of a base: the index it covers
  log_index last_index;
  chain_value chain;             ///< chain value at last_index
  std::uint32_t content_crc = 0; ///< CRC32C of the whole file, to compare by eye; a SHA-256 is the caller's
  file_state state = file_state::sound;
  std::string detail; ///< where and what, when not sound
};

/// Chain value at one index.
struct index_digest {
  log_index index;
  log_term term;
  chain_value chain;
};

struct verify_report {
  std::vector<file_check> files;
  std::vector<index_digest> digests; ///< every `digest_every`-th index and the last one
  std::vector<std::string>
      problems; ///< one line each: rot, holes between files, a hint that is ahead, wrong sizes
  bool sound() const noexcept { return problems.empty(); }
};

struct verify_options {
  std::uint64_t digest_every = 0; ///< 0: the last index alone
  synced_hint hint;               ///< from raft/, if known; index 0: not known
};

/// `io`/`not_found` when the directory cannot be listed; everything found inside is in the report.
result<verify_report> verify_directory(file_system& fs, const std::string& directory,
                                       const verify_options& options);

} // namespace holdfast::wal
