// The hashes behind msg::state_digest, XXH3-64 throughout: not against attackers (members trust each other's
// log), but against memory, disk and program faults that let members part in silence.
#pragma once

#include "messages/object_view.hpp"

#include <cstdint>
#include <memory>
#include <string_view>

namespace holdfast::replay {

/// The next value of a chain: depends on every byte and on everything before. Pure.
[[nodiscard]] std::uint64_t chain(std::uint64_t before, std::string_view text);
[[nodiscard]] std::uint64_t chain(std::uint64_t before, std::uint64_t number);

/// What one object adds to the sum over the contents. Pure.
[[nodiscard]] std::uint64_t object_hash(std::string_view prefix, std::string_view key,
                                        const msg::object_record& object);

/// A hash over a stream of bytes. One thread at a time.
class stream_hash {
public:
  stream_hash();
  ~stream_hash();
  stream_hash(const stream_hash&) = delete;
  stream_hash& operator=(const stream_hash&) = delete;
  void add(const void* data, std::size_t size);
  [[nodiscard]] std::uint64_t value() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace holdfast::replay
