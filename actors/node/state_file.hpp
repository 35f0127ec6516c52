// Small files that must never be half there: written whole to a temporary file in the same directory, synced,
// renamed, and the directory synced (HST-06). Mode 0600 whatever the umask (HST-29). The file system stands
// behind a seam so that tests can stop the world at any step. Blocking; never call it from an actor that owns
// a timer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::node {

/// What failed: errno's text with the step and the path. Empty: success.
using io_error = std::string;

/// The operations an atomic write needs, each a step a crash can fall behind.
class file_seam {
public:
  virtual ~file_seam() = default;
  /// Creates or truncates with mode 0600 and writes everything. Not durable yet.
  virtual io_error write_new(const std::string& path, std::string_view bytes) = 0;
  /// Makes the file's bytes durable. A failure is final: the caller must not try again on the same file.
  virtual io_error sync_file(const std::string& path) = 0;
  virtual io_error rename(const std::string& from, const std::string& to) = 0;
  virtual io_error sync_directory(const std::string& path) = 0;
  virtual io_error remove(const std::string& path) = 0;
  /// The bytes, at most `limit`; nothing when there is no such file. `error` is set when it exists but cannot
  /// be read (or is longer).
  virtual std::optional<std::string> read(const std::string& path, std::size_t limit, io_error& error) = 0;
};

/// The real file system.
[[nodiscard]] file_seam& real_files();

/// The protocol above. On an error the old file is still whole under its name.
[[nodiscard]] io_error write_atomically(file_seam& files, const std::string& directory,
                                        const std::string& name, std::string_view bytes);

/// Renames a damaged file out of the way, to `<name>.damaged-<n>` with the first free n, and returns that
/// name (C-03: never overwrite what somebody may still want to read). Empty on failure.
[[nodiscard]] std::string keep_aside(file_seam& files, const std::string& directory, const std::string& name,
                                     io_error& error);

} // namespace holdfast::node
