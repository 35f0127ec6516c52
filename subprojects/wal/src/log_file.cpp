#include "log_file.hpp"

#include <algorithm>

namespace holdfast::wal {
namespace {

constexpr std::uint64_t mark_stride_bytes = 32U << 10;
constexpr std::size_t zero_block_bytes = 1U << 20;

} // namespace

log_file::log_file(std::unique_ptr<file> handle, std::string name, const log_header& header,
                   std::uint64_t size)
    : handle_(std::move(handle)), name_(std::move(name)), header_(header),
      crc_(crc_of_log_header(header)), end_{log_header_bytes, header.base_index, header.base_term,
                                            header.base_chain, false},
      size_(size) {}

result<std::unique_ptr<log_file>> log_file::create(file_system& fs, const std::string& path, std::string name,
                                                   const log_header& header) {
  auto opened = fs.open(path, open_mode::create);
  if (!opened)
    return opened.failure();
  auto made = std::make_unique<log_file>(std::move(*opened), std::move(name), header, 0);
  if (auto s = made->handle_->write_at(0, encode_log_header(header)); !s)
    return s.failure();
  made->size_ = log_header_bytes;
  if (auto s = made->fill_zeros(ruled_size(header, log_header_bytes)); !s)
    return s.failure();
  if (auto s = made->handle_->sync(); !s)
    return s.failure();
  return made;
}

void log_file::note(const frame_header& header) {
  if (marks_.empty() || end_.offset - marks_.back().before.offset >= mark_stride_bytes)
    marks_.push_back({header.index, end_});
  if (runs_.empty() || runs_.back().term != header.term)
    runs_.push_back({header.index, header.term});
  end_ = {end_.offset + frame_bytes(header.payload_bytes), header.index, header.term, header.chain,
          header.cut};
}

log_term log_file::term_at(log_index index) const {
  const auto after = std::upper_bound(runs_.begin(), runs_.end(), index,
                                      [](log_index i, const run& r) { return i < r.first; });
  return after == runs_.begin() ? header_.base_term : std::prev(after)->term;
}

result<log_position> log_file::seek(log_index index) {
  if (index.value == end_.last_index.value + 1)
    return end_;
  auto after = std::upper_bound(marks_.begin(), marks_.end(), index,
                                [](log_index i, const mark& m) { return i < m.index; });
  log_position at = std::prev(after)->before;
  window source(*handle_, end_.offset, mark_stride_bytes);
  while (at.last_index.value + 1 < index.value) {
    const auto head = source.view(at.offset, frame_header_bytes);
    if (!head)
      return head.failure();
    const auto header = head->size() == frame_header_bytes ? decode_frame_header(*head, crc_) : std::nullopt;
    if (!header || header->index.value != at.last_index.value + 1)
      return error{error_kind::corrupt, 0, name_ + ": damaged record at byte " + std::to_string(at.offset)};
    at = {at.offset + frame_bytes(header->payload_bytes), header->index, header->term, header->chain,
          header->cut};
  }
  return at;
}

status log_file::fill_zeros(std::uint64_t to) {
  static const bytes zeros(zero_block_bytes);
  while (size_ < to) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(zero_block_bytes, to - size_));
    if (auto s = handle_->write_at(size_, byte_view(zeros).first(part)); !s)
      return s;
    size_ += part;
  }
  return {};
}

status log_file::grow_for(std::uint64_t end) {
  const auto before = size_;
  auto filled = fill_zeros(ruled_size(header_, end));
  if (!filled && filled.failure().kind == error_kind::no_space) {
    if (auto s = handle_->truncate(before); !s)
      return s;
    size_ = before;
  }
  return filled;
}

status log_file::settle() {
  const auto wanted = ruled_size(header_, end_.offset);
  if (size_ > wanted) {
    if (auto s = handle_->truncate(wanted); !s)
      return s;
    size_ = wanted;
  }
  return grow_for(end_.offset);
}

status log_file::cut_back(const log_position& at) {
  // Shortening is one step for the file system: a crash leaves the old records whole or none of them. Writing
  // zeros over them could leave a later record standing behind a hole, which would look like rot.
  if (auto s = handle_->truncate(at.offset); !s)
    return s;
  if (auto s = handle_->sync(); !s)
    return s;
  size_ = at.offset;
  while (!marks_.empty() && marks_.back().before.offset >= at.offset)
    marks_.pop_back();
  while (!runs_.empty() && runs_.back().first > at.last_index)
    runs_.pop_back();
  end_ = at;
  auto grown = grow_for(at.offset);
  if (auto s = handle_->sync(); !s)
    return s;
  return grown;
}

} // namespace holdfast::wal
