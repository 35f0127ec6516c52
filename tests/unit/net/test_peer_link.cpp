#include "net/http_client.hpp"
#include "net/peer_link.hpp"
#include "net/peer_state.hpp"
#include "net_fixture.hpp"

#include <openssl/ssl.h>

#include <algorithm>

namespace holdfast::net::test {
namespace {

using std::chrono::system_clock;

struct failed_dial {
  link_purpose purpose;
  dial_trouble trouble;
  std::string message;
};

/// Writes down what it hears.
struct recorder final : peer_observer {
  std::vector<peer_link_ptr> up;
  std::vector<std::string> frames;
  std::vector<std::string> down;
  std::vector<failed_dial> failed;
  std::function<void(peer_link&, const peer_frame&)> on_each_frame;
  std::size_t bytes = 0;

  void on_link_up(const peer_link_ptr& link) override { up.push_back(link); }
  void on_frame(peer_link& link, const peer_frame& frame) override {
    bytes += frame.body.size();
    if (frame.body.size() < 100)
      frames.push_back(std::to_string(frame.type) + "/" + std::to_string(frame.flags) + " " +
                       std::string(frame.body));
    if (on_each_frame)
      on_each_frame(link, frame);
  }
  void on_link_down(peer_link&, std::string_view reason) override { down.emplace_back(reason); }
  void on_dial_failed(const std::string&, link_purpose purpose, dial_trouble trouble,
                      const std::string& message) override {
    failed.push_back({purpose, trouble, message});
  }
};

const credential& root_one() {
  static const credential root = make_root("c1", system_clock::now());
  return root;
}
const credential& root_two() {
  static const credential root = make_root("c1", system_clock::now());
  return root;
}

peer_credentials credentials_of(const std::string& id, const std::string& ip,
                                const credential& signer = root_one(),
                                std::vector<certificate> roots = {root_one().cert},
                                system_clock::time_point when = system_clock::now()) {
  return {make_node_certificate(signer, id, ip, when), std::move(roots)};
}

peer_settings settings_of(const std::string& id, const std::string& ip) {
  peer_settings settings;
  settings.cluster_id = "c1";
  settings.node_id = id;
  settings.own = {ip, 0};
  settings.limits.backoff_first = 10ms;
  settings.limits.backoff_max = 40ms;
  settings.limits.handshake_time = 2s;
  return settings;
}

struct member {
  member(asio::io_context& io, const std::string& id, const std::string& ip)
      : member(io, settings_of(id, ip), credentials_of(id, ip)) {}
  member(asio::io_context& io, const peer_settings& settings, peer_credentials credentials)
      : net(std::make_unique<peer_network>(io.get_executor(), settings, std::move(credentials), seen)) {}
  recorder seen;
  std::unique_ptr<peer_network> net;
};

/// Two members with node ids a (listens on 127.0.0.2) and b (dials from 127.0.0.3).
struct pair_fixture {
  asio::io_context io{1};
  member a{io, "a", "127.0.0.2"};
  member b{io, "b", "127.0.0.3"};
  net_address at = a.net->listen();
  ~pair_fixture() {
    a.net.reset();
    b.net.reset();
    io.restart();
    io.run_for(20ms);
  }
};

/// Dials a with the given node and returns the first failure.
failed_dial refused_with(peer_credentials credentials, const std::string& id = "b",
                         const std::string& ip = "127.0.0.3", const std::string& cluster = "c1",
                         const std::string& receiver = "a", std::uint16_t protocol = 1,
                         peer_stats* listener = nullptr) {
  pair_fixture fixture;
  auto settings = settings_of(id, ip);
  settings.cluster_id = cluster;
  settings.protocol = protocol;
  settings.oldest_protocol = protocol;
  member caller(fixture.io, settings, std::move(credentials));
  const auto dialler = caller.net->dial(receiver, fixture.at, link_purpose::raft);
  until(fixture.io, 5s, [&] {
    const auto stats = fixture.a.net->stats();
    return !caller.seen.failed.empty() && stats.handshakes_refused + stats.hellos_refused > 0;
  });
  CHECK(caller.seen.up.empty());
  CHECK(fixture.a.seen.up.empty());
  if (listener != nullptr)
    *listener = fixture.a.net->stats();
  return caller.seen.failed.front();
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("TLS-01 two members link up, mutually authenticated, and frames go both ways") {
  pair_fixture fixture;
  const auto dialler = fixture.b.net->dial("a", fixture.at, link_purpose::raft);
  CHECK(dialler->link() == nullptr);
  until(fixture.io, 5s, [&] { return !fixture.a.seen.up.empty() && !fixture.b.seen.up.empty(); });
  const auto link = fixture.b.seen.up[0];
  CHECK(link == dialler->link());
  CHECK(link->peer_id() == "a");
  CHECK(link->dialled());
  CHECK(link->peer_certificate().node_id == "a");
  CHECK(link->root_fingerprint() == root_one().cert.info().fingerprint);
  const auto back = fixture.a.seen.up[0];
  CHECK(back->peer_id() == "b");
  CHECK(back->remote().ip == "127.0.0.3"); // CFG-13: dialled from the consensus address
  CHECK(!link->send(frame_hello, 0, "no"));
  CHECK(link->send(2, 7, "one"));
  CHECK(link->send(3, 0, ""));
  CHECK(back->send(255, 255, "two"));
  until(fixture.io, 5s,
        [&] { return fixture.a.seen.frames.size() == 2 && fixture.b.seen.frames.size() == 1; });
  CHECK(fixture.a.seen.frames == std::vector<std::string>{"2/7 one", "3/0 "});
  CHECK(fixture.b.seen.frames == std::vector<std::string>{"255/255 two"});
  link->close("enough");
  until(fixture.io, 5s, [&] { return !fixture.a.seen.down.empty() && !fixture.b.seen.down.empty(); });
  CHECK(fixture.b.seen.down[0] == "enough");
  CHECK(fixture.a.seen.down[0] == "the other side closed the link");
}

TEST_CASE("TLS-02 a certificate from a root that is not ours is refused, and both sides say so") {
  const auto foreign = make_root("c1", system_clock::now());
  // The caller trusts us, we do not trust it: the verdict arrives as an alert after its handshake.
  const auto seen = refused_with(credentials_of("b", "127.0.0.3", foreign, {root_one().cert, foreign.cert}));
  CHECK(seen.trouble == dial_trouble::tls);
  CAPTURE(seen.message);
  CHECK(has(seen.message, "does not trust the root"));
  // The caller does not trust us.
  const auto ours = refused_with(credentials_of("b", "127.0.0.3", foreign, {foreign.cert}));
  CHECK(ours.trouble == dial_trouble::tls);
  CAPTURE(ours.message);
  CHECK(has(ours.message, "not among this cluster's roots"));
}

TEST_CASE("TLS-10 an expired certificate, and one for another IP, are refused") {
  const auto old_root = make_root("c1", system_clock::now() - 72h, 1000h);
  pair_fixture fixture;
  fixture.a.net->set_credentials(
      credentials_of("a", "127.0.0.2", root_one(), {root_one().cert, old_root.cert}));
  const std::vector<certificate> both{root_one().cert, old_root.cert};
  member expired(fixture.io, settings_of("b", "127.0.0.3"),
                 credentials_of("b", "127.0.0.3", old_root, both, system_clock::now() - 48h));
  const auto first = expired.net->dial("a", fixture.at, link_purpose::raft);
  until(fixture.io, 5s, [&] { return !expired.seen.failed.empty(); });
  CAPTURE(expired.seen.failed[0].message);
  CHECK(has(expired.seen.failed[0].message, "expired"));
  CHECK(expired.seen.failed[0].trouble == dial_trouble::tls);
  const auto wrong = refused_with(credentials_of("b", "127.0.0.99"));
  CHECK(wrong.trouble != dial_trouble::refused);
  pair_fixture other; // and the caller checks the listener's address
  other.a.net->set_credentials(credentials_of("a", "127.0.0.77"));
  const auto dialler = other.b.net->dial("a", other.at, link_purpose::raft);
  until(other.io, 5s, [&] { return !other.b.seen.failed.empty(); });
  CHECK(has(other.b.seen.failed[0].message, "is for 127.0.0.77"));
}

TEST_CASE("TLS-12 a certificate from the future names the clocks") {
  const auto future =
      refused_with(credentials_of("b", "127.0.0.3", root_one(), {root_one().cert}, system_clock::now() + 2h));
  CHECK(future.trouble == dial_trouble::tls);
  CAPTURE(future.message);
  CHECK(has(future.message, "check both clocks"));
  pair_fixture fixture;
  fixture.a.net->set_credentials(
      credentials_of("a", "127.0.0.2", root_one(), {root_one().cert}, system_clock::now() + 2h));
  const auto dialler = fixture.b.net->dial("a", fixture.at, link_purpose::raft);
  until(fixture.io, 5s, [&] { return !fixture.b.seen.failed.empty(); });
  CAPTURE(fixture.b.seen.failed[0].message);
  CHECK(has(fixture.b.seen.failed[0].message, "clocks of the two hosts differ"));
}

TEST_CASE("TLS-01 neither TLS 1.2 nor a caller without a certificate gets in") {
  pair_fixture fixture;
  for (const bool old : {true, false}) {
    within(fixture.io, 5s, [&]() -> asio::awaitable<void> {
      asio::ssl::context context(asio::ssl::context::tls_client);
      if (old)
        SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_2_VERSION);
      tls_stream stream(fixture.io, context);
      co_await stream.next_layer().async_connect(to_endpoint(fixture.at), asio::use_awaitable);
      error_code ec;
      co_await stream.async_handshake(tls_stream::client, asio::redirect_error(asio::use_awaitable, ec));
      if (old) {
        CHECK(ec);
        co_return;
      }
      char byte = 0;
      co_await stream.async_read_some(asio::buffer(&byte, 1), asio::redirect_error(asio::use_awaitable, ec));
      CHECK(has(ec.message(), "certificate required"));
    });
  }
  until(fixture.io, 5s, [&] { return fixture.a.net->stats().handshakes_refused == 2; });
}

TEST_CASE("a hello that does not fit is refused by name and counted, before any frame is looked at") {
  peer_stats stats;
  const auto cluster =
      refused_with(credentials_of("b", "127.0.0.3"), "b", "127.0.0.3", "other", "a", 1, &stats);
  CHECK(cluster.trouble == dial_trouble::hello);
  CHECK(has(cluster.message, "wrong cluster: this node belongs to cluster c1, not to other"));
  CHECK(stats.hellos_refused >= 1);
  CHECK(stats.handshakes_refused == 0);
  const auto receiver = refused_with(credentials_of("b", "127.0.0.3"), "b", "127.0.0.3", "c1", "z");
  CHECK(has(receiver.message, "wrong receiver"));
  const auto sender = refused_with(credentials_of("b", "127.0.0.3"), "impostor");
  CHECK(has(sender.message, "wrong sender: the certificate belongs to node b"));
  const auto protocol = refused_with(credentials_of("b", "127.0.0.3"), "b", "127.0.0.3", "c1", "a", 9);
  CHECK(has(protocol.message, "upgrade the older one"));
}

TEST_CASE(
    "TLS-11 the admission policy refuses with its own words, and live links of the removed can be closed") {
  pair_fixture fixture;
  const auto dialler = fixture.b.net->dial("a", fixture.at, link_purpose::raft);
  until(fixture.io, 5s, [&] { return !fixture.a.seen.up.empty() && !fixture.b.seen.up.empty(); });
  fixture.a.net->set_admission([](const std::string& id, link_purpose) -> std::optional<std::string> {
    return id == "b" ? std::optional<std::string>("you were removed") : std::nullopt;
  });
  fixture.a.net->close_links([](const peer_link& link) { return link.peer_id() == "b"; }, "removed");
  until(fixture.io, 5s, [&] { return !fixture.b.seen.failed.empty(); });
  CHECK(fixture.a.seen.down.at(0) == "removed");
  CHECK(has(fixture.b.seen.failed[0].message, "not admitted: you were removed"));
}

TEST_CASE("TLS-06 a swap of credentials leaves live links alone and rules the next handshake") {
  pair_fixture fixture;
  const auto dialler = fixture.b.net->dial("a", fixture.at, link_purpose::raft);
  until(fixture.io, 5s, [&] { return !fixture.a.seen.up.empty() && !fixture.b.seen.up.empty(); });
  fixture.a.net->set_credentials(credentials_of("a", "127.0.0.2", root_two(), {root_two().cert}));
  fixture.b.seen.up[0]->send(2, 0, "still here");
  until(fixture.io, 5s, [&] { return !fixture.a.seen.frames.empty(); });
  fixture.a.net->close_links(
      [](const peer_link& link) { return link.root_fingerprint() == root_one().cert.info().fingerprint; },
      "its root is gone");
  until(fixture.io, 5s, [&] { return !fixture.b.seen.failed.empty(); });
  CHECK(fixture.b.seen.failed[0].trouble == dial_trouble::tls);
  fixture.b.net->set_credentials(
      credentials_of("b", "127.0.0.3", root_two(), {root_one().cert, root_two().cert}));
  until(fixture.io, 5s, [&] { return fixture.b.seen.up.size() == 2; });
  CHECK(fixture.b.seen.up[1]->root_fingerprint() == root_two().cert.info().fingerprint);
  CHECK_THROWS_AS(
      fixture.b.net->set_credentials(credentials_of("b", "127.0.0.3", root_one(), {root_two().cert})),
      identity_error);
}

TEST_CASE("a refused connection is an event at once, and the redial after a loss is immediate") {
  asio::io_context io{1};
  auto a = std::make_unique<member>(io, "a", "127.0.0.2");
  auto settings = settings_of("b", "127.0.0.3");
  settings.limits.backoff_first = 30s; // nothing but the immediate redial can happen within this test
  settings.limits.backoff_max = 30s;
  member b(io, settings, credentials_of("b", "127.0.0.3"));
  const auto at = a->net->listen();
  const auto dialler = b.net->dial("a", at, link_purpose::raft);
  until(io, 5s, [&] { return !b.seen.up.empty(); });
  a.reset(); // closes the listener and the link, as a killed process does
  until(io, 5s, [&] { return !b.seen.failed.empty(); });
  CHECK(b.seen.down.size() == 1);
  CHECK(b.seen.failed[0].trouble == dial_trouble::refused);
  auto again = settings_of("a", "127.0.0.2");
  again.own.port = at.port;
  a = std::make_unique<member>(io, again, credentials_of("a", "127.0.0.2"));
  a->net->listen();
  dialler->dial_now(); // cuts the back-off short
  until(io, 5s, [&] { return b.seen.up.size() == 2; });
}

TEST_CASE("LOG-06 a dead peer makes events for every dial but one log line a minute") {
  asio::io_context io{1};
  member b(io, "b", "127.0.0.3");
  const auto dialler = b.net->dial("a", {"127.0.0.2", 1}, link_purpose::raft);
  until(io, 10s, [&] { return b.seen.failed.size() >= 10; });
  CHECK(b.net->stats().log_lines_held >= 9);
  log_limiter limiter(60s);
  const auto start = std::chrono::steady_clock::now();
  CHECK(limiter.allow("p", start) == 0);
  CHECK(!limiter.allow("p", start + 30s));
  CHECK(!limiter.allow("p", start + 59s));
  CHECK(limiter.allow("q", start + 59s) == 0);
  CHECK(limiter.allow("p", start + 60s) == 2);
  limiter.forget("p");
  CHECK(limiter.allow("p", start + 61s) == 0);
}

TEST_CASE("the send queue is bounded, says so, and tells when there is room again") {
  asio::io_context io{1};
  auto settings = settings_of("b", "127.0.0.3");
  settings.limits.send_queue = 4 * 1024 * 1024;
  settings.limits.low_water = 1024 * 1024;
  member a(io, "a", "127.0.0.2");
  member b(io, settings, credentials_of("b", "127.0.0.3"));
  const auto at = a.net->listen();
  const auto dialler = b.net->dial("a", at, link_purpose::bulk);
  until(io, 5s, [&] { return !b.seen.up.empty() && !a.seen.up.empty(); });
  a.seen.up[0]->pause();
  const auto link = b.seen.up[0];
  bool drained = false;
  link->on_drained([&] { drained = true; });
  const std::string body(100'000, 'q');
  std::size_t sent = 0;
  until(io, 10s, [&] {
    while (link->send(2, 0, body))
      ++sent;
    return b.net->stats().frames_dropped >= 3;
  });
  CHECK(link->queued() <= settings.limits.send_queue);
  const auto at_pause = a.seen.bytes;
  CHECK(at_pause < sent * body.size());
  a.seen.up[0]->resume();
  until(io, 10s, [&] { return drained && a.seen.bytes == sent * body.size(); });
}

TEST_CASE("what is queued while a write is on its way leaves together") {
  pair_fixture fixture;
  const auto dialler = fixture.b.net->dial("a", fixture.at, link_purpose::raft);
  until(fixture.io, 5s, [&] { return !fixture.a.seen.up.empty() && !fixture.b.seen.up.empty(); });
  for (int i = 0; i < 200; ++i)
    CHECK(fixture.b.seen.up[0]->send(2, 0, "small"));
  until(fixture.io, 5s, [&] { return fixture.a.seen.frames.size() == 200; });
  CHECK(fixture.b.net->stats().writes <= 3);
}

TEST_CASE("a frame above the limit or an exception in the user closes the link with a reason") {
  asio::io_context io{1};
  auto settings = settings_of("a", "127.0.0.2");
  settings.limits.max_frame = 1000;
  member a(io, settings, credentials_of("a", "127.0.0.2"));
  member b(io, "b", "127.0.0.3");
  const auto dialler = b.net->dial("a", a.net->listen(), link_purpose::raft);
  until(io, 5s, [&] { return !b.seen.up.empty() && !a.seen.up.empty(); });
  b.seen.up[0]->send(2, 0, std::string(1001, 'x'));
  until(io, 5s, [&] { return a.seen.down.size() == 1; });
  CHECK(a.seen.down[0] == "a frame above the limit");
  a.seen.on_each_frame = [](peer_link&, const peer_frame&) { throw std::runtime_error("bad term"); };
  until(io, 5s, [&] { return b.seen.up.size() == 2; });
  b.seen.up[1]->send(2, 0, "x");
  until(io, 5s, [&] { return a.seen.down.size() == 2; });
  CHECK(a.seen.down[1] == "a frame could not be handled: bad term");
}

TEST_CASE(
    "raft and bulk use connections of their own; a peer that calls again replaces its older raft link") {
  pair_fixture fixture;
  const auto raft = fixture.b.net->dial("a", fixture.at, link_purpose::raft);
  const auto bulk = fixture.b.net->dial("a", fixture.at, link_purpose::bulk);
  until(fixture.io, 5s, [&] { return fixture.a.net->stats().links == 2; });
  const auto again = fixture.b.net->dial("a", fixture.at, link_purpose::raft);
  until(fixture.io, 5s, [&] { return !fixture.a.seen.down.empty(); });
  CHECK(fixture.a.seen.down[0] == "replaced by a newer link");
  CHECK(bulk->link() != nullptr);
}

TEST_CASE("a silent listener, or one that accepts nothing, is a timeout") {
  asio::io_context io{1};
  tcp::acceptor mute(io, tcp::endpoint(asio::ip::make_address("127.0.0.2"), 0));
  auto settings = settings_of("b", "127.0.0.3");
  settings.limits.handshake_time = 100ms;
  member b(io, settings, credentials_of("b", "127.0.0.3"));
  const auto dialler = b.net->dial("a", from_endpoint(mute.local_endpoint()), link_purpose::raft);
  until(io, 5s, [&] { return !b.seen.failed.empty(); });
  CHECK(b.seen.failed[0].trouble == dial_trouble::timeout);
}

TEST_CASE("half-open callers are limited in time and number") {
  asio::io_context io{1};
  auto settings = settings_of("a", "127.0.0.2");
  settings.limits.handshake_time = 200ms;
  settings.limits.max_incoming = 3;
  member a(io, settings, credentials_of("a", "127.0.0.2"));
  const auto at = a.net->listen();
  std::vector<tcp::socket> silent;
  within(io, 5s, [&]() -> asio::awaitable<void> {
    for (int i = 0; i < 8; ++i) {
      silent.emplace_back(io);
      co_await silent.back().async_connect(to_endpoint(at), asio::use_awaitable);
    }
  });
  until(io, 5s, [&] { return a.net->stats().handshakes_refused == 3; });
  CHECK(a.net->stats().accepted == 3);
  member b(io, "b", "127.0.0.3");
  const auto dialler = b.net->dial("a", at, link_purpose::raft);
  until(io, 5s, [&] { return a.seen.up.size() == 1; });
}

TEST_CASE("a member reaches the API of another under the cluster's credentials and is known by its node id") {
  asio::io_context io{1};
  const auto cluster = std::make_shared<tls_slot>(nullptr);
  const auto slot = std::make_shared<tls_slot>(make_api_context(test_pem(), cluster));
  http_server server(io.get_executor(), slot,
                     [](std::shared_ptr<http_exchange> exchange) -> asio::awaitable<void> {
                       http_response response;
                       response.body = "hello " + exchange->head().peer_node;
                       co_await exchange->respond(std::move(response));
                     });
  const auto at = server.listen({"127.0.0.2", 0});
  http_client_options options;
  options.verify = verify_mode::cluster_roots;
  options.roots = {root_one().cert};
  options.own = credentials_of("b", "127.0.0.3").own;
  options.bind_ip = "127.0.0.3";
  http_client member_client(io.get_executor(), options);
  http_client stranger(io.get_executor());
  const auto ask = [&](http_client& client, const char* node) -> asio::awaitable<client_response> {
    http_url where;
    where.host = at.ip;
    where.port = at.port;
    where.node = node;
    client_request request;
    co_return co_await client.send(where, request, 3s, 1000);
  };
  within(io, 10s, [&]() -> asio::awaitable<void> {
    const auto too_early = co_await ask(member_client, "");
    CHECK(too_early.failure.kind == client_error::tls);
    cluster->set(make_peer_context(credentials_of("a", "127.0.0.2")));
    const auto by_ip = co_await ask(member_client, "");
    CHECK(by_ip.body == "hello b");
    const auto by_id = co_await ask(member_client, "a");
    CHECK(by_id.body == "hello b");
    const auto other = co_await ask(member_client, "z");
    CHECK(other.failure.kind == client_error::tls);
    CHECK(has(other.failure.message, "the server is node a, not z"));
    const auto plain = co_await ask(stranger, "");
    CHECK(plain.body == "hello ");
    options.bind_ip = "127.0.0.4"; // the certificate is for another address
    member_client.reconfigure(options);
    const auto moved = co_await ask(member_client, "");
    CHECK(moved.failure);
    options.bind_ip = "127.0.0.3";
    const auto foreign = make_root("c1", system_clock::now());
    options.own = credentials_of("b", "127.0.0.3", foreign, {foreign.cert}).own;
    member_client.reconfigure(options);
    const auto evil = co_await ask(member_client, "");
    CHECK(evil.failure);
  });
}

} // namespace holdfast::net::test
