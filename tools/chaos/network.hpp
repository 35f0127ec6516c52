// The members' network: one namespace each behind a bridge in a namespace of the clients. The namespaces have
// no names: they live by the runner's descriptors and its children, so nothing is left behind however it
// ends. Root.
#pragma once

#include "tools/chaos/descriptor.hpp"
#include "tools/chaos/link_faults.hpp"
#include "tools/chaos/tap_switch.hpp"

#include <memory>
#include <string>
#include <vector>

namespace holdfast::chaos {

class network final : public link_faults {
public:
  /// Moves the calling thread into the clients' namespace. `switched`: a switch of our own in the place of
  /// the bridge, which delays and reorders. Throws std::runtime_error.
  explicit network(bool switched);

  /// Plugs in a namespace for member `number` (from 1) and returns its address.
  std::string add(unsigned number);
  [[nodiscard]] int space(unsigned number) const { return spaces_[number - 1].get(); }
  [[nodiscard]] static std::string address(unsigned number);

  void block(unsigned from, unsigned to) override;
  void lose(unsigned at, unsigned percent) override;
  void reset(unsigned at) override;
  void cap(unsigned at, unsigned kbit) override;
  void unplug(unsigned at) override;
  /// Only when switched.
  [[nodiscard]] frame_rule rule(unsigned from) const override { return switch_->rule(from); }
  void set_rule(unsigned from, const frame_rule& rule) override { switch_->set_rule(from, rule); }
  void heal() override;

  /// The namespace of a host that is no member, made on first use.
  [[nodiscard]] int stranger();

  /// Members that carry this address on an interface now.
  [[nodiscard]] std::vector<unsigned> holders_of(const std::string& address) const;

private:
  descriptor plug_in(unsigned number, const std::string& port);

  descriptor clients_;
  std::vector<descriptor> spaces_;
  descriptor stranger_;
  std::unique_ptr<tap_switch> switch_; ///< port 0: the clients; port k: member k
};

} // namespace holdfast::chaos
