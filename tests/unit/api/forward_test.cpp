// Which requests stay here, what of them goes on, what is tried again; and the forwarder's decisions over a
// board that a test writes on. The way over real sockets is in tests/integration/forwarding.py.
#include "actors/api/forward_rules.hpp"
#include "actors/api/request_forwarder.hpp"
#include "net/peer_link.hpp"
#include "net/tls_stream.hpp"
#include "tests/unit/api/api_world.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

using namespace holdfast;
using namespace holdfast::api;
using namespace holdfast::api::test;
using namespace std::chrono_literals;

namespace {

net::http_head head_of(std::string_view method, std::string path, headers fields = {}) {
  net::http_head head;
  head.method_name = method;
  head.method = method == "GET"    ? net::http_method::get
                : method == "HEAD" ? net::http_method::head
                                   : net::http_method::post;
  head.path = std::move(path);
  head.headers = std::move(fields);
  head.peer = "10.9.8.7:4321";
  return head;
}

std::string value_of(const header_list& list, std::string_view name) {
  for (const auto& [key, value] : list)
    if (key == name)
      return value;
  return "(none)";
}

msg::standing_ptr standing_of(bool active, std::string active_id) {
  auto made = std::make_shared<msg::standing>();
  made->clustered = true;
  made->active = active;
  made->self_id = "me";
  made->leader_id = active_id;
  made->active_id = std::move(active_id);
  made->members = {"raft-me", "raft-other"};
  return made;
}

/// A body that comes in pieces of a given size.
class piecewise_exchange final : public net::http_exchange {
public:
  explicit piecewise_exchange(asio::io_context& loop) : loop_(loop) {}
  net::http_head request;
  std::string body;
  std::size_t piece = 1000;
  bool breaks = false;
  std::optional<net::http_response> answer;
  const net::http_head& head() const override { return request; }
  asio::any_io_executor executor() override { return loop_.get_executor(); }
  asio::awaitable<std::optional<std::string>> read_body(std::size_t limit) override {
    co_return body.size() <= limit ? std::optional(std::exchange(body, {})) : std::nullopt;
  }
  asio::awaitable<std::optional<std::size_t>> read_some(std::span<std::byte> into) override {
    if (body.empty() && breaks)
      co_return std::nullopt;
    const auto n = std::min({piece, into.size(), body.size()});
    std::memcpy(into.data(), body.data(), n);
    body.erase(0, n);
    co_return n;
  }
  asio::awaitable<void> respond(net::http_response response) override {
    REQUIRE_FALSE(answer.has_value());
    answer = std::move(response);
    co_return;
  }
  /// As the server does it: nothing was sent before the first piece is there.
  asio::awaitable<void> respond_stream(net::http_response response, std::optional<std::uint64_t>,
                                       std::function<asio::awaitable<std::string>()> next) override {
    for (;;) {
      const std::string more = co_await next();
      if (!answer)
        answer = std::move(response);
      if (more.empty())
        co_return;
      answer->body += more;
    }
  }
  asio::awaitable<std::shared_ptr<net::websocket>> upgrade() override { co_return nullptr; }
  bool gone() const override { return false; }
  void on_gone(std::function<void()>) override {}

private:
  asio::io_context& loop_;
};

template <class T>
T run(asio::io_context& loop, asio::awaitable<T> work) {
  std::optional<T> out;
  asio::co_spawn(loop, std::move(work), [&](const std::exception_ptr& thrown, T value) {
    if (thrown)
      std::rethrow_exception(thrown);
    out = std::move(value);
  });
  loop.restart();
  loop.run();
  REQUIRE(out.has_value());
  return std::move(*out);
}

net::http_response refused_as_passive() {
  auto body = unavailable("POST", "Nothing was changed: this node is not the active one");
  body.not_done = true;
  return to_response(body);
}

/// A forwarder whose local side answers from a list, in order; the last one stands for all that follow.
struct forward_world {
  asio::io_context loop;
  std::shared_ptr<runtime::board<msg::standing_ptr>> board =
      std::make_shared<runtime::board<msg::standing_ptr>>();
  test_authenticator auth;
  std::vector<net::http_response> local;
  std::vector<std::string> local_bodies;
  std::function<void()> after_local;
  std::shared_ptr<request_forwarder> forwarder;

  headers sent; ///< with every request

  explicit forward_world(std::chrono::milliseconds grace = 20ms,
                         std::chrono::milliseconds answer_time = 10s) {
    forwarder_config config;
    config.standing = board;
    config.patience = 200ms;
    config.grace = grace;
    config.answer_time = answer_time;
    forwarder = std::make_shared<request_forwarder>(
        config, auth, [this](std::shared_ptr<net::http_exchange> exchange) -> asio::awaitable<void> {
          const auto body = co_await exchange->read_body(100'000);
          local_bodies.push_back(body.value_or("(none)"));
          auto answer = local.at(std::min(local_bodies.size(), local.size()) - 1);
          co_await exchange->respond(std::move(answer));
          if (after_local)
            after_local();
        });
  }
  /// `watched`: the forwarder was opened, and is closed when it has answered.
  net::http_response ask(std::string_view method, std::string path, std::string body = {},
                         std::string peer_node = {}, bool watched = false) {
    auto exchange = std::make_shared<piecewise_exchange>(loop);
    exchange->request = head_of(method, std::move(path), sent);
    exchange->request.peer_node = std::move(peer_node);
    exchange->request.content_length = body.size();
    exchange->body = std::move(body);
    asio::co_spawn(loop, forwarder->handle(exchange), [this, watched](const std::exception_ptr&) {
      if (watched)
        forwarder->close();
    });
    loop.restart();
    loop.run();
    REQUIRE(exchange->answer);
    return *exchange->answer;
  }
};

} // namespace

TEST_CASE("STA-10 CON-14 what every node answers by itself, and nothing else") {
  for (const char* path :
       {"/health/ready", "/health/active", "/metrics", "/api/v3/info", "/api/v3/logs", "/api/v3/info/",
        "/api/v3/system/consensus/id", "/api/v3/system/consensus/fullstate", "/api/v3/system/active",
        "/api/v3/system/actors", "/api/v3/system/actors/replay", "/api/v3/system/cert", "/api/v3/system/vip",
        "/api/v3/users/rocketskates/token"})
    CHECK_MESSAGE(answered_here(head_of("GET", path)), path);
  for (const char* path :
       {"/api/v3/system/consensus/enroll", "/api/v3/system/passive", "/api/v3/system/consensus/failOverSafe"})
    CHECK_MESSAGE(answered_here(head_of("POST", path)), path);
  for (const char* path : {"/api/v3/profiles", "/api/v3/users", "/api/v3/users/x/password", "/api/v3/prefs",
                           "/api/v3/information", "/api/v3/system/activex", "/api/v3/ws", "/api/v3/"})
    CHECK_MESSAGE(!answered_here(head_of("GET", path)), path);
  CHECK_FALSE(answered_here(head_of("POST", "/api/v3/logs")));
  CHECK_FALSE(answered_here(head_of("POST", "/api/v3/users/x/token")));

  auto local = head_of("GET", "/api/v3/profiles/x");
  local.query.emplace_back("consistency", "local");
  CHECK(answered_here(local));
  local.method = net::http_method::post;
  CHECK_FALSE(answered_here(local));
  local.method = net::http_method::get;
  local.wants_websocket = true;
  CHECK_FALSE(answered_here(local));
}

TEST_CASE("a request goes on with what its client sent, without what belongs to one connection") {
  const auto head = head_of("POST", "/api/v3/profiles",
                            {{"host", "a"},
                             {"content-length", "5"},
                             {"transfer-encoding", "chunked"},
                             {"connection", "keep-alive, X-Mine , upgrade"},
                             {"keep-alive", "timeout=5"},
                             {"upgrade", "h2c"},
                             {"te", "trailers"},
                             {"expect", "100-continue"},
                             {"x-mine", "1"},
                             {"x-holdfast-client", "6.6.6.6:1"},
                             {"x-holdfast-not-done", "1"},
                             {"sec-websocket-key", "abc"},
                             {"authorization", "Bearer t"},
                             {"idempotency-key", "k"},
                             {"if-match", "\"3\""},
                             {"content-type", "application/json"},
                             {"x-log-token", "z"}});
  const auto out = forwarded_request_headers(head);
  const header_list wanted = {{"authorization", "Bearer t"}, {"idempotency-key", "k"},
                              {"if-match", "\"3\""},         {"content-type", "application/json"},
                              {"x-log-token", "z"},          {"x-holdfast-client", "10.9.8.7:4321"}};
  CHECK(out == wanted);
}

TEST_CASE("an answer comes back with its own headers, framed anew") {
  const header_list from = {
      {"date", "now"},           {"content-length", "17"}, {"content-type", "application/json"},
      {"etag", "\"4\""},         {"connection", "close"},  {"transfer-encoding", "chunked"},
      {"x-drp-list-count", "3"}, {"retry-after", "1"}};
  auto out = forwarded_response_headers(from, false);
  CHECK(value_of(out, "etag") == "\"4\"");
  CHECK(value_of(out, "x-drp-list-count") == "3");
  CHECK(value_of(out, "content-type") == "application/json");
  CHECK(value_of(out, "retry-after") == "1");
  for (const char* gone : {"date", "content-length", "connection", "transfer-encoding"})
    CHECK_MESSAGE(value_of(out, gone) == "(none)", gone);
  CHECK(value_of(forwarded_response_headers(from, true), "content-length") == "17");
}

TEST_CASE("only a proven member may name the client it speaks for") {
  auto head = head_of("GET", "/api/v3/profiles", {{"x-holdfast-client", "6.6.6.6:1"}});
  CHECK(client_of(head) == "10.9.8.7:4321");
  head.peer_node = "raft-other";
  CHECK(client_of(head) == "6.6.6.6:1");
  head.headers.clear();
  CHECK(client_of(head) == "10.9.8.7:4321");
}

TEST_CASE("a write whose fate is not known is never sent again; everything else may be") {
  const net::client_failure before{net::client_error::refused, "", false};
  const net::client_failure during{net::client_error::closed, "", true};
  CHECK(after_failure(before, false) == next_step::retry);
  CHECK(after_failure(before, true) == next_step::retry);
  CHECK(after_failure(during, true) == next_step::retry);
  CHECK(after_failure(during, false) == next_step::unknown);
  CHECK(says_not_done(503, {{"x-holdfast-not-done", "1"}}));
  CHECK(says_not_done(503, {{"X-Holdfast-Not-Done", "1"}}));
  CHECK_FALSE(says_not_done(503, {}));
  CHECK_FALSE(says_not_done(200, {{"x-holdfast-not-done", "1"}}));
}

TEST_CASE("RFC 6455 §7.4.1 close codes that may not be sent are replaced") {
  CHECK(close_code_to_send(4001, 1012) == 4001);
  CHECK(close_code_to_send(1000, 1012) == 1000);
  CHECK(close_code_to_send(1005, 1012) == 1000);
  for (const std::uint16_t lost : std::initializer_list<std::uint16_t>{0, 1006, 1015})
    CHECK(close_code_to_send(lost, 1012) == 1012);
}

TEST_CASE("a kept body is read again from its first byte, and a longer one is known to be gone") {
  asio::io_context loop;
  const auto inner = std::make_shared<piecewise_exchange>(loop);
  inner->body = std::string(3000, 'a') + "end";
  kept_exchange kept(inner);
  CHECK(run(loop, kept.preload()) == kept_exchange::body_state::whole);
  CHECK(kept.kept().size() == 3003);
  for (int i = 0; i < 2; ++i) {
    const auto body = run(loop, kept.read_body(10'000));
    REQUIRE(body);
    CHECK(body->ends_with("end"));
    CHECK(kept.rewindable());
    kept.rewind();
  }
  CHECK_FALSE(run(loop, kept.read_body(3002)));

  const auto longer = std::make_shared<piecewise_exchange>(loop);
  longer->body = std::string(200'000, 'b') + "end";
  kept_exchange big(longer);
  CHECK(run(loop, big.preload()) == kept_exchange::body_state::longer);
  CHECK(big.kept().size() == kept_exchange::keeps);
  CHECK(big.rewindable());
  const auto whole = run(loop, big.read_body(300'000));
  REQUIRE(whole);
  CHECK(whole->size() == 200'003);
  CHECK(whole->ends_with("end"));
  CHECK_FALSE(big.rewindable());

  const auto broken = std::make_shared<piecewise_exchange>(loop);
  broken->body = "half";
  broken->breaks = true;
  kept_exchange lost(broken);
  CHECK(run(loop, lost.preload()) == kept_exchange::body_state::lost);
}

TEST_CASE("an answer that says nothing was done is held back while the request can go elsewhere") {
  asio::io_context loop;
  const auto inner = std::make_shared<piecewise_exchange>(loop);
  inner->body = "x";
  kept_exchange kept(inner);
  run(loop, kept.read_body(10));
  asio::co_spawn(loop, kept.respond(refused_as_passive()), asio::detached);
  loop.restart();
  loop.run();
  CHECK_FALSE(inner->answer);
  const auto held = kept.take_withheld();
  REQUIRE(held);
  CHECK(held->status == 503);
  CHECK_FALSE(kept.take_withheld());
}

TEST_CASE("a node that is alone, and an active one, answer everything themselves") {
  forward_world world;
  world.local = {json_response("mine")};
  CHECK(world.ask("POST", "/api/v3/profiles", "body").body == "mine");
  world.board->set(standing_of(true, "me"));
  CHECK(world.ask("POST", "/api/v3/profiles", "body").body == "mine");
  CHECK(world.local_bodies == std::vector<std::string>{"body", "body"});
}

TEST_CASE("a request that came from a member is answered here or refused, never passed on") {
  forward_world world;
  world.local = {json_response("mine")};
  world.board->set(standing_of(false, "other"));
  const auto refused = world.ask("POST", "/api/v3/profiles", "body", "raft-other");
  CHECK(refused.status == 503);
  CHECK(says_not_done(refused.status, refused.headers));
  CHECK(refused.body.find("the active node is other") != std::string::npos);
  CHECK(world.local_bodies.empty());
  world.board->set(standing_of(true, "me"));
  CHECK(world.ask("POST", "/api/v3/profiles", "body", "raft-other").status == 200);
  CHECK(world.ask("POST", "/api/v3/profiles", "body", "raft-stranger").status == 403); // TLS-11
}

TEST_CASE("without an active a request waits for one and is then told why there is none") {
  forward_world world;
  world.local = {json_response("mine")};
  world.board->set(standing_of(false, ""));
  const auto began = std::chrono::steady_clock::now();
  const auto refused = world.ask("POST", "/api/v3/profiles", "body");
  CHECK(std::chrono::steady_clock::now() - began >= 200ms);
  CHECK(refused.status == 503);
  CHECK(header_of(refused, "Retry-After") == "1");
  CHECK(refused.body.find("knows of no leader") != std::string::npos);
  CHECK(world.local_bodies.empty());
  CHECK(world.ask("GET", "/api/v3/info").body == "mine"); // needs nobody

  // This node itself becomes active while the request waits.
  asio::steady_timer later(world.loop, 30ms);
  later.async_wait([&](const boost::system::error_code&) { world.board->set(standing_of(true, "me")); });
  CHECK(world.ask("POST", "/api/v3/profiles", "body").body == "mine");
}

namespace {

/// This node follows `other`, whose API is there.
std::shared_ptr<msg::standing> following(const std::string& url) {
  auto out = std::make_shared<msg::standing>(*standing_of(false, "other"));
  out->active_url = url;
  out->leader_id = out->active_id;
  const auto root = net::make_root("c1", std::chrono::system_clock::now());
  const auto own = net::make_node_certificate(root, "me", "127.0.0.1", std::chrono::system_clock::now());
  out->credentials = std::make_shared<const net::peer_credentials>(net::peer_credentials{own, {root.cert}});
  return out;
}

/// The API of the member that is active, as far as its bytes go: it takes one connection after the other,
/// reads the request, keeps it for a while, says the next of its answers and hangs up.
class scripted_active {
public:
  scripted_active(forward_world& world, std::vector<std::string> answers)
      : world_(world), acceptor_(world.loop, {asio::ip::address_v4::loopback(), 0}),
        answers_(std::move(answers)) {
    const auto stand = following("https://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()));
    tls_ = net::make_peer_context(*stand->credentials);
    world.board->set(stand);
    world.forwarder->open(world.loop.get_executor());
    asio::co_spawn(world.loop, serve(), asio::detached);
  }
  std::chrono::milliseconds keeps{0};
  std::vector<std::string> heard;
  std::function<void()> after_last;

private:
  asio::awaitable<void> serve() {
    for (const auto& answer : answers_) {
      net::tls_stream stream(co_await acceptor_.async_accept(asio::use_awaitable), *tls_);
      co_await stream.async_handshake(net::tls_stream::server, asio::use_awaitable);
      std::string request;
      while (request.find("\r\n\r\n") == std::string::npos) {
        std::array<char, 4096> piece;
        const auto n = co_await stream.async_read_some(asio::buffer(piece), asio::use_awaitable);
        request.append(piece.data(), n);
      }
      heard.push_back(request.substr(0, request.find("\r\n")));
      asio::steady_timer timer(world_.loop, keeps);
      co_await timer.async_wait(asio::use_awaitable);
      boost::system::error_code gone;
      co_await asio::async_write(stream, asio::buffer(answer),
                                 asio::redirect_error(asio::use_awaitable, gone));
    }
    acceptor_.close();
    if (after_last)
      after_last();
  }

  forward_world& world_;
  asio::ip::tcp::acceptor acceptor_;
  std::vector<std::string> answers_;
  net::tls_context_ptr tls_;
};

} // namespace

TEST_CASE("a long poll goes to the active for as long as its client asked, whatever an answer may take") {
  forward_world world(20ms, 200ms);
  world.sent = {{"if-none-match", "\"4\""}, {"prefer", "wait=400ms"}};
  scripted_active active(world, {"HTTP/1.1 304 Not Modified\r\nETag: \"4\"\r\nConnection: close\r\n\r\n"});
  active.keeps = 400ms;
  const auto answer = world.ask("GET", "/api/v3/profiles/x", {}, {}, true);
  CHECK(answer.status == 304);
  CHECK(header_of(answer, "etag") == "\"4\"");
  CHECK(active.heard.size() == 1);
}

TEST_CASE("an active lost between the head and the body of a large answer: a read goes elsewhere, a write's "
          "outcome is not known") {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 300000\r\n"
                           "Connection: close\r\n\r\n";
  for (const bool read : {true, false}) {
    forward_world world;
    world.local = {json_response("mine")};
    scripted_active active(world, {head});
    active.after_last = [&] { world.board->set(standing_of(true, "me")); };
    const auto answer = world.ask(read ? "GET" : "PATCH", "/api/v3/profiles/x", {}, {}, true);
    CHECK(answer.status == (read ? 200U : 504U));
    CHECK(world.local_bodies.size() == (read ? 1U : 0U));
    CHECK((answer.body == "mine") == read);
    CHECK((answer.body.find("the answer broke off") != std::string::npos) == !read);
  }
  forward_world world;
  const std::string body(300'000, 'b');
  scripted_active active(world, {head + body});
  const auto whole = world.ask("GET", "/api/v3/profiles/x", {}, {}, true);
  CHECK(whole.status == 200);
  CHECK(whole.body == body);
}

TEST_CASE("nothing is sent to an active that fell silent: it waits, so that its fate stays known") {
  forward_world world;
  world.local = {json_response("mine")};
  auto silent = following("https://127.0.0.1:1");
  silent->active_silent = true;
  world.board->set(silent);
  const auto began = std::chrono::steady_clock::now();
  const auto refused = world.ask("POST", "/api/v3/profiles", "body");
  CHECK(std::chrono::steady_clock::now() - began >= 200ms);
  CHECK(refused.status == 503);
  CHECK(says_not_done(refused.status, refused.headers));
  CHECK(refused.body.find("nothing was heard of it") != std::string::npos);

  // Somebody else becomes active while the request waits.
  asio::steady_timer later(world.loop, 30ms);
  later.async_wait([&](const boost::system::error_code&) { world.board->set(standing_of(true, "me")); });
  CHECK(world.ask("POST", "/api/v3/profiles", "body").body == "mine");
}

TEST_CASE("nobody waits for what a silent active was sent once somebody else is active; one that was heard "
          "may say it") {
  for (const bool silent : {true, false}) {
    forward_world world(silent ? 10s : 300ms);
    world.local = {json_response("mine")};
    asio::ip::tcp::acceptor mute(world.loop,
                                 {asio::ip::address_v4::loopback(), 0}); // takes all and says nothing
    const auto other = following("https://127.0.0.1:" + std::to_string(mute.local_endpoint().port()));
    world.board->set(other);
    world.forwarder->open(world.loop.get_executor());
    asio::steady_timer falls_silent(world.loop, 20ms), no_leader(world.loop, 40ms),
        replaced(world.loop, 60ms);
    falls_silent.async_wait([&](const boost::system::error_code&) {
      auto now = std::make_shared<msg::standing>(*other);
      now->active_silent = silent;
      world.board->set(now);
    });
    no_leader.async_wait([&](const boost::system::error_code&) { // an election has begun
      auto now = std::make_shared<msg::standing>(*other);
      now->leader_id.clear();
      world.board->set(now);
    });
    replaced.async_wait([&](const boost::system::error_code&) { world.board->set(standing_of(true, "me")); });
    const auto began = std::chrono::steady_clock::now();
    const auto answer = world.ask("POST", "/api/v3/profiles", "body", {}, true);
    const auto took = std::chrono::steady_clock::now() - began;
    CHECK(answer.body == "mine"); // nothing was sent yet, so it was surely not done
    CHECK(took >= (silent ? 60ms : 360ms));
    CHECK(took < (silent ? 300ms : 900ms));
  }
}

TEST_CASE("what a node refuses because its role is just being lost is tried again with the same body") {
  forward_world world;
  world.local = {refused_as_passive(), refused_as_passive(), json_response("mine")};
  world.board->set(standing_of(true, "me"));
  CHECK(world.ask("POST", "/api/v3/profiles", "body").body == "mine");
  CHECK(world.local_bodies == std::vector<std::string>{"body", "body", "body"});

  // The role does not go, and neither does the reason: the answer is given as it was.
  forward_world stuck;
  stuck.local = {refused_as_passive()};
  stuck.board->set(standing_of(true, "me"));
  CHECK(stuck.ask("POST", "/api/v3/profiles", "body").body.find("not the active one") != std::string::npos);

  // A full disk will not be empty in a moment.
  forward_world full;
  full.local = {refused_as_passive()};
  auto standing = std::make_shared<msg::standing>(*standing_of(true, "me"));
  standing->disk_full = true;
  full.board->set(standing);
  CHECK(full.ask("POST", "/api/v3/profiles", "body").status == 503);
  CHECK(full.local_bodies.size() == 1);
}

TEST_CASE("a removed node says that it was removed") {
  auto standing = std::make_shared<msg::standing>(*standing_of(false, ""));
  standing->removed = true;
  CHECK(why_no_active(*standing).find("removed from the cluster") != std::string::npos);
}
