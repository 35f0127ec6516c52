// What every fuzz target defines besides LLVMFuzzerTestOneInput: good inputs to start mutating from.
#pragma once

#include <cstdint>
#include <vector>

namespace holdfast::fuzz {

/// Valid inputs of the decoder, small ones first. libFuzzer brings its own corpus and does not ask.
[[nodiscard]] std::vector<std::vector<std::uint8_t>> seeds();

} // namespace holdfast::fuzz
