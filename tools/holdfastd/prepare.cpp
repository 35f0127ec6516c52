#include "prepare.hpp"

#include "actors/node/ha_state_store.hpp"
#include "actors/replay/log_disk.hpp"
#include "messages/log_line.hpp"
#include "net/api_certificate.hpp"

#include <spdlog/spdlog.h>

namespace holdfast::daemon {

std::optional<msg::fatal_report> prepare(const node::settings& settings, prepared& out) {
  out.layout = node::layout_of(settings);
  if (auto error = node::create_layout(out.layout); !error.empty())
    return msg::fatal_report{msg::exit_code::failed, error, "check --base-root and its rights"};
  std::string locked;
  out.lock = node::instance_lock::take(out.layout.root, locked);
  if (!out.lock.held())
    return msg::fatal_report{msg::exit_code::locked, locked,
                             "stop the other process, or give this one its own base root"};
  if (out.lock.copied())
    spdlog::warn("{}", msg::log_line("base_root_copied").with("root", out.layout.root).str());

  const auto stored = replay::read_identity(wal::posix_file_system(), out.layout.raft);
  if (!stored.error.empty()) {
    return msg::fatal_report{msg::exit_code::state_damaged, stored.error,
                             "restore it from a backup; in a cluster, remove this node and enrol it anew"};
  }
  out.host = node::host_facts::collect();
  node::ha_state_store store(node::real_files(), out.layout.root);
  auto loaded = store.load(settings, out.host, {stored.node_id, false}, node::random_uuid);
  for (const auto& warning : loaded.warnings)
    spdlog::warn("{}", msg::log_line("settings").with("warning", warning).str());
  if (loaded.how == node::ha_state_load::outcome::refused)
    return msg::fatal_report{msg::exit_code::state_damaged, loaded.refusal, "see holdfast ha repair-state"};
  out.state = std::move(loaded.state);
  out.certificate = net::load_or_make_api_certificate(settings.tls_cert_path(), settings.tls_key_path());
  return std::nullopt;
}

} // namespace holdfast::daemon
