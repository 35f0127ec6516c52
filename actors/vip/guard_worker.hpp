// The guard's working half: one process, one thread, no heap of libraries. It owns the netlink and the packet
// socket, follows guard_rules, and ends by itself once the daemon is dead and the address is off.
#pragma once

#include "actors/vip/guard_protocol.hpp"
#include "actors/vip/netlink.hpp"
#include "actors/vip/packet_socket.hpp"
#include "actors/vip/script_runner.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <optional>

namespace holdfast::vip {

/// Shared between the keeper and every worker it forks: what the last worker was told, so that the next one
/// can clean up after it even when the daemon cannot speak. A size of 0 means nothing (or a write cut short).
struct guard_page {
  std::atomic<std::uint32_t> configure_size{0};
  std::atomic<std::uint32_t> tickets_size{0};
  /// Until when the worker may hold (mono_ns); 0: it does not hold. The keeper ends a worker that overstays.
  std::atomic<mono_ns> deadline{0};
  std::array<char, max_guard_packet> configure{};
  std::array<char, max_guard_packet> tickets{};
};

class guard_worker {
public:
  /// `daemon`: its end of the seqpacket pair. `pet`: a pipe to the keeper, written while the address is held.
  guard_worker(unique_fd daemon, unique_fd pet, guard_page& page);
  /// Runs until there is nothing left to guard. Returns the exit code of the process.
  int run();

private:
  /// Says what this process was not given.
  std::string open_sockets();
  void receive();
  void handle(const to_guard::configure& m);
  void handle(const to_guard::hold& m);
  void handle(const to_guard::release& m);
  void handle(const to_guard::probe& m);
  void handle(const to_guard::ping& m);
  void handle(const to_guard::tickets& m);
  void perform(const guard_rules::actions& todo);
  void add();
  void remove();
  void announce();
  void send_tickets();
  void tell(guard_note what, const std::string& detail);
  void send(const to_daemon::message& m);
  void look_at_link();
  void on_netlink(const netlink_event& event);
  void on_frame(std::span<const std::uint8_t> bytes);
  void on_script();
  void start_script(const std::string& action);
  void finish_probe(const std::string& mac);
  void pet_keeper(mono_ns now);
  void show_deadline();
  [[nodiscard]] int poll_timeout(mono_ns now) const;
  void wait();
  void remember(std::atomic<std::uint32_t>& size, std::array<char, max_guard_packet>& where,
                const std::string& packet);

  unique_fd daemon_;
  unique_fd pet_;
  guard_page& page_;
  std::unique_ptr<netlink> netlink_;
  std::unique_ptr<netlink_monitor> monitor_;
  std::unique_ptr<packet_socket> packets_;
  script_runner script_;
  std::string wanted_script_; ///< action to run once the current one is over
  guard_rules rules_;
  std::optional<vip_address> address_;
  to_guard::configure config_;
  to_guard::tickets tickets_;
  link_info link_;
  std::string failure_;
  mono_ns probe_until_ = 0;
  mono_ns pet_at_ = 0;
  bool daemon_open_ = true;
  bool done_ = false;
};

} // namespace holdfast::vip
