// The task list of a job (contract §5.1): the templates of its task as {Name, Path, Content, Meta}. This
// server renders no templates (provisioning is out of its scope), so it gives out those whose text is the
// same before and after rendering, and refuses the whole list when one is not. Pure: any thread.
#pragma once

#include "messages/object_view.hpp"

#include <string>
#include <string_view>

namespace holdfast::api {

/// JSON array for GET jobs/<id>/actions. `os` keeps templates whose Meta.OS names it or `any`, or that name
/// none; "" keeps all. Throws api_error: 422 unknown job, 422 missing task or template, 501 for a template
/// that needs rendering.
[[nodiscard]] std::string job_actions_json(const msg::object_view& view, const std::string& job,
                                           std::string_view os);

} // namespace holdfast::api
