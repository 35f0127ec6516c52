// Runs a fuzz target without libFuzzer: the target's own seeds, every file of the folders given, and some
// thousands of seeded random mutations of both. Same inputs on every run.
#include "seeds.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using input = std::vector<std::uint8_t>;
constexpr int mutations = 4000;

void mutate(input& data, std::mt19937_64& random) {
  const auto edits = 1 + random() % 4;
  for (std::uint64_t i = 0; i < edits; ++i) {
    const auto at = data.empty() ? 0 : random() % data.size();
    switch (random() % 6) {
    case 0:
      if (!data.empty())
        data[at] ^= static_cast<std::uint8_t>(1U << (random() % 8));
      break;
    case 1:
      if (!data.empty())
        data[at] = static_cast<std::uint8_t>(random());
      break;
    case 2:
      data.resize(at);
      break;
    case 3:
      data.insert(data.begin() + static_cast<std::ptrdiff_t>(at), random() % 64,
                  static_cast<std::uint8_t>(random()));
      break;
    case 4:
      for (auto k = at; k < data.size() && k < at + 512; ++k)
        data[k] = 0;
      break;
    default:
      if (data.size() > 16)
        for (std::size_t k = 0; k < 8; ++k)
          data[at + k < data.size() ? at + k : at] = data[random() % data.size()];
    }
  }
}

} // namespace

int main(int argc, char** argv) {
  auto corpus = holdfast::wal::fuzz::seeds();
  for (int i = 1; i < argc; ++i)
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream in(entry.path(), std::ios::binary);
      corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
  for (const auto& data : corpus)
    LLVMFuzzerTestOneInput(data.data(), data.size());
  std::mt19937_64 random(1);
  for (int i = 0; i < mutations; ++i) {
    input data = corpus.empty() ? input() : corpus[random() % corpus.size()];
    mutate(data, random);
    LLVMFuzzerTestOneInput(data.data(), data.size());
  }
  std::printf("%zu inputs and %d mutations\n", corpus.size(), mutations);
  return 0;
}
