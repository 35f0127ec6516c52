#include "actors/replay/state_hash.hpp"

// The functions come from the header, so that a hash of a short key costs no call.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>

namespace holdfast::replay {

std::uint64_t chain(std::uint64_t before, std::string_view text) {
  return XXH3_64bits_withSeed(text.data(), text.size(), before);
}

std::uint64_t chain(std::uint64_t before, std::uint64_t number) {
  std::array<unsigned char, 8> bytes{};
  for (unsigned i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<unsigned char>(number >> (8U * i));
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), before);
}

std::uint64_t object_hash(std::string_view prefix, std::string_view key, const msg::object_record& object) {
  return chain(chain(chain(chain(0, object.rev.value), prefix), key), object.json);
}

struct stream_hash::impl {
  XXH3_state_t state;
};

stream_hash::stream_hash() : impl_(std::make_unique<impl>()) {
  XXH3_64bits_reset(&impl_->state);
}
stream_hash::~stream_hash() = default;

void stream_hash::add(const void* data, std::size_t size) {
  XXH3_64bits_update(&impl_->state, data, size);
}
std::uint64_t stream_hash::value() const {
  return XXH3_64bits_digest(&impl_->state);
}

} // namespace holdfast::replay
