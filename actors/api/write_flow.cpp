#include "actors/api/write_flow.hpp"

#include <variant>

namespace holdfast::api {
namespace {

constexpr int most_write_attempts = 16;

using attempt = std::variant<write_plan, error_body>;

attempt try_plan(const planner& plan, const msg::view_ptr& view) {
  try {
    return plan(view);
  } catch (const api_error& refused) {
    return refused.body();
  }
}

/// A refusal as a transaction that changes nothing, so that it too is remembered under the key.
write_plan remembered_refusal(const error_body& refused) {
  write_plan plan;
  plan.status = refused.code;
  plan.body = to_json(refused);
  return plan;
}

} // namespace

boost::asio::awaitable<net::http_response> run_write(request_context& ctx, planner plan) {
  const std::string asked_key = ctx.idempotency_key();
  const std::string idempotency =
      asked_key.empty() ? std::string() : (ctx.who ? ctx.who->name() : std::string()) + '/' + asked_key;
  auto how = msg::consistency::local;
  for (int n = 0; n < most_write_attempts; ++n) {
    const auto view = co_await ctx.view(how);
    attempt tried;
    if (ctx.body_bytes >= large_body && ctx.shared->offload) {
      std::function<void()> work = [&tried, &plan, &view] { tried = try_plan(plan, view); };
      co_await ctx.shared->offload(std::move(work));
    } else {
      tried = try_plan(plan, view);
    }
    if (auto* refused = std::get_if<error_body>(&tried)) {
      if (how == msg::consistency::local) {
        how = msg::consistency::linear;
        continue;
      }
      if (idempotency.empty())
        throw api_error(*refused);
      tried = remembered_refusal(*refused);
    }
    auto& made = std::get<write_plan>(tried);
    if (made.tx.mutations.empty() && idempotency.empty()) {
      if (how == msg::consistency::linear)
        co_return json_response(std::move(made.body), made.status);
      how = msg::consistency::linear;
      continue;
    }
    if (!idempotency.empty()) {
      made.tx.idempotency_key = idempotency;
      made.tx.answer = {static_cast<std::uint16_t>(made.status), made.body};
    }
    auto result = co_await ctx.write(std::move(made.tx));
    if (result.status == msg::write_status::repeated)
      co_return json_response(std::move(result.answer.body), result.answer.status);
    if (result.status == msg::write_status::applied)
      co_return json_response(std::move(made.body), made.status);
    how = msg::consistency::linear;
  }
  throw api_error({"", "", ctx.head().method_name, {"Too many concurrent changes, try again"}, 409});
}

} // namespace holdfast::api
