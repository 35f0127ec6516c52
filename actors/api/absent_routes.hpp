// What clients ask for that this server does not have yet: the bytes of files, ISOs and plugin providers, and
// actions and upgrades of the server itself. Reads say truthfully that there is nothing; what would change
// something is refused with 501 and the name of what is missing (contract §3.9, §4, §5.3, §8.2). Event loop.
#pragma once

namespace holdfast::api {

class router;

void add_absent_routes(router& routes);

} // namespace holdfast::api
