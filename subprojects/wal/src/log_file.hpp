// One open `log.<n>` and what is known of it: where it ends, a coarse index by place, the runs of terms.
#pragma once

#include "log_scan.hpp"

#include <memory>
#include <string>
#include <vector>

namespace holdfast::wal {

class log_file {
public:
  log_file(std::unique_ptr<file> handle, std::string name, const log_header& header, std::uint64_t size);

  /// Makes a whole, synced file under `path` with the header and zeros up to its ruled size. On `no_space`
  /// the caller unlinks it.
  static result<std::unique_ptr<log_file>> create(file_system& fs, const std::string& path, std::string name,
                                                  const log_header& header);

  const std::string& name() const noexcept { return name_; }
  const log_header& header() const noexcept { return header_; }
  std::uint32_t crc() const noexcept { return crc_; }
  const log_position& end() const noexcept { return end_; }
  std::uint64_t size() const noexcept { return size_; }
  file& handle() noexcept { return *handle_; }
  bool holds(log_index index) const noexcept {
    return index > header_.base_index && index <= end_.last_index;
  }

  /// Takes note of a record at the end (already written or found there).
  void note(const frame_header& header);
  /// Term of a held index, or of base_index.
  log_term term_at(log_index index) const;
  /// Position from which `index` (held, or one past the end) is reached by next_record; nothing before it in
  /// the file is trusted but what memory knows. `corrupt` if the way there is damaged.
  result<log_position> seek(log_index index);

  /// Zeros from size() to the ruled size for content ending at `end`. `no_space`: back to the old size.
  status grow_for(std::uint64_t end);
  /// Brings the file to the ruled size of its content, from either side; not synced.
  status settle();
  /// Forgets and re-zeroes everything from `at` on: shorten, sync, zeros (as far as the disk has room), sync.
  status cut_back(const log_position& at);

private:
  struct mark {
    log_index index; ///< of the record at `offset`
    log_position before;
  };
  struct run {
    log_index first;
    log_term term;
  };
  status fill_zeros(std::uint64_t to);

  std::unique_ptr<file> handle_;
  std::string name_;
  log_header header_;
  std::uint32_t crc_;
  log_position end_;
  std::uint64_t size_;
  std::vector<mark> marks_; ///< one about every 32 KiB
  std::vector<run> runs_;
};

} // namespace holdfast::wal
