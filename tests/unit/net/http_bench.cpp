// A server with a trivial handler, for wrk: every request is answered at once on the loop thread.
//   net_http_bench [port]; then: wrk -t1 -c64 -d5 https://127.0.0.1:<port>/x
#include "net/api_certificate.hpp"
#include "net/event_loop.hpp"
#include "net/http_server.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace net = holdfast::net;

namespace {

boost::asio::awaitable<void> answer(std::shared_ptr<net::http_exchange> exchange) {
  net::http_response response;
  const auto body = co_await exchange->read_body(1024 * 1024);
  response.body = body && !body->empty() ? *body : R"({"ok":true})";
  co_await exchange->respond(std::move(response));
}

} // namespace

int main(int argc, char** argv) {
  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  net::event_loop loop;
  net::certificate_names names;
  names.dns.emplace_back("localhost");
  auto slot = std::make_shared<net::tls_slot>(net::make_api_context(net::make_self_signed(names)));
  net::http_server server(loop.context().get_executor(), slot, answer);
  const auto at = server.listen({"127.0.0.1", port});
  std::printf("https://%s/\n", at.text().c_str());
  std::fflush(stdout);
  loop.on_signals({SIGTERM, SIGINT}, [&](int) { loop.stop(); });
  loop.run();
  return 0;
}
