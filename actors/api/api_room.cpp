#include "actors/api/api_room.hpp"

#include "actors/api/bootstrap.hpp"
#include "actors/api/builtin_objects.hpp"
#include "actors/api/crypto.hpp"
#include "actors/api/event_routes.hpp"
#include "actors/api/object_api.hpp"
#include "messages/log_line.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace holdfast::api {

namespace {

using boost::asio::awaitable;

} // namespace

api_room::api_room(room_parts parts)
    : parts_(std::move(parts)), shared_{*parts_.store, changes_, parts_.now}, auth_(shared_),
      router_(shared_, auth_), system_{shared_, auth_, *parts_.node, {}}, events_(changes_) {
  shared_.instance = random_text(16);
  shared_.announce = [this](std::string_view action, std::string_view user, std::string_view principal) {
    event e;
    e.time = shared_.now();
    e.type = "users";
    e.action = action;
    e.key = user;
    e.principal = principal;
    events_.publish(e);
  };
  shared_.offload = [this](std::function<void()> work) { return auth_.run_blocking(std::move(work)); };
  add_user_routes(router_, system_);
  add_pref_routes(router_, system_);
  add_status_routes(router_, system_);
  add_consensus_routes(router_, system_);
  add_verify_routes(router_, system_);
  add_system_routes(router_, system_);
  add_object_api(router_, events_, parts_.ring);
  auto here = [this](std::shared_ptr<net::http_exchange> exchange) {
    return router_.handle(std::move(exchange));
  };
  forwarder_ = std::make_shared<request_forwarder>(parts_.forwarding, auth_, std::move(here));
  // Events that are no changes of objects come from the active alone: a stream that stayed would miss them.
  forwarder_->on_role_lost([this] {
    constexpr std::uint16_t restarting = 1012;
    events_.close_all(restarting, "this node is no longer the active one: connect again");
  });
}

api_room::~api_room() = default;

void api_room::open(const boost::asio::any_io_executor& loop) {
  loop_ = loop;
  alarm_.emplace(loop);
  forwarder_->open(loop);
  if (parts_.ring)
    publish_log_lines(*parts_.ring, events_, loop);
  boost::asio::co_spawn(loop, keep_house(), [](const std::exception_ptr& thrown) {
    if (!thrown)
      return;
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& failure) {
      spdlog::error("{}", msg::log_line("api_house_keeping").with("reason", failure.what()).str());
    }
  });
}

awaitable<void> api_room::handle(std::shared_ptr<net::http_exchange> exchange) {
  const auto self = shared_from_this();
  co_await forwarder_->handle(std::move(exchange));
}

void api_room::on_changes(const msg::changes_ptr& batch) {
  if (!batch) { // a snapshot was installed: what changed inside is not known one by one
    auth_.forget();
    changes_.missed();
    return;
  }
  events_.end_outdated(auth_.on_changes(*batch));
  changes_.publish(batch);
}

void api_room::on_notice(const msg::notice& notice) {
  event out;
  out.time = notice.time;
  out.type = notice.type;
  out.action = notice.action;
  out.key = notice.key;
  out.principal = "system";
  out.object = notice.object;
  events_.publish(out);
}

void api_room::close() {
  if (closed_)
    return;
  closed_ = true;
  changes_.end();
  forwarder_->close();
  if (alarm_)
    alarm_->cancel();
  if (parts_.ring && loop_) {
    parts_.ring->notify({});
    // Lines already on their way refer to the hub: stay until they have passed.
    boost::asio::post(loop_, [self = shared_from_this()] {});
  }
}

/// Until the span is over or the room closes.
awaitable<void> api_room::rest(std::chrono::milliseconds span) {
  if (closed_)
    co_return;
  boost::system::error_code woken;
  alarm_->expires_after(span);
  co_await alarm_->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
}

awaitable<bool> api_room::write(msg::transaction tx) {
  tx.principal = "system";
  tx.time = shared_.now();
  const auto result = co_await shared_.store.write(std::make_shared<const msg::transaction>(std::move(tx)));
  // Anything else is looked at again over a newer view: repeating is safe, the preconditions see to it.
  co_return result.status == msg::write_status::applied;
}

/// True when nothing is missing any more.
awaitable<bool> api_room::fill_store() {
  const auto read = co_await shared_.store.read(msg::consistency::linear);
  if (!read.view)
    co_return false;
  // A closure that owns something is named before it goes into an await: g++ 12 destroys such a temporary
  // twice.
  auto first_fill = [view = read.view] { return plan_bootstrap(*view); };
  auto tx = co_await auth_.run_blocking(std::move(first_fill));
  auto builtins = plan_builtins(read.view);
  if (!tx && !builtins)
    co_return true;
  if (tx && builtins) {
    const auto append = [](auto& into, auto& from) {
      into.insert(into.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    };
    append(tx->preconditions, builtins->preconditions);
    append(tx->mutations, builtins->mutations);
  }
  msg::transaction& next = tx ? *tx : *builtins;
  co_await write(std::move(next));
  co_return false; // Looked at again, so that "there" is always what the store says.
}

awaitable<void> api_room::keep_house() {
  using namespace std::chrono_literals;
  const auto self = shared_from_this();
  // Until this node is active the writes are refused; whoever is active does the same.
  while (!closed_ && !filled_) {
    filled_ = co_await fill_store();
    if (!filled_)
      co_await rest(100ms);
  }
  while (!closed_) {
    const auto read = co_await shared_.store.read(msg::consistency::local);
    if (read.view) {
      auto look = [view = read.view] { return default_password_stands(*view); };
      const bool stands = co_await auth_.run_blocking(std::move(look));
      if (stands)
        spdlog::warn("{}", msg::log_line("default_password")
                               .with("user", default_user)
                               .with("advice", "everybody knows it: change it with users password")
                               .str());
    }
    co_await rest(24h);
  }
}

} // namespace holdfast::api
