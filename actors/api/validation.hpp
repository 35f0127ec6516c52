// What makes an object valid and available (contract §2, §3.2, §3.3). Pure: any thread.
#pragma once

#include "actors/api/json_value.hpp"
#include "actors/api/prefix_table.hpp"
#include "actors/api/write_draft.hpp"

#include <string>
#include <vector>

namespace holdfast::api {

/// Another object by which one was judged.
struct reliance {
  std::string_view prefix;
  std::string key;
  bool content = false; ///< on what it holds, not only on whether it is there
};

struct verdict {
  std::vector<std::string> refused; ///< the write must not happen (422 ValidationError)
  std::vector<std::string> errors;  ///< the object is saved, but not Available
  std::vector<reliance> relied;     ///< the verdict stands as long as these do
};

/// Judges a full object against its prefix and against what the draft will hold. For machines a missing
/// reference refuses the write; for all others it makes the object unavailable.
[[nodiscard]] verdict validate(const prefix_desc& desc, std::string_view key, const json::value& object,
                               const write_draft& draft);

/// Names of the target's objects that `object` refers to by `ref`.
[[nodiscard]] std::vector<std::string> referred(const reference& ref, const json::value& object);

/// The first `Params` entry that breaks its param's schema, as the contract words it; empty when none does.
[[nodiscard]] std::string param_violation(std::string_view name, const json::value& v,
                                          const write_draft& draft);

} // namespace holdfast::api
