// Walking the records of one log file, and judging what stands after the last good one. Shared by recovery,
// by reads and by the offline check; changes nothing.
#pragma once

#include "log_format.hpp"
#include "wal/file_system.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace holdfast::wal {

/// Reads a file through one buffer; views stay valid until the next call.
class window {
public:
  window(file& source, std::uint64_t source_bytes, std::size_t ahead_bytes)
      : source_(source), source_bytes_(source_bytes), ahead_(ahead_bytes) {}

  /// [offset, offset + length), shorter at the end of the file. `corrupt` when the medium cannot be read.
  result<byte_view> view(std::uint64_t offset, std::size_t length);

private:
  file& source_;
  std::uint64_t source_bytes_;
  std::size_t ahead_;
  bytes buffer_;
  std::uint64_t start_ = 0;
};

/// Where a walk stands: the place of the next record and what it must continue.
struct log_position {
  std::uint64_t offset = log_header_bytes;
  log_index last_index; ///< of the record before
  log_term last_term;
  chain_value chain;
  bool cut = false; ///< the record before ended the file
};

/// The record at `at`, checked against its header check, index, term and chain; advances `at` past it. No
/// value: there is no such record (end, or damage), `at` unchanged. The payload view lives until the next
/// call on `source`.
struct walked {
  frame_header header;
  byte_view payload;
};
std::optional<walked> next_record(window& source, std::uint64_t file_bytes, std::uint32_t file_crc,
                                  log_position& at);

/// What stands after the last good record.
struct tail_facts {
  bool clean = true;                       ///< nothing but zeros
  bool looks_torn = false;                 ///< the first bad record has the shape that a lost write leaves
  std::uint64_t used_end = 0;              ///< byte after the last one that is not zero
  std::optional<std::uint64_t> last_whole; ///< offset of the last record header that still passes its check
  log_index highest_seen; ///< its index, or the index of the bad record if its header is readable
  std::string what;
};

struct scanned_log {
  log_position end;
  std::uint64_t records = 0;
  log_index first_index;
  tail_facts tail;
};

using record_visitor = std::function<void(const frame_header&)>;

/// Walks the whole file.
scanned_log scan_log(file& source, std::uint64_t file_bytes, const log_header& header,
                     const record_visitor& visit);

enum class verdict : std::uint8_t { clean, torn, rotten };

/// The decision table of wal/log.hpp, "RECOVERY".
verdict judge(const scanned_log& scanned, log_index hint, bool later_file, std::uint64_t unsynced_window);

} // namespace holdfast::wal
