// A file system in memory that knows what is durable and what is not, and can lose power.
//
// Model: a disk writes sectors of 512 bytes whole. Until a file is synced, every sector that was written may
// hold the old or the new content after a crash, each by itself; shortening is one step, later steps of that
// kind do not overtake earlier ones. Until the directory is synced, every creation, rename and removal in it
// may have happened or not, each by itself (harsher than a journal). A sync that fails loses what was written
// before it while the running process still sees it, and the next sync says all is well: what Linux does.
#pragma once

#include "wal/file_system.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace holdfast::wal::test {

/// Answers the questions "did this reach the disk?" of a crash, one after the other.
class crash_choice {
public:
  /// Bit k of `mask` answers question k; questions past the 64th are answered with no.
  static crash_choice of_mask(std::uint64_t mask);
  static crash_choice of_seed(std::uint64_t seed);
  bool next();
  std::size_t asked() const { return asked_; }

private:
  std::uint64_t mask_ = 0;
  std::optional<std::mt19937_64> random_;
  std::size_t asked_ = 0;
};

struct fault {
  std::uint64_t at_call = 0; ///< counted from 1 over every call that changes something
  error_kind kind = error_kind::io;
  bool lasting = false; ///< every later call of the same sort fails as well
};

class fake_file_system final : public file_system {
public:
  result<std::unique_ptr<file>> open(const std::string& path, open_mode mode) override;
  status rename(const std::string& from, const std::string& to) override;
  status unlink(const std::string& path) override;
  status sync_directory(const std::string& directory) override;
  result<std::vector<std::string>> list(const std::string& directory) override;
  status make_directory(const std::string& path) override;

  // Faults. --------------------------------------------------------------------------------------
  void inject(std::optional<fault> f) { fault_ = f; }
  /// The power goes at this call: it and every later one fail and change nothing.
  void cut_power_at(std::uint64_t call) { power_cut_at_ = call; }
  std::uint64_t calls() const { return calls_; }
  std::uint64_t syncs() const { return syncs_; }
  /// Sum of all file sizes that fits; 0: no limit.
  void set_capacity(std::uint64_t bytes) { capacity_ = bytes; }
  /// Reads of this byte fail from now on.
  void make_unreadable(const std::string& path, std::uint64_t offset) { unreadable_[path] = offset; }

  // Crash. ---------------------------------------------------------------------------------------
  /// What is on the disk after a power cut now.
  std::unique_ptr<fake_file_system> after_power_cut(crash_choice& choice) const;
  /// What another process finds after kill -9: everything, durable or not.
  std::unique_ptr<fake_file_system> after_kill() const;
  /// Calls `check` for every crash state if there are at most 2^`most_bits`, for `samples` random ones
  /// otherwise (nothing kept and everything kept among them).
  void for_each_crash(std::size_t most_bits, std::size_t samples, std::uint64_t seed,
                      const std::function<void(fake_file_system&)>& check) const;

  // Looking and meddling. ------------------------------------------------------------------------
  bool exists(const std::string& path) const { return live_.contains(path); }
  /// Content as a process sees it; changing it changes the disk as well (rot).
  bytes content(const std::string& path) const;
  void set_content(const std::string& path, bytes data);
  void remove(const std::string& path);
  std::map<std::string, bytes> all() const;

private:
  friend class fake_file;
  struct operation {
    bool is_truncate = false;
    std::uint64_t offset = 0; ///< new size of a truncate
    bytes data;
  };
  struct node {
    bytes live;
    bytes durable;
    std::vector<operation> pending;
  };
  using node_ptr = std::shared_ptr<node>;
  struct directory_operation {
    std::string remove; ///< name that goes, or empty
    std::string add;    ///< name that comes, or empty
    node_ptr target;
  };

  /// Counts a changing call; an error if it must fail. `changes` is false for a failure that leaves no trace.
  std::optional<error> step(error_kind sort);
  status write(node& target, std::uint64_t offset, byte_view data);
  std::uint64_t used() const;
  static bytes crashed(const node& from, crash_choice& choice);

  std::map<std::string, node_ptr> live_;
  std::map<std::string, node_ptr> durable_;
  std::vector<directory_operation> pending_;
  std::map<std::string, std::uint64_t> unreadable_;
  std::optional<fault> fault_;
  std::uint64_t power_cut_at_ = 0;
  std::uint64_t calls_ = 0;
  std::uint64_t syncs_ = 0;
  std::uint64_t capacity_ = 0;
};

} // namespace holdfast::wal::test
