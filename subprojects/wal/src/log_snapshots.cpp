// The part of the log that deals with base files: writing, receiving, putting in place, dropping.
#include "wal/log.hpp"

#include "file_names.hpp"
#include "log_file.hpp"

#include <algorithm>

namespace holdfast::wal {
namespace {

constexpr std::uint64_t reclaim_step_bytes = 4U << 20; // about a millisecond each

error invalid(const char* what) {
  return {error_kind::invalid, 0, what};
}

bool is_full(const error& e) {
  return e.kind == error_kind::no_space;
}

/// How much of a partly received base file is good: header, then whole chunks. 0 when it is not this
/// snapshot.
std::uint64_t good_prefix(file_system& fs, const std::string& path, generation gen,
                          std::uint64_t file_bytes) {
  auto opened = fs.open(path, open_mode::read);
  if (!opened)
    return 0;
  bytes head(base_header_bytes);
  const auto got = (*opened)->read_at(0, head);
  if (!got || *got != head.size())
    return 0;
  const auto info = decode_base_header(head);
  if (!info || info->gen != gen || info->file_bytes != file_bytes)
    return 0;
  return base_reader::checked_prefix(std::move(*opened), *info);
}

} // namespace

result<std::unique_ptr<base_writer>> log::begin_base(generation gen) {
  if (auto s = usable(); !s)
    return s.failure();
  const auto at = std::find_if(segments_.begin(), segments_.end(),
                               [gen](const auto& segment) { return segment->header().gen == gen; });
  if (at == segments_.end())
    return error{error_kind::not_found, 0, "log: no cut for generation " + std::to_string(gen.value)};
  const auto path = path_of(base_name(gen) + ".new");
  auto handle = fs_.open(path, open_mode::create);
  if (!handle)
    return is_full(handle.failure()) ? handle.failure() : fail(handle.failure()).failure();
  base_info info;
  info.gen = gen;
  info.index = (*at)->header().base_index;
  info.term = (*at)->header().base_term;
  info.chain = (*at)->header().base_chain;
  return std::make_unique<base_writer>(std::move(*handle), path, info);
}

status log::commit_base(std::unique_ptr<base_writer> writer) {
  if (auto s = usable(); !s)
    return s;
  if (!writer || !writer->finished())
    return invalid("log: the base is not finished");
  const auto& info = writer->info();
  const bool still_ours = std::any_of(segments_.begin(), segments_.end(), [&](const auto& segment) {
    return segment->header().gen == info.gen && segment->header().base_index == info.index &&
           segment->header().base_term == info.term && segment->header().base_chain == info.chain;
  });
  if (!still_ours || info.gen.value > base_.gen.value + 1)
    return invalid("log: not the base of the next cut");
  const auto name = base_name(info.gen);
  if (auto s = rename_durably(name + ".new", name); !s)
    return s;
  if (info.gen > base_.gen)
    base_ = info;
  return {};
}

result<base_reader> log::open_base(generation gen) const {
  if (auto s = usable(); !s)
    return s.failure();
  return base_reader::open(fs_, path_of(base_name(gen)));
}

status log::set_aside(const std::string& name) {
  const auto aside = name + ".drop";
  auto s = fs_.rename(path_of(name), path_of(aside));
  if (!s && s.failure().kind == error_kind::not_found)
    return {};
  if (!s)
    return fail(s.failure());
  if (std::find(to_reclaim_.begin(), to_reclaim_.end(), aside) == to_reclaim_.end())
    to_reclaim_.push_back(aside);
  return {};
}

status log::drop_old_generations() {
  if (auto s = usable(); !s)
    return s;
  if (base_.gen.value == 0)
    return {};
  const generation keep{base_.gen.value - 1};
  bool any = false;
  while (!segments_.empty() && segments_.front()->header().gen < keep) {
    const auto gen = segments_.front()->header().gen;
    if (auto s = set_aside(log_name(gen)); !s)
      return s;
    if (auto s = set_aside(base_name(gen)); !s)
      return s;
    segments_.erase(segments_.begin());
    any = true;
  }
  oldest_base_ = std::max(oldest_base_, keep);
  if (!any)
    return {};
  if (auto s = fs_.sync_directory(directory_); !s)
    return fail(s.failure());
  return {};
}

result<bool> log::reclaim_step() {
  if (auto s = usable(); !s)
    return s.failure();
  if (to_reclaim_.empty())
    return false;
  const auto path = path_of(to_reclaim_.front());
  auto handle = fs_.open(path, open_mode::read_write);
  if (handle) {
    const auto size = (*handle)->size();
    if (size && *size > reclaim_step_bytes) {
      if (auto s = (*handle)->truncate(*size - reclaim_step_bytes); !s)
        return fail(s.failure()).failure();
      return true;
    }
  }
  if (auto s = fs_.unlink(path); !s && s.failure().kind != error_kind::not_found)
    return fail(s.failure()).failure();
  to_reclaim_.pop_front();
  return !to_reclaim_.empty();
}

base_receiver::base_receiver(file_system& fs, std::unique_ptr<file> out, std::string path, generation gen,
                             std::uint64_t file_bytes, std::uint64_t offset)
    : fs_(fs), out_(std::move(out)), path_(std::move(path)), gen_(gen), file_bytes_(file_bytes),
      offset_(offset), written_out_(offset) {}

status base_receiver::write(std::uint64_t offset, byte_view data) {
  if (failed_)
    return error{error_kind::poisoned, 0, "base receiver: an earlier write failed"};
  if (offset != offset_ || data.size() > file_bytes_ - offset_)
    return invalid("base receiver: not the bytes wanted next");
  if (auto s = out_->write_at(offset, data); !s) {
    failed_ = !is_full(s.failure());
    return s;
  }
  offset_ += data.size();
  if (offset_ - written_out_ >= write_out_bytes) {
    if (auto s = out_->write_out(written_out_, offset_ - written_out_); !s) {
      failed_ = true;
      return s;
    }
    written_out_ = offset_;
  }
  return {};
}

result<base_info> base_receiver::finish() {
  if (failed_)
    return error{error_kind::poisoned, 0, "base receiver: an earlier write failed"};
  if (!complete())
    return invalid("base receiver: not all bytes are here");
  if (checked_)
    return *checked_;
  if (auto s = out_->sync(); !s) {
    failed_ = true;
    return s.failure();
  }
  auto info = check_base_file(fs_, path_);
  if (!info)
    return info;
  if (info->gen != gen_ || info->file_bytes != file_bytes_)
    return error{error_kind::corrupt, 0, path_ + ": another snapshot than announced"};
  checked_ = *info;
  return info;
}

result<std::unique_ptr<base_receiver>> log::begin_install(generation gen, std::uint64_t file_bytes) {
  if (auto s = usable(); !s)
    return s.failure();
  if (file_bytes < base_header_bytes)
    return invalid("log: shorter than any base file");
  const auto name = base_name(gen) + ".part";
  const auto names = fs_.list(directory_);
  if (!names)
    return fail(names.failure()).failure();
  for (const auto& other : *names)
    if (other.ends_with(".part") && other != name)
      if (auto s = fs_.unlink(path_of(other)); !s)
        return fail(s.failure()).failure();
  const auto good = good_prefix(fs_, path_of(name), gen, file_bytes);
  auto handle = fs_.open(path_of(name), good > 0 ? open_mode::read_write : open_mode::create);
  if (!handle)
    return is_full(handle.failure()) ? handle.failure() : fail(handle.failure()).failure();
  if (auto s = (*handle)->truncate(good); !s)
    return fail(s.failure()).failure();
  if (auto s = fs_.sync_directory(directory_); !s)
    return fail(s.failure()).failure();
  return std::make_unique<base_receiver>(fs_, std::move(*handle), path_of(name), gen, file_bytes, good);
}

status log::abandon_install(std::unique_ptr<base_receiver> receiver) {
  if (auto s = usable(); !s)
    return s;
  if (!receiver)
    return invalid("log: no install to abandon");
  return remove_durably(base_name(receiver->gen()) + ".part");
}

status log::commit_install(std::unique_ptr<base_receiver> receiver) {
  if (auto s = usable(); !s)
    return s;
  if (!receiver)
    return invalid("log: nothing was received");
  const auto info = receiver->finish();
  if (!info)
    return info.failure().kind == error_kind::io ? fail(info.failure()) : status(info.failure());
  auto fresh = make_log(info->gen, info->index, info->term, info->chain);
  if (!fresh) {
    if (!is_full(fresh.failure()))
      return fail(fresh.failure());
    if (auto s = remove_durably(log_name(info->gen) + ".new"); !s)
      return s;
    return fresh.failure();
  }
  const auto name = base_name(info->gen);
  if (auto s = rename_durably(name + ".part", name + ".install"); !s)
    return s;
  if (auto s = set_aside_everything(); !s)
    return s;
  return adopt_install(*info, std::move(*fresh));
}

status log::set_aside_everything() {
  segments_.clear();
  const auto names = fs_.list(directory_);
  if (!names)
    return fail(names.failure());
  for (const auto& name : *names)
    if (const auto parsed = parse_file_name(name); parsed && parsed->suffix.empty())
      if (auto s = set_aside(name); !s)
        return s;
  if (auto s = fs_.sync_directory(directory_); !s)
    return fail(s.failure());
  return {};
}

status log::adopt_install(const base_info& info, std::unique_ptr<log_file> fresh) {
  const auto base = base_name(info.gen);
  if (auto s = rename_durably(fresh->name() + ".new", fresh->name()); !s)
    return s;
  if (auto s = rename_durably(base + ".install", base); !s)
    return s;
  base_ = info;
  oldest_base_ = info.gen;
  has_base_ = true;
  damaged_ = false;
  doomed_.clear();
  unsynced_bytes_ = 0;
  segments_.clear();
  segments_.push_back(std::move(fresh));
  note_end();
  synced_ = {last_index_, last_term_};
  return {};
}

status log::start_empty() {
  // log.0 first: a base without its log is then always rot, never a start that was cut short.
  auto made = make_log({}, {}, {}, {});
  if (!made)
    return is_full(made.failure()) ? status(made.failure()) : fail(made.failure());
  if (auto s = rename_durably((*made)->name() + ".new", (*made)->name()); !s)
    return s;
  const auto path = path_of("base.0.new");
  auto handle = fs_.open(path, open_mode::create);
  if (!handle)
    return is_full(handle.failure()) ? status(handle.failure()) : fail(handle.failure());
  base_writer writer(std::move(*handle), path, {});
  if (auto s = writer.finish(); !s)
    return is_full(s.failure()) ? s : fail(s.failure());
  if (auto s = rename_durably("base.0.new", "base.0"); !s)
    return s;
  base_ = writer.info();
  oldest_base_ = base_.gen;
  has_base_ = true;
  segments_.clear();
  segments_.push_back(std::move(*made));
  note_end();
  synced_ = {};
  return {};
}

status log::add_next_log() {
  const bool first = segments_.empty();
  const generation gen{first ? base_.gen.value : segments_.back()->header().gen.value + 1};
  auto made = first ? make_log(gen, base_.index, base_.term, base_.chain)
                    : make_log(gen, segments_.back()->end().last_index, segments_.back()->end().last_term,
                               segments_.back()->end().chain);
  if (!made)
    return is_full(made.failure()) ? status(made.failure()) : fail(made.failure());
  if (auto s = rename_durably((*made)->name() + ".new", (*made)->name()); !s)
    return s;
  segments_.push_back(std::move(*made));
  return {};
}

status log::discard_damage() {
  if (auto s = usable(); !s)
    return s;
  if (!damaged_)
    return {};
  for (const auto& name : doomed_)
    if (auto s = remove_durably(name); !s)
      return s;
  doomed_.clear();
  if (!has_base_) {
    if (auto s = start_empty(); !s)
      return s;
  } else {
    if (!segments_.empty()) {
      auto& last = *segments_.back();
      const auto cut = last.cut_back(last.end());
      if (!cut && !is_full(cut.failure()))
        return fail(cut.failure());
    }
    if (segments_.empty() || segments_.back()->end().cut)
      if (auto s = add_next_log(); !s)
        return s;
  }
  damaged_ = false;
  unsynced_bytes_ = 0;
  note_end();
  synced_ = {last_index_, last_term_};
  return {};
}

} // namespace holdfast::wal
