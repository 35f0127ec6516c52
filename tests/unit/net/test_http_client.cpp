#include "net/http_client.hpp"
#include "net/identity.hpp"
#include "net_fixture.hpp"

namespace holdfast::net::test {
namespace {

using duration = std::chrono::milliseconds;

asio::awaitable<void> serve(std::shared_ptr<http_exchange> exchange) {
  const auto& path = exchange->head().path;
  if (exchange->head().wants_websocket) {
    if (path == "/declined") {
      http_response response;
      response.status = 403;
      response.body = "not you";
      co_await exchange->respond(std::move(response));
      co_return;
    }
    const auto socket = co_await exchange->upgrade();
    if (!socket)
      co_return;
    for (;;) {
      auto message = co_await socket->receive();
      if (!message)
        break;
      if (*message == "bye")
        socket->close("as you wish");
      else if (*message == "flood") {
        while (socket->send(std::string(100'000, 'f')))
          continue;
        socket->close("too slow");
      } else
        socket->send("echo " + *message);
    }
    co_return;
  }
  http_response response;
  if (path == "/big") {
    response.body = std::string(300'000, 'b');
  } else if (path == "/never") {
    auto timer = std::make_shared<asio::steady_timer>(exchange->executor(), 60s);
    exchange->on_gone([timer] { timer->cancel(); });
    error_code ec;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ec));
  } else if (path == "/stream") {
    auto left = std::make_shared<int>(50);
    const auto next = [left]() -> asio::awaitable<std::string> {
      co_return (*left)-- > 0 ? std::string(10'000, 's') : std::string();
    };
    co_await exchange->respond_stream(response, std::nullopt, next);
    co_return;
  } else if (path == "/refuse") {
    response.status = 403;
    response.body = "no";
  } else if (path != "/empty") {
    const auto body = co_await exchange->read_body(10'000'000);
    response.body = exchange->head().method_name + ":" + body.value_or("-");
  }
  co_await exchange->respond(std::move(response));
}

http_url url_of(const server_fixture& fixture, std::string target = "/") {
  return {fixture.at.ip, fixture.at.port, std::move(target), {}};
}

client_request request_of(std::string method, std::string target, std::string body = {}) {
  client_request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.body = std::move(body);
  return request;
}

asio::awaitable<client_response> call(http_client& client, const server_fixture& fixture,
                                      client_request request, duration time = 3s,
                                      std::size_t limit = 1'000'000) {
  co_return co_await client.send(url_of(fixture), std::move(request), time, limit);
}

} // namespace

TEST_CASE("the client reuses its connection, and sends and receives bodies of any framing") {
  server_fixture fixture(serve);
  http_client client(fixture.io.get_executor());
  within(fixture.io, 10s, [&]() -> asio::awaitable<void> {
    for (int i = 0; i < 5; ++i) {
      const auto answer = co_await call(client, fixture, request_of("POST", "/x", "body"));
      REQUIRE(!answer.failure);
      CHECK(answer.status == 200);
      CHECK(answer.body == "POST:body");
      CHECK(answer.header("content-type") == "application/json");
    }
    const auto empty = co_await call(client, fixture, request_of("GET", "/empty"));
    CHECK(empty.body.empty());
    const auto head = co_await call(client, fixture, request_of("HEAD", "/big"));
    CHECK(head.header("content-length") == "300000");
    const auto big = co_await call(client, fixture, request_of("GET", "/big"));
    CHECK(big.body.size() == 300'000);
    const auto stream = co_await call(client, fixture, request_of("GET", "/stream"));
    CHECK(stream.body.size() == 500'000);
    auto upload = request_of("PUT", "/x");
    auto left = std::make_shared<int>(10);
    upload.body_source = [left]() -> asio::awaitable<std::string> {
      co_return (*left)-- > 0 ? std::string(1000, 'u') : std::string();
    };
    const auto uploaded = co_await call(client, fixture, upload);
    CHECK(uploaded.body.size() == 4 + 10'000);
  });
  CHECK(fixture.server->stats().accepted == 1);
}

TEST_CASE("an answer is read piece by piece, and dropping it early costs only its connection") {
  server_fixture fixture(serve);
  http_client client(fixture.io.get_executor());
  within(fixture.io, 10s, [&]() -> asio::awaitable<void> {
    auto opened = co_await client.open(url_of(fixture), request_of("GET", "/stream"), 3s);
    REQUIRE(!opened.failure);
    CHECK(opened.stream->head().status == 200);
    std::vector<std::byte> piece(7000);
    std::size_t total = 0;
    for (;;) {
      const auto n = co_await opened.stream->read_some(piece, 3s);
      REQUIRE(n);
      if (*n == 0)
        break;
      total += *n;
    }
    CHECK(total == 500'000);
    auto dropped = co_await client.open(url_of(fixture), request_of("GET", "/stream"), 3s);
    dropped.stream.reset();
    const auto after = co_await call(client, fixture, request_of("GET", "/x"));
    CHECK(after.body == "GET:");
  });
}

TEST_CASE("every failure has its kind, and says whether the request may have been sent") {
  server_fixture fixture(serve);
  http_client client(fixture.io.get_executor());
  within(fixture.io, 10s, [&]() -> asio::awaitable<void> {
    const auto late = co_await call(client, fixture, request_of("POST", "/never"), 200ms);
    CHECK(late.failure.kind == client_error::timeout);
    CHECK(late.failure.sent);
    const auto large = co_await call(client, fixture, request_of("GET", "/big"), 3s, 1000);
    CHECK(large.failure.kind == client_error::too_large);
    const http_url nobody{"127.0.0.1", 1, "/", {}};
    const auto refused = co_await client.send(nobody, request_of("GET", "/"), 3s, 1000);
    CHECK(refused.failure.kind == client_error::refused);
    CHECK(!refused.failure.sent);
    const http_url nowhere{"no-such-host.invalid", 1, "/", {}};
    const auto unknown = co_await client.send(nowhere, request_of("GET", "/"), 5s, 1000);
    CHECK((unknown.failure.kind == client_error::resolve || unknown.failure.kind == client_error::timeout));
  });
}

TEST_CASE("a server that refuses an upload early is heard") {
  server_fixture fixture(serve);
  http_client client(fixture.io.get_executor());
  within(fixture.io, 10s, [&]() -> asio::awaitable<void> {
    auto upload = request_of("PUT", "/refuse");
    auto left = std::make_shared<int>(2000);
    upload.body_source = [left]() -> asio::awaitable<std::string> {
      co_return (*left)-- > 0 ? std::string(65'536, 'u') : std::string();
    };
    const auto answer = co_await call(client, fixture, upload);
    CHECK(answer.status == 403);
    CHECK(answer.body == "no");
  });
}

TEST_CASE("a pooled connection that the server closed meanwhile is not used for a write") {
  http_limits limits;
  limits.idle_time = 50ms;
  limits.linger_time = 50ms;
  server_fixture fixture(serve, limits);
  http_client client(fixture.io.get_executor());
  within(fixture.io, 5s,
         [&]() -> asio::awaitable<void> { co_await call(client, fixture, request_of("GET", "/x")); });
  until(fixture.io, 3s, [&] { return fixture.server->stats().open == 0; });
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    const auto answer = co_await call(client, fixture, request_of("POST", "/x", "b"));
    CHECK(answer.body == "POST:b");
  });
  CHECK(fixture.server->stats().accepted == 2);
}

TEST_CASE("a pinned fingerprint accepts that certificate and no other") {
  server_fixture fixture(serve);
  http_client_options options;
  options.verify = verify_mode::fingerprint;
  options.fingerprint = std::string(64, '0');
  http_client client(fixture.io.get_executor(), options);
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    const auto wrong = co_await call(client, fixture, request_of("GET", "/x"));
    CHECK(wrong.failure.kind == client_error::tls);
    CHECK(!wrong.failure.sent);
    options.fingerprint = client.last_fingerprint();
    CHECK(options.fingerprint.size() == 64);
    client.reconfigure(options);
    const auto right = co_await call(client, fixture, request_of("GET", "/x"));
    CHECK(!right.failure);
  });
}

TEST_CASE("a websocket echoes, closes in good order, and may be declined") {
  server_fixture fixture(serve);
  http_client client(fixture.io.get_executor());
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    const std::vector<std::pair<std::string, std::string>> headers{{"Authorization", "Basic x"}};
    auto opened = co_await client.connect_websocket(url_of(fixture, "/ws"), headers, 3s);
    REQUIRE(opened.socket);
    for (int i = 0; i < 10; ++i)
      opened.socket->send("m" + std::to_string(i));
    for (int i = 0; i < 10; ++i) {
      const auto message = co_await opened.socket->receive();
      CHECK(message == "echo m" + std::to_string(i));
    }
    CHECK(fixture.server->stats().websockets == 1);
    opened.socket->send("bye");
    const auto last = co_await opened.socket->receive();
    CHECK(!last);
    const auto declined = co_await client.connect_websocket(url_of(fixture, "/declined"), headers, 3s);
    CHECK(!declined.socket);
    CHECK(declined.status == 403);
    CHECK(declined.body == "not you");
  });
  until(fixture.io, 3s, [&] { return fixture.server->stats().websockets == 0; });
}

TEST_CASE("a cancelled call ends at once, its connection closes, and a pooled one is left alone") {
  server_fixture fixture(serve);
  http_client client(fixture.io.get_executor());
  within(fixture.io, 10s, [&]() -> asio::awaitable<void> {
    auto request = request_of("GET", "/never");
    request.cancel = std::make_shared<client_cancel>();
    asio::steady_timer soon(fixture.io, 100ms);
    soon.async_wait([cancel = request.cancel](error_code) { cancel->cancel(); });
    const auto ended = co_await call(client, fixture, request, 30s);
    CHECK(ended.failure.kind == client_error::closed);
    CHECK(ended.failure.sent);
    const auto again = co_await call(client, fixture, request);
    CHECK(again.failure.kind == client_error::closed);
    CHECK(!again.failure.sent);

    auto good = request_of("GET", "/x");
    good.cancel = std::make_shared<client_cancel>();
    const auto first = co_await call(client, fixture, good);
    CHECK(!first.failure);
    const auto accepted = fixture.server->stats().accepted;
    good.cancel->cancel(); // too late to hurt anybody
    const auto second = co_await call(client, fixture, request_of("GET", "/x"));
    CHECK(!second.failure);
    CHECK(fixture.server->stats().accepted == accepted);
  });
}

TEST_CASE("a source that fails ends the upload: the server sees a body that is not whole") {
  server_fixture fixture(serve);
  http_client client(fixture.io.get_executor());
  within(fixture.io, 10s, [&]() -> asio::awaitable<void> {
    auto upload = request_of("PUT", "/x");
    auto left = std::make_shared<int>(3);
    upload.body_source = [left]() -> asio::awaitable<std::string> {
      if ((*left)-- == 0)
        throw std::runtime_error("the client left");
      co_return std::string(1000, 'u');
    };
    bool thrown = false;
    try {
      co_await call(client, fixture, upload);
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    CHECK(thrown);
  });
  until(fixture.io, 3s, [&] { return fixture.server->stats().open == 0; });
}

TEST_CASE("the code of a close frame is heard on the other side") {
  std::optional<websocket_goodbye> heard;
  server_fixture fixture([&](std::shared_ptr<http_exchange> exchange) -> asio::awaitable<void> {
    const auto socket = co_await exchange->upgrade();
    if (!socket)
      co_return;
    const auto message = co_await socket->receive();
    if (message) {
      socket->close_with(4007, "server's word");
      co_await socket->receive();
    } else {
      heard = socket->goodbye();
    }
  });
  http_client client(fixture.io.get_executor());
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    auto asks = co_await client.connect_websocket(url_of(fixture, "/ws"), {}, 3s);
    REQUIRE(asks.socket);
    asks.socket->send("x");
    const auto nothing = co_await asks.socket->receive();
    CHECK(!nothing);
    CHECK(asks.socket->goodbye().code == 4007);
    CHECK(asks.socket->goodbye().reason == "server's word");
    auto says = co_await client.connect_websocket(url_of(fixture, "/ws"), {}, 3s);
    REQUIRE(says.socket);
    says.socket->close_with(4001, "client's word");
    co_await says.socket->receive();
  });
  until(fixture.io, 3s, [&] { return heard.has_value(); });
  CHECK(heard->code == 4001);
  CHECK(heard->reason == "client's word");
}

TEST_CASE("a binary frame on a websocket that is being closed ends that socket and nothing else") {
  std::shared_ptr<websocket> socket;
  bool ended = false;
  server_fixture fixture([&](std::shared_ptr<http_exchange> exchange) -> asio::awaitable<void> {
    socket = co_await exchange->upgrade();
    ended = !co_await socket->receive();
  });
  raw_client client(fixture.io, fixture.at);
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    co_await client.connect();
    co_await client.write("GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n");
    co_await client.read_to("\r\n\r\n");
  });
  until(fixture.io, 3s, [&] { return socket != nullptr; });
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    co_await client.write(std::string("\x82\x82\0\0\0\0x", 7)); // the frame begins …
  });
  fixture.io.run_for(
      100ms); // … and is being read: nothing outside tells when; too short a while only proves less
  socket->close_with(1012, "restarting");
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    co_await client.write("y");
    co_await client.read_to("restarting");
  });
  until(fixture.io, 5s, [&] { return ended; });
  socket.reset();
  until(fixture.io, 5s, [&] { return fixture.server->stats().websockets == 0; });
}

TEST_CASE("a websocket message above the limit ends the socket") {
  http_limits limits;
  limits.websocket_message = 1000;
  server_fixture fixture(serve, limits);
  http_client client(fixture.io.get_executor());
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    auto opened = co_await client.connect_websocket(url_of(fixture, "/ws"), {}, 3s);
    REQUIRE(opened.socket);
    opened.socket->send(std::string(5000, 'x'));
    const auto answer = co_await opened.socket->receive();
    CHECK(!answer);
  });
}

TEST_CASE("a websocket client that does not read fills a bounded queue and is let go") {
  http_limits limits;
  limits.websocket_queue = 1'000'000;
  limits.linger_time = 200ms;
  server_fixture fixture(serve, limits);
  http_client client(fixture.io.get_executor());
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    auto opened = co_await client.connect_websocket(url_of(fixture, "/ws"), {}, 3s);
    REQUIRE(opened.socket);
    opened.socket->send("flood");
    asio::steady_timer tick(fixture.io);
    while (fixture.server->stats().websockets != 0) {
      tick.expires_after(5ms);
      co_await tick.async_wait(asio::use_awaitable);
    }
  });
}

TEST_CASE("a silent websocket is cut after its idle time") {
  http_limits limits;
  limits.websocket_idle = 200ms;
  server_fixture fixture(serve, limits);
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    raw_client client(fixture.io, fixture.at);
    co_await client.connect();
    co_await client.write("GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    const auto all = co_await client.read_all();
    CHECK(all.starts_with("HTTP/1.1 101"));
  });
  until(fixture.io, 3s, [&] { return fixture.server->stats().websockets == 0; });
}

TEST_CASE("a URL is parsed or refused with the reason") {
  std::string why;
  const auto plain = parse_url("https://host/a?b=c", 8092, why);
  REQUIRE(plain);
  CHECK(plain->host == "host");
  CHECK(plain->port == 8092);
  CHECK(plain->target == "/a?b=c");
  const auto v6 = parse_url("wss://[::1]:99", 8092, why);
  REQUIRE(v6);
  CHECK(v6->host == "::1");
  CHECK(v6->port == 99);
  CHECK(v6->target == "/");
  for (const char* bad :
       {"http://x", "https://", "https://:1", "https://x:0", "https://x:70000", "https://u@x", "x"}) {
    CAPTURE(bad);
    CHECK(!parse_url(bad, 8092, why));
    CHECK(!why.empty());
  }
}

} // namespace holdfast::net::test
