#include "tools/holdfast/doctor.hpp"

#include "tools/holdfast/doctor_vip.hpp"
#include "tools/holdfast/health_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace holdfast::cli {

namespace {

constexpr std::uint64_t day_s = 24 * 60 * 60;
constexpr std::uint64_t lag_entries = 10'000;   ///< beyond it a snapshot may be due
constexpr std::uint64_t slow_sync_us = 500'000; ///< the shortest election timeout: the role moves at that
constexpr std::int64_t skew_warning_ms = 1'000;
constexpr std::int64_t skew_error_ms = 5 * 60 * 1000; ///< half of what new certificates tolerate (TLS-12)

/// What a member refuses everything with whose state the others judged, or may judge, wrong.
constexpr const char* state_differs = "Not serving: the state of ";

const examined_member* leader_of(const std::vector<examined_member>& members) {
  const examined_member* best = nullptr;
  for (const auto& member : members) {
    const bool leads = member.error.empty() && text(member.health, "Leader") == member.id;
    if (leads && (best == nullptr || number(member.health, "Term") > number(best->health, "Term"))) {
      best = &member;
    }
  }
  return best;
}

struct lag {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  double seconds = 0;
};

/// Against what the leader has. Bytes only compare within one generation of the log.
lag lag_of(const examined_member& member, const examined_member* leader) {
  lag out;
  if (leader == nullptr || leader == &member) {
    return out;
  }
  for_each_in(leader->health, "Progress", [&](const value& row) {
    if (text(row, "ConsensusID") == member.id) {
      out.entries = number(row, "Behind");
      out.seconds = out.entries > 0 ? static_cast<double>(number(row, "SilentMs")) / 1000 : 0;
    }
  });
  const auto there = number(leader->health, "LogBytes");
  const auto here = number(member.health, "LogBytes");
  const bool same = number(leader->health, "Generation") == number(member.health, "Generation");
  if (out.entries > 0 && same && there > here) {
    out.bytes = there - here;
  }
  return out;
}

class examination {
public:
  examination(const std::vector<examined_member>& members, std::uint64_t now_s)
      : members_{members}, leader_{leader_of(members)}, now_s_{now_s} {}

  std::vector<finding> run() {
    look_at_quorum();
    look_at_versions();
    examine_vip(members_, out_);
    for (const auto& member : members_) {
      if (member.error.find(state_differs) != std::string::npos) {
        add(severity::error, member.id, "serves nothing: " + member.error,
            "if it stays so, find out which members are wrong: its own copies are in its base root (wal and "
            "wal.damaged-*). Look at the memory, the disk and the version of a wrong one, remove it and "
            "enroll "
            "it anew, which replays the log; with a right majority the rest heals by itself");
        continue;
      }
      if (!member.error.empty()) {
        add(severity::error, member.id, "does not answer at " + member.address + ": " + member.error,
            "look whether its daemon runs and its address is reachable; a member that is gone for good: "
            "holdfast system ha remove " +
                member.id);
        continue;
      }
      look_at_lag(member);
      look_at_disk(member);
      look_at_trust(member);
      look_at_clock(member);
      look_at_parts(member);
    }
    std::stable_sort(out_.begin(), out_.end(),
                     [](const finding& a, const finding& b) { return a.how > b.how; });
    return std::move(out_);
  }

private:
  void add(severity how, const std::string& member, std::string what, std::string remedy) {
    out_.push_back({how, member, std::move(what), std::move(remedy)});
  }

  void look_at_quorum() {
    std::uint64_t voters = 0;
    std::uint64_t term = 0;
    std::string active;
    std::size_t answering = 0;
    for (const auto& member : members_) {
      if (!member.error.empty()) {
        continue;
      }
      answering += text(member.health, "Role") != "learner" ? 1 : 0;
      if (const auto own = number(member.health, "Term"); own >= term) {
        term = own;
        voters = std::max(voters, number(member.health, "Voters"));
        active = text(member.health, "Active").empty() ? active : text(member.health, "Active");
      }
    }
    if (answering < voters / 2 + 1) {
      add(severity::error, "",
          fmt::format("no quorum: {} of {} voting members answer, {} are needed; nothing is written",
                      answering, voters, voters / 2 + 1),
          "bring members back, or let the reachable majority side serve; never force a removal while they "
          "may "
          "come back");
    } else if (active.empty()) {
      add(severity::error, "", "no member is active, though a majority answers",
          "wait some seconds; if it stays so, look at the log of the leader for the reason it does not "
          "serve");
    }
    if (voters < 3) {
      add(severity::warning, "", fmt::format("not fault tolerant: {} voting member(s)", voters),
          "enroll members until there are three");
    } else if (voters % 2 == 0) {
      add(severity::warning, "", fmt::format("an even number of voting members ({})", voters),
          "enroll one more, or remove one: the even one only costs");
    }
  }

  void look_at_versions() {
    std::set<std::string> seen;
    for (const auto& member : members_) {
      if (member.error.empty()) {
        seen.insert(text(member.health, "Version"));
      }
    }
    if (seen.size() > 1) {
      add(severity::warning, "", fmt::format("members run different versions: {}", fmt::join(seen, ", ")),
          "upgrade the older ones, passives first");
    }
  }

  void look_at_lag(const examined_member& member) {
    const auto behind = lag_of(member, leader_);
    if (behind.entries > lag_entries) {
      add(severity::error, member.id,
          fmt::format("is {} entries ({} bytes, {:.1f} s) behind the leader", behind.entries, behind.bytes,
                      behind.seconds),
          "look at its disk latency and its link; it does not count for failover until it caught up");
    } else if (behind.entries > 0 && behind.seconds > 2) {
      add(severity::warning, member.id,
          fmt::format("took nothing for {:.1f} s and is {} entries behind", behind.seconds, behind.entries),
          "look at its link and its daemon's log");
    }
    const auto role = text(member.health, "Role");
    if (role == "learner" || flag(member.health, "Joining")) {
      add(severity::note, member.id, "is still catching up and has no vote",
          "wait; its log tells the progress");
    } else if (role == "recovering") {
      add(severity::warning, member.id, "lost part of its log and is being repaired from the others; no vote",
          "wait; if the damage returns, replace its disk");
    }
  }

  void look_at_disk(const examined_member& member) {
    if (flag(member.health, "DiskFull")) {
      add(severity::error, member.id, "has no room for its log",
          "free space on the file system of its base root");
    }
    if (!flag(member.health, "LogAnswers")) {
      add(severity::error, member.id, "its log's writer does not answer: the disk hangs or is very slow",
          "look at the disk and the kernel log; the active role moves away by itself");
    } else if (const auto longest = number(member.health, "LongestSyncUs"); longest > slow_sync_us) {
      add(severity::warning, member.id,
          fmt::format("its slowest sync took {} ms since the start", longest / 1000),
          "give the log a faster or less busy disk; above the election timeout the role moves");
    }
  }

  void look_at_trust(const examined_member& member) {
    if (const auto ends = number(member.health, "CertificateEnds"); ends != 0 && ends < now_s_ + day_s / 4) {
      add(ends < now_s_ ? severity::error : severity::warning, member.id,
          ends < now_s_ ? "its node certificate has expired"
                        : "its node certificate expires within six hours",
          "it renews by itself while the daemon runs: check its clock, then restart the daemon");
    }
    if (const auto ends = number(member.health, "NewestRootEnds"); ends != 0 && ends < now_s_ + 30 * day_s) {
      add(ends < now_s_ ? severity::error : severity::warning, member.id,
          ends < now_s_
              ? "the cluster's newest root has expired"
              : fmt::format("the cluster's newest root expires in {} days", (ends - now_s_) / day_s),
          "bring up an active node, which rotates the roots");
    }
  }

  void look_at_clock(const examined_member& member) {
    // Half the time of the call is what this measurement cannot tell.
    const auto off = std::max<std::int64_t>(0, std::abs(member.skew_ms) - member.answer_ms / 2);
    if (off > skew_warning_ms) {
      add(off > skew_error_ms ? severity::error : severity::warning, member.id,
          fmt::format("its clock is {:.1f} s {} the clock here", static_cast<double>(off) / 1000,
                      member.skew_ms > 0 ? "ahead of" : "behind"),
          "set up time synchronisation (NTP) on both; certificates bear ten minutes");
    }
  }

  void look_at_parts(const examined_member& member) {
    for_each_in(member.health, "Actors", [&](const value& row) {
      const auto state = text(row, "State");
      if (state == "running") {
        add(severity::note, member.id,
            fmt::format("actor {} was restarted {} times: {}", text(row, "Name"), number(row, "Restarts"),
                        text(row, "LastError")),
            "nothing to do; report it if it repeats");
      } else {
        add(state == "failed" ? severity::error : severity::warning, member.id,
            fmt::format("actor {} is {}: {}", text(row, "Name"), state, text(row, "LastError")),
            state == "failed" ? "restart the daemon once the cause in its log is gone"
                              : "holdfast actors resume, if somebody suspended it");
      }
    });
    for_each_in(member.health, "Links", [&](const value& row) {
      if (!flag(row, "Up")) {
        add(severity::warning, member.id,
            "has no link to member " + text(row, "ConsensusID") + ": " + text(row, "Trouble"),
            "check that the consensus addresses reach one another both ways");
      }
    });
  }

  const std::vector<examined_member>& members_;
  const examined_member* leader_;
  std::uint64_t now_s_;
  std::vector<finding> out_;
};

} // namespace

std::string to_string(severity how) {
  switch (how) {
  case severity::note:
    return "note";
  case severity::warning:
    return "warning";
  case severity::error:
    return "error";
  }
  return "error";
}

std::vector<finding> examine(const std::vector<examined_member>& members, std::uint64_t now_s) {
  return examination{members, now_s}.run();
}

document member_rows(const std::vector<examined_member>& members, std::uint64_t now_s) {
  document out{rapidjson::kArrayType};
  auto& alloc = out.GetAllocator();
  const auto* leader = leader_of(members);
  for (const auto& member : members) {
    value row{rapidjson::kObjectType};
    const auto put_text = [&](const char* name, const std::string& content) {
      row.AddMember(value{name, alloc}, value{content.c_str(), alloc}, alloc);
    };
    const auto put_number = [&](const char* name, auto content) {
      row.AddMember(value{name, alloc}, value{content}, alloc);
    };
    put_text("ConsensusID", member.id);
    put_text("ApiUrl", member.address);
    put_text("Error", member.error);
    if (member.error.empty()) {
      const auto behind = lag_of(member, leader);
      const auto ends = number(member.health, "CertificateEnds");
      put_text("Version", text(member.health, "Version"));
      put_text("Role", text(member.health, "Role"));
      row.AddMember("Active", text(member.health, "Active") == member.id, alloc);
      row.AddMember("Observer", member.observer, alloc);
      put_number("Term", number(member.health, "Term"));
      put_number("LastIndex", number(member.health, "LastIndex"));
      put_number("LagEntries", behind.entries);
      put_number("LagBytes", behind.bytes);
      put_number("LagSeconds", behind.seconds);
      put_number("CertificateDays", ends > now_s ? static_cast<double>(ends - now_s) / day_s : 0.0);
      put_number("LongestSyncMs", static_cast<double>(number(member.health, "LongestSyncUs")) / 1000);
      put_number("SkewMs", member.skew_ms);
      put_number("AnswerMs", member.answer_ms);
    }
    out.PushBack(row, alloc);
  }
  return out;
}

} // namespace holdfast::cli
