// What daemon and guard say to each other: no packet crashes either end, what is taken is within the bounds
// and encodes to the same bytes.
#include "actors/vip/guard_protocol.hpp"

#include "tests/fuzz/seeds.hpp"

#include <string>

using namespace holdfast::vip;
using holdfast::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string packet(reinterpret_cast<const char*>(data), size);
  if (const auto heard = decode_to_guard(packet)) {
    require(size <= max_guard_packet && encode(*heard) == packet);
    if (const auto* tickets = std::get_if<to_guard::tickets>(&*heard))
      require(tickets->targets.size() <= max_ticket_targets && tickets->payload.size() <= max_ticket_bytes);
  }
  if (const auto heard = decode_to_daemon(packet)) {
    require(size <= max_guard_packet && encode(*heard) == packet);
    if (const auto* note = std::get_if<to_daemon::note>(&*heard))
      require(note->what <= guard_note::announced);
  }
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  const auto add = [&all](const std::string& bytes) { all.emplace_back(bytes.begin(), bytes.end()); };
  for (const to_guard::message& m :
       {to_guard::message{to_guard::release{}}, to_guard::message{to_guard::ping{1}},
        to_guard::message{to_guard::probe{40}}, to_guard::message{to_guard::hold{1'000'000'000, 7}},
        to_guard::message{to_guard::configure{"10.0.0.9/24", "eth0", "/usr/local/bin/move"}},
        to_guard::message{to_guard::tickets{7, "sealed", "10.0.0.1", {"10.0.0.2:8093", "[fd00::3]:8093"}}}})
    add(encode(m));
  for (const to_daemon::message& m :
       {to_daemon::message{to_daemon::pong{1}}, to_daemon::message{to_daemon::ready{"CAP_NET_ADMIN"}},
        to_daemon::message{to_daemon::probe_result{"02:00:00:00:00:09"}},
        to_daemon::message{to_daemon::note{guard_note::failed, 7, "Operation not permitted"}}})
    add(encode(m));
  return all;
}
