// A whole API room over the in-memory store: requests go in, answers come out. Time stands still unless a
// test moves it; scrypt runs for real on the room's worker, and calls wait for their answer.
#pragma once

#include "actors/api/api_room.hpp"
#include "actors/api/json_value.hpp"
#include "actors/replay/object_store.hpp"
#include "messages/transaction_codec.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::api::system_test {

namespace asio = boost::asio;

class memory_store final : public store_gateway {
public:
  asio::awaitable<msg::read_result> read(msg::consistency) override {
    ++reads;
    if (!serving)
      co_return msg::read_result{nullptr, "no leader"};
    co_return msg::read_result{store.view(), {}};
  }
  asio::awaitable<msg::write_result> write(msg::transaction_ptr tx) override {
    REQUIRE(msg::check(*tx) == msg::codec_error::none); // else no log entry could hold it
    msg::write_result out;
    if (outcome != msg::write_status::applied) {
      out.status = outcome;
      out.reason = "told to";
      co_return out;
    }
    out.index = ++index_;
    auto result = store.apply(index_, *tx);
    out.status = result.status == replay::apply_status::applied    ? msg::write_status::applied
                 : result.status == replay::apply_status::conflict ? msg::write_status::conflict
                                                                   : msg::write_status::repeated;
    out.answer = std::move(result.answer);
    serving = serving && !ends_after_write;
    if (room && !result.changes.empty())
      room->on_changes(std::make_shared<const std::vector<msg::change>>(std::move(result.changes)));
    co_return out;
  }
  replay::object_store store;
  api_room* room = nullptr;
  bool serving = true;
  bool ends_after_write = false; ///< serves no reads once it has written
  msg::write_status outcome = msg::write_status::applied;
  int reads = 0;

private:
  std::uint64_t index_ = 0;
};

class fake_node final : public node_port {
public:
  fake_node() {
    known.id = "02:00:00:00:00:01";
    known.local_id = known.id;
    known.address = "10.0.0.1";
    known.api_port = 8092;
    auto made = std::make_shared<msg::ha_state>();
    made->consensus_id = "01234567-89ab-cdef-0123-456789abcdef";
    made->valid = true;
    made->token = "the-cluster-token";
    made->roots.push_back({{"AAAA"}, "the-root-key"});
    state = made;
    answer.emplace();
    answer->node_id = answer->leader_id = answer->active_id = made->consensus_id;
    answer->members = {made->consensus_id};
    answer->role = "leader";
    rows.push_back({"replay", "node", "running", 3, 10, 1500000000, 20, 0, 2, 1, 5, "was killed"});
  }
  const node_facts& facts() const override { return known; }
  asio::awaitable<std::optional<msg::consensus_status>> status() override { co_return answer; }
  boost::asio::awaitable<std::optional<msg::log_digest>> digest(std::uint64_t index) override {
    if (log_down)
      co_return std::nullopt;
    msg::log_digest out;
    out.last_index = out.synced_index = 40;
    out.asked_index = index == 0 ? 40 : index;
    out.chain = static_cast<std::uint32_t>(0xabc00000U + out.asked_index);
    if (out.asked_index > 40)
      out.error = "index 41 is not in the log";
    co_return out;
  }
  bool log_down = false;
  asio::awaitable<msg::cluster_answer> cluster(msg::cluster_call call) override {
    desk_calls.push_back(call.verb + " " + call.argument);
    co_return desk;
  }
  msg::cluster_answer desk; ///< what the cluster desk says to anything
  std::vector<std::string> desk_calls;
  asio::awaitable<std::vector<msg::actor_row>> actors() override { co_return rows; }
  asio::awaitable<std::optional<msg::vip_status>> vip() override { co_return address; }
  std::optional<msg::vip_status> address;
  asio::awaitable<std::string> control(std::string verb, std::string name) override {
    controlled.emplace_back(verb, name);
    co_return name == "replay" ? "" : "there is no actor " + name;
  }
  msg::ha_state_ptr ha_state() const override { return state; }
  std::optional<msg::license_facts> license(const msg::object_view&) const override { return entitlement; }
  std::optional<msg::license_facts> entitlement;
  net::http_server_stats http() const override { return {}; }
  net::pem_pair certificate() const override { return {"cert", "key"}; }
  net::tls_context_ptr check_certificate(const net::pem_pair&) const override {
    throw net::tls_error("the certificate does not parse");
  }
  void store_certificate(const net::pem_pair&) const override {}
  void swap_certificate(const net::pem_pair&, net::tls_context_ptr) override {}

  node_facts known;
  msg::ha_state_ptr state;
  std::optional<msg::consensus_status> answer;
  std::vector<msg::actor_row> rows;
  std::vector<std::pair<std::string, std::string>> controlled;
};

class fake_exchange final : public net::http_exchange {
public:
  explicit fake_exchange(asio::io_context& loop) : loop_(loop) {}
  net::http_head request;
  std::string body;
  std::optional<net::http_response> answer;

  const net::http_head& head() const override { return request; }
  asio::any_io_executor executor() override { return loop_.get_executor(); }
  asio::awaitable<std::optional<std::string>> read_body(std::size_t limit) override {
    co_return body.size() <= limit ? std::optional(body) : std::nullopt;
  }
  asio::awaitable<std::optional<std::size_t>> read_some(std::span<std::byte>) override { co_return 0; }
  asio::awaitable<void> respond(net::http_response response) override {
    REQUIRE_FALSE(answer.has_value()); // exactly once
    answer = std::move(response);
    co_return;
  }
  asio::awaitable<void> respond_stream(net::http_response, std::optional<std::uint64_t>,
                                       std::function<asio::awaitable<std::string>()>) override {
    co_return;
  }
  asio::awaitable<std::shared_ptr<net::websocket>> upgrade() override { co_return nullptr; }
  bool gone() const override { return false; }
  void on_gone(std::function<void()>) override {}

private:
  asio::io_context& loop_;
};

inline net::http_method method_of(std::string_view name) {
  if (name == "GET")
    return net::http_method::get;
  if (name == "HEAD")
    return net::http_method::head;
  if (name == "POST")
    return net::http_method::post;
  if (name == "PUT")
    return net::http_method::put;
  if (name == "DELETE")
    return net::http_method::del;
  return name == "PATCH" ? net::http_method::patch : net::http_method::other;
}

struct system_world {
  asio::io_context loop;
  std::shared_ptr<memory_store> store = std::make_shared<memory_store>();
  std::shared_ptr<fake_node> node = std::make_shared<fake_node>();
  std::int64_t now_ms = 1'700'000'000'000;
  std::shared_ptr<api_room> room;
  std::string login = basic("rocketskates", "r0cketsk8ts"); ///< Authorization of the next calls

  system_world() {
    room_parts parts;
    parts.store = store;
    parts.node = node;
    parts.now = [this] { return msg::log_time{now_ms}; };
    room = std::make_shared<api_room>(std::move(parts));
    store->room = room.get();
    room->open(loop.get_executor());
    until([this] { return room->filled(); });
  }
  ~system_world() {
    store->room = nullptr;
    room->close();
    until([this] { return room.use_count() == 1; });
  }

  static std::string basic(std::string_view user, std::string_view password) {
    return "Basic " + to_base64(std::string(user) + ":" + std::string(password));
  }

  template <class Condition>
  void until(Condition done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    loop.restart();
    while (!done()) {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      loop.run_one_for(std::chrono::milliseconds(200));
      if (loop.stopped())
        loop.restart();
    }
  }

  net::http_response call(std::string_view method, std::string_view target, std::string_view body = {},
                          std::vector<std::pair<std::string, std::string>> extra = {}) {
    auto exchange = std::make_shared<fake_exchange>(loop);
    auto& head = exchange->request;
    head.method = method_of(method);
    head.method_name = method;
    head.target = target.starts_with('/') ? std::string(target) : "/api/v3/" + std::string(target);
    head.peer = "127.0.0.1:4000";
    const auto mark = head.target.find('?');
    head.path = head.target.substr(0, mark);
    auto rest = mark == std::string::npos ? std::string() : head.target.substr(mark + 1);
    while (!rest.empty()) {
      const auto pair = rest.substr(0, rest.find('&'));
      const auto equals = pair.find('=');
      head.query.emplace_back(pair.substr(0, equals),
                              equals == std::string::npos ? std::string() : pair.substr(equals + 1));
      rest.erase(0, pair.size() + 1);
    }
    head.headers = std::move(extra);
    head.headers.emplace_back("content-type", "application/json");
    if (!login.empty())
      head.headers.emplace_back("authorization", login);
    exchange->body = body;
    asio::co_spawn(loop, room->handle(exchange), asio::detached);
    until([&] { return exchange->answer.has_value(); });
    return *exchange->answer;
  }
  net::http_response get(std::string_view target) { return call("GET", target); }

  std::string token(std::string_view target = "users/rocketskates/token") {
    const auto answer = get(target);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    json::document doc;
    REQUIRE_FALSE(json::parse(answer.body, doc));
    return std::string(json::text_at(doc, "Token"));
  }
  /// Makes a user with a password and these roles.
  void add_user(const std::string& name, const std::string& password, const std::string& roles) {
    const auto made = call("POST", "users", "{\"Name\":\"" + name + "\",\"Roles\":" + roles + "}");
    INFO(made.body);
    REQUIRE(made.status == 201);
    REQUIRE(call("PUT", "users/" + name + "/password", "{\"Password\":\"" + password + "\"}").status == 200);
  }
};

inline std::string error_text(std::string_view model, std::string_view key, std::string_view type,
                              const std::vector<std::string>& messages, unsigned code) {
  return to_json(error_body{std::string(model), std::string(key), std::string(type), messages, code});
}

} // namespace holdfast::api::system_test
