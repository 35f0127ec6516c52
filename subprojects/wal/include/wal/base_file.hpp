// Snapshot files `base.<n>`: the state up to the index at which generation n begins (WAL-02, WAL-04).
//
// Format, version 1; integers little-endian; the same bytes on every node that holds the same state:
//
//   offset size
//        0    8  magic "HOLDBASE"
//        8    4  format version, 1
//       12    4  header bytes, 64
//       16    8  generation n
//       24    8  index of the last entry the snapshot covers (0 for base.0)
//       32    8  term of that entry
//       40    8  snapshot bytes L
//       48    4  CRC32C of the L snapshot bytes
//       52    4  chain value of the log at that index (0 for base.0): log.<n> continues from it
//       56    4  chunk bytes C, 65536
//       60    4  CRC32C of bytes 0..59
//       64       ceil(L / C) chunks, each: 4 bytes length (C, less in the last), 4 bytes CRC32C, then the
//       bytes.
//                A chunk's CRC covers generation, index, term, chunk number (8 bytes each), then its bytes,
//                so that a chunk of another snapshot or from another place does not pass.
//
// The file ends with the last chunk. It comes into being under the name base.<n>.new (written here) or
// base.<n>.part (received) and is renamed when whole and synced, so a damaged base.<n> is always rot and
// never a torn write.
#pragma once

#include "wal/file_system.hpp"

#include <memory>
#include <string>

namespace holdfast::wal {

inline constexpr std::size_t base_header_bytes = 64;
inline constexpr std::size_t base_chunk_bytes = 65536;
/// Bulk is sent on to the disk in pieces of this size: about what a disk takes in the time of one sync.
inline constexpr std::uint64_t write_out_bytes = 256U << 10;

struct base_info {
  generation gen;
  log_index index;
  log_term term;
  chain_value chain;
  std::uint64_t payload_bytes = 0;
  std::uint32_t payload_crc = 0;
  std::uint64_t file_bytes = 0; ///< size of the whole file on disk
  bool operator==(const base_info&) const = default;
};

/// Writes one base file as a stream. Made by log::begin_base; may live on any one thread while the log goes
/// on on its own. Destroying it without log::commit_base leaves base.<n>.new, which the next start removes.
class base_writer {
public:
  base_writer(std::unique_ptr<file> out, std::string path, const base_info& info);

  /// Appends snapshot bytes. Full chunks go to disk and are written out every `write_out_bytes`, so that the
  /// log's own syncs never wait behind a large flush.
  status write(byte_view data);
  /// Writes the header, syncs the file. Call once, then hand the writer to log::commit_base.
  status finish();

  const base_info& info() const noexcept { return info_; }
  const std::string& path() const noexcept { return path_; }
  bool finished() const noexcept { return finished_; }

private:
  status flush_chunk();
  status fail(error e);

  std::unique_ptr<file> out_;
  std::string path_;
  base_info info_;
  bytes chunk_;
  std::uint64_t offset_ = base_header_bytes;
  std::uint64_t written_out_ = 0; ///< file offset up to which the disk has it
  std::uint64_t chunk_number_ = 0;
  bool finished_ = false;
  bool failed_ = false;
};

/// Reads a base file; every byte handed out was checked. Independent of the log object: any one thread.
class base_reader {
public:
  /// Opens and checks the header and the size; the chunks are checked as they are read.
  static result<base_reader> open(file_system& fs, const std::string& path);

  const base_info& info() const noexcept { return info_; }

  /// The next snapshot bytes (at most one chunk); empty at the end. After the last one the CRC of the whole
  /// is compared: `corrupt` if it differs.
  result<bytes> next();

  /// Verbatim file bytes [offset, offset + length), clipped to the end of the file, for sending to a peer.
  /// The chunks that are touched are checked first: rot is `corrupt`, never sent.
  result<bytes> read_raw(std::uint64_t offset, std::size_t length);

  /// Bytes of a partly received file that are good: header and whole chunks. `in` holds at least the header
  /// of `info`.
  static std::uint64_t checked_prefix(std::unique_ptr<file> in, const base_info& info);

private:
  base_reader(std::unique_ptr<file> in, std::string path, const base_info& info);
  result<bytes> load_chunk(std::uint64_t number);

  std::unique_ptr<file> in_;
  std::string path_;
  base_info info_;
  std::uint64_t next_chunk_ = 0;
  std::uint32_t running_crc_ = 0;
};

/// Decodes and checks the 64 header bytes. Bounded; for any input.
result<base_info> decode_base_header(byte_view header);
/// The 64 header bytes of `info`.
bytes encode_base_header(const base_info& info);
/// Reads and checks the whole file.
result<base_info> check_base_file(file_system& fs, const std::string& path);

} // namespace holdfast::wal
