#include "wal/base_file.hpp"

#include "little_endian.hpp"

#include "wal/crc32c.hpp"

#include <array>

namespace holdfast::wal {
namespace {

constexpr std::string_view base_magic = "HOLDBASE";
constexpr std::uint32_t base_version = 1;
constexpr std::size_t chunk_header_bytes = 8;

error corrupt(std::string what) {
  return {error_kind::corrupt, 0, std::move(what)};
}

std::uint32_t crc_of_chunk(const base_info& info, std::uint64_t number, byte_view data) {
  std::array<std::byte, 32> place{};
  le::put(place, 0, info.gen.value);
  le::put(place, 8, info.index.value);
  le::put(place, 16, info.term.value);
  le::put(place, 24, number);
  return crc32c(data, crc32c(place));
}

std::uint64_t file_bytes_of(std::uint64_t payload_bytes) {
  const std::uint64_t chunks = (payload_bytes + base_chunk_bytes - 1) / base_chunk_bytes;
  return base_header_bytes + chunks * chunk_header_bytes + payload_bytes;
}

} // namespace

bytes encode_base_header(const base_info& info) {
  bytes out(base_header_bytes);
  le::put_text(out, 0, base_magic);
  le::put(out, 8, base_version);
  le::put(out, 12, static_cast<std::uint32_t>(base_header_bytes));
  le::put(out, 16, info.gen.value);
  le::put(out, 24, info.index.value);
  le::put(out, 32, info.term.value);
  le::put(out, 40, info.payload_bytes);
  le::put(out, 48, info.payload_crc);
  le::put(out, 52, info.chain.value);
  le::put(out, 56, static_cast<std::uint32_t>(base_chunk_bytes));
  le::put(out, 60, crc32c(byte_view(out).first(60)));
  return out;
}

result<base_info> decode_base_header(byte_view header) {
  if (header.size() < base_header_bytes)
    return corrupt("base header: too short");
  if (le::get_text(header, 0, base_magic.size()) != base_magic)
    return corrupt("base header: not a base file");
  if (le::get<std::uint32_t>(header, 60) != crc32c(header.first(60)))
    return corrupt("base header: checksum does not match");
  if (le::get<std::uint32_t>(header, 8) != base_version ||
      le::get<std::uint32_t>(header, 12) != base_header_bytes ||
      le::get<std::uint32_t>(header, 56) != base_chunk_bytes)
    return corrupt("base header: unknown version");
  base_info info;
  info.gen = {le::get<std::uint64_t>(header, 16)};
  info.index = {le::get<std::uint64_t>(header, 24)};
  info.term = {le::get<std::uint64_t>(header, 32)};
  info.payload_bytes = le::get<std::uint64_t>(header, 40);
  info.payload_crc = le::get<std::uint32_t>(header, 48);
  info.chain = {le::get<std::uint32_t>(header, 52)};
  if (info.payload_bytes > std::uint64_t{1} << 56)
    return corrupt("base header: impossible length");
  info.file_bytes = file_bytes_of(info.payload_bytes);
  return info;
}

base_writer::base_writer(std::unique_ptr<file> out, std::string path, const base_info& info)
    : out_(std::move(out)), path_(std::move(path)), info_(info) {
  info_.payload_bytes = 0;
  info_.payload_crc = 0;
  chunk_.reserve(base_chunk_bytes);
}

status base_writer::fail(error e) {
  // ENOSPC leaves nothing half-valid behind: the file keeps its temporary name and has no header yet.
  failed_ = true;
  return e;
}

status base_writer::flush_chunk() {
  if (chunk_.empty())
    return {};
  bytes framed(chunk_header_bytes + chunk_.size());
  le::put(std::span(framed), 0, static_cast<std::uint32_t>(chunk_.size()));
  le::put(std::span(framed), 4, crc_of_chunk(info_, chunk_number_, chunk_));
  std::copy(chunk_.begin(), chunk_.end(), framed.begin() + chunk_header_bytes);
  if (auto s = out_->write_at(offset_, framed); !s)
    return fail(s.failure());
  info_.payload_bytes += chunk_.size();
  info_.payload_crc = crc32c(chunk_, info_.payload_crc);
  offset_ += framed.size();
  ++chunk_number_;
  chunk_.clear();
  if (offset_ - written_out_ >= write_out_bytes) {
    if (auto s = out_->write_out(written_out_, offset_ - written_out_); !s)
      return fail(s.failure());
    written_out_ = offset_;
  }
  return {};
}

status base_writer::write(byte_view data) {
  if (failed_ || finished_)
    return error{error_kind::poisoned, 0, "base writer: already failed or finished"};
  while (!data.empty()) {
    const auto part = data.first(std::min(data.size(), base_chunk_bytes - chunk_.size()));
    chunk_.insert(chunk_.end(), part.begin(), part.end());
    data = data.subspan(part.size());
    if (chunk_.size() == base_chunk_bytes)
      if (auto s = flush_chunk(); !s)
        return s;
  }
  return {};
}

status base_writer::finish() {
  if (failed_ || finished_)
    return error{error_kind::poisoned, 0, "base writer: already failed or finished"};
  if (auto s = flush_chunk(); !s)
    return s;
  info_.file_bytes = offset_;
  if (auto s = out_->write_at(0, encode_base_header(info_)); !s)
    return fail(s.failure());
  if (auto s = out_->sync(); !s)
    return fail(s.failure());
  finished_ = true;
  return {};
}

base_reader::base_reader(std::unique_ptr<file> in, std::string path, const base_info& info)
    : in_(std::move(in)), path_(std::move(path)), info_(info) {}

result<base_reader> base_reader::open(file_system& fs, const std::string& path) {
  auto opened = fs.open(path, open_mode::read);
  if (!opened)
    return opened.failure();
  bytes head(base_header_bytes);
  const auto got = (*opened)->read_at(0, head);
  if (!got)
    return corrupt(got.failure().what);
  head.resize(*got);
  auto info = decode_base_header(head);
  if (!info)
    return corrupt(path + ": " + info.failure().what);
  const auto size = (*opened)->size();
  if (!size || *size != info->file_bytes)
    return corrupt(path + ": size does not match its header");
  return base_reader(std::move(*opened), path, *info);
}

result<bytes> base_reader::load_chunk(std::uint64_t number) {
  const std::uint64_t before = number * base_chunk_bytes;
  const auto length =
      static_cast<std::size_t>(std::min<std::uint64_t>(base_chunk_bytes, info_.payload_bytes - before));
  bytes framed(chunk_header_bytes + length);
  const auto at = base_header_bytes + number * (chunk_header_bytes + base_chunk_bytes);
  const auto got = in_->read_at(at, framed);
  if (!got)
    return corrupt(got.failure().what);
  const auto data = byte_view(framed).subspan(chunk_header_bytes);
  if (*got != framed.size() || le::get<std::uint32_t>(framed, 0) != length ||
      le::get<std::uint32_t>(framed, 4) != crc_of_chunk(info_, number, data))
    return corrupt(path_ + ": chunk " + std::to_string(number) + " does not match its checksum");
  return framed;
}

result<bytes> base_reader::next() {
  const std::uint64_t chunks = (info_.payload_bytes + base_chunk_bytes - 1) / base_chunk_bytes;
  if (next_chunk_ == chunks) {
    if (running_crc_ != info_.payload_crc)
      return corrupt(path_ + ": the whole does not match its checksum");
    return bytes();
  }
  auto framed = load_chunk(next_chunk_);
  if (!framed)
    return framed;
  framed->erase(framed->begin(), framed->begin() + chunk_header_bytes);
  running_crc_ = crc32c(*framed, running_crc_);
  ++next_chunk_;
  return framed;
}

result<bytes> base_reader::read_raw(std::uint64_t offset, std::size_t length) {
  bytes out;
  const std::uint64_t end = offset >= info_.file_bytes
                                ? offset
                                : offset + std::min<std::uint64_t>(length, info_.file_bytes - offset);
  if (offset < end && offset < base_header_bytes) {
    const auto head = encode_base_header(info_);
    const auto stop = std::min<std::uint64_t>(end, base_header_bytes);
    out.assign(head.begin() + static_cast<std::ptrdiff_t>(offset),
               head.begin() + static_cast<std::ptrdiff_t>(stop));
    offset = stop;
  }
  constexpr std::uint64_t stride = chunk_header_bytes + base_chunk_bytes;
  while (offset < end) {
    const std::uint64_t number = (offset - base_header_bytes) / stride;
    const std::uint64_t start = base_header_bytes + number * stride;
    auto framed = load_chunk(number);
    if (!framed)
      return framed;
    const auto from = static_cast<std::size_t>(offset - start);
    const auto to = static_cast<std::size_t>(std::min<std::uint64_t>(end - start, framed->size()));
    out.insert(out.end(), framed->begin() + static_cast<std::ptrdiff_t>(from),
               framed->begin() + static_cast<std::ptrdiff_t>(to));
    offset = start + to;
  }
  return out;
}

std::uint64_t base_reader::checked_prefix(std::unique_ptr<file> in, const base_info& info) {
  base_reader reader(std::move(in), "", info);
  std::uint64_t good = base_header_bytes;
  for (std::uint64_t number = 0; good < info.file_bytes; ++number) {
    const auto framed = reader.load_chunk(number);
    if (!framed)
      break;
    good += framed->size();
  }
  return good;
}

result<base_info> check_base_file(file_system& fs, const std::string& path) {
  auto reader = base_reader::open(fs, path);
  if (!reader)
    return reader.failure();
  for (;;) {
    const auto part = reader->next();
    if (!part)
      return part.failure();
    if (part->empty())
      return reader->info();
  }
}

} // namespace holdfast::wal
