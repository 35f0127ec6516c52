// What happens when a log directory is opened: see wal/log.hpp, "RECOVERY".
#pragma once

#include "file_names.hpp"
#include "log_file.hpp"
#include "wal/log.hpp"

#include <set>

namespace holdfast::wal {

class log_recovery {
public:
  log_recovery(log& target, synced_hint hint) : log_(target), hint_(hint) {}

  /// Fills the log; `io` only. Rot goes to the report.
  status run();
  recovery_report take_report() { return std::move(report_); }

private:
  status look_around();
  status finish_install(const std::string& name, generation gen);
  status remove_leftovers();
  bool is_first_start() const;
  void choose_base();
  void open_spare();
  status walk();
  std::unique_ptr<log_file> load(generation gen, const log_position& before, std::string& why);
  verdict take_segment(std::unique_ptr<log_file> segment, bool later_file);
  log_index highest_in_logs_from(generation first) const;
  void needed_damage(std::string file, std::uint64_t offset, log_index first, log_index seen,
                     std::string what);
  void spare_damage(std::string file, std::string what);
  void check_hint();
  void doom_everything_after(std::optional<generation> last_good_log);
  status settle();

  log& log_;
  synced_hint hint_;
  recovery_report report_;
  std::set<generation> bases_;
  std::set<generation> logs_;
  bool found_install_ = false;
  bool tail_is_torn_ = false;
};

} // namespace holdfast::wal
