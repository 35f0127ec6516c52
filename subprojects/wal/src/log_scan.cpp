#include "log_scan.hpp"

#include "little_endian.hpp"

namespace holdfast::wal {
namespace {

constexpr std::size_t scan_ahead_bytes = 1U << 20;

/// Whether some part of [begin, end) that lies in one sector is all zeros: the sector was never written.
bool has_unwritten_sector(window& source, std::uint64_t begin, std::uint64_t end) {
  while (begin < end) {
    const std::uint64_t stop = std::min(end, (begin / sector_bytes + 1) * sector_bytes);
    const auto part = source.view(begin, static_cast<std::size_t>(stop - begin));
    if (!part)
      return false;
    if (le::all_zero(*part))
      return true;
    begin = stop;
  }
  return false;
}

/// Byte after the last one that is not zero in [begin, end); `begin` if there is none; no value if
/// unreadable.
std::optional<std::uint64_t> end_of_used(window& source, std::uint64_t begin, std::uint64_t end) {
  std::uint64_t used = begin;
  for (std::uint64_t at = begin; at < end;) {
    const auto part =
        source.view(at, static_cast<std::size_t>(std::min<std::uint64_t>(scan_ahead_bytes, end - at)));
    if (!part || part->empty())
      return std::nullopt;
    for (std::size_t i = part->size(); i > 0; --i)
      if ((*part)[i - 1] != std::byte{0}) {
        used = at + i;
        break;
      }
    at += part->size();
  }
  return used;
}

void find_later_records(window& source, std::uint64_t begin, std::uint64_t end, std::uint32_t file_crc,
                        log_index after, tail_facts& facts) {
  for (std::uint64_t at = begin; at + frame_header_bytes <= end; at += 8) {
    const auto head = source.view(at, frame_header_bytes);
    if (!head)
      return;
    if (const auto found = decode_frame_header(*head, file_crc); found && found->index > after) {
      facts.last_whole = at;
      facts.highest_seen = std::max(facts.highest_seen, found->index);
    }
  }
}

/// The shape of the record at `at`, which did not pass.
void look_at_bad_record(window& source, std::uint64_t file_bytes, std::uint32_t file_crc,
                        const log_position& at, tail_facts& facts) {
  const auto head = source.view(at.offset, frame_header_bytes);
  if (!head) {
    facts.what = "unreadable: " + head.failure().what;
    return;
  }
  const log_index expected{at.last_index.value + 1};
  if (at.cut) {
    facts.what = "bytes after the cut";
    return;
  }
  const auto header =
      head->size() == frame_header_bytes ? decode_frame_header(*head, file_crc) : std::nullopt;
  if (!header) {
    facts.what = "record header does not match its check";
    facts.looks_torn = head->size() < frame_header_bytes || facts.used_end < at.offset + 28 ||
                       has_unwritten_sector(source, at.offset, at.offset + frame_header_bytes);
    return;
  }
  if (header->index != expected || header->term < at.last_term) {
    facts.what = "record out of order";
    return;
  }
  facts.highest_seen = expected;
  const std::uint64_t frame_end = at.offset + frame_bytes(header->payload_bytes);
  facts.what = "record does not match its checksum";
  facts.looks_torn = frame_end > file_bytes || facts.used_end < frame_end ||
                     has_unwritten_sector(source, at.offset, frame_end);
}

tail_facts look_at_tail(window& source, std::uint64_t file_bytes, std::uint32_t file_crc,
                        const log_position& at) {
  tail_facts facts;
  facts.used_end = at.offset;
  const auto used = end_of_used(source, at.offset, file_bytes);
  if (!used) {
    facts.clean = false;
    facts.what = "the space after the last record cannot be read";
    return facts;
  }
  facts.used_end = *used;
  facts.clean = *used == at.offset;
  if (facts.clean)
    return facts;
  look_at_bad_record(source, file_bytes, file_crc, at, facts);
  find_later_records(source, at.offset + 8, facts.used_end, file_crc, {at.last_index.value + 1}, facts);
  return facts;
}

} // namespace

result<byte_view> window::view(std::uint64_t offset, std::size_t length) {
  if (offset >= source_bytes_)
    return byte_view();
  length = static_cast<std::size_t>(std::min<std::uint64_t>(length, source_bytes_ - offset));
  if (offset < start_ || offset + length > start_ + buffer_.size()) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(std::max(length, ahead_), source_bytes_ - offset));
    buffer_.resize(wanted);
    const auto got = source_.read_at(offset, buffer_);
    if (!got) {
      buffer_.clear();
      return error{error_kind::corrupt, got.failure().system_error, got.failure().what};
    }
    buffer_.resize(*got);
    start_ = offset;
  }
  const auto from = static_cast<std::size_t>(offset - start_);
  return byte_view(buffer_).subspan(from, std::min(length, buffer_.size() - from));
}

std::optional<walked> next_record(window& source, std::uint64_t file_bytes, std::uint32_t file_crc,
                                  log_position& at) {
  if (at.cut)
    return std::nullopt;
  const auto head = source.view(at.offset, frame_header_bytes);
  if (!head || head->size() < frame_header_bytes)
    return std::nullopt;
  const auto header = decode_frame_header(*head, file_crc);
  if (!header || header->index.value != at.last_index.value + 1 || header->term < at.last_term)
    return std::nullopt;
  const std::uint64_t length = frame_bytes(header->payload_bytes);
  if (length > file_bytes - at.offset)
    return std::nullopt;
  const auto frame = source.view(at.offset, static_cast<std::size_t>(length));
  if (!frame || frame->size() != length || !frame_holds(*frame, *header, at.chain))
    return std::nullopt;
  at = {at.offset + length, header->index, header->term, header->chain, header->cut};
  return walked{*header, frame->subspan(frame_header_bytes, header->payload_bytes)};
}

scanned_log scan_log(file& source, std::uint64_t file_bytes, const log_header& header,
                     const record_visitor& visit) {
  window buffered(source, file_bytes, scan_ahead_bytes);
  const auto file_crc = crc_of_log_header(header);
  scanned_log out;
  out.end = {log_header_bytes, header.base_index, header.base_term, header.base_chain, false};
  for (;;) {
    const auto found = next_record(buffered, file_bytes, file_crc, out.end);
    if (!found)
      break;
    if (out.records++ == 0)
      out.first_index = found->header.index;
    if (visit)
      visit(found->header);
  }
  out.tail = look_at_tail(buffered, file_bytes, file_crc, out.end);
  return out;
}

verdict judge(const scanned_log& scanned, log_index hint, bool later_file, std::uint64_t unsynced_window) {
  const auto& tail = scanned.tail;
  if (later_file && !scanned.end.cut)
    return verdict::rotten;
  if (tail.clean)
    return verdict::clean;
  if (later_file || !tail.looks_torn || scanned.end.last_index < hint)
    return verdict::rotten;
  if (tail.last_whole && *tail.last_whole - scanned.end.offset > unsynced_window)
    return verdict::rotten;
  return verdict::torn;
}

} // namespace holdfast::wal
