// Between the two halves of object writes: put_object (object_writes.hpp) for a caller that holds what stands
// under the key decoded already, and so spares a third look at its text.
#pragma once

#include "actors/api/object_writes.hpp"

namespace holdfast::api {

/// `before` is the object of that key as the draft has it. Throws as put_object does. Pure: any thread, no
/// clock.
void put_over(write_draft& draft, const prefix_desc& desc, std::string_view key, json::value& object,
              json::allocator& memory, std::string_view bundle, const json::value& before);

} // namespace holdfast::api
