// One process on one base root (PRE-17, C-12). The lock is an flock on `<base-root>/instance.lock`, which the
// kernel drops with the process however it dies. A bind mount and a hard link lead to the same inode and so
// to the same lock. A copied directory has the same `instance` id inside but another inode: the lock file
// records the device and inode it was made for, and a mismatch is reported as "this directory is a copy".
//
// instance.lock: three lines, "instance <uuid>", "inode <device>:<inode>", "pid <n>"; the pid is for people
// only. Blocking, milliseconds; main thread, before anything in the base root is opened.
#pragma once

#include <string>
#include <utility>

namespace holdfast::node {

class instance_lock {
public:
  instance_lock() = default;
  instance_lock(instance_lock&& other) noexcept;
  instance_lock& operator=(instance_lock&& other) noexcept;
  ~instance_lock();

  /// Takes the lock at once or says why not; never waits. `base_root` must exist.
  [[nodiscard]] static instance_lock take(const std::string& base_root, std::string& error);

  [[nodiscard]] bool held() const { return descriptor_ >= 0; }
  /// Random id of this directory's instance; survives restarts.
  [[nodiscard]] const std::string& instance_id() const { return instance_id_; }
  /// True when the directory was copied from elsewhere since the last start: worth a warning, since the other
  /// copy may be running under the same identity.
  [[nodiscard]] bool copied() const { return copied_; }

private:
  int descriptor_ = -1;
  std::string instance_id_;
  bool copied_ = false;
};

} // namespace holdfast::node
