#include "actors/api/json_value.hpp"
#include "actors/api/prefs.hpp"
#include "actors/api/system_services.hpp"

namespace holdfast::api {

namespace {

using boost::asio::awaitable;

awaitable<net::http_response> get_prefs(request_context& ctx, system_services&) {
  const auto view = co_await ctx.view();
  co_return json_response(prefs_json(read_prefs(*view)));
}

pref_map decode(const request_context& ctx, std::string_view body) {
  json::document doc;
  if (const auto why = json::parse(body, doc))
    throw api_error(undecodable(ctx.head().method_name, *why));
  if (!doc.IsObject())
    throw api_error(undecodable(ctx.head().method_name, "a map of preferences is wanted"));
  pref_map out;
  for (const auto& member : doc.GetObject()) {
    if (!member.value.IsString())
      throw api_error(undecodable(ctx.head().method_name, "json: cannot unmarshal " +
                                                              std::string(json::kind_word(member.value)) +
                                                              " into Go value of type string"));
    out.insert_or_assign(std::string(json::text(member.name)), std::string(json::text(member.value)));
  }
  return out;
}

awaitable<net::http_response> post_prefs(request_context& ctx, system_services& with) {
  const auto body = co_await ctx.json_body();
  const auto wanted = decode(ctx, body);
  constexpr int most_attempts = 8;
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    const auto view = co_await ctx.view();
    auto plan = plan_prefs(*view, wanted);
    if (!plan.messages.empty())
      throw api_error({"prefs", "", ctx.head().method_name, plan.messages, 422});
    if (plan.tx.mutations.empty())
      co_return json_response(prefs_json(plan.after));
    // Made before the write: what is asked for after it may fail, and it is done.
    auto answer = prefs_json(plan.after);
    plan.tx.answer = {200, answer};
    auto result = co_await ctx.write(std::move(plan.tx));
    if (result.status == msg::write_status::conflict)
      continue;
    with.auth.forget();
    const bool repeated = result.status == msg::write_status::repeated;
    co_return json_response(repeated ? std::move(result.answer.body) : std::move(answer));
  }
  throw api_error(unavailable(ctx.head().method_name, "The preferences keep changing; try again"));
}

} // namespace

void add_pref_routes(router& into, system_services& with) {
  into.add({net::http_method::get, "prefs", access::claim, "preferences", "list", "",
            bind_handler(get_prefs, with)});
  into.add({net::http_method::post, "prefs", access::claim, "preferences", "post", "",
            bind_handler(post_prefs, with)});
}

} // namespace holdfast::api
