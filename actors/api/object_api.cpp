#include "actors/api/object_api.hpp"

#include "actors/api/absent_routes.hpp"
#include "actors/api/content_routes.hpp"
#include "actors/api/event_routes.hpp"
#include "actors/api/interfaces.hpp"
#include "actors/api/job_routes.hpp"
#include "actors/api/object_routes.hpp"
#include "actors/api/param_routes.hpp"

namespace holdfast::api {

void add_object_api(router& routes, event_hub& hub, std::shared_ptr<log_ring> ring) {
  add_event_routes(routes, hub, std::move(ring));
  add_content_routes(routes);
  add_interface_routes(routes);
  add_absent_routes(routes);
  add_job_routes(routes);
  add_param_routes(routes);
  add_object_routes(routes);
}

} // namespace holdfast::api
