// Content packs (contract §5.2) as layers over the store. A pack is kept whole under `_contents/<name>`; its
// objects are ordinary records, marked ReadOnly with Bundle = the pack's name, so that reads cost nothing
// extra. An object of an overwritable pack (BasicStore, LocalStore, DefaultStore) can be covered and comes
// back when what covers it goes. `BackingStore` is no pack: it is all writable objects. Every change is one
// transaction. Pure: any thread, no clock. Refusals are thrown as api_error.
#pragma once

#include "actors/api/json_value.hpp"
#include "actors/api/object_writes.hpp"
#include "actors/api/prefix_table.hpp"
#include "actors/api/write_draft.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::api {

inline constexpr std::string_view contents_prefix = "_contents";
inline constexpr std::string_view backing_store = "BackingStore";

struct content_request {
  std::string name; ///< from the path; empty for POST
  std::string method;
  std::string body;
  bool replace_writable = false;
  std::span<const std::string_view> features; ///< what RequiredFeatures may name
  bool by_server = false;                     ///< built-in packs may be written by the server alone
};

/// POST (name empty) or PUT of a pack; the answer is its summary.
[[nodiscard]] write_plan plan_content_put(const msg::view_ptr& view, const content_request& request);
[[nodiscard]] write_plan plan_content_delete(const msg::view_ptr& view, std::string_view name,
                                             std::string_view method);

/// JSON array of summaries, that of BackingStore (backing_store.hpp) first, then by name.
[[nodiscard]] std::string content_summaries(const msg::object_view& view, std::string_view backing);
/// The whole content of a pack, or nothing.
[[nodiscard]] std::optional<std::string> content_text(const msg::object_view& view, std::string_view name);

struct covered {
  json::document object; ///< full form
  std::string pack;
};
/// The object of that key which an overwritable pack holds.
[[nodiscard]] std::optional<covered> covered_object(const write_draft& draft, const prefix_desc& desc,
                                                    std::string_view key);

} // namespace holdfast::api
