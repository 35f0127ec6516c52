// Binary form of a transaction, the payload of a `command` entry of the log and of a forwarded write.
// One transaction has one encoding. Fields as in messages/wire.hpp:
//
//   u8      version of this format: 1
//   text    idempotency key (empty: none)
//   text    principal
//   zigzag  log time, milliseconds since the Unix epoch
//   varint  number of preconditions, then for each: text prefix, text key, u8 expectation,
//           and, for expectation 3 (revision) only, varint revision (never 0)
//   varint  number of mutations, then for each: text prefix, text key, u8 what (1 put, 0 delete),
//           and, for a put only, text JSON
//   u16 status, text body of the answer — present only when the idempotency key is not empty
//   nothing more: trailing bytes are refused
#pragma once

#include "messages/transaction.hpp"
#include "messages/wire.hpp"

#include <string>

namespace holdfast::msg {

/// What a transaction may hold at most; bytes unless it says otherwise. The limits are part of the format:
/// every member must agree on them, so a change of them needs a version gate.
struct transaction_limits {
  std::size_t operations = 65'536; ///< preconditions and mutations, each
  std::size_t prefix = 256;
  std::size_t key = 1'024;
  std::size_t json = 16U << 20U;
  std::size_t idempotency_key = 256;
  std::size_t principal = 1'024;
  std::size_t answer = 16U << 20U;
  std::size_t total = 48U << 20U; ///< the whole encoding
};

enum class codec_error : std::uint8_t {
  none,
  short_input,     ///< ends in the middle of a field
  malformed,       ///< a value that no encoder writes
  over_limit,      ///< a count or length above transaction_limits
  unknown_version, ///< written by a newer program
  trailing_bytes,
};
[[nodiscard]] const char* to_string(codec_error error);

/// The codec_error of a reader's fault.
[[nodiscard]] codec_error to_codec_error(wire_fault fault);

/// Says whether `tx` may be encoded: none, over_limit, or malformed (an expectation outside the enumeration,
/// a revision precondition of 0, an empty prefix or key, an answer without an idempotency key). Pure.
[[nodiscard]] codec_error check(const transaction& tx, const transaction_limits& limits = {});

/// Appends the encoding of `tx` to `out`; on any result but none `out` is as before. Pure, any thread.
[[nodiscard]] codec_error encode(const transaction& tx, byte_buffer& out,
                                 const transaction_limits& limits = {});

struct decoded_transaction {
  codec_error error = codec_error::none;
  transaction tx; ///< meaningful only when error is none
};

/// Decodes exactly one transaction. Memory is bounded by a small multiple of the input's size. Pure, any
/// thread.
[[nodiscard]] decoded_transaction decode_transaction(byte_view in, const transaction_limits& limits = {});

} // namespace holdfast::msg
