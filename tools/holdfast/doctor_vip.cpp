#include "tools/holdfast/doctor_vip.hpp"

#include "tools/holdfast/health_fields.hpp"

#include <fmt/format.h>

namespace holdfast::cli {

namespace {

constexpr std::int64_t recent_conflict_ms = 10 * 60 * 1000;

class vip_examination {
public:
  vip_examination(const examined_member& member, const value& vip, std::vector<finding>& out)
      : member_{member}, vip_{vip}, out_{out}, where_{text(vip, "VirtAddr") + " on " +
                                                      text(vip, "VirtInterface")} {}

  void run() {
    if (text(vip_, "Mode") == "unknown") {
      return add(severity::error, "the actor of the virtual address does not answer",
                 "holdfast actors (is it suspended?); its log's last lines that begin with vip_");
    }
    look_at_guard();
    look_at_link();
    look_at_lease();
    look_at_conflicts();
    look_at_errors();
  }

private:
  void add(severity how, std::string what, std::string remedy) {
    out_.push_back({how, member_.id, std::move(what), std::move(remedy)});
  }

  void look_at_guard() {
    static const value nothing{rapidjson::kObjectType};
    const auto* found = object_in(vip_, "Guard");
    const value& guard = found != nullptr ? *found : nothing;
    if (const auto missing = text(guard, "Missing"); !missing.empty()) {
      explained_ = true;
      add(severity::error, "its guard cannot change addresses: " + missing,
          "start the daemon as root, or with CAP_NET_ADMIN and CAP_NET_RAW in the ambient set");
    } else if (!flag(guard, "Ready")) {
      explained_ = true;
      add(severity::error,
          "the guard of the virtual address is dead or not ready; this member cannot be active",
          "a new one is forked by itself within a second; if the log says vip_keeper_gone, restart the "
          "daemon");
    } else if (const auto deaths = number(guard, "Restarts"); deaths > 0) {
      add(severity::note, fmt::format("its guard died {} times since the start and was replaced", deaths),
          "nothing to do; look who kills holdfast-guard if it repeats");
    }
  }

  void look_at_link() {
    if (!flag(vip_, "LinkUp")) {
      explained_ = true;
      add(severity::error,
          "the interface " + text(vip_, "VirtInterface") + " is missing, down or without a carrier",
          "cable, switch port, ip link; a renamed interface: give it its old name, or remove and enrol the "
          "member with the new one");
    }
  }

  void look_at_lease() {
    const bool active = !member_.id.empty() && text(vip_, "Holder") == member_.id;
    if (active && whole(vip_, "LeaseLeftMs") <= 0) {
      explained_ = true;
      add(severity::error,
          "is active, but its lease is not extended: no majority answers its heartbeats in time",
          "look at the links between the members and at the load of this host");
    } else if (active && !flag(vip_, "Holding") && text(vip_, "Trouble").empty()) {
      add(severity::error, "is active but does not carry " + where_,
          "if it stays so: holdfast vip status, and the log's lines that begin with vip_");
    }
    const auto* counters = object_in(vip_, "Counters");
    if (const auto lost = counters != nullptr ? number(*counters, "Lapsed") : 0; lost > 0) {
      add(severity::note,
          fmt::format("its lease was not extended in time {} times since the start, and the address went",
                      lost),
          "an overloaded or stopped host, or no majority at that time; nothing to do if that is known");
    }
  }

  void look_at_conflicts() {
    const auto* conflicts = object_in(vip_, "Conflicts");
    if (conflicts == nullptr || number(*conflicts, "Count") == 0) {
      return;
    }
    const auto ago = whole(*conflicts, "AgoMs");
    add(ago >= 0 && ago < recent_conflict_ms ? severity::error : severity::note,
        fmt::format("heard another host ({}) claim {} {} times, last {} s ago", text(*conflicts, "Mac"),
                    text(vip_, "VirtAddr"), number(*conflicts, "Count"), ago / 1000),
        "find that host by its MAC (the switch knows the port) and take the address from it");
  }

  void look_at_errors() {
    const auto trouble = text(vip_, "Trouble");
    if (!trouble.empty() && !explained_) {
      add(severity::error, "cannot carry " + where_ + ": " + trouble,
          "as the text says; the role goes to a member that can carry it");
    }
    if (const auto error = text(vip_, "LastError"); !error.empty() && error != trouble) {
      add(severity::note, "the last thing the kernel or the script refused: " + error,
          "nothing to do if it was put right since");
    }
  }

  const examined_member& member_;
  const value& vip_;
  std::vector<finding>& out_;
  std::string where_;
  bool explained_ = false; ///< what Trouble says has a finding of its own
};

bool guarded(const value& vip) {
  const auto mode = text(vip, "Mode");
  const bool none = mode.empty() || mode == "none" || mode == "load-balanced";
  return !none && (mode == "unknown" || !text(vip, "VirtAddr").empty());
}

} // namespace

void examine_vip(const std::vector<examined_member>& members, std::vector<finding>& out) {
  std::vector<std::string> holders;
  for (const auto& member : members) {
    const auto* vip = member.error.empty() ? object_in(member.health, "Vip") : nullptr;
    if (vip == nullptr || !guarded(*vip)) {
      continue;
    }
    vip_examination{member, *vip, out}.run();
    if (flag(*vip, "Holding")) {
      holders.push_back(member.id);
    }
  }
  if (holders.size() > 1) {
    // They were asked one after another, so a hand-over in between looks the same.
    out.push_back({severity::error, "",
                   fmt::format("{} members said that they carry the virtual address: {}", holders.size(),
                               fmt::join(holders, ", ")),
                   "ask again; if it stays so, stop the daemon on all but the active one and report it"});
  }
}

} // namespace holdfast::cli
