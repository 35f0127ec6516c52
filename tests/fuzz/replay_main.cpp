// Runs a fuzz target as an ordinary test: every file given (or found in a folder given), every seed of the
// target, and a fixed number of random mutations of all of them. The same seed gives the same run.
//
//   fuzz_<what> [--runs N] [--seed N] [file or folder]...
#include "tests/fuzz/seeds.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using input = std::vector<std::uint8_t>;

input read(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) {
    std::cerr << "cannot read " << path << '\n';
    std::exit(2);
  }
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

void collect(const std::filesystem::path& path, std::vector<input>& corpus) {
  if (!std::filesystem::is_directory(path)) {
    corpus.push_back(read(path));
    return;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{path})
    if (entry.is_regular_file())
      files.push_back(entry.path());
  std::ranges::sort(files);
  for (const auto& file : files)
    corpus.push_back(read(file));
}

/// One to four small changes of the kinds that find bugs in decoders.
input mutate(input bytes, const std::vector<input>& corpus, std::mt19937_64& random) {
  static constexpr std::uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
  for (auto changes = 1 + random() % 4; changes > 0; --changes) {
    const auto at = static_cast<std::ptrdiff_t>(bytes.empty() ? 0 : random() % bytes.size());
    switch (random() % 6) {
    case 0:
      if (!bytes.empty())
        bytes[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1U << (random() % 8));
      break;
    case 1:
      if (!bytes.empty())
        bytes[static_cast<std::size_t>(at)] = edges[random() % std::size(edges)];
      break;
    case 2:
      bytes.insert(bytes.begin() + at, static_cast<std::uint8_t>(random()));
      break;
    case 3:
      bytes.resize(static_cast<std::size_t>(at));
      break;
    case 4: {
      const auto size = std::min<std::size_t>(bytes.size() - static_cast<std::size_t>(at), random() % 9);
      bytes.erase(bytes.begin() + at, bytes.begin() + at + static_cast<std::ptrdiff_t>(size));
      break;
    }
    default: {
      const input& other = corpus[random() % corpus.size()];
      if (!other.empty()) {
        const auto from = static_cast<std::ptrdiff_t>(random() % other.size());
        const auto size = std::min<std::ptrdiff_t>(std::ssize(other) - from,
                                                   1 + static_cast<std::ptrdiff_t>(random() % 32));
        bytes.insert(bytes.begin() + at, other.begin() + from, other.begin() + from + size);
      }
    }
    }
  }
  return bytes;
}

} // namespace

int main(int argc, char** argv) {
  std::uint64_t runs = 5'000;
  std::uint64_t seed = 1;
  std::vector<input> corpus = holdfast::fuzz::seeds();
  corpus.emplace_back();
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if ((argument == "--runs" || argument == "--seed") && i + 1 < argc)
      (argument == "--runs" ? runs : seed) = std::strtoull(argv[++i], nullptr, 10);
    else
      collect(argument, corpus);
  }
  for (const auto& bytes : corpus)
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  std::mt19937_64 random{seed};
  for (std::uint64_t i = 0; i < runs; ++i) {
    const input bytes = mutate(corpus[random() % corpus.size()], corpus, random);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::cout << corpus.size() << " inputs and " << runs << " mutations of them (seed " << seed << ")\n";
}
