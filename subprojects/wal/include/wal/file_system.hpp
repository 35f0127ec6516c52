// The seam between the log and the operating system: the few calls it needs, so that tests can put a file
// system underneath that enumerates crash states. The real one is plain POSIX.
//
// Errors: `no_space` for ENOSPC and EDQUOT, `not_found` for ENOENT, `io` for everything else; `system_error`
// is errno. EINTR and short transfers are continued inside. Nothing here retries a failed sync.
#pragma once

#include "wal/types.hpp"

#include <memory>
#include <string>
#include <vector>

namespace holdfast::wal {

/// An open file. Closing (the destructor) promises nothing about durability. One thread at a time.
class file {
public:
  file() = default;
  file(const file&) = delete;
  file& operator=(const file&) = delete;
  virtual ~file() = default;

  /// Fills `out` from byte `offset`; returns the bytes read, fewer than asked only at the end of the file.
  virtual result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) = 0;
  /// Writes all of `data` at byte `offset`, extending the file where needed.
  virtual status write_at(std::uint64_t offset, byte_view data) = 0;
  /// Sets the size in bytes; new space reads as zeros.
  virtual status truncate(std::uint64_t size) = 0;
  /// Sends written bytes on to the disk and waits until it has taken them, so that the next sync of any file
  /// does not stand behind them. A courtesy: it promises nothing about durability, only sync() does. But its
  /// failure is as final as a failed sync's, since the kernel may tell of a lost page only once.
  virtual status write_out(std::uint64_t offset, std::uint64_t length) = 0;
  /// fdatasync: content and size are durable on return; the directory entry is not (see sync_directory).
  virtual status sync() = 0;
  virtual result<std::uint64_t> size() = 0;
};

enum class open_mode : std::uint8_t {
  read,       ///< must exist
  read_write, ///< must exist
  create,     ///< read and write; made if missing, emptied if there (0600)
};

class file_system {
public:
  virtual ~file_system() = default;

  virtual result<std::unique_ptr<file>> open(const std::string& path, open_mode mode) = 0;
  /// Atomic replace; durable after sync_directory.
  virtual status rename(const std::string& from, const std::string& to) = 0;
  /// Removing what is not there is `not_found`.
  virtual status unlink(const std::string& path) = 0;
  /// fsync of a directory: creations, renames and removals in it are durable on return.
  virtual status sync_directory(const std::string& directory) = 0;
  /// Names of the plain files in it, sorted.
  virtual result<std::vector<std::string>> list(const std::string& directory) = 0;
  /// Makes one directory (0700) if missing and makes its entry in the parent durable.
  virtual status make_directory(const std::string& path) = 0;
};

/// The real file system; no state, one for the whole process. Thread-safe.
file_system& posix_file_system();

} // namespace holdfast::wal
