// `contents` (contract §5.2): packs as layers. Event loop.
#pragma once

#include "actors/api/router.hpp"

namespace holdfast::api {

void add_content_routes(router& routes);

} // namespace holdfast::api
