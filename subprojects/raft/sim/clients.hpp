// The clients: puts, conditional puts and linearizable reads, with honest accounts of what they were told.
//
// A client has one request under way at a time. A write whose outcome stays unknown is either repeated with
// the same idempotency key, on whatever server, until it is told the answer, or given up: then it may have
// happened or not.
#pragma once

#include "sim/world.hpp"

#include <array>
#include <unordered_map>

namespace holdfast::raft::sim {

class clients final : public request_listener {
public:
  explicit clients(world& in);

  /// Who hears of outcomes that belong to no client (the operator's requests).
  void pass_on(std::function<void(const proposal_outcome&)> to) { others_ = std::move(to); }

  void begin();
  void retire() { retired_ = true; } ///< no new requests; what is under way may end

  std::uint64_t writes_done() const { return writes_done_; }
  std::uint64_t reads_done() const { return reads_done_; }

  /// One more write and one more read, by a client of their own, until both are answered. For the liveness
  /// phase: true once they are.
  bool probe();

  void outcome(std::size_t slot, const proposal_outcome& what) override;
  void read_failed(std::size_t slot, context_id context) override;
  void reached(std::size_t slot, const waiting& what) override;
  void process_gone(std::size_t slot) override;

private:
  struct client {
    bool busy = false;
    bool is_read = false;
    command write;
    std::uint8_t read_key = 0;
    std::uint64_t begun = 0; ///< place in the history when the request began
    std::uint64_t turn = 0;  ///< grows with every request and attempt; late timers and answers are told by it
    std::uint32_t sequence = 0; ///< of the last write
    std::size_t server = 0;     ///< where the current attempt went
    context_id context = 0;
    std::uint64_t finished = 0; ///< requests answered
  };
  struct request {
    std::size_t client = 0;
    std::size_t server = 0;
    bool is_read = false;
    std::uint64_t turn = 0;
    std::string payload;
  };

  void next_request(std::size_t who);
  void choose_request(client& one, std::size_t who);
  void attempt(std::size_t who);
  void attempt_later(std::size_t who, microseconds delay);
  void timed_out(std::size_t who);
  void finish(std::size_t who);
  std::size_t choose_server(const client& one);

  world& world_;
  random_source random_;
  std::array<client, client_count> clients_{};
  std::size_t active_ = 0;
  std::unordered_map<context_id, request> open_;
  std::uint64_t values_ = 0;
  std::uint64_t writes_done_ = 0;
  std::uint64_t reads_done_ = 0;
  std::array<std::uint64_t, key_count> last_seen_{};
  std::function<void(const proposal_outcome&)> others_;
  bool retired_ = false;
  bool probing_ = false;
};

} // namespace holdfast::raft::sim
