#include "actors/node/base_root.hpp"

#include "actors/node/state_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace holdfast::node {

base_layout layout_of(const settings& from) {
  // An absolute root: the daemon changes its working directory for nobody, but scripts it runs might.
  const auto root = std::filesystem::absolute(from.base_root).lexically_normal().string();
  const auto at = [&](const char* name) { return root + (root.ends_with('/') ? "" : "/") + name; };
  base_layout out;
  out.root = root;
  out.wal = from.wal_root.empty() ? at("wal")
                                  : std::filesystem::absolute(from.wal_root).lexically_normal().string();
  out.raft = at("raft");
  out.job_logs = at("job-logs");
  out.plugins = at("plugins");
  out.replace = at("replace");
  out.runner = at("runner");
  out.saas_content = at("saas-content");
  out.secrets = at("secrets");
  out.tftpboot = at("tftpboot");
  out.ux = at("ux");
  return out;
}

namespace {

std::string make(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0)
    return ::chmod(path.c_str(), mode) == 0 ? std::string()
                                            : "chmod " + path + ": " + std::generic_category().message(errno);
  const int code = errno;
  std::error_code ignored;
  if (code == EEXIST && std::filesystem::is_directory(path, ignored))
    return {};
  return "create directory " + path + ": " + std::generic_category().message(code == EEXIST ? ENOTDIR : code);
}

} // namespace

std::string create_layout(const base_layout& layout) {
  constexpr mode_t shared = 0750;
  constexpr mode_t closed = 0700;
  std::error_code code;
  const auto parent = std::filesystem::path(layout.root).parent_path();
  std::filesystem::create_directories(parent, code);
  if (code)
    return "create directory " + parent.string() + ": " + code.message();
  if (auto error = make(layout.root, shared); !error.empty())
    return error;
  for (const auto* path : {&layout.job_logs, &layout.plugins, &layout.replace, &layout.runner,
                           &layout.saas_content, &layout.tftpboot, &layout.ux}) {
    if (auto error = make(*path, shared); !error.empty())
      return error;
  }
  for (const char* below : {"/files", "/isos"}) {
    if (auto error = make(layout.tftpboot + below, shared); !error.empty())
      return error;
  }
  std::filesystem::create_directories(std::filesystem::path(layout.wal).parent_path(), code);
  for (const auto* path : {&layout.wal, &layout.raft, &layout.secrets}) {
    if (auto error = make(*path, closed); !error.empty())
      return error;
  }
  if (auto error = real_files().sync_directory(layout.tftpboot); !error.empty())
    return error;
  return real_files().sync_directory(layout.root);
}

} // namespace holdfast::node
