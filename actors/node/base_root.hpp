// The layout below the base root (contract §8.4, B-10) and where each room finds its own.
// Blocking; main thread at start.
#pragma once

#include "actors/node/settings.hpp"

#include <string>

namespace holdfast::node {

struct base_layout {
  std::string root;
  std::string wal;  ///< replicated log, byte-identical on all members
  std::string raft; ///< votes, terms, identity: this node's own
  std::string job_logs;
  std::string plugins;
  std::string replace;
  std::string runner;
  std::string saas_content;
  std::string secrets;
  std::string tftpboot; ///< files/ and isos/ below
  std::string ux;
};

[[nodiscard]] base_layout layout_of(const settings& from);

/// Creates what is missing: the root 0750 (kept as it is when there), raft and secrets 0700. Makes the
/// entries durable. Returns an empty string or what failed and why.
[[nodiscard]] std::string create_layout(const base_layout& layout);

} // namespace holdfast::node
