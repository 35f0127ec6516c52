// The params and meta of one object as documents of their own (contract §3.8). Pure: any thread.
#pragma once

#include "actors/api/json_value.hpp"
#include "actors/api/object_writes.hpp"
#include "actors/api/prefix_table.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::api {

/// How a params request reads.
struct param_query {
  bool aggregate = false; ///< merge profiles, stage, global and defaults beneath
  bool compose = false;   ///< merge maps and append lists on the way
  bool only = false;      ///< keep just `names`
  std::vector<std::string> names;
};

/// The params of a stored object. Aggregation order, first one wins: the object, its profiles in order (each
/// with its own profiles), its stage's params and profiles, the profile global, the params' defaults.
[[nodiscard]] json::document params_of(const msg::object_view& view, const prefix_desc& desc,
                                       const json::value& object, const param_query& query);

enum class param_change { replace_all, patch_all, set_one, remove_one };

/// A change of the params as a write of the object; the answer is what the contract wants for it.
/// `request.key` names the object, `param` the key for set_one and remove_one.
[[nodiscard]] write_plan plan_params(const msg::view_ptr& view, const write_request& request,
                                     param_change what, std::string_view param);

/// PATCH meta/<prefix>/<id>: a JSON patch on the Meta map; the answer is the map.
[[nodiscard]] write_plan plan_meta(const msg::view_ptr& view, const write_request& request);

} // namespace holdfast::api
