// What one write of an object becomes: create, replace, patch and delete as a transaction over a view
// (architecture §5, contract §2, §3.4, §3.5). All refusals are thrown as api_error. Pure: any thread, no
// clock.
#pragma once

#include "actors/api/error_body.hpp"
#include "actors/api/json_value.hpp"
#include "actors/api/prefix_table.hpp"
#include "actors/api/write_draft.hpp"
#include "messages/object_view.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace holdfast::api {

/// Unique secondary indexes live in the store as `_unique` objects "<prefix>/<index>/<value>" → JSON string
/// of the key, so that uniqueness is a precondition like any other and a look-up needs no scan.
inline constexpr std::string_view unique_prefix = "_unique";
[[nodiscard]] std::string unique_key(std::string_view prefix, std::string_view index, std::string_view value);

/// Values that must not differ between two attempts of one request; drawn once per request.
struct fresh_values {
  std::string uuid;
  std::string secret;
};
[[nodiscard]] fresh_values draw_fresh_values();

/// One request to write an object.
struct write_request {
  const prefix_desc* desc = nullptr;
  std::string key;    ///< as asked in the path; for create empty
  std::string method; ///< for error texts
  std::string body;   ///< as sent
  bool force = false;
  fresh_values fresh;
  msg::log_time now; ///< when the request came; for times that the server sets
  /// Called with the action and the key before anything is proposed ("update:/Description"); throws to
  /// refuse.
  std::function<void(std::string_view action, std::string_view key)> check;
};

struct write_plan {
  msg::transaction tx; ///< no mutations: nothing to do, the answer is final
  unsigned status = 200;
  std::string body; ///< the answer, once applied
};

[[nodiscard]] write_plan plan_create(const msg::view_ptr& view, const write_request& request);
[[nodiscard]] write_plan plan_replace(const msg::view_ptr& view, const write_request& request);
[[nodiscard]] write_plan plan_patch(const msg::view_ptr& view, const write_request& request);
[[nodiscard]] write_plan plan_delete(const msg::view_ptr& view, const write_request& request);

/// The key of the object the client calls `asked`: the key itself, or `Index:value` for a unique index.
/// Nothing when there is no such object (or the index is not unique).
[[nodiscard]] std::optional<std::string> locate(const prefix_desc& desc, std::string_view asked,
                                                const msg::object_view& view);

/// Lower level, for sub-resources and content packs: judges a full object and puts it into the draft, its
/// unique indexes included. `bundle` and `read_only` say who owns it. Throws the ValidationError of §2.
void put_object(write_draft& draft, const prefix_desc& desc, std::string_view key, json::value& object,
                json::allocator& memory, std::string_view bundle = {}, bool read_only = false);
/// Removes it with its unique indexes; nothing when it does not exist.
void remove_object(write_draft& draft, const prefix_desc& desc, std::string_view key);
/// Judges every object again that refers to something the draft changes, until nothing changes any more.
void settle_references(write_draft& draft);

/// Decodes and shapes a body; throws 400 errors.
void decode_object(const prefix_desc& desc, std::string_view method, std::string_view body,
                   json::document& out);

} // namespace holdfast::api
