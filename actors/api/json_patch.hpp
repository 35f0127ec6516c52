// JSON Patch (RFC 6902) over JSON Pointer (RFC 6901), as the generic PATCH applies it (contract §3.5).
// Pure: any thread.
#pragma once

#include "actors/api/json_value.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace holdfast::api {

enum class patch_op : std::uint8_t { add, remove, replace, move, copy, test };

struct patch_step {
  patch_op op = patch_op::test;
  std::vector<std::string> path; ///< unescaped tokens; empty: the root
  std::vector<std::string> from;
  std::string path_text;
  std::string from_text;
  const json::value* value = nullptr; ///< inside the decoded document, which must live on
};

/// The steps, or why the body is no patch. `body` is the decoded document and outlives the result.
[[nodiscard]] std::variant<std::vector<patch_step>, std::string> decode_patch(const json::value& body);

struct patch_failure {
  std::size_t line = 0; ///< zero-based position of the step
  std::string reason;   ///< "Test op failed." for a test
};

/// True when more than `most` arrays and objects are open at once somewhere in `v`. Looks no deeper than
/// that.
[[nodiscard]] bool deeper_than(const json::value& v, unsigned most);

/// Applies all steps to `target`, in order. On failure `target` is unspecified: the caller throws it away.
/// Steps may use at most `max_bytes` of memory together, so that copy steps cannot double a document without
/// end, and no result may be nested deeper than a body may be (json::limits), so that it can be read again.
[[nodiscard]] std::optional<patch_failure> apply_patch(const std::vector<patch_step>& steps,
                                                       json::value& target, json::allocator& memory,
                                                       std::size_t max_bytes = std::size_t{16} << 20);

/// The second message of a failed patch: "Patch: " and the steps, indented by two spaces, keys in the order
/// op, path, from, value.
[[nodiscard]] std::string patch_dump(const std::vector<patch_step>& steps);
/// Both messages of a failed patch.
[[nodiscard]] std::vector<std::string> patch_messages(const std::vector<patch_step>& steps,
                                                      const patch_failure& failure);

/// Replaces characters JSON Pointer escapes: ~0 and ~1.
[[nodiscard]] std::string escape_pointer_token(std::string_view token);

} // namespace holdfast::api
