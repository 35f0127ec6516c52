// JSON values as the CLI handles them: reading arguments in any of the forms the grammar allows, comparing,
// merging, and making the patch that `update` sends.
//
// Single-threaded. Every function here throws cli::failure with a text for people when the input is bad.
#pragma once

#include <rapidjson/document.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace holdfast::cli {

using value = rapidjson::Value;
using document = rapidjson::Document;

/// Ends a command with exit code 1 and `Error: <what>` on stderr.
struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Parses JSON; `where` names the source in the error text.
[[nodiscard]] document parse_json(std::string_view text, std::string_view where);

/// Parses one document of JSON or YAML; `where` names the source in the error text.
[[nodiscard]] document parse_document(const std::string& text, const std::string& where);

/// Reads an argument: `-` is standard input, the name of a readable file is its content, anything else is the
/// text itself. The content may be JSON or YAML (contract §9).
[[nodiscard]] document read_argument(const std::string& argument);

/// The bytes behind an argument that is a file name or `-`.
[[nodiscard]] std::string read_bytes(const std::string& path);

/// A word of the command line as a JSON value: valid JSON stays what it is, anything else is a string.
[[nodiscard]] document word_to_json(const std::string& word);

[[nodiscard]] std::string to_compact(const value& v);

/// A copy of `v` with the keys of every object in order: server key order never shows in output.
[[nodiscard]] document sorted(const value& v);

/// RFC 7396 merge of `change` into `target`.
void merge(value& target, const value& change, document::AllocatorType& alloc);

/// The RFC 6902 patch from one object to another as the existing client makes it (contract §3.5): maps key by
/// key, scalars and arrays whole, a `test` of the old value before each replace or remove.
[[nodiscard]] document make_patch(const value& before, const value& after);

/// The same with one `test` of the whole reference object in front instead (`--ref`).
[[nodiscard]] document make_patch_against(const value& reference, const value& before, const value& after);

} // namespace holdfast::cli
