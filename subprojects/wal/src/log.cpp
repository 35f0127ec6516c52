#include "wal/log.hpp"

#include "file_names.hpp"
#include "log_file.hpp"

#include <algorithm>

namespace holdfast::wal {
namespace {

constexpr std::size_t least_read_ahead_bytes = 64U << 10;
constexpr std::size_t most_read_ahead_bytes = 1U << 20;

error invalid(const char* what) {
  return {error_kind::invalid, 0, what};
}

} // namespace

struct log::part {
  bytes encoded;
  std::vector<frame_header> frames;
  std::unique_ptr<log_file> next; ///< made when this part ends in a cut

  bool cut() const noexcept { return frames.back().cut; }
};

log::log(file_system& fs, std::string directory, const log_options& options)
    : fs_(fs), directory_(std::move(directory)), options_(options) {}

log::~log() = default;

std::string log::path_of(const std::string& name) const {
  return directory_ + "/" + name;
}

status log::usable() const {
  if (poisoned_)
    return error{error_kind::poisoned, 0, "log: an earlier disk operation failed"};
  return {};
}

status log::fail(error e) {
  poisoned_ = true;
  e.kind = error_kind::io;
  return e;
}

void log::note_end() {
  if (segments_.empty()) {
    last_index_ = base_.index;
    last_term_ = base_.term;
  } else {
    last_index_ = segments_.back()->end().last_index;
    last_term_ = segments_.back()->end().last_term;
  }
}

log_index log::first_index() const noexcept {
  return {(segments_.empty() ? base_.index : segments_.front()->header().base_index).value + 1};
}

generation log::current_generation() const noexcept {
  return segments_.empty() ? base_.gen : segments_.back()->header().gen;
}

std::vector<cut_point> log::pending_cuts() const {
  std::vector<cut_point> out;
  for (const auto& segment : segments_)
    if (segment->header().gen > base_.gen)
      out.push_back({segment->header().gen, segment->header().base_index, segment->header().base_term});
  return out;
}

log_file* log::segment_of(log_index index) const {
  for (const auto& segment : segments_)
    if (segment->holds(index))
      return segment.get();
  return nullptr;
}

result<log_term> log::term_at(log_index index) const {
  if (auto s = usable(); !s)
    return s.failure();
  if (const auto* segment = segment_of(index))
    return segment->term_at(index);
  if (!segments_.empty() && index == segments_.front()->header().base_index)
    return segments_.front()->header().base_term;
  if (index == base_.index)
    return base_.term;
  return error{error_kind::not_found, 0, "log: no entry " + std::to_string(index.value)};
}

result<chain_value> log::chain_at(log_index index) {
  if (auto s = usable(); !s)
    return s.failure();
  if (auto* segment = segment_of(index)) {
    auto at = segment->seek(index);
    if (!at)
      return at.failure();
    window source(segment->handle(), segment->end().offset, least_read_ahead_bytes);
    if (!next_record(source, segment->end().offset, segment->crc(), *at))
      return error{error_kind::corrupt, 0,
                   segment->name() + ": damaged record at byte " + std::to_string(at->offset)};
    return at->chain;
  }
  if (!segments_.empty() && index == segments_.front()->header().base_index)
    return segments_.front()->header().base_chain;
  if (index == base_.index)
    return base_.chain;
  return error{error_kind::not_found, 0, "log: no entry " + std::to_string(index.value)};
}

result<std::vector<record>> log::read(log_index from, std::size_t max_payload_bytes) {
  if (auto s = usable(); !s)
    return s.failure();
  std::vector<record> out;
  if (from > last_index_)
    return out;
  if (from < first_index())
    return error{error_kind::not_found, 0, "log: entry " + std::to_string(from.value) + " was compacted"};
  std::size_t taken = 0;
  while (auto* segment = segment_of(from)) {
    auto at = segment->seek(from);
    const auto limit = segment->end().offset;
    window source(segment->handle(), limit,
                  std::clamp(max_payload_bytes, least_read_ahead_bytes, most_read_ahead_bytes));
    while (at && at->offset < limit && (out.empty() || taken < max_payload_bytes)) {
      const auto found = next_record(source, limit, segment->crc(), *at);
      if (!found)
        break;
      taken += found->payload.size();
      out.push_back({found->header.index, found->header.term, found->header.kind, found->header.cut,
                     bytes(found->payload.begin(), found->payload.end())});
    }
    if (out.empty())
      return error{error_kind::corrupt, 0,
                   segment->name() + ": damaged at entry " + std::to_string(from.value)};
    from = {out.back().index.value + 1};
    if (taken >= max_payload_bytes || !at || at->offset < limit)
      break; // enough, or damage ahead: the next call begins there and reports it
  }
  return out;
}

status log::check_batch(std::span<const record_view> records) const {
  auto index = last_index_;
  auto term = last_term_;
  for (const auto& entry : records) {
    if (entry.index.value != index.value + 1)
      return invalid("log: entries must follow each other");
    if (entry.term < term)
      return invalid("log: terms must not go down");
    if (entry.payload.size() > options_.max_payload_bytes)
      return invalid("log: payload too large");
    index = entry.index;
    term = entry.term;
  }
  return {};
}

std::vector<log::part> log::encode_parts(std::span<const record_view> records) const {
  std::vector<part> parts;
  const auto& current = *segments_.back();
  auto header = current.header();
  auto file_crc = current.crc();
  auto chain = current.end().chain;
  bool begin = true;
  std::size_t left = 0;
  for (const auto& entry : records)
    left += static_cast<std::size_t>(frame_bytes(entry.payload.size()));
  for (const auto& entry : records) {
    if (begin)
      parts.emplace_back().encoded.reserve(left);
    begin = entry.cut;
    left -= static_cast<std::size_t>(frame_bytes(entry.payload.size()));
    auto& target = parts.back();
    chain = encode_frame(target.encoded, entry, file_crc, chain);
    target.frames.push_back({static_cast<std::uint32_t>(entry.payload.size()), entry.kind, entry.cut,
                             entry.index, entry.term, chain});
    if (entry.cut) {
      header = {{header.gen.value + 1},    entry.index,         entry.term, chain, options_.small_step_bytes,
                options_.large_step_bytes, options_.spare_bytes};
      file_crc = crc_of_log_header(header);
    }
  }
  return parts;
}

result<std::unique_ptr<log_file>> log::make_log(generation gen, log_index index, log_term term,
                                                chain_value chain) {
  const auto name = log_name(gen);
  return log_file::create(
      fs_, path_of(name + ".new"), name,
      {gen, index, term, chain, options_.small_step_bytes, options_.large_step_bytes, options_.spare_bytes});
}

status log::give_back(const std::vector<part>& parts, error why) {
  if (why.kind != error_kind::no_space)
    return fail(std::move(why));
  auto gen = segments_.back()->header().gen;
  for (const auto& p : parts) {
    if (!p.cut())
      break;
    gen = {gen.value + 1};
    const auto removed = fs_.unlink(path_of(log_name(gen) + ".new"));
    if (!removed && removed.failure().kind != error_kind::not_found)
      return fail(removed.failure());
  }
  auto& current = *segments_.back();
  if (auto s = current.settle(); !s && s.failure().kind != error_kind::no_space)
    return fail(s.failure());
  return why;
}

status log::allocate(std::vector<part>& parts, bool urgent) {
  auto& current = *segments_.back();
  const auto end = current.end().offset + parts.front().encoded.size();
  if (auto s = current.grow_for(end); !s) {
    const bool fits = s.failure().kind == error_kind::no_space && end <= current.size();
    if (!fits || !urgent || parts.front().cut())
      return give_back(parts, s.failure());
  }
  auto gen = current.header().gen;
  for (std::size_t i = 0; i < parts.size() && parts[i].cut(); ++i) {
    const auto& last = parts[i].frames.back();
    gen = {gen.value + 1};
    auto made = make_log(gen, last.index, last.term, last.chain);
    if (!made)
      return give_back(parts, made.failure());
    if (i + 1 < parts.size())
      if (auto s = (*made)->grow_for(log_header_bytes + parts[i + 1].encoded.size()); !s)
        return give_back(parts, s.failure());
    parts[i].next = std::move(*made);
  }
  return {};
}

status log::write_part(log_file& segment, const part& what) {
  // From here on a failure cannot be taken back: the space was there, so it is not a full disk.
  std::size_t written = 0;
  std::size_t ready = 0;
  std::size_t noted = 0;
  const auto flush = [&]() -> status {
    if (auto s = segment.handle().write_at(segment.end().offset,
                                           byte_view(what.encoded).subspan(written, ready - written));
        !s)
      return fail(s.failure());
    unsynced_bytes_ += ready - written;
    written = ready;
    return {};
  };
  for (std::size_t i = 0; i < what.frames.size(); ++i) {
    const auto length = static_cast<std::size_t>(frame_bytes(what.frames[i].payload_bytes));
    if (unsynced_bytes_ + (ready - written) + length > options_.max_unsynced_bytes && ready > written) {
      if (auto s = flush(); !s)
        return s;
      for (; noted < i; ++noted)
        segment.note(what.frames[noted]);
      if (auto s = sync_file(segment); !s)
        return s;
    }
    ready += length;
  }
  if (auto s = flush(); !s)
    return s;
  for (; noted < what.frames.size(); ++noted)
    segment.note(what.frames[noted]);
  return {};
}

status log::append(std::span<const record_view> records, bool urgent) {
  if (auto s = usable(); !s)
    return s;
  if (damaged_)
    return error{error_kind::damaged, 0, "log: rot was found; discard_damage first"};
  if (records.empty())
    return {};
  if (auto s = check_batch(records); !s)
    return s;
  auto parts = encode_parts(records);
  if (auto s = allocate(parts, urgent); !s)
    return s;
  for (auto& p : parts) {
    auto& segment = *segments_.back();
    if (auto s = write_part(segment, p); !s)
      return s;
    if (p.cut()) {
      // A log file that exists proves to recovery that the cut before it was durable.
      if (auto s = sync_file(segment); !s)
        return s;
      const auto name = p.next->name();
      if (auto s = rename_durably(name + ".new", name); !s)
        return s;
      segments_.push_back(std::move(p.next));
    }
  }
  note_end();
  return {};
}

status log::reserve(std::uint64_t more_bytes) {
  if (auto s = usable(); !s)
    return s;
  if (damaged_ || segments_.empty())
    return error{error_kind::damaged, 0, "log: rot was found; discard_damage first"};
  auto& current = *segments_.back();
  const auto grown = current.grow_for(current.end().offset + more_bytes);
  return grown || grown.failure().kind == error_kind::no_space ? grown : fail(grown.failure());
}

status log::release_reservation() {
  if (auto s = usable(); !s)
    return s;
  if (segments_.empty())
    return {};
  const auto settled = segments_.back()->settle();
  return settled || settled.failure().kind == error_kind::no_space ? settled : fail(settled.failure());
}

status log::sync_file(log_file& segment) {
  if (auto s = segment.handle().sync(); !s)
    return fail(s.failure());
  unsynced_bytes_ = 0;
  synced_ = {segment.end().last_index, segment.end().last_term};
  return {};
}

status log::sync() {
  if (auto s = usable(); !s)
    return s;
  if (unsynced_bytes_ == 0)
    return {};
  return sync_file(*segments_.back());
}

status log::truncate_from(log_index first) {
  if (auto s = usable(); !s)
    return s;
  if (damaged_)
    return error{error_kind::damaged, 0, "log: rot was found; discard_damage first"};
  if (first > last_index_)
    return {};
  if (first <= base_.index)
    return invalid("log: entries inside a snapshot are committed");
  while (!segments_.back()->holds(first)) {
    const auto name = segments_.back()->name();
    segments_.pop_back();
    if (auto s = remove_durably(name); !s)
      return s;
  }
  auto& segment = *segments_.back();
  const auto at = segment.seek(first);
  if (!at)
    return at.failure();
  const auto cut = segment.cut_back(*at);
  if (!cut && cut.failure().kind != error_kind::no_space)
    return fail(cut.failure());
  unsynced_bytes_ = 0;
  note_end();
  synced_ = {last_index_, last_term_};
  return {};
}

status log::remove_durably(const std::string& name) {
  if (auto s = fs_.unlink(path_of(name)); !s && s.failure().kind != error_kind::not_found)
    return fail(s.failure());
  if (auto s = fs_.sync_directory(directory_); !s)
    return fail(s.failure());
  return {};
}

status log::rename_durably(const std::string& from, const std::string& to) {
  if (auto s = fs_.rename(path_of(from), path_of(to)); !s)
    return fail(s.failure());
  if (auto s = fs_.sync_directory(directory_); !s)
    return fail(s.failure());
  return {};
}

bool recovery_report::rotten() const noexcept {
  return std::any_of(damages.begin(), damages.end(), [](const damage& d) { return !d.in_spare; });
}

} // namespace holdfast::wal
