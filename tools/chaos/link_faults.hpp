// What can be done to the links between the members, wherever they run: the kernel's means between network
// namespaces (network.hpp), a proxy of our own on loopback (link_proxy.hpp). Members are named by their
// number, from 1. Loop thread only. What a place cannot do throws std::runtime_error; the parser refuses it
// before.
#pragma once

#include "tools/chaos/frame_rule.hpp"

namespace holdfast::chaos {

class link_faults {
public:
  virtual ~link_faults() = default;
  /// Nothing passes from one member to another any more; the way back stays open.
  virtual void block(unsigned from, unsigned to) = 0;
  /// This share of what arrives there is lost.
  virtual void lose(unsigned at, unsigned percent) = 0;
  /// Its connections are answered with RST, old ones and new ones.
  virtual void reset(unsigned at) = 0;
  /// What it sends is limited to so many kbit/s.
  virtual void cap(unsigned at, unsigned kbit) = 0;
  /// Members and clients lose it.
  virtual void unplug(unsigned at) = 0;
  /// What becomes of what a member sends.
  [[nodiscard]] virtual frame_rule rule(unsigned from) const = 0;
  virtual void set_rule(unsigned from, const frame_rule& rule) = 0;
  /// Undoes all of these everywhere.
  virtual void heal() = 0;
};

} // namespace holdfast::chaos
