#include "prepare.hpp"

#include "actors/node/ha_state_store.hpp"
#include "actors/replay/log_disk.hpp"
#include "messages/log_line.hpp"
#include "net/api_certificate.hpp"
#include "net/dial_map.hpp"

#include <spdlog/spdlog.h>

#include <fstream>
#include <iterator>

namespace holdfast::daemon {

namespace {

/// A join that was cut short (ENR-11): nothing moved yet: forgotten; half moved: taken back; waiting: goes
/// on.
std::optional<msg::fatal_report> settle_join(prepared& out) {
  node::io_error error;
  auto intent = node::load_join_intent(node::real_files(), out.layout.root, error);
  if (!intent && error.empty())
    return std::nullopt;
  if (intent && intent->phase == node::join_phase::waiting) {
    out.join = std::move(intent);
    return std::nullopt;
  }
  if (intent && intent->phase == node::join_phase::moving)
    error = node::restore_backup(out.layout.root, intent->backup_dir);
  if (error.empty())
    error = node::drop_join_intent(node::real_files(), out.layout.root);
  if (error.empty()) {
    spdlog::warn("{}", msg::log_line("join_forgotten").with("backup", intent->backup_dir).str());
    return std::nullopt;
  }
  return msg::fatal_report{
      msg::exit_code::state_damaged, "an enrolment was cut short: " + error,
      "put the newest directory of backup/ back in place, or enroll on an empty base root"};
}

std::optional<msg::fatal_report> take_dial_map(const std::string& file) {
  if (file.empty())
    return std::nullopt;
  std::ifstream in(file, std::ios::binary);
  std::string why = "it cannot be read";
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto map = in ? net::parse_dial_map(text, why) : std::nullopt;
  if (!map)
    return msg::fatal_report{msg::exit_code::failed, "the dial map " + file + " is of no use: " + why,
                             "give --dial-map a file with two addresses a line, or leave it out"};
  net::set_dial_map(*map);
  spdlog::warn("{}", msg::log_line("dial_map").with("file", file).with("addresses", map->size()).str());
  return std::nullopt;
}

/// LIC-01. A server that was meant to ask for entitlements never starts without asking.
std::optional<msg::fatal_report> take_issuer(const std::string& file, std::optional<net::public_key>& out) {
  if (file.empty())
    return std::nullopt;
  constexpr std::size_t longest = std::size_t{64} << 10;
  std::string text(longest + 1, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  std::string why;
  if (!in.is_open() || in.bad())
    why = "it cannot be read";
  else if (text.size() > longest)
    why = "it is longer than 64 KiB";
  if (why.empty()) {
    try {
      out = net::public_key::from_pem(text);
      return std::nullopt;
    } catch (const net::identity_error& error) {
      why = error.what();
    }
  }
  return msg::fatal_report{msg::exit_code::failed, "the entitlement key " + file + " is of no use: " + why,
                           "give --entitlement-key the issuer's public key (openssl pkey -pubout), readable "
                           "for the user the daemon runs as"};
}

} // namespace

std::optional<msg::fatal_report> prepare(const node::settings& settings, prepared& out) {
  if (auto refused = take_dial_map(settings.dial_map))
    return refused;
  if (auto refused = take_issuer(settings.entitlement_key, out.issuer))
    return refused;
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

  if (auto refused = settle_join(out))
    return refused;
  const auto stored = replay::read_identity(wal::posix_file_system(), out.layout.raft);
  if (!stored.error.empty()) {
    return msg::fatal_report{msg::exit_code::state_damaged, stored.error,
                             "restore it from a backup; in a cluster, remove this node and enrol it anew"};
  }
  out.host = node::host_facts::collect();
  node::ha_state_store store(node::real_files(), out.layout.root);
  // After a second enrolment the log knows this node under another id than its own.
  auto known = stored.node_id;
  if (const auto member = node::load_member_identity(node::real_files(), out.layout.root);
      member && member->raft_id == stored.node_id) {
    known = member->consensus_id;
    out.incarnation = member->incarnation;
  }
  auto loaded = store.load(settings, out.host, {known, false}, node::random_uuid);
  for (const auto& warning : loaded.warnings)
    spdlog::warn("{}", msg::log_line("settings").with("warning", warning).str());
  if (loaded.how == node::ha_state_load::outcome::refused)
    return msg::fatal_report{msg::exit_code::state_damaged, loaded.refusal, "see holdfast ha repair-state"};
  out.state = std::move(loaded.state);
  out.raft_id = stored.node_id.empty() ? out.state.consensus_id : stored.node_id;
  if (out.join && stored.node_id.empty()) {
    out.raft_id = out.join->raft_id;
    out.incarnation = out.join->incarnation;
  }
  if (out.join)
    out.state = out.join->state; // the file on disk may still be the one from before
  out.certificate = net::load_or_make_api_certificate(settings.tls_cert_path(), settings.tls_key_path());
  return std::nullopt;
}

} // namespace holdfast::daemon
