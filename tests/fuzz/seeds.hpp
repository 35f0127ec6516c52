// What every fuzz target defines besides LLVMFuzzerTestOneInput: good inputs to start mutating from. And how
// it says that a promise is broken.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace holdfast::fuzz {

/// Valid inputs of the decoder, small ones first. libFuzzer brings its own corpus and does not ask.
[[nodiscard]] std::vector<std::vector<std::uint8_t>> seeds();

/// Ends the target like a crash when `fact` does not hold, whatever the build's assertions.
inline void require(bool fact) {
  if (!fact)
    std::abort();
}

} // namespace holdfast::fuzz
