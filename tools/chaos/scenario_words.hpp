// The words of the scenario language that name actions, and how each is followed by its arguments. One table
// for the parser, the swarm, the report and `holdfast-chaos words`.
#pragma once

#include "tools/chaos/scenario.hpp"

#include <span>
#include <string_view>

namespace holdfast::chaos {

struct action_word {
  std::string_view word;
  action_kind what;
  /// Arguments in order, separated by blanks: WHO, OTHER, TIME, SIGNED-TIME, PERCENT, KBIT, NAME, a|b (one of
  /// these words), anything else stands for itself.
  std::string_view form;
  bool root; ///< needs root, or something only root can set up
  std::string_view meaning;
};

[[nodiscard]] std::span<const action_word> action_words();
[[nodiscard]] const action_word* find_action(std::string_view word);
[[nodiscard]] const action_word& word_of(action_kind what);

/// Faults a swarm may draw. Each knows how it ends.
[[nodiscard]] std::span<const std::string_view> swarm_faults();

/// The action that begins a swarm's fault; `member` stands for add.
[[nodiscard]] action_kind find_swarm_action(std::string_view fault);
/// A fault of the links between members; undone by heal.
[[nodiscard]] bool is_network_fault(action_kind what);
/// Possible only between namespaces: a proxy on loopback sees streams and not frames, and clients pass it by.
[[nodiscard]] bool needs_frames(action_kind what);
/// Between namespaces possible only through a switch of our own.
[[nodiscard]] bool needs_switch(action_kind what);

/// What a step may wait for, separated by '|', and each alone.
[[nodiscard]] std::string_view condition_words();
[[nodiscard]] condition_kind find_condition(std::string_view word);
[[nodiscard]] std::string_view word_of(condition_kind what);

/// As in the file, for reports.
[[nodiscard]] std::string to_text(const target& who);
[[nodiscard]] std::string to_text(const action& what);

} // namespace holdfast::chaos
