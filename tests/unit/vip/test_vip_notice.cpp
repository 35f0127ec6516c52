#include "actors/vip/vip_notice.hpp"

#include <doctest/doctest.h>

using namespace holdfast::vip;

namespace {

vip_notice sample() {
  return {vip_change::conflict, 7, 1'700'000'000'123, "10.0.0.9/24", "eth0", "02:00:00:00:00:09"};
}

} // namespace

TEST_CASE("what happened to the address survives the way between members; anything else is refused") {
  const auto bytes = encode_notice(sample());
  CHECK(decode_notice(bytes) == sample());
  CHECK(decode_notice(bytes + "of a later version") == sample());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(decode_notice(std::string_view(bytes).substr(0, size)));
  auto other = bytes;
  other[1] = '\0';
  CHECK_FALSE(decode_notice(other));
  other[1] = '\x7f';
  CHECK_FALSE(decode_notice(other));
  auto longer = sample();
  longer.detail = std::string(1000, 'x');
  CHECK(decode_notice(encode_notice(longer))->detail.size() == 255);
}

TEST_CASE("an event names the member where it happened, and is JSON whatever a script printed") {
  auto notice = sample();
  notice.detail = "caf\xe9 \"quoted\"";
  const auto event = to_event(notice, "the-member");
  CHECK(event.type == "vip");
  CHECK(event.action == "conflict");
  CHECK(event.key == "the-member");
  CHECK(event.time.ms == notice.time_ms);
  CHECK(event.object == R"({"ConsensusID":"the-member","Address":"10.0.0.9/24","Interface":"eth0","Epoch":7,)"
                        R"("Detail":"caf? \"quoted\""})");
}
