// What happened, in a form that costs little to keep: the last events for the report of a failure, and one
// running hash over all of them by which two runs are compared.
#pragma once

#include "sim/clocks.hpp"
#include "sim/random.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

namespace holdfast::raft::sim {

class trace_log {
public:
  explicit trace_log(bool print) : print_(print) {}

  void begin_step(true_time now) {
    now_ = now;
    ++step_;
  }
  std::uint64_t step() const { return step_; }
  std::uint64_t hash() const { return hash_; }

  /// `what` lives for ever. Slots are numbered from 0; -1 stands for none.
  void note(const char* what, int slot, int peer = -1, std::uint64_t a = 0, std::uint64_t b = 0,
            std::uint64_t c = 0) {
    const record now{step_, now_.time_since_epoch().count(), what, slot, peer, a, b, c};
    auto word = static_cast<std::uint64_t>(now.at_us) ^ static_cast<std::uint64_t>(slot * 64 + peer) << 48;
    for (const char* c_at = what; *c_at != '\0'; ++c_at)
      word = word * 31 + static_cast<unsigned char>(*c_at);
    hash_ = chain64(hash_, word ^ mix64(a) ^ (mix64(b) << 1) ^ (mix64(c) << 2));
    last_[count_++ % last_.size()] = now;
    if (print_)
      std::fputs(text(now).c_str(), stdout);
  }

  std::string tail() const {
    std::string result;
    const auto kept = std::min<std::uint64_t>(count_, last_.size());
    for (auto i = count_ - kept; i < count_; ++i)
      result += text(last_[i % last_.size()]);
    return result;
  }

private:
  struct record {
    std::uint64_t step;
    std::int64_t at_us;
    const char* what;
    int slot;
    int peer;
    std::uint64_t a, b, c;
  };

  static std::string text(const record& of) {
    std::array<char, 192> line{};
    std::snprintf(line.data(), line.size(), "%9llu %12.6f  n%-2d %-24s",
                  static_cast<unsigned long long>(of.step), static_cast<double>(of.at_us) / 1e6, of.slot,
                  of.what);
    std::string result = line.data();
    if (of.peer >= 0)
      result += " n" + std::to_string(of.peer);
    result += "  " + std::to_string(of.a) + " " + std::to_string(of.b) + " " + std::to_string(of.c) + "\n";
    return result;
  }

  bool print_;
  true_time now_{};
  std::uint64_t step_ = 0;
  std::uint64_t hash_ = 0;
  std::uint64_t count_ = 0;
  std::array<record, 256> last_{};
};

} // namespace holdfast::raft::sim
