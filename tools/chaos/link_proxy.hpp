// Faults of the links between members on loopback, without root: a TCP proxy of our own through which members
// reach one another. Each member dials the proxy's address of the one it means (its --dial-map says so); the
// proxy knows it by its source address, and goes on from that same address, so that both ends see whom they
// expect. TLS passes through untouched.
//
// What TCP makes of a fault is imitated, since the kernel's own TCP does not see it:
//   block    bytes stay in the proxy and pass once healed, as after retransmissions; so does a new connection
//   lose     a piece is held up for 200 ms, twice as long when "lost" again, as by a retransmission time-out
//   reset    RST to both ends, and to whoever connects anew
//   cap      bytes leave at that rate
//   delay, jitter   bytes leave later, in order
// Frames cannot be reordered or doubled, and clients cannot be cut off.
//
// A dead member's address is not refused at once, as the kernel would: the proxy takes the connection and
// then resets it. Fail-over then waits for the election time-out. Loop thread only.
#pragma once

#include "tools/chaos/link_faults.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::chaos {

class link_proxy final : public link_faults {
public:
  /// Member k is at prefix + k, and its face here at prefix + (100 + k), on the same ports.
  link_proxy(boost::asio::any_io_executor executor, std::string prefix, std::vector<std::uint16_t> ports,
             std::uint64_t seed);
  ~link_proxy() override;

  /// Listens for a member. Throws boost::system::system_error.
  void add(unsigned number);
  /// What the members' --dial-map has to say, for as many as a run may ever have.
  [[nodiscard]] std::string dial_map() const;

  void block(unsigned from, unsigned to) override;
  void lose(unsigned at, unsigned percent) override;
  void reset(unsigned at) override;
  void cap(unsigned at, unsigned kbit) override;
  void unplug(unsigned at) override;
  [[nodiscard]] frame_rule rule(unsigned from) const override;
  void set_rule(unsigned from, const frame_rule& rule) override;
  void heal() override;

private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace holdfast::chaos
