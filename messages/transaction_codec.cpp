#include "messages/transaction_codec.hpp"

#include <algorithm>

namespace holdfast::msg {
namespace {

constexpr std::uint8_t format_version = 1;
constexpr std::uint8_t what_delete = 0;
constexpr std::uint8_t what_put = 1;
/// The least a precondition or mutation can take: two one-letter texts and a byte.
constexpr std::size_t smallest_operation = 5;

bool known(expectation expect) {
  return expect == expectation::absent || expect == expectation::exists || expect == expectation::revision;
}

codec_error check_name(const std::string& prefix, const std::string& key, const transaction_limits& limits) {
  if (prefix.empty() || key.empty())
    return codec_error::malformed;
  if (prefix.size() > limits.prefix || key.size() > limits.key)
    return codec_error::over_limit;
  return codec_error::none;
}

codec_error check_parts(const transaction& tx, const transaction_limits& limits) {
  for (const auto& p : tx.preconditions) {
    if (const auto error = check_name(p.prefix, p.key, limits); error != codec_error::none)
      return error;
    if (!known(p.expect) || (p.expect == expectation::revision && p.rev.value == 0))
      return codec_error::malformed;
  }
  for (const auto& m : tx.mutations) {
    if (const auto error = check_name(m.prefix, m.key, limits); error != codec_error::none)
      return error;
    if (m.json && m.json->size() > limits.json)
      return codec_error::over_limit;
  }
  return codec_error::none;
}

void write(const transaction& tx, byte_buffer& out) {
  wire_writer w{out};
  w.u8(format_version);
  w.text(tx.idempotency_key);
  w.text(tx.principal);
  w.zigzag(tx.time.ms);
  w.varint(tx.preconditions.size());
  for (const auto& p : tx.preconditions) {
    w.text(p.prefix);
    w.text(p.key);
    w.u8(static_cast<std::uint8_t>(p.expect));
    if (p.expect == expectation::revision)
      w.varint(p.rev.value);
  }
  w.varint(tx.mutations.size());
  for (const auto& m : tx.mutations) {
    w.text(m.prefix);
    w.text(m.key);
    w.u8(m.json ? what_put : what_delete);
    if (m.json)
      w.text(*m.json);
  }
  if (!tx.idempotency_key.empty()) {
    w.u16(tx.answer.status);
    w.text(tx.answer.body);
  }
}

/// An upper bound of the encoding's size, so that the buffer grows once.
std::size_t size_bound(const transaction& tx) {
  constexpr std::size_t fixed = 128;
  constexpr std::size_t per_operation = 48;
  std::size_t sum = fixed + tx.idempotency_key.size() + tx.principal.size() + tx.answer.body.size();
  for (const auto& p : tx.preconditions)
    sum += per_operation + p.prefix.size() + p.key.size();
  for (const auto& m : tx.mutations)
    sum += per_operation + m.prefix.size() + m.key.size() + (m.json ? m.json->size() : 0);
  return sum;
}

std::string name(wire_reader& r, std::size_t limit) {
  const std::string_view text = r.text(limit);
  if (text.empty())
    r.refuse();
  return std::string{text};
}

precondition read_precondition(wire_reader& r, const transaction_limits& limits) {
  precondition p;
  p.prefix = name(r, limits.prefix);
  p.key = name(r, limits.key);
  p.expect = static_cast<expectation>(r.u8());
  if (!known(p.expect))
    r.refuse();
  if (p.expect == expectation::revision) {
    p.rev.value = r.varint();
    if (p.rev.value == 0)
      r.refuse();
  }
  return p;
}

mutation read_mutation(wire_reader& r, const transaction_limits& limits) {
  mutation m;
  m.prefix = name(r, limits.prefix);
  m.key = name(r, limits.key);
  const std::uint8_t what = r.u8();
  if (what == what_put)
    m.json = std::string{r.text(limits.json)};
  else if (what != what_delete)
    r.refuse();
  return m;
}

/// How many operations follow. A count that the rest of the input cannot hold is refused before memory is set
/// aside for it.
std::size_t read_count(wire_reader& r, const transaction_limits& limits) {
  const auto count = static_cast<std::size_t>(r.varint_up_to(limits.operations));
  if (count <= r.remaining() / smallest_operation)
    return count;
  static_cast<void>(r.raw(r.remaining() + 1));
  return 0;
}

} // namespace

const char* to_string(codec_error error) {
  switch (error) {
  case codec_error::none:
    return "no error";
  case codec_error::short_input:
    return "the input ends in the middle of a field";
  case codec_error::malformed:
    return "the input holds a value that cannot be";
  case codec_error::over_limit:
    return "a count or a length is above its limit";
  case codec_error::unknown_version:
    return "the format version is not known to this program";
  case codec_error::trailing_bytes:
    return "bytes follow the last field";
  }
  return "unknown error";
}

codec_error to_codec_error(wire_fault fault) {
  switch (fault) {
  case wire_fault::none:
    return codec_error::none;
  case wire_fault::short_input:
    return codec_error::short_input;
  case wire_fault::malformed:
    return codec_error::malformed;
  case wire_fault::over_limit:
    return codec_error::over_limit;
  }
  return codec_error::malformed;
}

codec_error check(const transaction& tx, const transaction_limits& limits) {
  if (tx.preconditions.size() > limits.operations || tx.mutations.size() > limits.operations ||
      tx.idempotency_key.size() > limits.idempotency_key || tx.principal.size() > limits.principal ||
      tx.answer.body.size() > limits.answer)
    return codec_error::over_limit;
  if (tx.idempotency_key.empty() && (tx.answer.status != 0 || !tx.answer.body.empty()))
    return codec_error::malformed;
  return check_parts(tx, limits);
}

codec_error encode(const transaction& tx, byte_buffer& out, const transaction_limits& limits) {
  if (const auto error = check(tx, limits); error != codec_error::none)
    return error;
  const std::size_t start = out.size();
  out.reserve(std::max(out.capacity(), start + size_bound(tx)));
  write(tx, out);
  if (out.size() - start <= limits.total)
    return codec_error::none;
  out.resize(start);
  return codec_error::over_limit;
}

decoded_transaction decode_transaction(byte_view in, const transaction_limits& limits) {
  decoded_transaction result;
  if (in.size() > limits.total)
    return {codec_error::over_limit, {}};
  wire_reader r{in};
  const std::uint8_t version = r.u8();
  if (r.ok() && version != format_version)
    return {codec_error::unknown_version, {}};
  transaction& tx = result.tx;
  tx.idempotency_key = r.text(limits.idempotency_key);
  tx.principal = r.text(limits.principal);
  tx.time.ms = r.zigzag();
  const std::size_t preconditions = read_count(r, limits);
  tx.preconditions.reserve(preconditions);
  for (std::size_t i = 0; i < preconditions && r.ok(); ++i)
    tx.preconditions.push_back(read_precondition(r, limits));
  const std::size_t mutations = read_count(r, limits);
  tx.mutations.reserve(mutations);
  for (std::size_t i = 0; i < mutations && r.ok(); ++i)
    tx.mutations.push_back(read_mutation(r, limits));
  if (!tx.idempotency_key.empty()) {
    tx.answer.status = r.u16();
    tx.answer.body = r.text(limits.answer);
  }
  result.error = to_codec_error(r.fault());
  if (result.error == codec_error::none && !r.at_end())
    result.error = codec_error::trailing_bytes;
  if (result.error != codec_error::none)
    tx = {};
  return result;
}

} // namespace holdfast::msg
