#include "heap_setup.hpp"

#include <array>
#include <climits>
#include <cstdlib>
#include <string_view>

#include <sys/auxv.h>
#include <unistd.h>

namespace holdfast::daemon {

namespace {

constexpr const char* variable = "GLIBC_TUNABLES";
constexpr const char* wanted = "glibc.malloc.tcache_count=128";

} // namespace

void keep_small_blocks_at_hand(char** argv) {
  if (const char* given = std::getenv(variable)) {
    if (std::string_view(given) == wanted)
      ::unsetenv(variable); // it has done its work; what this process starts is not to have it
    return;
  }
  // A program with file capabilities is not given such variables.
  if (::getauxval(AT_SECURE) != 0)
    return;
  // By its path, not as /proc/self/exe: the process would bear that name.
  std::array<char, PATH_MAX> path{};
  const auto length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (length <= 0 || ::setenv(variable, wanted, 1) != 0)
    return;
  ::execv(path.data(), argv);
  ::unsetenv(variable);
}

} // namespace holdfast::daemon
