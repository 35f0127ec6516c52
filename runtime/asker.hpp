// The bridge from Asio coroutines to actors: `co_await asker.ask(actor, timeout, args...)`.
//
// The reply comes back into a sink that is no scheduled actor, so on the event loop a round trip costs no
// thread hop. Every ask ends exactly once: with the typed answer, with the actor's error, because the actor
// is dead, or because its deadline passed (an actor that dies with a promise in its hands never answers).
// Deadlines are watched by one timer for all open asks, checked every 50 ms, so an answered ask leaves
// nothing behind.
//
// ask() may be called on any thread; the coroutine resumes on its own executor.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <caf/all.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

namespace holdfast::runtime {

enum class ask_status : std::uint8_t {
  answered,
  dead,      ///< there is no such actor (any more): surely not handled
  refused,   ///< the actor answered with an error
  timed_out, ///< no answer by the deadline: handled or not, nobody knows
};

template <class T>
struct asked {
  ask_status status = ask_status::timed_out;
  std::optional<T> value; ///< set exactly when status is answered
  std::string error;      ///< for people, otherwise
  explicit operator bool() const { return value.has_value(); }
};

namespace detail {

/// One open ask. Completed once, from any thread.
class open_ask {
public:
  virtual ~open_ask() = default;
  virtual void complete(ask_status status, caf::message content, std::string error) = 0;
};

template <class List>
struct single_type;
template <class T>
struct single_type<caf::detail::type_list<T>> {
  using type = T;
};

template <class T, class Handler>
class typed_open_ask final : public open_ask {
public:
  explicit typed_open_ask(Handler handler) : handler_(std::move(handler)) {}

  void complete(ask_status status, caf::message content, std::string error) override {
    asked<T> answer;
    answer.status = status;
    answer.error = std::move(error);
    if (status == ask_status::answered) {
      if (content.match_elements<T>()) {
        answer.value = std::move(content.get_mutable_as<T>(0));
      } else {
        answer.status = ask_status::refused;
        answer.error = "the actor answered with another type";
      }
    }
    // Posted, not run in place: the caller stands inside an actor's handler and must get back to it.
    auto executor = boost::asio::get_associated_executor(handler_);
    boost::asio::post(executor, [handler = std::move(handler_), answer = std::move(answer)]() mutable {
      std::move(handler)(std::move(answer));
    });
  }

private:
  Handler handler_;
};

} // namespace detail

class asker {
public:
  asker(caf::actor_system& system, boost::asio::io_context& io);
  ~asker();
  asker(const asker&) = delete;
  asker& operator=(const asker&) = delete;

  /// Sends xs... to a typed actor and waits for its one answer. The result type follows from the interface.
  template <class Handle, class... Ts>
  auto ask(const Handle& actor, std::chrono::milliseconds timeout, Ts... xs) {
    using answer_list = caf::response_type_t<typename Handle::signatures, std::decay_t<Ts>...>;
    using T = typename detail::single_type<answer_list>::type;
    return ask_message<T>(caf::actor_cast<caf::strong_actor_ptr>(actor), timeout,
                          caf::make_message(std::move(xs)...));
  }

  /// Fails every open ask as timed out and stops the timer. After that, asks fail at once. Loop thread, or
  /// any thread once the loop stopped.
  void close();

private:
  template <class T>
  boost::asio::awaitable<asked<T>> ask_message(caf::strong_actor_ptr actor, std::chrono::milliseconds timeout,
                                               caf::message content) {
    co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(asked<T>)>(
        [this](auto handler, caf::strong_actor_ptr to, std::chrono::milliseconds limit, caf::message what) {
          using ask_type = detail::typed_open_ask<T, std::decay_t<decltype(handler)>>;
          begin(std::make_unique<ask_type>(std::move(handler)), std::move(to), limit, std::move(what));
        },
        boost::asio::use_awaitable, std::move(actor), timeout, std::move(content));
  }

  void begin(std::unique_ptr<detail::open_ask> ask, caf::strong_actor_ptr to,
             std::chrono::milliseconds timeout, caf::message content);

  class sink;
  caf::strong_actor_ptr sink_ptr_;
  sink* sink_ = nullptr;
};

} // namespace holdfast::runtime
