// The clients of a run: coroutines over one pool of connections. Loop thread only.
#pragma once

#include "tools/chaos/cluster.hpp"
#include "tools/chaos/timeline.hpp"

#include <random>

namespace holdfast::chaos {

/// Names of the objects the clients use.
[[nodiscard]] std::string register_name(std::uint32_t key);
inline constexpr const char* register_prefix = "chaos-r-"; ///< profiles; the value is the Description
inline constexpr const char* set_prefix = "chaos-s-";      ///< params, one each
inline constexpr const char* list_prefix = "chaos-a-";     ///< profiles; Params.log is the list

class workload {
public:
  workload(cluster& over, const scenario& what, run_record& record, std::uint64_t seed);

  /// Makes the objects that additions go to, and says which member is active. Throws std::runtime_error.
  asio::awaitable<unsigned> prepare();
  void start(asio::any_io_executor executor);
  /// Ends the clients after their current request; then no coroutine of them runs any more.
  asio::awaitable<void> stop();
  /// Final reads of every register, as part of the history.
  asio::awaitable<void> read_all(member& from);

  /// When the latest write was called that has been acknowledged. An answer that was on its way already
  /// proves nothing about what happened meanwhile; a later call does.
  [[nodiscard]] std::int64_t newest_acknowledged_call() const { return newest_acknowledged_call_; }
  /// The member that clients turn to when theirs does not answer.
  void hint(unsigned number) { hint_ = number; }
  [[nodiscard]] unsigned lists() const;
  [[nodiscard]] const std::string& failure() const { return failure_; }

private:
  struct client;
  asio::awaitable<void> run_registers(unsigned number);
  asio::awaitable<void> run_adder(unsigned number, bool to_list);
  asio::awaitable<api_answer> send(client& who, api_call what);
  asio::awaitable<void> pace(client& who, unsigned clients, unsigned rate);
  asio::awaitable<void> one_register_operation(client& who);
  void record_list(const operation& asked, const std::string& body);
  void move_on(client& who);
  void note_writer(const acknowledgement& one, const std::string& answered_by);
  void note(const tick& one);

  cluster& cluster_;
  const scenario& what_;
  run_record& record_;
  std::uint64_t seed_;
  std::uint64_t next_value_ = 1;
  std::int64_t newest_acknowledged_call_ = 0;
  unsigned hint_ = 0;
  unsigned running_ = 0;
  bool stopping_ = false;
  std::string failure_;
};

} // namespace holdfast::chaos
