#include "actors/api/object_api.hpp"

#include "actors/api/builtin_objects.hpp"
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
  add_job_routes(routes);
  add_param_routes(routes);
  add_object_routes(routes);
}

boost::asio::awaitable<std::string> ensure_builtins(services& shared) {
  constexpr int most_attempts = 16;
  auto how = msg::consistency::local;
  for (int n = 0; n < most_attempts; ++n) {
    auto seen = co_await shared.store.read(how);
    if (!seen.view)
      co_return seen.reason.empty() ? "the store does not answer" : seen.reason;
    auto tx = plan_builtins(seen.view);
    if (!tx)
      co_return std::string();
    tx->principal = "system";
    tx->time = shared.now();
    const auto result = co_await shared.store.write(std::make_shared<const msg::transaction>(std::move(*tx)));
    if (result.status != msg::write_status::applied && result.status != msg::write_status::conflict)
      co_return result.reason.empty() ? "the outcome of the write is unknown" : result.reason;
    how = result.status == msg::write_status::conflict ? msg::consistency::linear : msg::consistency::local;
  }
  co_return "too many concurrent changes";
}

} // namespace holdfast::api
