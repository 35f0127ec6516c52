// What stands inside base.<n>: the configuration in effect at the cut, then the state. The same bytes on
// every member (WAL-03).
//
//   4 bytes  length of the configuration, little-endian
//   ..       the configuration as in a config entry (raft/codec.hpp)
//   ..       the state (snapshot_codec.hpp), to the end
//
// base.0 is empty: no configuration yet, an empty state.
//
// An installed or loaded state travels to the replay actor as a loaded_state.
#pragma once

#include "actors/replay/snapshot_codec.hpp"
#include "actors/replay/store_state.hpp"
#include "messages/consensus.hpp"

#include <raft/config.hpp>
#include <wal/base_file.hpp>

#include <functional>
#include <optional>
#include <string>
#include <variant>

namespace holdfast::replay {

struct loaded_state final : msg::state_image {
  store_state state;
};

struct base_content {
  raft::config members;
  std::shared_ptr<loaded_state> state; ///< null: empty
};

/// Reads and checks a whole base. The error is for people. Blocking, at disk speed; a detached thread.
[[nodiscard]] std::variant<base_content, std::string> read_base(wal::base_reader& reader,
                                                                const raft::limits& lim);

/// Only the configuration, from the first chunks. Empty for base.0. The error is for people.
[[nodiscard]] std::variant<raft::config, std::string> read_base_config(wal::base_reader& reader,
                                                                       const raft::limits& lim);

/// Writes the whole base of `state`; not finished (base_writer::finish) yet. Blocking; a worker thread.
/// `after_piece` hears how many bytes each piece had and may take its time; false ends it all with `invalid`.
[[nodiscard]] wal::status write_base(wal::base_writer& writer, const std::string& encoded_config,
                                     const store_state& state,
                                     const std::function<bool(std::size_t)>& after_piece);

} // namespace holdfast::replay
