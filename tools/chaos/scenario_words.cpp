#include "tools/chaos/scenario_words.hpp"

#include <algorithm>
#include <array>

namespace holdfast::chaos {

namespace {

using enum action_kind;

constexpr auto table = std::to_array<action_word>({
    {"kill", kill, "WHO", false, "SIGKILL"},
    {"term", term, "WHO", false, "SIGTERM: a graceful stop"},
    {"pause", pause, "WHO", false, "SIGSTOP"},
    {"continue", resume, "WHO", false, "SIGCONT"},
    {"start", start, "WHO", false, "start members that do not run; the others are left alone"},
    {"restart", restart, "WHO", false, "term, wait for the end, start: one after the other"},
    {"freeze", freeze, "WHO", true, "cgroup freezer"},
    {"thaw", thaw, "WHO", true, "end of freeze"},
    {"starve", starve, "WHO PERCENT", true, "limit to a share of one CPU"},
    {"feed", feed, "WHO", true, "end of starve"},
    {"cut", cut, "WHO from OTHER", false, "drop all packets both ways"},
    {"block", block, "WHO to OTHER", false,
     "drop the packets that go from WHO to OTHER; the way back stays open"},
    {"isolate", isolate, "WHO", false, "cut from all other members; clients still reach it"},
    {"unplug", unplug, "WHO", true, "take its link down: members and clients lose it"},
    {"partition", partition, "halves|ring|bridge", false,
     "halves: a minority against the rest; ring: each sees its two neighbours; bridge: two groups share one "
     "member"},
    {"lose", lose, "PERCENT at WHO", false, "drop this share of what arrives"},
    {"reset", reset, "WHO", false, "answer its TCP traffic with RST"},
    {"cap", cap, "WHO to KBIT", false, "limit what it sends"},
    {"delay", delay, "WHO by TIME", false, "each frame it sends arrives so much later"},
    {"jitter", jitter, "WHO by TIME", false, "each frame it sends arrives up to so much later"},
    {"reorder", reorder, "PERCENT at WHO", true,
     "this share of the frames it sends overtakes the delayed ones"},
    {"duplicate", duplicate, "PERCENT at WHO", true, "this share of the frames it sends arrives twice"},
    {"heal", heal, "", false, "undo every network fault"},
    {"fill", fill, "WHO", true, "fill its disk (cluster … disk small)"},
    {"empty", empty, "WHO", true, "end of fill"},
    {"slow-disk", slow_disk, "WHO by TIME", true, "each fsync takes this much longer"},
    {"fail-disk", fail_disk, "WHO", true, "the next fsync fails with EIO"},
    {"mend-disk", mend_disk, "WHO", false, "end of slow-disk and fail-disk"},
    {"power-cut", power_cut, "WHO", true, "kill, and lose what was not synced (cluster … disk image)"},
    {"rot", rot, "log|snapshot of WHO", false, "flip a bit in a file of a stopped member"},
    {"add", add, "", false, "start one more member and enrol it"},
    {"remove", remove, "WHO", false, "remove it from the cluster and stop it"},
    {"replace", replace, "WHO", false, "remove it, then add a new one"},
    {"wipe", wipe, "WHO", false, "stop, remove, empty its disk, start and enrol it again"},
    {"transfer", transfer, "", false, "planned hand-over"},
    {"actor", actor, "kill|suspend|resume NAME at WHO", false, "one actor, through the API"},
    {"clock", clock, "WHO SIGNED-TIME", true, "move its wall clock (needs libfaketime)"},
    {"delete-vip", vip_delete, "", true, "remove the virtual address from its holder behind its back"},
    {"claim-vip", vip_claim, "", true, "a stranger takes the virtual address for a moment"},
});

struct condition_word {
  std::string_view word;
  condition_kind what;
};
constexpr auto conditions = std::to_array<condition_word>({{"active", condition_kind::active},
                                                           {"new-active", condition_kind::new_active},
                                                           {"serving", condition_kind::serving},
                                                           {"writes", condition_kind::writes},
                                                           {"address", condition_kind::address},
                                                           {"snapshot", condition_kind::snapshot}});

constexpr auto faults = std::to_array<std::string_view>(
    {"kill", "term", "pause", "cut", "block", "isolate", "partition", "lose", "transfer", "member"});

} // namespace

std::span<const action_word> action_words() {
  return table;
}

const action_word* find_action(std::string_view word) {
  const auto found =
      std::find_if(table.begin(), table.end(), [word](const auto& row) { return row.word == word; });
  return found == table.end() ? nullptr : &*found;
}

const action_word& word_of(action_kind what) {
  return *std::find_if(table.begin(), table.end(), [what](const auto& row) { return row.what == what; });
}

std::span<const std::string_view> swarm_faults() {
  return faults;
}

action_kind find_swarm_action(std::string_view fault) {
  const auto* row = find_action(fault);
  return row ? row->what : add;
}

std::string_view condition_words() {
  return "active|new-active|serving|writes|address|snapshot";
}

condition_kind find_condition(std::string_view word) {
  return std::find_if(conditions.begin(), conditions.end(),
                      [word](const auto& row) { return row.word == word; })
      ->what;
}

std::string_view word_of(condition_kind what) {
  return std::find_if(conditions.begin(), conditions.end(),
                      [what](const auto& row) { return row.what == what; })
      ->word;
}

bool is_network_fault(action_kind what) {
  static constexpr action_kind all[] = {cut,   block, isolate, unplug, partition, lose,
                                        reset, cap,   delay,   jitter, reorder,   duplicate};
  return std::find(std::begin(all), std::end(all), what) != std::end(all);
}

bool needs_frames(action_kind what) {
  return what == unplug || what == reorder || what == duplicate;
}

bool needs_switch(action_kind what) {
  return what == delay || what == jitter || what == reorder || what == duplicate;
}

std::string to_text(const target& who) {
  switch (who.kind) {
  case target_kind::member:
    return std::to_string(who.number);
  case target_kind::active:
    return "active";
  case target_kind::passive:
    return "passive";
  case target_kind::observer:
    return "observer";
  case target_kind::any:
    return "any";
  case target_kind::all:
    return "all";
  case target_kind::down:
    return "down";
  case target_kind::minority:
    return "minority";
  }
  return {};
}

std::string to_text(const action& what) {
  const auto& row = word_of(what.what);
  std::string out(row.word);
  std::size_t from = 0;
  while (from < row.form.size()) {
    const auto end = std::min(row.form.find(' ', from), row.form.size());
    const auto part = row.form.substr(from, end - from);
    from = end + 1;
    out += ' ';
    if (part == "WHO")
      out += to_text(what.who);
    else if (part == "OTHER")
      out += to_text(what.other);
    else if (part == "TIME" || part == "SIGNED-TIME")
      out += std::to_string(what.time.count()) + "ms";
    else if (part == "PERCENT")
      out += std::to_string(what.amount) + "%";
    else if (part == "KBIT")
      out += std::to_string(what.amount) + "kbit";
    else if (part == "NAME")
      out += what.name;
    else if (part.find('|') != std::string_view::npos)
      out += what.word;
    else
      out += part;
  }
  return out;
}

} // namespace holdfast::chaos
