// `contents` (contract §5.2): packs as layers; `plugin_providers` as an empty list. Event loop.
#pragma once

#include "actors/api/router.hpp"

namespace holdfast::api {

void add_content_routes(router& routes);

} // namespace holdfast::api
