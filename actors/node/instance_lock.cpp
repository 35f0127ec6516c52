#include "actors/node/instance_lock.hpp"

#include "actors/node/ha_state_store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>
#include <system_error>

namespace holdfast::node {

namespace {

std::string reason() {
  return std::generic_category().message(errno);
}

struct lock_content {
  std::string instance;
  std::string inode;
  std::string pid;
};

lock_content read_content(int fd) {
  std::array<char, 512> block{};
  const auto count = ::pread(fd, block.data(), block.size(), 0);
  lock_content out;
  if (count <= 0)
    return out;
  std::istringstream lines(std::string(block.data(), static_cast<std::size_t>(count)));
  std::string key;
  std::string value;
  while (lines >> key >> value) {
    if (key == "instance" && msg::is_uuid(value))
      out.instance = value;
    else if (key == "inode")
      out.inode = value;
    else if (key == "pid")
      out.pid = value;
  }
  return out;
}

} // namespace

instance_lock::instance_lock(instance_lock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), instance_id_(std::move(other.instance_id_)),
      copied_(other.copied_) {}

instance_lock& instance_lock::operator=(instance_lock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(instance_id_, other.instance_id_);
  std::swap(copied_, other.copied_);
  return *this;
}

instance_lock::~instance_lock() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
}

instance_lock instance_lock::take(const std::string& base_root, std::string& error) {
  instance_lock out;
  const auto path = base_root + "/instance.lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    error = "cannot open " + path + ": " + reason();
    return {};
  }
  out.descriptor_ = fd;
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    const auto holder = read_content(fd);
    if (code == EWOULDBLOCK)
      error = base_root + " is in use by another process" +
              (holder.pid.empty() ? std::string() : " (pid " + holder.pid + ")") +
              ": two processes must never share one base root";
    else
      error = "cannot lock " + path + ": " + std::generic_category().message(code) +
              " (the base root must be on storage with working locks, not shared between servers)";
    return {};
  }
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    error = "cannot look at " + path + ": " + reason();
    return {};
  }
  const auto before = read_content(fd);
  const auto inode = std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
  out.instance_id_ = before.instance.empty() ? random_uuid() : before.instance;
  out.copied_ = !before.inode.empty() && before.inode != inode;
  const auto text =
      "instance " + out.instance_id_ + "\ninode " + inode + "\npid " + std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 ||
      ::pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    error = "cannot write " + path + ": " + reason();
    return {};
  }
  return out;
}

} // namespace holdfast::node
