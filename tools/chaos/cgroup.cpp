#include "tools/chaos/cgroup.hpp"

#include <fstream>
#include <stdexcept>
#include <unistd.h>

namespace holdfast::chaos {

namespace {

namespace fs = std::filesystem;

const fs::path base = "/sys/fs/cgroup";

void write(const fs::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text << std::flush;
  if (!out)
    throw std::runtime_error("cannot write " + text + " to " + file.string());
}

} // namespace

cgroups::cgroups() : name_("holdfast-chaos-" + std::to_string(::getpid())) {}

cgroups::~cgroups() {
  std::error_code ignored;
  for (const char* kind : {"freezer", "cpu"}) {
    const fs::path top = base / kind / name_;
    if (!fs::exists(top, ignored))
      continue;
    for (const auto& entry : fs::directory_iterator(top, ignored)) {
      if (!entry.is_directory())
        continue;
      if (kind[0] == 'f')
        std::ofstream(entry.path() / "freezer.state") << "THAWED";
      std::ifstream tasks(entry.path() / "cgroup.procs");
      for (std::string pid; std::getline(tasks, pid);)
        std::ofstream(base / kind / "cgroup.procs") << pid;
      ::rmdir(entry.path().c_str());
    }
    ::rmdir(top.c_str());
  }
}

bool cgroups::usable() {
  return ::access((base / "freezer").c_str(), W_OK) == 0 && ::access((base / "cpu").c_str(), W_OK) == 0;
}

fs::path cgroups::group(const char* kind, unsigned member) const {
  const auto out = base / kind / name_ / std::to_string(member);
  fs::create_directories(out);
  return out;
}

void cgroups::freeze(unsigned member, pid_t pid) {
  const auto at = group("freezer", member);
  write(at / "cgroup.procs", std::to_string(pid));
  write(at / "freezer.state", "FROZEN");
}

void cgroups::thaw(unsigned member) {
  write(group("freezer", member) / "freezer.state", "THAWED");
}

void cgroups::limit(unsigned member, pid_t pid, unsigned percent_of_cpu) {
  const auto at = group("cpu", member);
  write(at / "cpu.cfs_period_us", "100000");
  write(at / "cpu.cfs_quota_us", std::to_string(percent_of_cpu * 1000));
  write(at / "cgroup.procs", std::to_string(pid));
}

void cgroups::unlimit(unsigned member) {
  write(group("cpu", member) / "cpu.cfs_quota_us", "-1");
}

} // namespace holdfast::chaos
