// What keeps an object from being deleted (contract §2, §5.1), and what comes to light when it goes. Pure.
#pragma once

#include "actors/api/json_value.hpp"
#include "actors/api/prefix_table.hpp"
#include "actors/api/write_draft.hpp"

#include <string_view>

namespace holdfast::api {

/// Throws the StillInUseError (409) or ValidationError (422) of the contract when the object must stay.
void refuse_if_in_use(const write_draft& draft, const prefix_desc& desc, std::string_view key,
                      const json::value& object);

/// When a content pack holds an object of that key that the removed one had covered, puts it back.
void restore_lower_layer(write_draft& draft, const prefix_desc& desc, std::string_view key);

} // namespace holdfast::api
