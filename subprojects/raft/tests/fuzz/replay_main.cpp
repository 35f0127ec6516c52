// Stands in for libFuzzer: the samples, then seeded mutations of them.
#include "../samples.hpp"

#include <raft/random.hpp>

#include <cstdio>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main() {
  using namespace holdfast::raft;
  std::vector<std::string> seeds = {encode_config(test::sample_config())};
  for (const message& m : test::sample_messages())
    seeds.push_back(encode(m));
  random_source random{42};
  constexpr unsigned rounds = 200000;
  for (unsigned i = 0; i < rounds; ++i) {
    std::string bytes = seeds[random.next() % seeds.size()];
    for (std::uint64_t n = random.next() % 4; n > 0 && !bytes.empty(); --n) {
      const std::size_t at = random.next() % bytes.size();
      switch (random.next() % 4) {
      case 0:
        bytes[at] = static_cast<char>(random.next());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random.next() % 8)));
        break;
      case 2:
        bytes.erase(at, 1 + random.next() % 8);
        break;
      default:
        bytes.insert(at, 1 + random.next() % 4, static_cast<char>(random.next()));
        break;
      }
    }
    (void)LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
  std::printf("%u inputs\n", rounds);
  return 0;
}
