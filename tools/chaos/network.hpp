// The members' network: one namespace each behind a bridge in a namespace of the clients. The namespaces have
// no names: they live by the runner's descriptors and its children, so nothing is left behind however it
// ends. Root.
#pragma once

#include "tools/chaos/descriptor.hpp"
#include "tools/chaos/tap_switch.hpp"

#include <memory>
#include <string>
#include <vector>

namespace holdfast::chaos {

class network {
public:
  /// Moves the calling thread into the clients' namespace. `switched`: a switch of our own in the place of
  /// the bridge, which delays and reorders. Throws std::runtime_error.
  explicit network(bool switched);

  /// Plugs in a namespace for member `number` (from 1) and returns its address.
  std::string add(unsigned number);
  [[nodiscard]] int space(unsigned number) const { return spaces_[number - 1].get(); }
  [[nodiscard]] static std::string address(unsigned number);

  /// Drops what goes from one member to another.
  void block(unsigned from, unsigned to) const;
  void lose(unsigned at, unsigned percent) const;
  void reset(unsigned at) const;
  void cap(unsigned at, unsigned kbit) const;
  void unplug(unsigned at);
  /// What becomes of the frames a member sends; only when switched.
  [[nodiscard]] frame_rule rule(unsigned from) const { return switch_->rule(from); }
  void set_rule(unsigned from, const frame_rule& rule) { switch_->set_rule(from, rule); }
  /// Undoes all of these everywhere.
  void heal();

  /// Members that carry this address on an interface now.
  [[nodiscard]] std::vector<unsigned> holders_of(const std::string& address) const;

private:
  descriptor clients_;
  std::vector<descriptor> spaces_;
  std::unique_ptr<tap_switch> switch_; ///< port 0: the clients; port k: member k
};

} // namespace holdfast::chaos
