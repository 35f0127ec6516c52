// Hellos and their answers: bounded names, and what decodes encodes to the same bytes.
#include "net/peer_hello.hpp"

#include "tests/fuzz/seeds.hpp"

#include <cstdlib>
#include <string>

using namespace holdfast::net;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto hello = decode_hello(input)) {
    if (encode(*hello) != input)
      std::abort();
    peer_hello own;
    own.cluster_id = "c";
    own.sender = "a";
    const auto answer = judge_hello(own, *hello, "b");
    const auto back = decode_hello_answer(encode(answer));
    if (!back || back->verdict != answer.verdict)
      std::abort();
  }
  if (const auto answer = decode_hello_answer(input))
    if (encode(*answer) != input)
      std::abort();
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  peer_hello hello;
  hello.cluster_id = "c";
  hello.sender = "b";
  hello.receiver = "a";
  hello_answer answer;
  answer.verdict = hello_verdict::welcome;
  answer.cluster_id = "c";
  answer.sender = "a";
  hello_answer refusal;
  refusal.verdict = hello_verdict::not_admitted;
  refusal.reason = "you were removed";
  std::vector<std::vector<std::uint8_t>> all;
  for (const auto& wire : {encode(hello), encode(answer), encode(refusal)})
    all.emplace_back(wire.begin(), wire.end());
  return all;
}
