// The API's object routes over the real in-memory store, without actors or sockets: requests go in, answers
// come out, time stands still unless a test moves it.
#pragma once

#include "actors/api/builtin_objects.hpp"
#include "actors/api/event_hub.hpp"
#include "actors/api/json_value.hpp"
#include "actors/api/object_api.hpp"
#include "actors/api/router.hpp"
#include "actors/replay/object_store.hpp"
#include "messages/transaction_codec.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <set>

namespace holdfast::api::test {

namespace asio = boost::asio;
namespace msg = holdfast::msg;
namespace net = holdfast::net;

/// Applies transactions one after the other; can be told to let somebody else write first.
class memory_gateway final : public store_gateway {
public:
  explicit memory_gateway(change_hub& hub) : hub_(hub) {}

  asio::awaitable<msg::read_result> read(msg::consistency how) override {
    linear_reads += how == msg::consistency::linear;
    co_return msg::read_result{store.view(), {}};
  }
  asio::awaitable<msg::write_result> write(msg::transaction_ptr tx) override {
    REQUIRE(msg::check(*tx) == msg::codec_error::none); // else no log entry could hold it
    if (before_write)
      std::exchange(before_write, {})();
    co_return apply(*tx);
  }
  msg::write_result apply(const msg::transaction& tx) {
    msg::write_result out;
    out.index = ++index_;
    auto result = store.apply(index_, tx);
    out.status = result.status == replay::apply_status::applied    ? msg::write_status::applied
                 : result.status == replay::apply_status::conflict ? msg::write_status::conflict
                                                                   : msg::write_status::repeated;
    out.answer = std::move(result.answer);
    if (!result.changes.empty())
      hub_.publish(std::make_shared<const std::vector<msg::change>>(std::move(result.changes)));
    return out;
  }

  replay::object_store store;
  std::function<void()> before_write;
  int linear_reads = 0;

private:
  change_hub& hub_;
  std::uint64_t index_ = 0;
};

/// May do everything, or exactly what `rights` lists as "scope action".
class test_identity final : public identity {
public:
  explicit test_identity(std::set<std::string> rights = {}, bool all = true)
      : rights_(std::move(rights)), all_(all) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] bool superuser() const override { return all_; }
  [[nodiscard]] bool may(std::string_view scope, std::string_view action, std::string_view) const override {
    return all_ || rights_.contains(std::string(scope) + ' ' + std::string(action));
  }
  [[nodiscard]] bool hidden(std::string_view, std::string_view key) const override {
    return hide.contains(std::string(key));
  }
  std::set<std::string> hide;

private:
  std::string name_ = "rocketskates";
  std::set<std::string> rights_;
  bool all_;
};

class test_authenticator final : public authenticator {
public:
  identity_ptr who = std::make_shared<test_identity>();
  identity_ptr cached(const net::http_head&) override { return nullptr; }
  asio::awaitable<identity_ptr> authenticate(const net::http_head&, bool) override { co_return who; }
};

class test_socket final : public net::websocket {
public:
  std::deque<std::string> sent;
  std::size_t room = 1000;
  bool closed = false;
  asio::awaitable<std::optional<std::string>> receive() override { co_return std::nullopt; }
  bool send(std::string text) override {
    if (sent.size() >= room)
      return false;
    sent.push_back(std::move(text));
    return true;
  }
  void close(std::string_view) override { closed = true; }
};

class test_exchange final : public net::http_exchange {
public:
  explicit test_exchange(asio::io_context& loop) : loop_(loop) {}
  net::http_head request;
  std::string body;
  std::optional<net::http_response> answer;
  bool left = false;
  std::function<void()> when_gone;

  [[nodiscard]] const net::http_head& head() const override { return request; }
  [[nodiscard]] asio::any_io_executor executor() override { return loop_.get_executor(); }
  asio::awaitable<std::optional<std::string>> read_body(std::size_t limit) override {
    co_return body.size() <= limit ? std::optional(body) : std::nullopt;
  }
  asio::awaitable<std::optional<std::size_t>> read_some(std::span<std::byte>) override { co_return 0; }
  asio::awaitable<void> respond(net::http_response response) override {
    answer = std::move(response);
    co_return;
  }
  asio::awaitable<void> respond_stream(net::http_response, std::optional<std::uint64_t>,
                                       std::function<asio::awaitable<std::string>()>) override {
    co_return;
  }
  asio::awaitable<std::shared_ptr<net::websocket>> upgrade() override { co_return nullptr; }
  [[nodiscard]] bool gone() const override { return left; }
  void on_gone(std::function<void()> callback) override { when_gone = std::move(callback); }

private:
  asio::io_context& loop_;
};

using headers = std::vector<std::pair<std::string, std::string>>;

struct world {
  asio::io_context loop;
  change_hub hub;
  memory_gateway gateway{hub};
  services shared{gateway, hub, [] { return msg::log_time{1'700'000'000'000}; }};
  test_authenticator auth;
  router routes{shared, auth};
  event_hub events{hub};

  world() {
    add_object_api(routes, events, nullptr);
    while (auto tx = plan_builtins(gateway.store.view()))
      gateway.apply(*tx);
  }

  void run() {
    loop.restart();
    loop.run();
  }

  /// Starts a request; it may stay unanswered until something else happens.
  std::shared_ptr<test_exchange> start(net::http_method method, std::string_view name,
                                       std::string_view target, std::string_view body = {},
                                       headers extra = {}) {
    auto exchange = std::make_shared<test_exchange>(loop);
    auto& head = exchange->request;
    head.method = method;
    head.method_name = name;
    head.target = "/api/v3/" + std::string(target);
    const auto mark = head.target.find('?');
    head.path = head.target.substr(0, mark);
    for (auto rest = mark == std::string::npos ? std::string() : head.target.substr(mark + 1);
         !rest.empty();) {
      const auto pair = rest.substr(0, rest.find('&'));
      const auto equals = pair.find('=');
      head.query.emplace_back(pair.substr(0, equals),
                              equals == std::string::npos ? "" : pair.substr(equals + 1));
      rest.erase(0, pair.size() + 1);
    }
    head.headers = std::move(extra);
    head.headers.emplace_back("content-type", "application/json");
    exchange->body = body;
    asio::co_spawn(loop, routes.handle(exchange), asio::detached);
    loop.restart();
    loop.poll();
    return exchange;
  }
  net::http_response call(net::http_method method, std::string_view name, std::string_view target,
                          std::string_view body = {}, headers extra = {}) {
    const auto exchange = start(method, name, target, body, std::move(extra));
    REQUIRE(exchange->answer);
    return *exchange->answer;
  }
  net::http_response get(std::string_view target, headers extra = {}) {
    return call(net::http_method::get, "GET", target, {}, std::move(extra));
  }
  net::http_response head(std::string_view target) { return call(net::http_method::head, "HEAD", target); }
  net::http_response post(std::string_view target, std::string_view body, headers extra = {}) {
    return call(net::http_method::post, "POST", target, body, std::move(extra));
  }
  net::http_response put(std::string_view target, std::string_view body) {
    return call(net::http_method::put, "PUT", target, body);
  }
  net::http_response patch(std::string_view target, std::string_view body) {
    return call(net::http_method::patch, "PATCH", target, body);
  }
  net::http_response del(std::string_view target) { return call(net::http_method::del, "DELETE", target); }
};

/// Equal as JSON values.
inline bool same_json(std::string_view a, std::string_view b) {
  json::document left, right;
  REQUIRE(!json::parse(a, left));
  REQUIRE(!json::parse(b, right));
  return json::equal(left, right);
}

/// Checks status and body of a refusal, the body deeply.
inline void check_error(const net::http_response& got, std::string_view model, std::string_view key,
                        std::string_view type, const std::vector<std::string>& messages, unsigned code) {
  std::string list;
  for (const auto& text : messages)
    list += (list.empty() ? "" : ",") + json::quoted(text);
  const auto wanted = "{\"Model\":" + json::quoted(model) + ",\"Key\":" + json::quoted(key) +
                      ",\"Type\":" + json::quoted(type) + ",\"Messages\":[" + list +
                      "],\"Code\":" + std::to_string(code) + "}";
  INFO("got " << got.body << " wanted " << wanted);
  CHECK(got.status == code);
  CHECK(same_json(got.body, wanted));
}

inline std::string header_of(const net::http_response& r, std::string_view name) {
  for (const auto& [key, value] : r.headers)
    if (key == name)
      return value;
  return {};
}

} // namespace holdfast::api::test
