// The guard's working half: one process, one thread, no heap of libraries. It owns the netlink and the packet
// socket, follows guard_rules, and ends by itself once the daemon is dead and the address is off.
#pragma once

#include "actors/vip/guard_page.hpp"
#include "actors/vip/guard_protocol.hpp"
#include "actors/vip/netlink.hpp"
#include "actors/vip/packet_socket.hpp"
#include "actors/vip/script_runner.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace holdfast::vip {

class guard_worker {
public:
  /// `daemon`: its end of the seqpacket pair. `pet`: a pipe to the keeper, written while the address is held.
  guard_worker(unique_fd daemon, unique_fd pet, guard_page& page);
  /// Runs until there is nothing left to guard. Returns the exit code of the process.
  int run();

private:
  /// Says what this process was not given.
  std::string open_sockets();
  /// Owes the removal of whatever an earlier worker put on the interface.
  void take_over();
  void receive();
  void handle(const to_guard::configure& m);
  void handle(const to_guard::hold& m);
  void handle(const to_guard::release& m);
  void handle(const to_guard::probe& m);
  void handle(const to_guard::ping& m);
  void handle(const to_guard::tickets& m);
  void perform(const guard_rules::actions& todo);
  /// Whether the address is on: the rest of the list relies on it. With a script it is not yet: on_script()
  /// goes on when it is.
  bool add();
  void remove();
  void owe(const to_guard::configure& what);
  void settle();
  void settled();
  bool take_off(const to_guard::configure& what);
  void not_off(std::size_t which);
  void announce();
  void tell(guard_note what, const std::string& detail);
  void send(const to_daemon::message& m);
  void look_at_link();
  [[nodiscard]] bool may_stand();
  [[nodiscard]] bool surely_stands();
  void on_netlink(const netlink_event& event);
  void on_frame(std::span<const std::uint8_t> bytes);
  void on_script();
  bool start_script(const std::string& action, const to_guard::configure& what);
  void finish_probe(const std::string& mac);
  void pet_keeper(mono_ns now);
  void show_deadline();
  [[nodiscard]] int poll_timeout(mono_ns now) const;
  void wait();
  void remember();
  [[nodiscard]] bool busy() const { return rules_.holding() || script_.running() || !owed_.empty(); }

  unique_fd daemon_;
  unique_fd pet_;
  guard_page& page_;
  std::unique_ptr<netlink> netlink_;
  std::unique_ptr<netlink_monitor> monitor_;
  std::unique_ptr<packet_socket> packets_;
  script_runner script_;
  to_guard::configure script_for_; ///< what the running script was started with
  /// An address that must be off and is not surely so, as it was put on, and when to try.
  struct removal {
    to_guard::configure what;
    mono_ns due = 0;
  };
  std::vector<removal> owed_;
  guard_rules::actions once_off_; ///< what follows when nothing is owed any more
  bool add_wanted_ = false;       ///< run the script's add once no removal is on its way
  guard_rules rules_;
  std::optional<vip_address> address_;
  to_guard::configure config_;
  to_guard::tickets tickets_;
  link_info link_;
  std::string failure_;
  std::string missing_;
  bool ready_said_ = false;
  mono_ns probe_until_ = 0;
  mono_ns pet_at_ = 0;
  bool daemon_open_ = true;
  bool done_ = false;
};

} // namespace holdfast::vip
