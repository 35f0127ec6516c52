// The daemons under test: started, enrolled, found and stopped. Loop thread only. The functions that change
// the cluster return empty or why it did not work; form() and start() throw std::runtime_error.
#pragma once

#include "tools/chaos/api.hpp"
#include "tools/chaos/child_process.hpp"
#include "tools/chaos/link_proxy.hpp"
#include "tools/chaos/network.hpp"
#include "tools/chaos/scenario.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::chaos {

struct member {
  unsigned number = 0;
  std::string address;
  std::filesystem::path root; ///< the daemon's base root
  std::filesystem::path log;
  std::filesystem::path image; ///< of its disk, with disk_kind::image
  child_process process;
  child_process meddler; ///< strace at its process
  bool observer = false;
  bool paused = false;   ///< stopped or frozen
  bool leaving = false;  ///< was told to end in order
  bool enrolled = false; ///< as far as the runner knows
  bool retired = false;  ///< removed: never started again
  std::string id;        ///< ConsensusID
};

struct cluster_config {
  cluster_spec spec;
  std::string daemon;
  std::filesystem::path folder; ///< of the run
  bool fake_clock = false;
  bool own_switch = false;  ///< frames are delayed, reordered or doubled
  bool link_faults = false; ///< some fault of the network
  std::uint64_t seed = 1;
};

class cluster {
public:
  cluster(asio::any_io_executor executor, cluster_config config);
  ~cluster();
  cluster(const cluster&) = delete;
  cluster& operator=(const cluster&) = delete;

  /// Starts the members and enrols them.
  asio::awaitable<void> form();
  void start(member& one);
  /// A new member with a disk of its own, started and enrolled.
  asio::awaitable<std::string> add();
  asio::awaitable<std::string> enrol(member& one);
  /// Takes it out of the cluster and, when that is sure, ends it.
  asio::awaitable<std::string> remove(member& one);
  /// Empties the disk of a member that does not run.
  void empty_disk(member& one);
  /// Kills it and gives it a disk without what was not synced (disk image).
  void cut_power(member& one);

  /// The member that says it is active; null when none does within `time`.
  asio::awaitable<member*> find_active(milliseconds time);
  asio::awaitable<bool> wait_serving(member& one, milliseconds time);
  asio::awaitable<api_answer> ask(member& one, std::string method, std::string path, std::string body = {},
                                  milliseconds time = milliseconds{5000});

  [[nodiscard]] std::vector<std::unique_ptr<member>>& members() { return members_; }
  /// Enrolled and not removed.
  [[nodiscard]] std::vector<member*> enrolled();
  [[nodiscard]] place_of_api place(const member& one) const { return {one.address, api_port_}; }
  /// Null on loopback.
  [[nodiscard]] network* net() { return network_.get(); }
  /// Null where no fault of the network is possible.
  [[nodiscard]] link_faults* links();
  [[nodiscard]] api& client() { return api_; }
  [[nodiscard]] place_of_api virtual_place() const { return {virtual_address(), api_port_}; }
  [[nodiscard]] std::string virtual_address() const;

private:
  member& make_member(bool observer);
  void make_disk(member& one);
  void mount_image(member& one);
  void make_proxy();
  [[nodiscard]] std::string dial_map() const;
  asio::awaitable<void> found(member& one);
  asio::awaitable<std::string> id_of(member& one);
  [[nodiscard]] std::string consensus_address(const member& one) const;

  asio::any_io_executor executor_;
  cluster_config config_;
  api api_;
  std::unique_ptr<network> network_;
  std::unique_ptr<link_proxy> proxy_; ///< on loopback, when links are harmed
  std::string prefix_;                ///< of loopback addresses
  std::uint16_t api_port_ = 8092;
  std::uint16_t consensus_port_ = 8093;
  std::vector<std::unique_ptr<member>> members_;
};

} // namespace holdfast::chaos
