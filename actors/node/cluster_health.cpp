// How this member is: what `holdfast system ha doctor` asks each member for. Facts alone; what they mean is
// judged where all members' answers lie side by side. No secrets.
#include "actors/node/cluster_desk.hpp"

#include "actors/node/json_text.hpp"

namespace holdfast::node {

namespace {

using boost::asio::awaitable;
using namespace std::chrono_literals;

constexpr auto part_limit = 400ms; ///< for each part, so that all of it is there within a second (STA-10)

std::uint64_t unix_seconds(std::chrono::system_clock::time_point at) {
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
  return since > 0 ? static_cast<std::uint64_t>(since) : 0;
}

/// Actors that are not plainly running, and those that were started again.
std::string troubled_actors(const std::vector<msg::actor_row>& rows) {
  std::vector<std::string> out;
  for (const auto& row : rows) {
    if (row.state == "running" && row.restarts == 0)
      continue;
    out.push_back(json_object()
                      .text("Name", row.name)
                      .text("State", row.state)
                      .number("Restarts", row.restarts)
                      .text("LastError", row.last_error)
                      .take());
  }
  return json_list(out);
}

} // namespace

std::string cluster_desk::links_json(const std::vector<msg::link_row>& rows) const {
  std::vector<std::string> out;
  for (const auto& row : rows) {
    out.push_back(json_object()
                      .text("ConsensusID", to_consensus_id(row.peer))
                      .flag("Up", row.up)
                      .flag("Bulk", row.bulk_up)
                      .text("Trouble", row.trouble)
                      .take());
  }
  return json_list(out);
}

std::string cluster_desk::progress_json(const msg::consensus_status& status) const {
  std::vector<std::string> out;
  for (const auto& row : status.progress) {
    out.push_back(
        json_object()
            .text("ConsensusID", to_consensus_id(row.id))
            .number("Match", row.match)
            .number("Behind", row.behind)
            .number("SilentMs", static_cast<std::uint64_t>(std::max<std::int64_t>(row.silent_ms, 0)))
            .flag("Snapshot", row.snapshot)
            .take());
  }
  return json_list(out);
}

awaitable<msg::cluster_answer> cluster_desk::health(call_t) {
  const auto seen = co_await status();
  const auto began = std::chrono::steady_clock::now();
  const auto digest =
      co_await config_.ask->ask(config_.log_writer, part_limit, msg::digests_atom::value, std::uint64_t{0});
  const auto waited =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began).count();
  const auto links = co_await config_.ask->ask(config_.links, part_limit, msg::status_atom::value);
  const auto actors = co_await config_.ask->ask(node_, part_limit, msg::actors_atom::value);
  const auto vip = co_await config_.ask->ask(config_.vip, part_limit, msg::status_atom::value);
  json_object out;
  out.text("ConsensusID", state_->consensus_id)
      .text("Version", HOLDFAST_VERSION)
      .number("Protocol", member_protocol)
      .number("TimeMs", static_cast<std::uint64_t>(wall_ms()))
      .text("Role", seen.role)
      .number("Term", seen.term)
      .text("Leader", to_consensus_id(seen.leader_id))
      .text("Active", to_consensus_id(seen.active_id))
      .number("Voters", seen.voters)
      .number("CommitIndex", seen.commit_index)
      .number("AppliedIndex", seen.applied_index)
      .number("LastIndex", seen.last_index)
      .flag("DiskFull", seen.disk_full)
      .flag("Joining", join_.has_value())
      .flag("LogAnswers", digest && digest.value.has_value())
      .number("LogAnswerUs", static_cast<std::uint64_t>(waited));
  if (digest) {
    out.number("LogBytes", digest.value->log_bytes)
        .number("Generation", digest.value->generation)
        .number("SyncedIndex", digest.value->synced_index)
        .number("Syncs", digest.value->syncs)
        .number("LongestSyncUs", digest.value->longest_sync_us);
  }
  if (credentials_) {
    out.number("CertificateEnds", unix_seconds(credentials_->own.cert.info().not_after));
    out.number("NewestRootEnds", unix_seconds(credentials_->roots.front().info().not_after));
  }
  out.raw("Progress", progress_json(seen))
      .raw("Links", links ? links_json(*links.value) : "[]")
      .raw("Actors", actors ? troubled_actors(*actors.value) : "[]")
      .raw("Vip", vip ? vip_json(*vip.value, seen) : R"({"Mode":"unknown"})");
  msg::cluster_answer answer;
  answer.json = out.take();
  co_return answer;
}

} // namespace holdfast::node
