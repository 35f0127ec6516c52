#include "actors/api/long_poll.hpp"

#include "actors/api/etag.hpp"
#include "actors/api/object_writes.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace holdfast::api {
namespace {

namespace asio = boost::asio;

/// Wakes one sleeping request; shared with callbacks that may outlive it.
struct bell {
  explicit bell(asio::any_io_executor executor) : timer(std::move(executor)) {}
  void ring() {
    rung = true;
    timer.cancel();
  }
  asio::steady_timer timer;
  bool rung = false;
};

object_state look(const msg::view_ptr& view, const prefix_desc& desc, const std::string& asked) {
  object_state out;
  out.view = view;
  if (auto key = locate(desc, asked, *view)) {
    out.key = std::move(*key);
    out.object = view->get(desc.name, out.key);
  }
  return out;
}

bool touches(const msg::changes_ptr& batch, std::string_view prefix) {
  for (const auto& change : *batch)
    if (change.prefix == prefix)
      return true;
  return false;
}

/// True while the reader should be kept waiting.
bool same_as_known(const object_state& state, std::string_view known) {
  return state.object ? etag_matches(known, etag_of(state.object->rev)) : known.empty();
}

[[noreturn]] void refuse_header(const request_context& ctx, const prefix_desc& desc, std::string why) {
  throw api_error({std::string(desc.name), "", ctx.head().method_name, {std::move(why)}, 400});
}

asio::awaitable<void> sleep(std::shared_ptr<bell> alarm, std::chrono::steady_clock::time_point until) {
  if (alarm->rung)
    co_return;
  boost::system::error_code woken;
  alarm->timer.expires_at(until);
  co_await alarm->timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

} // namespace

asio::awaitable<object_state> await_change(request_context& ctx, const prefix_desc& desc, std::string asked) {
  const std::string known(ctx.head().header("if-none-match"));
  if (!valid_if_none_match(known))
    refuse_header(ctx, desc, "If-None-Match must hold entity tags in quotes, as ETag gave them");
  const auto preference = preferred_wait(ctx.head().header("prefer"));
  if (preference.unreadable)
    refuse_header(ctx, desc, "Prefer: wait must be a time such as 30 or 5m");
  const auto& wait = preference.wait;
  if (!wait) {
    const auto view = co_await ctx.view();
    auto state = look(view, desc, asked);
    state.unchanged = state.object && !known.empty() && same_as_known(state, known);
    co_return state;
  }
  const auto deadline = std::chrono::steady_clock::now() + *wait;
  const auto alarm = std::make_shared<bell>(ctx.exchange->executor());
  ctx.exchange->on_gone([alarm] { alarm->ring(); });
  const auto heard = ctx.shared->changes.subscribe(
      [alarm, prefix = desc.name](const msg::changes_ptr& batch) {
        if (touches(batch, prefix))
          alarm->ring();
      },
      [alarm] { alarm->ring(); });
  for (;;) {
    if (ctx.shared->changes.ended())
      throw api_error(unavailable(ctx.head().method_name, "The API is restarting; try again"));
    alarm->rung = ctx.exchange->gone();
    const auto view = co_await ctx.view();
    auto state = look(view, desc, asked);
    const bool over = ctx.exchange->gone() || std::chrono::steady_clock::now() >= deadline;
    if (over || !same_as_known(state, known)) {
      state.unchanged = state.object && same_as_known(state, known);
      co_return state;
    }
    co_await sleep(alarm, deadline);
  }
}

} // namespace holdfast::api
