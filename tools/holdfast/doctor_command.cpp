// system ha doctor: asks every member how it is and says what is wrong and what to do.
#include "tools/holdfast/commands.hpp"
#include "tools/holdfast/doctor.hpp"

#include <algorithm>
#include <chrono>

namespace holdfast::cli {

namespace {

using namespace std::chrono_literals;

constexpr auto member_limit = 3s;

std::string finding_text(const value& row, const char* name) {
  const auto found = row.FindMember(name);
  return found != row.MemberEnd() && found->value.IsString() ? found->value.GetString() : "";
}

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// Asked of the member itself, with a limit of its own: one that hangs must not hide the others.
examined_member visit(context& c, const value& peer) {
  examined_member out;
  out.id = finding_text(peer, "ConsensusID");
  out.address = finding_text(peer, "ApiUrl");
  const auto observer = peer.FindMember("Observer");
  out.observer = observer != peer.MemberEnd() && observer->value.IsTrue();
  settings there = c.config;
  if (!out.address.empty()) {
    there.endpoints = {out.address};
  }
  try {
    auto how = c.make_transport();
    how->be_brief(member_limit);
    session member{std::move(there), std::move(how)};
    (void)member.endpoint(); // the log-in is not part of what is timed
    const auto asked = wall_ms();
    out.health = member.get("system/consensus/health");
    const auto answered = wall_ms();
    if (!out.health.IsObject()) {
      throw failure{"its answer is no health"};
    }
    const auto time = out.health.FindMember("TimeMs");
    const auto theirs = time != out.health.MemberEnd() && time->value.IsInt64() ? time->value.GetInt64() : 0;
    out.answer_ms = answered - asked;
    out.skew_ms = theirs - (asked + answered) / 2;
  } catch (const failure& error) {
    out.error = error.what();
  }
  return out;
}

document report(const std::vector<examined_member>& members, const std::vector<finding>& findings,
                std::uint64_t now_s) {
  document out{rapidjson::kObjectType};
  auto& alloc = out.GetAllocator();
  value rows{rapidjson::kArrayType};
  for (const auto& found : findings) {
    value row{rapidjson::kObjectType};
    const auto put = [&](const char* name, const std::string& content) {
      row.AddMember(value{name, alloc}, value{content.c_str(), alloc}, alloc);
    };
    put("Severity", to_string(found.how));
    put("ConsensusID", found.member);
    put("What", found.what);
    put("Remedy", found.remedy);
    rows.PushBack(row, alloc);
  }
  out.AddMember("Findings", rows, alloc);
  out.AddMember("Members", value{member_rows(members, now_s), alloc}, alloc);
  return out;
}

} // namespace

void add_doctor_command(CLI::App& ha, context& c) {
  auto* doctor = ha.add_subcommand("doctor", "ask every member how it is; each finding comes with a remedy, "
                                             "and an error among them ends with exit code 1");
  doctor->callback([&c] {
    const document peers = c.server().get("system/consensus/peers");
    std::vector<examined_member> members;
    for (const auto& peer : peers.GetArray()) {
      members.push_back(visit(c, peer));
    }
    const auto now_s = static_cast<std::uint64_t>(wall_ms() / 1000);
    const auto findings = examine(members, now_s);
    c.print(report(members, findings, now_s));
    const auto errors = std::count_if(findings.begin(), findings.end(),
                                      [](const finding& found) { return found.how == severity::error; });
    if (errors > 0) {
      throw failure{std::to_string(errors) + " finding(s) need somebody's attention"};
    }
  });
}

} // namespace holdfast::cli
