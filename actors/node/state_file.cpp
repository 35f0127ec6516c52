#include "actors/node/state_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace holdfast::node {

namespace {

io_error failure(const char* step, const std::string& path) {
  return std::string(step) + " " + path + ": " + std::generic_category().message(errno);
}

/// A descriptor that closes itself.
class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }

private:
  int fd_;
};

class real_file_seam final : public file_seam {
public:
  io_error write_new(const std::string& path, std::string_view bytes) override {
    const descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.open())
      return failure("create", path);
    // A left-over temporary may have been made under another mode, and a umask may have taken bits away.
    if (::fchmod(file.get(), 0600) != 0)
      return failure("chmod", path);
    while (!bytes.empty()) {
      const auto count = ::write(file.get(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR)
        continue;
      if (count <= 0)
        return failure("write", path);
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }

  io_error sync_file(const std::string& path) override { return sync(path, O_RDONLY); }
  io_error sync_directory(const std::string& path) override { return sync(path, O_RDONLY | O_DIRECTORY); }

  io_error rename(const std::string& from, const std::string& to) override {
    return std::rename(from.c_str(), to.c_str()) == 0 ? io_error() : failure("rename", from);
  }

  io_error remove(const std::string& path) override {
    return ::unlink(path.c_str()) == 0 || errno == ENOENT ? io_error() : failure("remove", path);
  }

  std::optional<std::string> read(const std::string& path, std::size_t limit, io_error& error) override {
    const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.open()) {
      if (errno != ENOENT)
        error = failure("open", path);
      return std::nullopt;
    }
    struct stat info {};
    if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
      error = path + ": not a regular file";
      return std::nullopt;
    }
    std::string out;
    char block[4096];
    for (;;) {
      const auto count = ::read(file.get(), block, sizeof block);
      if (count < 0 && errno == EINTR)
        continue;
      if (count < 0) {
        error = failure("read", path);
        return std::nullopt;
      }
      if (count == 0)
        return out;
      out.append(block, static_cast<std::size_t>(count));
      if (out.size() > limit) {
        error = path + ": larger than " + std::to_string(limit) + " bytes";
        return std::nullopt;
      }
    }
  }

private:
  static io_error sync(const std::string& path, int flags) {
    const descriptor file(::open(path.c_str(), flags | O_CLOEXEC));
    if (!file.open())
      return failure("open", path);
    return ::fsync(file.get()) == 0 ? io_error() : failure("fsync", path);
  }
};

} // namespace

file_seam& real_files() {
  static real_file_seam instance;
  return instance;
}

io_error write_atomically(file_seam& files, const std::string& directory, const std::string& name,
                          std::string_view bytes) {
  const auto path = directory + "/" + name;
  const auto temporary = directory + "/." + name + ".new";
  auto error = files.write_new(temporary, bytes);
  if (error.empty())
    error = files.sync_file(temporary);
  if (error.empty())
    error = files.rename(temporary, path);
  if (!error.empty()) {
    // The first failure is the one worth telling; a left-over temporary is overwritten by the next write.
    static_cast<void>(files.remove(temporary));
    return error;
  }
  return files.sync_directory(directory);
}

std::string keep_aside(file_seam& files, const std::string& directory, const std::string& name,
                       io_error& error) {
  constexpr int most = 1000;
  constexpr std::size_t peek = std::size_t{16} << 20;
  for (int n = 1; n <= most; ++n) {
    const auto aside = name + ".damaged-" + std::to_string(n);
    io_error taken;
    if (files.read(directory + "/" + aside, peek, taken) || !taken.empty())
      continue;
    error = files.rename(directory + "/" + name, directory + "/" + aside);
    if (error.empty())
      error = files.sync_directory(directory);
    return error.empty() ? aside : std::string();
  }
  error = "there are " + std::to_string(most) + " damaged copies of " + name + " already";
  return {};
}

} // namespace holdfast::node
