// What a fuzz target gives to the replay driver: valid inputs to begin from.
#pragma once

#include <cstdint>
#include <vector>

namespace holdfast::wal::fuzz {

std::vector<std::vector<std::uint8_t>> seeds();

} // namespace holdfast::wal::fuzz
