#include "wal/file_system.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HOLDFAST_UNSAFE_FAULTS
#include <cstdlib>
#include <string_view>
#endif

namespace holdfast::wal {
namespace {

#ifdef HOLDFAST_UNSAFE_FAULTS // only in holdfastd-unsafe, which the checkers of tools/chaos are proven on
bool unsafe_fault(const char* name) {
  const char* wanted = std::getenv("HOLDFAST_UNSAFE");
  return wanted && std::string_view(wanted) == name;
}
#endif

error system_failure(const char* operation, const std::string& path, int code) {
  error e;
  e.kind = code == ENOSPC || code == EDQUOT ? error_kind::no_space
           : code == ENOENT                 ? error_kind::not_found
                                            : error_kind::io;
  e.system_error = code;
  e.what = std::string(operation) + " " + path + ": " + std::generic_category().message(code);
  return e;
}

class descriptor {
public:
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  int get() const noexcept { return fd_; }

private:
  int fd_;
};

class posix_file final : public file {
public:
  posix_file(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const auto n =
          ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return system_failure("read", path_, errno);
      if (n == 0)
        break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  status write_at(std::uint64_t offset, byte_view data) override {
    std::size_t done = 0;
    while (done < data.size()) {
      const auto n =
          ::pwrite(fd_.get(), data.data() + done, data.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return system_failure("write", path_, errno);
      done += static_cast<std::size_t>(n);
    }
    return {};
  }

  status truncate(std::uint64_t size) override {
    int rc;
    do
      rc = ::ftruncate(fd_.get(), static_cast<off_t>(size));
    while (rc < 0 && errno == EINTR);
    return rc < 0 ? status(system_failure("truncate", path_, errno)) : status();
  }

  status write_out(std::uint64_t offset, std::uint64_t length) override {
    constexpr unsigned whole =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    const auto done =
        ::sync_file_range(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(length), whole);
    // Some file systems know no such call; EINTR leaves the rest to the next sync, which tells of any loss.
    const bool fine = done == 0 || errno == ENOSYS || errno == EINVAL || errno == EINTR;
    return fine ? status() : status(system_failure("sync_file_range", path_, errno));
  }

  status sync() override {
#ifdef HOLDFAST_UNSAFE_FAULTS
    if (unsafe_fault("skip-fsync"))
      return {};
#endif
    // No retry, not even for EINTR: after a failed sync nobody knows what is on disk.
    return ::fdatasync(fd_.get()) < 0 ? status(system_failure("fdatasync", path_, errno)) : status();
  }

  result<std::uint64_t> size() override {
    struct stat st {};
    if (::fstat(fd_.get(), &st) < 0)
      return system_failure("stat", path_, errno);
    return static_cast<std::uint64_t>(st.st_size);
  }

private:
  descriptor fd_;
  std::string path_;
};

class posix final : public file_system {
public:
  result<std::unique_ptr<file>> open(const std::string& path, open_mode mode) override {
    const int flags = mode == open_mode::read         ? O_RDONLY
                      : mode == open_mode::read_write ? O_RDWR
                                                      : O_RDWR | O_CREAT | O_TRUNC;
    int fd;
    do
      fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
      return system_failure("open", path, errno);
    return std::unique_ptr<file>(std::make_unique<posix_file>(fd, path));
  }

  status rename(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str()) < 0 ? status(system_failure("rename", from, errno)) : status();
  }

  status unlink(const std::string& path) override {
    return ::unlink(path.c_str()) < 0 ? status(system_failure("unlink", path, errno)) : status();
  }

  status sync_directory(const std::string& directory) override {
    const descriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.get() < 0)
      return system_failure("open directory", directory, errno);
    return ::fsync(fd.get()) < 0 ? status(system_failure("fsync", directory, errno)) : status();
  }

  result<std::vector<std::string>> list(const std::string& directory) override {
    std::vector<std::string> names;
    std::error_code code;
    std::filesystem::directory_iterator it(directory, code);
    for (; !code && it != std::filesystem::directory_iterator(); it.increment(code)) {
      std::error_code ignored;
      if (it->is_regular_file(ignored))
        names.push_back(it->path().filename().string());
    }
    if (code)
      return system_failure("list", directory, code.value());
    std::sort(names.begin(), names.end());
    return names;
  }

  status make_directory(const std::string& path) override {
    if (::mkdir(path.c_str(), 0700) < 0 && errno != EEXIST)
      return system_failure("mkdir", path, errno);
    const auto parent = std::filesystem::path(path).lexically_normal().parent_path().string();
    return sync_directory(parent.empty() ? "." : parent);
  }
};

} // namespace

file_system& posix_file_system() {
  static posix instance;
  return instance;
}

} // namespace holdfast::wal
