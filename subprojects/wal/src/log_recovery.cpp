#include "log_recovery.hpp"

#include <algorithm>

namespace holdfast::wal {

status log_recovery::look_around() {
  bases_.clear();
  logs_.clear();
  const auto names = log_.fs_.list(log_.directory_);
  if (!names)
    return log_.fail(names.failure());
  for (const auto& name : *names) {
    const auto parsed = parse_file_name(name);
    if (!parsed)
      continue;
    if (parsed->suffix.empty())
      (parsed->is_base ? bases_ : logs_).insert(parsed->gen);
    else if (parsed->suffix == ".drop")
      log_.to_reclaim_.push_back(name);
    else if (parsed->suffix == ".install" && !found_install_) {
      found_install_ = true;
      return finish_install(name, parsed->gen);
    }
  }
  return {};
}

status log_recovery::finish_install(const std::string& name, generation gen) {
  const auto info = check_base_file(log_.fs_, log_.path_of(name));
  log_.to_reclaim_.clear();
  if (!info || info->gen != gen) {
    needed_damage(name, 0, {}, {}, info ? "wrong generation" : info.failure().what);
    log_.doomed_.push_back(name);
    return look_around();
  }
  if (auto s = log_.set_aside_everything(); !s)
    return s;
  // What was set aside is garbage by now; the new log may need its room.
  const auto names = log_.fs_.list(log_.directory_);
  if (!names)
    return log_.fail(names.failure());
  for (const auto& other : *names)
    if (other.ends_with(".drop"))
      if (auto s = log_.fs_.unlink(log_.path_of(other)); !s)
        return log_.fail(s.failure());
  log_.to_reclaim_.clear();
  auto fresh = log_.make_log(gen, info->index, info->term, info->chain);
  if (!fresh)
    return fresh.failure().kind == error_kind::no_space ? status(fresh.failure())
                                                        : log_.fail(fresh.failure());
  if (auto s = log_.adopt_install(*info, std::move(*fresh)); !s)
    return s;
  log_.segments_.clear();
  report_.install_finished = true;
  return look_around();
}

status log_recovery::remove_leftovers() {
  const auto names = log_.fs_.list(log_.directory_);
  if (!names)
    return log_.fail(names.failure());
  for (const auto& name : *names) {
    const auto parsed = parse_file_name(name);
    if (!parsed || parsed->suffix != ".new")
      continue;
    if (auto s = log_.remove_durably(name); !s)
      return s;
    report_.removed.push_back(name);
  }
  return {};
}

void log_recovery::needed_damage(std::string file, std::uint64_t offset, log_index first, log_index seen,
                                 std::string what) {
  const auto last = std::max(hint_.index, seen);
  report_.damages.push_back(
      {std::move(file), offset, first, last < first ? log_index{} : last, false, std::move(what)});
  log_.damaged_ = true;
}

void log_recovery::spare_damage(std::string file, std::string what) {
  report_.damages.push_back({std::move(file), 0, {}, {}, true, std::move(what)});
}

/// Nothing here, or a first start that was cut short after log.0.
bool log_recovery::is_first_start() const {
  if (!bases_.empty() || found_install_ || hint_.index.value != 0)
    return false;
  if (logs_.empty())
    return true;
  if (logs_ != std::set<generation>{generation{0}})
    return false;
  auto opened = log_.fs_.open(log_.path_of("log.0"), open_mode::read);
  if (!opened)
    return false;
  bytes head(log_header_bytes);
  const auto got = (*opened)->read_at(0, head);
  const auto size = (*opened)->size();
  const auto header = got && *got == head.size() ? decode_log_header(head) : error{};
  if (!size || !header || header->base_index.value != 0)
    return false;
  const auto scanned = scan_log(**opened, *size, *header, {});
  return scanned.records == 0 && scanned.tail.clean;
}

void log_recovery::choose_base() {
  for (auto gen = bases_.rbegin(); gen != bases_.rend(); ++gen) {
    const auto name = base_name(*gen);
    auto info = check_base_file(log_.fs_, log_.path_of(name));
    if (info && info->gen == *gen) {
      log_.base_ = *info;
      log_.oldest_base_ = *gen;
      log_.has_base_ = true;
      return;
    }
    spare_damage(name, info ? "wrong generation" : info.failure().what);
  }
}

std::unique_ptr<log_file> log_recovery::load(generation gen, const log_position& before, std::string& why) {
  const auto name = log_name(gen);
  auto opened = log_.fs_.open(log_.path_of(name), open_mode::read_write);
  if (!opened) {
    why = opened.failure().what;
    return nullptr;
  }
  bytes head(log_header_bytes);
  const auto got = (*opened)->read_at(0, head);
  head.resize(got ? *got : 0);
  const auto header = decode_log_header(head);
  const auto size = (*opened)->size();
  if (!header || !size) {
    why = header ? size.failure().what : header.failure().what;
    return nullptr;
  }
  if (header->gen != gen || header->base_index != before.last_index ||
      header->base_term != before.last_term || header->base_chain != before.chain) {
    why = "does not continue what stands before it";
    return nullptr;
  }
  return std::make_unique<log_file>(std::move(*opened), name, *header, *size);
}

/// The generation before the base, kept for lagging followers: taken whole or not at all.
void log_recovery::open_spare() {
  if (log_.base_.gen.value == 0)
    return;
  const generation gen{log_.base_.gen.value - 1};
  const bool has_base = bases_.contains(gen);
  if (!has_base && !logs_.contains(gen))
    return;
  const auto base = check_base_file(log_.fs_, log_.path_of(base_name(gen)));
  if (!base || base->gen != gen) {
    spare_damage(base_name(gen), base ? "wrong generation" : base.failure().what);
    return;
  }
  std::string why;
  auto segment = load(gen, {0, base->index, base->term, base->chain, false}, why);
  if (!segment) {
    spare_damage(log_name(gen), why);
    return;
  }
  const auto scanned = scan_log(segment->handle(), segment->size(), segment->header(),
                                [&](const frame_header& header) { segment->note(header); });
  const auto& end = scanned.end;
  if (!end.cut || !scanned.tail.clean || end.last_index != log_.base_.index ||
      end.last_term != log_.base_.term || end.chain != log_.base_.chain) {
    spare_damage(segment->name(),
                 scanned.tail.what.empty() ? "does not lead to the next base" : scanned.tail.what);
    return;
  }
  log_.segments_.push_back(std::move(segment));
  log_.oldest_base_ = gen;
}

log_index log_recovery::highest_in_logs_from(generation first) const {
  log_index highest;
  for (auto gen = logs_.lower_bound(first); gen != logs_.end(); ++gen) {
    auto opened = log_.fs_.open(log_.path_of(log_name(*gen)), open_mode::read);
    bytes head(log_header_bytes);
    if (!opened)
      continue;
    const auto got = (*opened)->read_at(0, head);
    const auto size = (*opened)->size();
    head.resize(got ? *got : 0);
    const auto header = decode_log_header(head);
    if (!header || !size)
      continue;
    const auto scanned = scan_log(**opened, *size, *header, {});
    highest = std::max({highest, scanned.end.last_index, scanned.tail.highest_seen});
  }
  return highest;
}

/// Takes the good records of a segment and says what follows them.
verdict log_recovery::take_segment(std::unique_ptr<log_file> segment, bool later_file) {
  const auto scanned = scan_log(segment->handle(), segment->size(), segment->header(),
                                [&](const frame_header& header) { segment->note(header); });
  const auto found = judge(scanned, hint_.index, later_file, log_.options_.max_unsynced_bytes);
  const auto gen = segment->header().gen;
  if (found == verdict::rotten) {
    const auto seen = std::max(scanned.tail.highest_seen, highest_in_logs_from({gen.value + 1}));
    needed_damage(segment->name(), scanned.end.offset, {scanned.end.last_index.value + 1}, seen,
                  scanned.tail.clean ? "ends before its cut" : scanned.tail.what);
    doom_everything_after(gen);
  }
  if (found == verdict::torn) {
    report_.torn_bytes += scanned.tail.used_end - scanned.end.offset;
    tail_is_torn_ = true;
  }
  log_.segments_.push_back(std::move(segment));
  return found;
}

void log_recovery::doom_everything_after(std::optional<generation> last_good_log) {
  for (auto gen = bases_.rbegin(); gen != bases_.rend(); ++gen)
    if (!log_.has_base_ || *gen > log_.base_.gen)
      log_.doomed_.push_back(base_name(*gen));
  for (auto gen = logs_.rbegin(); gen != logs_.rend(); ++gen)
    if (!last_good_log || *gen > *last_good_log)
      log_.doomed_.push_back(log_name(*gen));
}

status log_recovery::walk() {
  log_position before{0, log_.base_.index, log_.base_.term, log_.base_.chain, false};
  for (generation gen = log_.base_.gen;; gen = {gen.value + 1}) {
    const bool later_file = logs_.upper_bound(gen) != logs_.end();
    const bool later_base = bases_.lower_bound(gen) != bases_.end() && gen > log_.base_.gen;
    if (!logs_.contains(gen) && gen > log_.base_.gen && !later_file && !later_base) {
      // Stopped between the cut and its log file: nothing can be in it yet.
      return log_.add_next_log();
    }
    std::string why = "missing";
    auto segment = logs_.contains(gen) ? load(gen, before, why) : nullptr;
    if (!segment) {
      needed_damage(log_name(gen), 0, {before.last_index.value + 1}, highest_in_logs_from(gen), why);
      doom_everything_after(gen == log_.base_.gen && gen.value == 0
                                ? std::nullopt
                                : std::optional<generation>(generation{gen.value - 1}));
      return {};
    }
    const auto found = take_segment(std::move(segment), later_file);
    before = log_.segments_.back()->end();
    if (found == verdict::rotten)
      return {};
    if (found == verdict::torn || !before.cut)
      break;
  }
  const auto last = log_.segments_.back()->header().gen;
  if (!bases_.empty() && *bases_.rbegin() > last) {
    needed_damage(base_name(*bases_.rbegin()), 0, {before.last_index.value + 1}, {},
                  "the entries that lead to this base are gone");
    doom_everything_after(last);
  }
  return {};
}

void log_recovery::check_hint() {
  if (log_.damaged_)
    return;
  const auto last = log_.last_index_;
  const auto file = log_name(log_.current_generation());
  const auto offset = log_.segments_.empty() ? 0 : log_.segments_.back()->end().offset;
  if (last < hint_.index) {
    needed_damage(file, offset, {last.value + 1}, {}, "synced entries are missing");
    return;
  }
  const auto term = log_.term_at(hint_.index);
  if (hint_.index.value != 0 && term && *term != hint_.term)
    needed_damage(file, offset, hint_.index, {},
                  "the entry at the synced hint has another term: an older copy?");
}

/// Makes what was found durable and brings the files to their exact size.
status log_recovery::settle() {
  const auto tolerate = [this](const status& s) -> status {
    if (s || s.failure().kind != error_kind::no_space)
      return s ? s : log_.fail(s.failure());
    report_.no_space = true;
    return {};
  };
  for (const auto& segment : log_.segments_) {
    const bool last = segment == log_.segments_.back();
    if (!log_.damaged_) {
      const bool torn = last && tail_is_torn_;
      if (auto s = tolerate(torn ? segment->cut_back(segment->end()) : segment->settle()); !s)
        return s;
    }
    // A killed process may have left its records in the page cache alone.
    if (auto s = segment->handle().sync(); !s)
      return log_.fail(s.failure());
  }
  if (!log_.damaged_ && log_.has_base_ && log_.base_.gen.value > 0)
    for (const auto* set : {&bases_, &logs_})
      for (const auto gen : *set)
        if (gen.value + 1 < log_.base_.gen.value)
          if (auto s = log_.set_aside(set == &bases_ ? base_name(gen) : log_name(gen)); !s)
            return s;
  if (auto s = log_.fs_.sync_directory(log_.directory_); !s)
    return log_.fail(s.failure());
  return {};
}

status log_recovery::run() {
  if (auto s = log_.fs_.make_directory(log_.directory_); !s)
    return log_.fail(s.failure());
  if (auto s = look_around(); !s)
    return s;
  if (auto s = remove_leftovers(); !s)
    return s;
  if (is_first_start()) {
    report_.first_start = true;
    return log_.start_empty();
  }
  choose_base();
  if (!log_.has_base_) {
    needed_damage("base.*", 0, {1}, highest_in_logs_from({0}), "no valid base");
    doom_everything_after(std::nullopt);
  } else {
    open_spare();
    if (auto s = walk(); !s)
      return s;
  }
  log_.note_end();
  check_hint();
  if (auto s = settle(); !s)
    return s;
  log_.note_end();
  log_.synced_ = {log_.last_index_, log_.last_term_};
  return {};
}

result<log::opened> log::open(file_system& fs, std::string directory, const log_options& options,
                              synced_hint hint) {
  const auto frame_limit = frame_bytes(options.max_payload_bytes);
  if (options.small_step_bytes < log_header_bytes || options.large_step_bytes < options.small_step_bytes ||
      options.large_step_bytes % options.small_step_bytes != 0 || frame_limit > options.max_unsynced_bytes ||
      options.max_payload_bytes > (std::size_t{1} << 31))
    return error{error_kind::invalid, 0, "log: options contradict each other"};
  opened out;
  out.instance.reset(new log(fs, std::move(directory), options));
  log_recovery recovery(*out.instance, hint);
  if (auto s = recovery.run(); !s)
    return s.failure();
  out.report = recovery.take_report();
  return out;
}

} // namespace holdfast::wal
