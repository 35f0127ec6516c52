#include "net_fixture.hpp"

#include <array>
#include <fstream>

namespace holdfast::net::test {
namespace {

asio::awaitable<void> echo(std::shared_ptr<http_exchange> exchange) {
  const auto body = co_await exchange->read_body(1024 * 1024);
  if (!body)
    co_return;
  http_response response;
  response.body = exchange->head().method_name + " " + exchange->head().path + " " + *body + "\n";
  co_await exchange->respond(std::move(response));
}

http_response worded(unsigned status, std::string_view message, const http_head* head) {
  http_response response;
  response.status = status;
  response.body = "{\"Code\":" + std::to_string(status) + ",\"Text\":\"" + std::string(message) +
                  "\",\"Key\":\"" + (head != nullptr ? head->target : "") + "\"}";
  return response;
}

/// Sends the bytes on a fresh connection and returns everything that comes back until the server closes.
std::string talk(server_fixture& fixture, std::string bytes) {
  std::string answer;
  within(fixture.io, 10s, [&]() -> asio::awaitable<void> {
    raw_client client(fixture.io, fixture.at);
    co_await client.connect();
    co_await client.write(bytes);
    answer = co_await client.read_all();
  });
  return answer;
}

long resident_kilobytes() {
  std::ifstream in("/proc/self/statm");
  long total = 0;
  long resident = 0;
  in >> total >> resident;
  return resident * 4;
}

} // namespace

TEST_CASE("keep-alive: several requests use one connection, and their answers come in order when pipelined") {
  server_fixture fixture(echo);
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    raw_client client(fixture.io, fixture.at);
    co_await client.connect();
    co_await client.write("GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto first = co_await client.read_to("GET /one \n");
    CHECK(first.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(first.find("Content-Type: application/json\r\n") != std::string::npos);
    std::string many;
    for (int i = 0; i < 20; ++i)
      many += "POST /p" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab";
    co_await client.write(many);
    for (int i = 0; i < 20; ++i) {
      const auto answer = co_await client.read_to("\n");
      std::string text = answer;
      while (text.find("POST") == std::string::npos)
        text = co_await client.read_to("\n");
      CHECK(text == "POST /p" + std::to_string(i) + " ab\n");
    }
  });
  CHECK(fixture.server->stats().accepted == 1);
  CHECK(fixture.server->stats().requests == 21);
}

TEST_CASE("HTTP/1.0 and Connection: close end the connection after the answer") {
  server_fixture fixture(echo);
  CHECK(talk(fixture, "GET /a HTTP/1.0\r\n\r\n").ends_with("GET /a \n"));
  const auto closed = talk(fixture, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(closed.find("Connection: close\r\n") != std::string::npos);
}

TEST_CASE(
    "paths that leave the tree, invalid UTF-8 and bad escapes are refused in the caller's error shape") {
  server_fixture fixture(echo, {}, worded);
  for (const std::string target :
       {"/a/../b", "/..", "/%2e%2e/x", "/a%00b", "/%ff%fe", "/%zz", "x", "/\xc3("}) {
    const auto answer = talk(fixture, "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
    CAPTURE(target);
    CAPTURE(answer);
    CHECK(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    CHECK(answer.find("{\"Code\":400") != std::string::npos);
  }
  CHECK(fixture.server->stats().requests == 0);
}

TEST_CASE("bytes that are not HTTP get 400 and unknown verbs reach the handler") {
  server_fixture fixture(echo, {}, worded);
  CHECK(talk(fixture, "\x16\x03 nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
  CHECK(
      talk(fixture, "BREW /pot HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ends_with("BREW /pot \n"));
}

TEST_CASE("a header without end is cut at the limit and costs no memory") {
  server_fixture fixture(echo, {}, worded);
  const auto before = resident_kilobytes();
  std::string answer;
  within(fixture.io, 20s, [&]() -> asio::awaitable<void> {
    raw_client client(fixture.io, fixture.at);
    co_await client.connect();
    co_await client.write("GET / HTTP/1.1\r\nX: ");
    const std::string piece(64 * 1024, 'a');
    for (int i = 0; i < 1024; ++i) {
      const bool alive = co_await client.write(piece);
      if (!alive)
        break;
    }
    answer = co_await client.read_all();
  });
  CHECK(resident_kilobytes() - before < 8 * 1024);
  CHECK(fixture.server->stats().bad_requests == 1);
}

TEST_CASE("a head above the limit that is whole gets 431") {
  server_fixture fixture(echo, {}, worded);
  CHECK(talk(fixture, "GET / HTTP/1.1\r\nX: " + std::string(70'000, 'a') + "\r\n\r\n")
            .starts_with("HTTP/1.1 431"));
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 200; ++i)
    many += "h" + std::to_string(i) + ": v\r\n";
  CHECK(talk(fixture, many + "\r\n").starts_with("HTTP/1.1 431"));
}

TEST_CASE("a body above the handler's limit gets 413, announced or chunked, in bounded memory") {
  server_fixture fixture(echo, {}, worded);
  const auto announced = talk(fixture, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 67108864\r\n\r\nabc");
  CHECK(announced.starts_with("HTTP/1.1 413"));
  const auto before = resident_kilobytes();
  std::string answer;
  within(fixture.io, 20s, [&]() -> asio::awaitable<void> {
    raw_client client(fixture.io, fixture.at);
    co_await client.connect();
    co_await client.write("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string piece = "10000\r\n" + std::string(0x10000, 'a') + "\r\n";
    for (int i = 0; i < 40; ++i) {
      const bool alive = co_await client.write(piece);
      if (!alive)
        break;
    }
    answer = co_await client.read_to("}");
  });
  CHECK(answer.starts_with("HTTP/1.1 413"));
  CHECK(resident_kilobytes() - before < 16 * 1024);
}

TEST_CASE("a chunked upload streams through in constant memory") {
  std::uint64_t total = 0;
  server_fixture fixture([&](std::shared_ptr<http_exchange> exchange) -> asio::awaitable<void> {
    std::vector<std::byte> piece(64 * 1024);
    for (;;) {
      const auto n = co_await exchange->read_some(piece);
      REQUIRE(n);
      if (*n == 0)
        break;
      total += *n;
    }
    http_response response;
    response.body = "done";
    co_await exchange->respond(std::move(response));
  });
  const auto before = resident_kilobytes();
  within(fixture.io, 30s, [&]() -> asio::awaitable<void> {
    raw_client client(fixture.io, fixture.at);
    co_await client.connect();
    co_await client.write("PUT /f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string piece = "8000\r\n" + std::string(0x8000, 'z') + "\r\n";
    for (int i = 0; i < 2048; ++i)
      co_await client.write(piece);
    co_await client.write("0\r\n\r\nGET /next HTTP/1.1\r\n\r\n");
    const auto answer = co_await client.read_to("done");
    CHECK(answer.starts_with("HTTP/1.1 200"));
  });
  CHECK(total == 64ULL * 1024 * 1024);
  CHECK(resident_kilobytes() - before < 8 * 1024);
}

TEST_CASE("a malformed chunk ends the request with 400") {
  server_fixture fixture(echo, {}, worded);
  const auto answer =
      talk(fixture,
           "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\nabc\r\n0\r\n\r\n");
  CHECK(answer.starts_with("HTTP/1.1 400"));
}

TEST_CASE("Expect: 100-continue is answered before the body is read, and only then") {
  server_fixture fixture(echo);
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    raw_client client(fixture.io, fixture.at);
    co_await client.connect();
    co_await client.write("POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    const auto go = co_await client.read_to("\r\n\r\n");
    CHECK(go == "HTTP/1.1 100 Continue\r\n\r\n");
    co_await client.write("abc");
    const auto answer = co_await client.read_to("POST /e abc\n");
    CHECK(answer.starts_with("HTTP/1.1 200"));
  });
}

TEST_CASE("HEAD carries the length but no body; 204 carries neither") {
  server_fixture fixture([](std::shared_ptr<http_exchange> exchange) -> asio::awaitable<void> {
    http_response response;
    if (exchange->head().path == "/none")
      response.status = 204;
    else
      response.body = "0123456789";
    co_await exchange->respond(std::move(response));
  });
  const auto head = talk(fixture, "HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n");
  CHECK(head.find("Content-Length: 10\r\n") != std::string::npos);
  CHECK(head.ends_with("\r\n\r\n"));
  const auto none = talk(fixture, "GET /none HTTP/1.1\r\nConnection: close\r\n\r\n");
  CHECK(none.starts_with("HTTP/1.1 204"));
  CHECK(none.find("Content-Type: application/json\r\n") != std::string::npos); // contract §0.3
  CHECK(none.find("Content-Length") == std::string::npos);
}

TEST_CASE("a handler that throws or stays silent gives 500 in the caller's shape and the server lives") {
  server_fixture fixture(
      [](std::shared_ptr<http_exchange> exchange) -> asio::awaitable<void> {
        if (exchange->head().path == "/throw")
          throw std::runtime_error("secret detail");
        co_return;
      },
      {}, worded);
  const auto thrown = talk(fixture, "GET /throw HTTP/1.1\r\n\r\n");
  CHECK(thrown.starts_with("HTTP/1.1 500"));
  CHECK(thrown.find("secret detail") == std::string::npos);
  CHECK(thrown.find("Connection: close\r\n") != std::string::npos);
  CHECK(talk(fixture, "GET /silent HTTP/1.1\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 500"));
  CHECK(fixture.server->stats().handler_errors == 1);
}

TEST_CASE("slow-loris: a head that trickles in is cut after header_time") {
  http_limits limits;
  limits.header_time = 200ms;
  server_fixture fixture(echo, limits);
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    raw_client client(fixture.io, fixture.at);
    co_await client.connect();
    asio::steady_timer pace(fixture.io);
    const auto start = std::chrono::steady_clock::now();
    co_await client.write("GET / HTTP/1.1\r\n");
    for (;;) {
      pace.expires_after(20ms);
      co_await pace.async_wait(asio::use_awaitable);
      const bool alive = co_await client.write("X: y\r\n");
      if (!alive)
        break;
    }
    CHECK(std::chrono::steady_clock::now() - start < 2s);
  });
  CHECK(fixture.server->stats().timed_out == 1);
  CHECK(fixture.server->stats().requests == 0);
}

TEST_CASE("half-open TLS: silent handshakes are limited in time and in number") {
  http_limits limits;
  limits.handshake_time = 300ms;
  limits.max_handshakes = 4;
  server_fixture fixture(echo, limits);
  std::vector<std::unique_ptr<raw_client>> silent;
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    for (int i = 0; i < 12; ++i) {
      silent.push_back(std::make_unique<raw_client>(fixture.io, fixture.at));
      co_await silent.back()->connect_tcp();
    }
    raw_client good(fixture.io, fixture.at); // still gets through
    co_await good.connect();
    co_await good.write("GET /ok HTTP/1.1\r\nConnection: close\r\n\r\n");
    const auto answer = co_await good.read_all();
    CHECK(answer.ends_with("GET /ok \n"));
  });
  CHECK(fixture.server->stats().handshaking <= 4);
  until(fixture.io, 3s, [&] { return fixture.server->stats().open == 0; });
}

TEST_CASE("above max_connections a client is told 503 and closed; the next one after a departure is served") {
  http_limits limits;
  limits.max_connections = 2;
  limits.refusal_reserve = 1;
  server_fixture fixture(echo, limits, worded);
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    raw_client a(fixture.io, fixture.at);
    raw_client b(fixture.io, fixture.at);
    raw_client c(fixture.io, fixture.at);
    co_await a.connect();
    co_await b.connect();
    co_await c.connect();
    co_await c.write("GET / HTTP/1.1\r\n\r\n");
    const auto refused = co_await c.read_to("}");
    CHECK(refused.starts_with("HTTP/1.1 503"));
    CHECK(refused.find("Retry-After: 1\r\n") != std::string::npos);
    c.close();
    a.close();
  });
  until(fixture.io, 3s, [&] { return fixture.server->stats().open == 1; });
  CHECK(talk(fixture, "GET /d HTTP/1.1\r\nConnection: close\r\n\r\n").ends_with("GET /d \n"));
}

TEST_CASE("a long poll learns that its client left, and a waiting one still gets its answer") {
  bool gone = false;
  auto timer = std::make_shared<std::optional<asio::steady_timer>>();
  server_fixture fixture([&, timer](std::shared_ptr<http_exchange> exchange) -> asio::awaitable<void> {
    timer->emplace(exchange->executor(), 10s);
    exchange->on_gone([&gone, timer] {
      gone = true;
      (*timer)->cancel();
    });
    error_code ec;
    co_await (*timer)->async_wait(asio::redirect_error(asio::use_awaitable, ec));
    http_response response;
    response.body = "woken\n";
    co_await exchange->respond(std::move(response));
  });
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    raw_client client(fixture.io, fixture.at);
    co_await client.connect();
    co_await client.write("GET /poll HTTP/1.1\r\n\r\n");
    asio::steady_timer tick(fixture.io);
    while (!timer->has_value()) {
      tick.expires_after(1ms);
      co_await tick.async_wait(asio::use_awaitable);
    }
    client.close();
  });
  until(fixture.io, 3s, [&] { return gone && fixture.server->stats().open == 0; });
  timer->reset();
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    raw_client client(fixture.io, fixture.at);
    co_await client.connect();
    co_await client.write("GET /poll HTTP/1.1\r\n\r\nGET /second HTTP/1.1\r\n\r\n");
    asio::steady_timer tick(fixture.io);
    for (int i = 0; i < 2; ++i) {
      while (!timer->has_value()) {
        tick.expires_after(1ms);
        co_await tick.async_wait(asio::use_awaitable);
      }
      (*timer)->cancel();
      timer->reset();
      const auto answer = co_await client.read_to("woken\n");
      CHECK(answer.ends_with("woken\n"));
    }
  });
}

TEST_CASE("a streamed answer is chunked, or sized when the length is known; a short one is cut, not ended") {
  server_fixture fixture([](std::shared_ptr<http_exchange> exchange) -> asio::awaitable<void> {
    auto left = std::make_shared<int>(3);
    const bool known = exchange->head().path != "/chunked";
    const bool lie = exchange->head().path == "/lie";
    http_response response;
    const std::optional<std::uint64_t> length =
        known ? std::optional<std::uint64_t>(lie ? 100 : 9) : std::nullopt;
    const auto next = [left]() -> asio::awaitable<std::string> { co_return (*left)-- > 0 ? "abc" : ""; };
    co_await exchange->respond_stream(response, length, next);
  });
  const auto chunked = talk(fixture, "GET /chunked HTTP/1.1\r\nConnection: close\r\n\r\n");
  CHECK(chunked.ends_with("\r\n\r\n3\r\nabc\r\n3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n"));
  const auto sized = talk(fixture, "GET /sized HTTP/1.1\r\nConnection: close\r\n\r\n");
  CHECK(sized.ends_with("\r\n\r\nabcabcabc"));
  CHECK(talk(fixture, "GET /lie HTTP/1.1\r\n\r\n").ends_with("abcabcabc"));
}

TEST_CASE("line breaks in a header value cannot split the answer") {
  server_fixture fixture([](std::shared_ptr<http_exchange> exchange) -> asio::awaitable<void> {
    http_response response;
    response.headers.emplace_back("X-Quoted", "a\r\nSet-Cookie: b");
    co_await exchange->respond(std::move(response));
  });
  const auto answer = talk(fixture, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
  CHECK(answer.find("\r\nSet-Cookie") == std::string::npos);
}

TEST_CASE("a graceful stop lets a running request finish and then lets nobody in") {
  auto release = std::make_shared<std::optional<asio::steady_timer>>();
  server_fixture fixture([release](std::shared_ptr<http_exchange> exchange) -> asio::awaitable<void> {
    release->emplace(exchange->executor(), 10s);
    error_code ec;
    co_await (*release)->async_wait(asio::redirect_error(asio::use_awaitable, ec));
    http_response response;
    response.body = "finished";
    co_await exchange->respond(std::move(response));
  });
  std::string answer;
  bool stopped = false;
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    raw_client client(fixture.io, fixture.at);
    raw_client idle(fixture.io, fixture.at);
    co_await idle.connect();
    co_await client.connect();
    co_await client.write("GET / HTTP/1.1\r\n\r\n");
    asio::steady_timer tick(fixture.io);
    while (!release->has_value()) {
      tick.expires_after(1ms);
      co_await tick.async_wait(asio::use_awaitable);
    }
    asio::co_spawn(fixture.io, fixture.server->stop(3s), [&](std::exception_ptr) { stopped = true; });
    tick.expires_after(1ms);
    co_await tick.async_wait(asio::use_awaitable);
    (*release)->cancel();
    answer = co_await client.read_all();
    CHECK(client.ended() == asio::error::eof);
    const auto nothing = co_await idle.read_all();
    CHECK(nothing.empty());
  });
  CHECK(answer.ends_with("finished"));
  until(fixture.io, 3s, [&] { return stopped; });
  raw_client late(fixture.io, fixture.at);
  CHECK_THROWS_AS(late.connect_tcp_now(), boost::system::system_error);
}

TEST_CASE("a stop resets nobody: what was asked is answered, who waits in the queue is let in, the idle see "
          "an end") {
  http_limits limits;
  limits.stop_grace = 0ms;
  server_fixture fixture(echo, limits);
  bool stopped = false;
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    raw_client idle(fixture.io, fixture.at);
    raw_client asking(fixture.io, fixture.at);
    raw_client waiting(fixture.io, fixture.at);
    for (auto* client : std::array{&idle, &asking}) {
      co_await client->connect();
      co_await client->write("GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
      co_await client->read_to("/first \n");
    }
    asio::steady_timer turn(fixture.io, 5ms); // until the server waits for the next request of both
    co_await turn.async_wait(asio::use_awaitable);
    co_await asking.write("GET /last HTTP/1.1\r\nHost: x\r\n\r\n");
    waiting.connect_tcp_now();
    asio::co_spawn(fixture.io, fixture.server->stop(3s), [&](std::exception_ptr) { stopped = true; });
    co_await waiting.shake_hands();
    co_await waiting.write("GET /queued HTTP/1.1\r\nHost: x\r\n\r\n");
    for (auto* client : std::array{&asking, &waiting}) {
      const auto answer = co_await client->read_all();
      CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
      CHECK(answer.find("Connection: close\r\n") != std::string::npos);
      CHECK(answer.ends_with(client == &asking ? "/last \n" : "/queued \n"));
      CHECK(client->ended() == asio::error::eof);
      client->close();
    }
    const auto nothing = co_await idle.read_all();
    CHECK(nothing.empty());
    CHECK(idle.ended() == asio::error::eof);
  });
  until(fixture.io, 2s, [&] { return stopped; });
}

TEST_CASE("a stopping server tells busy clients first, and is done as soon as nobody is there") {
  http_limits limits;
  limits.stop_grace = 2s;
  server_fixture fixture(echo, limits);
  bool stopped = false;
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    raw_client busy(fixture.io, fixture.at);
    co_await busy.connect();
    co_await busy.write("GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
    co_await busy.read_to("/first \n");
    asio::co_spawn(fixture.io, fixture.server->stop(3s), [&](std::exception_ptr) { stopped = true; });
    asio::steady_timer turn(fixture.io, 5ms);
    co_await turn.async_wait(asio::use_awaitable);
    raw_client fresh(fixture.io, fixture.at);
    co_await fresh.connect();
    for (auto* client : std::array{&busy, &fresh}) {
      co_await client->write("GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
      const auto answer = co_await client->read_all();
      CHECK(answer.find("Connection: close\r\n") != std::string::npos);
      CHECK(answer.ends_with("/next \n"));
      client->close();
    }
  });
  until(fixture.io, 1s, [&] { return stopped; });
}

TEST_CASE("a swapped certificate is shown to new connections while the old ones go on") {
  server_fixture fixture(echo);
  within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
    raw_client old(fixture.io, fixture.at);
    co_await old.connect();
    certificate_names names;
    names.dns.emplace_back("other");
    fixture.slot->set(make_api_context(make_self_signed(names)));
    raw_client fresh(fixture.io, fixture.at);
    co_await fresh.connect();
    co_await old.write("GET /old HTTP/1.1\r\n\r\n");
    const auto answer = co_await old.read_to("GET /old \n");
    CHECK(answer.starts_with("HTTP/1.1 200"));
  });
}

} // namespace holdfast::net::test
