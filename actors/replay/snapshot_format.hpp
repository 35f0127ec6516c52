// What the writer and the reader of snapshots share; the format is described in snapshot_codec.hpp.
#pragma once

#include <string_view>

namespace holdfast::replay {

inline constexpr std::string_view snapshot_magic = "HFSTATE1";

} // namespace holdfast::replay
