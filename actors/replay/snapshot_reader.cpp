#include "actors/replay/snapshot_codec.hpp"

#include "actors/replay/snapshot_format.hpp"
#include "actors/replay/state_hash.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace holdfast::replay {

using msg::byte_buffer;
using msg::byte_view;
using msg::wire_reader;

/// Takes the stream apart item by item. An item that is not whole yet is tried again when more bytes are
/// there; that costs a look at its lengths, never a second copy of its contents.
struct snapshot_reader::parser {
  enum class stage : std::uint8_t { head, table, object, answer, trailer, done, failed };

  msg::transaction_limits limits;
  stage at = stage::head;
  std::string error;
  byte_buffer pending;        ///< the beginning of an item that is not whole yet
  std::uint64_t consumed = 0; ///< bytes of whole items before `pending`
  stream_hash hash;           ///< over those bytes

  store_state state;
  std::uint64_t tables_left = 0;
  std::uint64_t answers_left = 0;
  std::uint64_t objects_declared = 0;
  std::uint64_t objects_left = 0; ///< in the current table
  std::uint64_t contents = 0;     ///< recomputed
  std::string table_name;
  msg::revision table_change;
  pmap::map_builder<pmap::shared_string, prefix_table> tables;
  pmap::map_builder<pmap::shared_string, msg::object_ref> objects;
  pmap::map_builder<std::uint64_t, remembered_ptr> answers;

  bool fail(const char* what) {
    error = what;
    return false;
  }

  /// Reads one item; false with `error` set: the stream is bad; false without: more bytes are needed.
  bool item(wire_reader& r);
  bool head(wire_reader& r);
  bool table(wire_reader& r);
  bool object(wire_reader& r);
  bool answer(wire_reader& r);
  bool trailer(wire_reader& r);
  bool close_table();
  void next_stage();
  bool broken(const wire_reader& r);
  std::size_t consume(byte_view in);
};

/// After the reads of an item: true when it cannot be used (yet).
bool snapshot_reader::parser::broken(const wire_reader& r) {
  if (r.ok())
    return false;
  if (r.fault() == msg::wire_fault::malformed)
    fail("a number is not in its shortest form or has no meaning");
  else if (r.fault() == msg::wire_fault::over_limit)
    fail("a length is above its limit");
  return true;
}

bool snapshot_reader::parser::head(wire_reader& r) {
  const byte_view magic = r.raw(snapshot_magic.size());
  if (r.ok() && !std::ranges::equal(magic, msg::as_bytes(snapshot_magic)))
    return fail("not a snapshot, or of a format this program does not know");
  state.applied_index = r.u64();
  state.time.ms = r.zigzag();
  state.digest.commands = r.u64();
  state.digest.contents = r.u64();
  state.format = r.u32();
  const byte_view id = r.raw(state.active.node.bytes.size());
  for (std::size_t i = 0; i < id.size(); ++i)
    state.active.node.bytes[i] = static_cast<std::uint8_t>(id[i]);
  state.active.epoch = r.u64();
  state.generation = r.u64();
  tables_left = r.varint();
  objects_declared = r.varint();
  answers_left = r.varint();
  if (broken(r))
    return false;
  if (state.time.ms < 0)
    return fail("the log time is negative");
  if (state.format > msg::newest_format)
    return fail("the state has a format that this program cannot replay");
  next_stage();
  return true;
}

bool snapshot_reader::parser::table(wire_reader& r) {
  const std::string_view name = r.text(limits.prefix);
  const msg::revision change{r.varint()};
  const std::uint64_t count = r.varint();
  if (broken(r))
    return false;
  if (name.empty())
    return fail("a prefix has no name");
  if (change.value == 0 || change.value > state.applied_index)
    return fail("a prefix changed after the index of the snapshot");
  table_name = name;
  table_change = change;
  objects_left = count;
  --tables_left;
  at = stage::object;
  return objects_left > 0 || close_table();
}

bool snapshot_reader::parser::close_table() {
  prefix_table table{objects.finish(), table_change};
  state.objects += table.objects.size();
  if (!tables.append(pmap::shared_string{table_name}, std::move(table)))
    return fail("the prefixes are out of order");
  next_stage();
  return true;
}

bool snapshot_reader::parser::object(wire_reader& r) {
  const std::string_view key = r.text(limits.key);
  const msg::revision rev{r.varint()};
  const std::string_view json = r.text(limits.json);
  if (broken(r))
    return false;
  if (key.empty())
    return fail("an object has no key");
  if (rev.value == 0 || rev > table_change)
    return fail("an object is newer than the last change of its prefix");
  auto made = std::make_shared<msg::object_record>(msg::object_record{std::string{json}, rev});
  contents += object_hash(table_name, key, *made);
  if (!objects.append(pmap::shared_string{key}, std::move(made)))
    return fail("the objects are out of order");
  --objects_left;
  return objects_left > 0 || close_table();
}

bool snapshot_reader::parser::answer(wire_reader& r) {
  const std::uint64_t index = r.varint();
  const msg::log_time time{r.zigzag()};
  const std::string_view key = r.text(limits.idempotency_key);
  const std::uint16_t status = r.u16();
  const std::string_view body = r.text(limits.answer);
  if (broken(r))
    return false;
  if (key.empty() || index == 0 || index > state.applied_index || time.ms < 0 || time > state.time)
    return fail("an answer has no key, or is newer than the snapshot");
  const auto kept = std::make_shared<const remembered_answer>(
      remembered_answer{std::string{key}, time, {status, std::string{body}}});
  if (!answers.append(index, kept))
    return fail("the answers are out of order");
  if (!state.answers.by_key.insert_or_assign(pmap::shared_string{key}, kept))
    return fail("two answers have one key");
  state.answers.bytes += kept->cost();
  --answers_left;
  next_stage();
  return true;
}

bool snapshot_reader::parser::trailer(wire_reader& r) {
  const std::uint64_t expected = r.u64();
  if (broken(r))
    return false;
  if (expected != hash.value())
    return fail("the hash of the bytes does not match: the snapshot is damaged");
  state.prefixes = tables.finish();
  state.answers.by_index = answers.finish();
  if (state.objects != objects_declared)
    return fail("the number of objects is not the one declared");
  if (contents != state.digest.contents)
    return fail("the hash of the contents does not match");
  at = stage::done;
  return true;
}

void snapshot_reader::parser::next_stage() {
  if (tables_left > 0)
    at = stage::table;
  else if (answers_left > 0)
    at = stage::answer;
  else
    at = stage::trailer;
}

bool snapshot_reader::parser::item(wire_reader& r) {
  switch (at) {
  case stage::head:
    return head(r);
  case stage::table:
    return table(r);
  case stage::object:
    return object(r);
  case stage::answer:
    return answer(r);
  case stage::trailer:
    return trailer(r);
  case stage::done:
    return fail("bytes follow the end of the snapshot");
  case stage::failed:
    break;
  }
  return false;
}

/// Takes all whole items from `in`; returns how many bytes they were.
std::size_t snapshot_reader::parser::consume(byte_view in) {
  std::size_t used = 0;
  std::size_t hashed = 0;
  while (used < in.size()) {
    if (at == stage::trailer) {
      hash.add(in.data() + hashed, used - hashed);
      hashed = used;
    }
    wire_reader r{in.subspan(used)};
    const bool whole = item(r);
    if (!error.empty()) {
      error += " (at byte " + std::to_string(consumed + used + r.position()) + ")";
      at = stage::failed;
      return used;
    }
    if (!whole)
      break;
    used += r.position();
  }
  hash.add(in.data() + hashed, used - hashed);
  consumed += used;
  return used;
}

snapshot_reader::snapshot_reader(msg::transaction_limits limits) : parser_(std::make_unique<parser>()) {
  parser_->limits = limits;
}
snapshot_reader::~snapshot_reader() = default;

snapshot_reader::status snapshot_reader::feed(byte_view chunk) {
  parser& p = *parser_;
  if (p.at == parser::stage::failed)
    return status::failed;
  if (p.pending.empty()) {
    const std::size_t used = p.consume(chunk);
    p.pending.assign(chunk.begin() + static_cast<std::ptrdiff_t>(used), chunk.end());
  } else {
    p.pending.insert(p.pending.end(), chunk.begin(), chunk.end());
    const std::size_t used = p.consume(p.pending);
    p.pending.erase(p.pending.begin(), p.pending.begin() + static_cast<std::ptrdiff_t>(used));
  }
  if (p.at == parser::stage::failed) {
    p.pending = {};
    p.state = {};
    return status::failed;
  }
  return p.at == parser::stage::done ? status::done : status::more;
}

const std::string& snapshot_reader::error() const {
  return parser_->error;
}

store_state snapshot_reader::take() {
  if (parser_->at != parser::stage::done)
    throw std::logic_error("a snapshot was taken before it was whole");
  return std::exchange(parser_->state, {});
}

} // namespace holdfast::replay
