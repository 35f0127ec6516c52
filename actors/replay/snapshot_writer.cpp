#include "actors/replay/snapshot_codec.hpp"

#include "actors/replay/snapshot_format.hpp"
#include "actors/replay/state_hash.hpp"

namespace holdfast::replay {
namespace {

class writer {
public:
  writer(const snapshot_sink& sink, std::size_t chunk_bytes) : sink_(sink), chunk_bytes_(chunk_bytes) {
    buffer_.reserve(chunk_bytes + chunk_bytes / 4);
  }

  void head(const store_state& state) {
    out_.raw(msg::as_bytes(snapshot_magic));
    out_.u64(state.applied_index);
    out_.zigzag(state.time.ms);
    out_.u64(state.digest.commands);
    out_.u64(state.digest.contents);
    out_.u32(state.format);
    out_.raw(std::as_bytes(std::span{state.active.node.bytes}));
    out_.u64(state.active.epoch);
    out_.u64(state.generation);
    out_.varint(state.prefixes.size());
    out_.varint(state.objects);
    out_.varint(state.answers.by_index.size());
  }

  bool table(std::string_view name, const prefix_table& table) {
    out_.text(name);
    out_.varint(table.last_change.value);
    out_.varint(table.objects.size());
    return table.objects.visit_all([this](const pmap::shared_string& key, const msg::object_ref& object) {
      out_.text(key.view());
      out_.varint(object->rev.value);
      out_.text(object->json);
      return flush_if_full();
    });
  }

  bool answer(std::uint64_t index, const remembered_answer& kept) {
    out_.varint(index);
    out_.zigzag(kept.time.ms);
    out_.text(kept.key);
    out_.u16(kept.answer.status);
    out_.text(kept.answer.body);
    return flush_if_full();
  }

  bool finish() {
    if (!flush())
      return false;
    out_.u64(hash_.value());
    return flush();
  }

  [[nodiscard]] std::uint64_t written() const { return written_; }

private:
  bool flush_if_full() { return buffer_.size() < chunk_bytes_ || flush(); }

  bool flush() {
    hash_.add(buffer_.data(), buffer_.size());
    if (!sink_(buffer_))
      return false;
    written_ += buffer_.size();
    buffer_.clear();
    return true;
  }

  const snapshot_sink& sink_;
  std::size_t chunk_bytes_;
  msg::byte_buffer buffer_;
  msg::wire_writer out_{buffer_};
  stream_hash hash_;
  std::uint64_t written_ = 0;
};

} // namespace

std::optional<std::uint64_t> write_snapshot(const store_state& state, const snapshot_sink& sink,
                                            std::size_t chunk_bytes) {
  writer w{sink, chunk_bytes};
  w.head(state);
  const bool whole = state.prefixes.visit_all([&w](const pmap::shared_string& name,
                                                   const prefix_table& table) {
    return w.table(name.view(), table);
  }) && state.answers.by_index.visit_all([&w](std::uint64_t index, const remembered_ptr& kept) {
    return w.answer(index, *kept);
  }) && w.finish();
  if (!whole)
    return std::nullopt;
  return w.written();
}

} // namespace holdfast::replay
