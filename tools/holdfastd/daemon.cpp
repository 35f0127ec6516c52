#include "daemon.hpp"

#include "fatal_exit.hpp"
#include "messages/log_line.hpp"
#include "prepare.hpp"
#include "service.hpp"

#include <spdlog/spdlog.h>

#include <filesystem>
#include <malloc.h>
#include <pwd.h>
#include <unistd.h>

namespace holdfast::daemon {

namespace {

/// Blocks of this size and more go back to the system when they are freed. By itself glibc raises the bound
/// with the first large block it frees: the 16 MiB of one password check then stay with the process for good.
constexpr int returned_block_bytes = 4 << 20;

/// A base root that is made here must belong to whom the daemon becomes; one that exists is left as it is.
std::string give_base_root(const node::settings& settings) {
  if (settings.user.empty() || ::access(settings.base_root.c_str(), F_OK) == 0)
    return {};
  const auto* entry = ::getpwnam(settings.user.c_str());
  if (entry == nullptr)
    return "there is no user '" + settings.user + "' on this host";
  std::error_code failed;
  std::filesystem::create_directories(settings.base_root, failed);
  if (failed || ::chown(settings.base_root.c_str(), entry->pw_uid, entry->pw_gid) != 0)
    return settings.base_root + " cannot be made for user '" + settings.user + "'";
  return {};
}

} // namespace

int run_daemon(const node::settings& settings, const std::vector<std::string>& warnings,
               vip::guard_handle guard) {
  for (const auto& warning : warnings)
    spdlog::warn("{}", msg::log_line("settings").with("warning", warning).str());
  ::mallopt(M_MMAP_THRESHOLD, returned_block_bytes);
  try {
    if (auto error = give_base_root(settings); !error.empty())
      exit_fatally(
          {msg::exit_code::failed, error, "give --user an existing user, or make the base root by hand"});
    if (auto error = vip::drop_privileges(settings.user); !error.empty())
      exit_fatally({msg::exit_code::failed, error, "start it as root, or without --user as that user"});
    prepared with;
    if (const auto refused = prepare(settings, with))
      exit_fatally(*refused);
    service running(settings, with, std::move(guard));
    running.serve();
  } catch (const std::exception& error) {
    exit_fatally(
        {msg::exit_code::failed, error.what(), "nothing was changed; start again once the cause is gone"});
  }
  return static_cast<int>(msg::exit_code::clean);
}

} // namespace holdfast::daemon
