// Version 1 freezer and cpu groups for single members; removed when the runner ends. Root.
#pragma once

#include <filesystem>
#include <string>

#include <sys/types.h>

namespace holdfast::chaos {

class cgroups {
public:
  cgroups();
  ~cgroups();
  cgroups(const cgroups&) = delete;
  cgroups& operator=(const cgroups&) = delete;

  /// Each throws std::runtime_error when the kernel declines.
  void freeze(unsigned member, pid_t pid);
  void thaw(unsigned member);
  void limit(unsigned member, pid_t pid, unsigned percent_of_cpu);
  void unlimit(unsigned member);

  [[nodiscard]] static bool usable();

private:
  [[nodiscard]] std::filesystem::path group(const char* kind, unsigned member) const;
  std::string name_;
};

} // namespace holdfast::chaos
