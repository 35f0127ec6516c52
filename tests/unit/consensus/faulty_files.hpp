// The real file system with faults on demand: syncs that fail, writes that meet a full disk.
#pragma once

#include <wal/file_system.hpp>

#include <atomic>
#include <cerrno>
#include <memory>
#include <string>

namespace holdfast::testing {

class faulty_files final : public wal::file_system {
public:
  std::atomic<bool> syncs_fail{false};
  std::atomic<bool> full{false};
  std::atomic<int> syncs{0};
  std::string full_for; ///< not empty: files whose path ends like this meet a full disk

  wal::result<std::unique_ptr<wal::file>> open(const std::string& path, wal::open_mode mode) override {
    auto inner = real().open(path, mode);
    if (!inner)
      return inner.failure();
    return std::unique_ptr<wal::file>(std::make_unique<faulty_file>(*this, std::move(*inner), path));
  }
  wal::status rename(const std::string& from, const std::string& to) override {
    return real().rename(from, to);
  }
  wal::status unlink(const std::string& path) override { return real().unlink(path); }
  wal::status sync_directory(const std::string& directory) override {
    return real().sync_directory(directory);
  }
  wal::result<std::vector<std::string>> list(const std::string& directory) override {
    return real().list(directory);
  }
  wal::status make_directory(const std::string& path) override { return real().make_directory(path); }

private:
  class faulty_file final : public wal::file {
  public:
    faulty_file(faulty_files& owner, std::unique_ptr<wal::file> inner, std::string path)
        : owner_(owner), inner_(std::move(inner)), path_(std::move(path)) {}
    wal::result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) override {
      return inner_->read_at(offset, out);
    }
    wal::status write_at(std::uint64_t offset, wal::byte_view data) override {
      if (owner_.full || (!owner_.full_for.empty() && path_.ends_with(owner_.full_for))) {
        auto size = inner_->size();
        if (size && offset + data.size() > *size)
          return wal::error{wal::error_kind::no_space, ENOSPC, "write: no space left"};
      }
      return inner_->write_at(offset, data);
    }
    wal::status truncate(std::uint64_t size) override { return inner_->truncate(size); }
    wal::status write_out(std::uint64_t offset, std::uint64_t length) override {
      return inner_->write_out(offset, length);
    }
    wal::status sync() override {
      ++owner_.syncs;
      if (owner_.syncs_fail)
        return wal::error{wal::error_kind::io, EIO, "fdatasync: input/output error"};
      return inner_->sync();
    }
    wal::result<std::uint64_t> size() override { return inner_->size(); }

  private:
    faulty_files& owner_;
    std::unique_ptr<wal::file> inner_;
    std::string path_;
  };

  static wal::file_system& real() { return wal::posix_file_system(); }
};

} // namespace holdfast::testing
