// A file system in memory that can lose power at any operation. What was not synced is then torn at a random
// length; name changes that no directory sync covered may or may not have reached the disk, in order.
#pragma once

#include "actors/node/state_file.hpp"

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace holdfast::node::test {

struct power_lost {};

class fake_files final : public file_seam {
public:
  explicit fake_files(std::uint32_t seed = 1) : random_(seed) {}

  /// Throws power_lost out of the n-th operation from now (0: the next).
  void lose_power_after(int operations) { left_ = operations; }

  /// The machine comes back.
  void restart() {
    left_ = -1;
    const auto kept = random_() % (pending_.size() + 1);
    for (std::size_t i = 0; i < kept; ++i)
      apply(pending_[i], durable_);
    pending_.clear();
    for (auto& [id, one] : inodes_) {
      if (!one.synced)
        one.bytes.resize(random_() % (one.bytes.size() + 1));
      one.synced = true;
    }
    current_ = durable_;
  }

  io_error write_new(const std::string& path, std::string_view bytes) override {
    step();
    const auto id = ++next_;
    inodes_[id] = {std::string(bytes), false};
    change({path, id, {}});
    return {};
  }
  io_error sync_file(const std::string& path) override {
    step();
    inodes_.at(current_.at(path)).synced = true;
    return {};
  }
  io_error rename(const std::string& from, const std::string& to) override {
    step();
    if (!current_.contains(from))
      return "rename " + from + ": no such file";
    const auto id = current_.at(from);
    change({to, id, from});
    return {};
  }
  io_error sync_directory(const std::string&) override {
    step();
    for (const auto& one : pending_)
      apply(one, durable_);
    pending_.clear();
    return {};
  }
  io_error remove(const std::string& path) override {
    step();
    change({path, 0, {}});
    return {};
  }
  std::optional<std::string> read(const std::string& path, std::size_t, io_error& error) override {
    if (unreadable == path) {
      error = "read " + path + ": Input/output error";
      return std::nullopt;
    }
    const auto found = current_.find(path);
    if (found == current_.end())
      return std::nullopt;
    return inodes_.at(found->second).bytes;
  }

  /// Puts a file there as an operator would.
  void place(const std::string& path, std::string bytes) {
    const auto id = ++next_;
    inodes_[id] = {std::move(bytes), true};
    current_[path] = durable_[path] = id;
  }
  void erase(const std::string& path) {
    current_.erase(path);
    durable_.erase(path);
  }
  [[nodiscard]] bool has(const std::string& path) const { return current_.contains(path); }
  [[nodiscard]] std::string bytes(const std::string& path) const {
    return inodes_.at(current_.at(path)).bytes;
  }
  [[nodiscard]] int operations() const { return operations_; }

  std::string unreadable;

private:
  struct inode {
    std::string bytes;
    bool synced = false;
  };
  struct name_change {
    std::string path;
    std::uint64_t inode = 0; ///< 0: removed
    std::string from;        ///< for a rename
  };
  using names = std::map<std::string, std::uint64_t>;

  static void apply(const name_change& one, names& to) {
    if (!one.from.empty())
      to.erase(one.from);
    if (one.inode == 0)
      to.erase(one.path);
    else
      to[one.path] = one.inode;
  }
  void change(name_change one) {
    apply(one, current_);
    pending_.push_back(std::move(one));
  }
  void step() {
    ++operations_;
    if (left_ == 0)
      throw power_lost{};
    if (left_ > 0)
      --left_;
  }

  std::mt19937 random_;
  std::map<std::uint64_t, inode> inodes_;
  names current_;
  names durable_;
  std::vector<name_change> pending_;
  std::uint64_t next_ = 0;
  int left_ = -1;
  int operations_ = 0;
};

} // namespace holdfast::node::test
