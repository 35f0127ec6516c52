// Whatever the bytes, decoding ends in a value or an error, and a value encodes to the same bytes again.
#include <raft/codec.hpp>

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace holdfast::raft;
  static const limits lim;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  if (const auto m = decode_message(bytes, lim); std::holds_alternative<message>(m))
    if (encode(std::get<message>(m)) != bytes)
      std::abort();
  if (const auto c = decode_config(bytes, lim); std::holds_alternative<config>(c))
    if (encode_config(std::get<config>(c)) != bytes)
      std::abort();
  return 0;
}
