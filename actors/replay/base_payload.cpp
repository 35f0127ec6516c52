#include "actors/replay/base_payload.hpp"

#include <raft/codec.hpp>

#include <array>

namespace holdfast::replay {

namespace {

constexpr std::size_t prefix_bytes = 4;
// Far above any configuration the core accepts (limits::max_members and their addresses).
constexpr std::size_t max_config_bytes = std::size_t{1} << 20;

std::uint32_t length_in(wal::byte_view in) {
  std::uint32_t value = 0;
  for (std::size_t i = prefix_bytes; i-- > 0;)
    value = value << 8U | std::to_integer<std::uint32_t>(in[i]);
  return value;
}

/// Gathers the length and the configuration from the first chunks and decodes them.
class head_reader {
public:
  enum class state : std::uint8_t { more, done, failed };

  /// Takes what belongs to the head off the front of `chunk`.
  state feed(wal::byte_view& chunk) {
    while (head_.size() < wanted_ && !chunk.empty()) {
      const auto take = std::min(wanted_ - head_.size(), chunk.size());
      head_.append(reinterpret_cast<const char*>(chunk.data()), take);
      chunk = chunk.subspan(take);
      if (head_.size() == prefix_bytes) {
        const auto length = length_in(std::as_bytes(std::span{head_}));
        if (length == 0 || length > max_config_bytes)
          return state::failed;
        wanted_ += length;
      }
    }
    return head_.size() < wanted_ ? state::more : state::done;
  }

  [[nodiscard]] std::variant<raft::config, std::string> config(const raft::limits& lim) const {
    auto decoded = raft::decode_config(std::string_view(head_).substr(prefix_bytes), lim);
    if (const auto* error = std::get_if<raft::decode_error>(&decoded))
      return std::string("the configuration: ") + raft::to_string(*error);
    return std::get<raft::config>(std::move(decoded));
  }

private:
  std::string head_;
  std::size_t wanted_ = prefix_bytes;
};

constexpr auto ends_early = "the snapshot ends early";
constexpr auto bad_length = "the configuration's length makes no sense";

} // namespace

std::variant<raft::config, std::string> read_base_config(wal::base_reader& reader, const raft::limits& lim) {
  if (reader.info().payload_bytes == 0)
    return raft::config{};
  head_reader head;
  for (;;) {
    auto chunk = reader.next();
    if (!chunk)
      return chunk.failure().what;
    if (chunk->empty())
      return ends_early;
    wal::byte_view rest = *chunk;
    const auto state = head.feed(rest);
    if (state == head_reader::state::failed)
      return bad_length;
    if (state == head_reader::state::done)
      return head.config(lim);
  }
}

std::variant<base_content, std::string> read_base(wal::base_reader& reader, const raft::limits& lim) {
  base_content content;
  if (reader.info().payload_bytes == 0)
    return content;
  head_reader head;
  auto gathered = head_reader::state::more;
  snapshot_reader state;
  auto fed = snapshot_reader::status::more;
  for (;;) {
    auto chunk = reader.next();
    if (!chunk)
      return chunk.failure().what;
    if (chunk->empty())
      break;
    wal::byte_view rest = *chunk;
    gathered = head.feed(rest);
    if (gathered == head_reader::state::failed)
      return bad_length;
    if (!rest.empty())
      fed = state.feed(rest);
    if (fed == snapshot_reader::status::failed)
      return state.error();
  }
  if (gathered != head_reader::state::done || fed != snapshot_reader::status::done)
    return ends_early;
  auto members = head.config(lim);
  if (auto* error = std::get_if<std::string>(&members))
    return std::move(*error);
  content.members = std::get<raft::config>(std::move(members));
  content.state = std::make_shared<loaded_state>();
  content.state->state = state.take();
  if (content.state->state.applied_index != reader.info().index.value)
    return "the state inside stands at another index than the file says";
  return content;
}

wal::status write_base(wal::base_writer& writer, const std::string& encoded_config, const store_state& state,
                       const std::function<bool(std::size_t)>& after_piece) {
  std::array<std::byte, prefix_bytes> prefix{};
  auto length = static_cast<std::uint32_t>(encoded_config.size());
  for (auto& byte : prefix) {
    byte = static_cast<std::byte>(length & 0xFFU);
    length >>= 8U;
  }
  if (auto done = writer.write(prefix); !done)
    return done;
  if (auto done = writer.write(std::as_bytes(std::span{encoded_config})); !done)
    return done;
  wal::status failed;
  const auto written = write_snapshot(state, [&](msg::byte_view chunk) {
    failed = writer.write(chunk);
    if (failed.ok() && !after_piece(chunk.size()))
      failed = wal::error{wal::error_kind::invalid, 0, "the snapshot was called off"};
    return failed.ok();
  });
  if (!failed)
    return failed;
  if (!written)
    return wal::error{wal::error_kind::invalid, 0, "the state cannot be encoded"};
  return {};
}

} // namespace holdfast::replay
