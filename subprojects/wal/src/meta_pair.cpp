#include "wal/meta_pair.hpp"

#include "little_endian.hpp"
#include "wal/crc32c.hpp"

namespace holdfast::wal {
namespace {

constexpr std::string_view meta_magic = "HOLDMETA";
constexpr std::uint32_t meta_version = 1;
constexpr std::size_t cluster_at = 56;
constexpr std::size_t node_at = cluster_at + meta_id_max_bytes;
constexpr std::size_t vote_at = node_at + meta_id_max_bytes;
constexpr std::size_t host_at = vote_at + meta_id_max_bytes;
constexpr std::size_t crc_at = meta_file_bytes - 4;

error corrupt(const char* what) {
  return {error_kind::corrupt, 0, what};
}

bool fits(const meta& value) {
  return value.cluster_id.size() <= meta_id_max_bytes && value.node_id.size() <= meta_id_max_bytes &&
         value.vote.size() <= meta_id_max_bytes && value.host.size() <= meta_host_max_bytes;
}

} // namespace

bytes encode_meta(const meta& value, std::uint64_t counter) {
  bytes out(meta_file_bytes);
  le::put_text(out, 0, meta_magic);
  le::put(out, 8, meta_version);
  le::put(out, 12, static_cast<std::uint32_t>(meta_file_bytes));
  le::put(out, 16, counter);
  le::put(out, 24, value.term.value);
  le::put(out, 32, value.hint.index.value);
  le::put(out, 40, value.hint.term.value);
  le::put(out, 48, static_cast<std::uint8_t>(value.cluster_id.size()));
  le::put(out, 49, static_cast<std::uint8_t>(value.node_id.size()));
  le::put(out, 50, static_cast<std::uint8_t>(value.vote.size()));
  le::put(out, 52, static_cast<std::uint16_t>(value.host.size()));
  le::put_text(out, cluster_at, value.cluster_id);
  le::put_text(out, node_at, value.node_id);
  le::put_text(out, vote_at, value.vote);
  le::put_text(out, host_at, value.host);
  le::put(out, crc_at, crc32c(byte_view(out).first(crc_at)));
  return out;
}

result<decoded_meta> decode_meta(byte_view image) {
  if (image.size() != meta_file_bytes)
    return corrupt("meta: wrong size");
  if (le::get_text(image, 0, meta_magic.size()) != meta_magic)
    return corrupt("meta: not a metadata file");
  if (le::get<std::uint32_t>(image, crc_at) != crc32c(image.first(crc_at)))
    return corrupt("meta: checksum does not match");
  if (le::get<std::uint32_t>(image, 8) != meta_version ||
      le::get<std::uint32_t>(image, 12) != meta_file_bytes)
    return corrupt("meta: unknown version");
  const std::size_t cluster_length = le::get<std::uint8_t>(image, 48);
  const std::size_t node_length = le::get<std::uint8_t>(image, 49);
  const std::size_t vote_length = le::get<std::uint8_t>(image, 50);
  const std::size_t host_length = le::get<std::uint16_t>(image, 52);
  if (cluster_length > meta_id_max_bytes || node_length > meta_id_max_bytes ||
      vote_length > meta_id_max_bytes || host_length > meta_host_max_bytes)
    return corrupt("meta: impossible length");
  decoded_meta out;
  out.counter = le::get<std::uint64_t>(image, 16);
  out.value.term = {le::get<std::uint64_t>(image, 24)};
  out.value.hint.index = {le::get<std::uint64_t>(image, 32)};
  out.value.hint.term = {le::get<std::uint64_t>(image, 40)};
  out.value.cluster_id = le::get_text(image, cluster_at, cluster_length);
  out.value.node_id = le::get_text(image, node_at, node_length);
  out.value.vote = le::get_text(image, vote_at, vote_length);
  out.value.host = le::get_text(image, host_at, host_length);
  return out;
}

meta_pair::meta_pair(file_system& fs, std::string directory) : fs_(fs), directory_(std::move(directory)) {}

std::string meta_pair::path_of(std::uint64_t slot) const {
  return directory_ + "/meta." + std::to_string(slot);
}

status meta_pair::fail(error e) {
  poisoned_ = true;
  e.kind = error_kind::io;
  return e;
}

result<meta_pair::loaded> meta_pair::load() {
  if (auto s = fs_.make_directory(directory_); !s)
    return fail(s.failure()).failure();
  loaded out;
  int present = 0;
  for (std::uint64_t slot = 0; slot < 2; ++slot) {
    auto opened = fs_.open(path_of(slot), open_mode::read_write);
    if (!opened && opened.failure().kind == error_kind::not_found)
      continue;
    if (!opened)
      return fail(opened.failure()).failure();
    ++present;
    bytes image(meta_file_bytes + 1);
    const auto got = (*opened)->read_at(0, image);
    image.resize(got ? *got : 0);
    auto decoded = decode_meta(image);
    if (!decoded) {
      ++out.damaged_copies;
      continue;
    }
    // What a killed process wrote may still be in the page cache alone.
    if (auto s = (*opened)->sync(); !s)
      return fail(s.failure()).failure();
    files_[slot] = std::move(*opened);
    if (!out.value || decoded->counter > counter_) {
      counter_ = decoded->counter;
      next_slot_ = 1 - slot;
      out.value = std::move(decoded->value);
    }
  }
  if (auto s = fs_.sync_directory(directory_); !s)
    return fail(s.failure()).failure();
  // The very first save makes meta.0 alone; a single copy with a later counter has lost its twin.
  if (present == 1 && (out.damaged_copies == 1 || counter_ > 1))
    ++out.damaged_copies;
  out.suspect = out.damaged_copies > 0;
  out.counter = counter_;
  is_loaded_ = true;
  return out;
}

status meta_pair::create(std::uint64_t slot, byte_view image) {
  const auto path = path_of(slot);
  const auto temporary = path + ".new";
  auto opened = fs_.open(temporary, open_mode::create);
  if (!opened)
    return opened.failure().kind == error_kind::no_space ? status(opened.failure()) : fail(opened.failure());
  if (auto s = (*opened)->write_at(0, image); !s)
    return s.failure().kind == error_kind::no_space ? s : fail(s.failure());
  if (auto s = (*opened)->sync(); !s)
    return fail(s.failure());
  if (auto s = fs_.rename(temporary, path); !s)
    return fail(s.failure());
  if (auto s = fs_.sync_directory(directory_); !s)
    return fail(s.failure());
  files_[slot] = std::move(*opened);
  return {};
}

status meta_pair::save(const meta& value) {
  if (poisoned_)
    return error{error_kind::poisoned, 0, "meta: an earlier write failed"};
  if (!is_loaded_ || !fits(value))
    return error{error_kind::invalid, 0, is_loaded_ ? "meta: a field is too long" : "meta: not loaded yet"};
  const auto image = encode_meta(value, counter_ + 1);
  if (!files_[next_slot_]) {
    if (auto s = create(next_slot_, image); !s)
      return s;
  } else {
    if (auto s = files_[next_slot_]->write_at(0, image); !s)
      return fail(s.failure());
    if (auto s = files_[next_slot_]->sync(); !s)
      return fail(s.failure());
  }
  ++counter_;
  next_slot_ = 1 - next_slot_;
  return {};
}

} // namespace holdfast::wal
