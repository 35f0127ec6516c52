#include "tools/holdfast/https_transport.hpp"

#include "net/http_client.hpp"
#include "net/http_target.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <openssl/rand.h>

#include <array>
#include <fstream>
#include <optional>
#include <thread>

namespace holdfast::cli {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr std::array<std::chrono::seconds, 6> waits{1s, 1s, 2s, 3s, 5s, 8s};
constexpr auto call_time = 660s; // the longest long poll the contract allows, and a minute
constexpr auto step_time = 60s;
constexpr std::size_t body_limit = std::size_t{512} << 20;
constexpr std::size_t chunk_bytes = std::size_t{128} << 10;
constexpr std::uint16_t default_port = 8092;

std::string random_key() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) {
    throw failure{"OpenSSL has no random bytes"};
  }
  std::string key = "cli-";
  for (const auto byte : bytes) {
    key += fmt::format("{:02x}", byte);
  }
  return key;
}

net::http_url locate(const std::string& endpoint, const request& what) {
  std::string why;
  auto url = net::parse_url(endpoint, default_port, why);
  if (!url) {
    throw failure{"the endpoint " + endpoint + " is not usable: " + why};
  }
  std::string target = net::encode_path(what.path);
  for (std::size_t i = 0; i < what.parameters.size(); ++i) {
    target += (i == 0 ? "?" : "&") + net::encode_query(what.parameters[i].first) + "=" +
              net::encode_query(what.parameters[i].second);
  }
  url->target = target;
  return *url;
}

bool is_read(const request& what) {
  return what.method == "GET" || what.method == "HEAD";
}

class https_transport final : public transport {
public:
  void be_brief(std::chrono::milliseconds limit) override { brief_ = limit; }

  reply perform(const std::string& endpoint, const request& what) override {
    const auto url = locate(endpoint, what);
    const auto outgoing = to_client(what, url);
    return with_retries(endpoint, what, [&]() -> asio::awaitable<net::client_response> {
      return client_.send(url, outgoing, brief_.value_or(call_time), body_limit);
    });
  }

  reply download(const std::string& endpoint, const request& what,
                 const std::function<void(std::string_view)>& sink) override {
    const auto url = locate(endpoint, what);
    const auto outgoing = to_client(what, url);
    return with_retries(endpoint, what, [&]() -> asio::awaitable<net::client_response> {
      return read_stream(url, outgoing, sink);
    });
  }

  reply upload(const std::string& endpoint, const request& what, const std::string& file) override {
    const auto url = locate(endpoint, what);
    auto outgoing = to_client(what, url);
    auto source = std::make_shared<std::ifstream>(file == "-" ? "/dev/stdin" : file, std::ios::binary);
    if (!*source) {
      throw failure{"cannot read " + file};
    }
    outgoing.body_source = [source]() -> asio::awaitable<std::string> {
      std::string chunk(chunk_bytes, '\0');
      source->read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
      chunk.resize(static_cast<std::size_t>(source->gcount()));
      co_return chunk;
    };
    std::string answer;
    auto got = wait(read_stream(url, outgoing, [&answer](std::string_view bytes) { answer += bytes; }));
    if (got.failure) {
      throw failure{"cannot upload to " + endpoint + ": " + got.failure.message +
                    "; the old file, if any, is still in place"};
    }
    if (got.body.empty()) {
      got.body = std::move(answer);
    }
    return from_client(std::move(got));
  }

  void watch(const std::string& endpoint, const request& what, const std::string& first,
             const std::function<bool(const std::string&)>& each) override {
    const auto url = locate(endpoint, what);
    const std::string why = wait(read_socket(url, what.headers, first, each));
    if (!why.empty()) {
      throw failure{"cannot watch " + endpoint + ": " + why};
    }
  }

private:
  template <class T>
  T wait(asio::awaitable<T> work) {
    std::optional<T> out;
    std::exception_ptr error;
    asio::co_spawn(
        io_,
        [](asio::awaitable<T> inner, std::optional<T>& into) -> asio::awaitable<void> {
          into.emplace(co_await std::move(inner));
        }(std::move(work), out),
        [&error](std::exception_ptr e) { error = e; });
    io_.restart();
    while (!out && !error && io_.run_one() > 0) {
    }
    if (error) {
      std::rethrow_exception(error);
    }
    if (!out) {
      throw failure{"the connection ended without an answer"};
    }
    return std::move(*out);
  }

  net::client_request to_client(const request& what, const net::http_url& url) const {
    net::client_request out;
    out.method = what.method;
    out.target = url.target;
    out.headers = what.headers;
    out.headers.emplace_back("Content-Type", what.content_type);
    if (!is_read(what)) {
      out.headers.emplace_back("Idempotency-Key", random_key());
    }
    out.body = what.body.value_or("");
    return out;
  }

  static reply from_client(net::client_response answer) {
    return {answer.status, std::move(answer.headers), std::move(answer.body)};
  }

  template <class Start>
  reply with_retries(const std::string& endpoint, const request& what, const Start& start) {
    for (std::size_t attempt = 0;; ++attempt) {
      auto answer = wait(start());
      if (!answer.failure) {
        honours_keys_ = answer.header("server").rfind("holdfast", 0) == 0;
        return from_client(std::move(answer));
      }
      const bool safe = is_read(what) || !answer.failure.sent || honours_keys_;
      if (!safe) {
        throw failure{"no answer from " + endpoint + ": " + answer.failure.message +
                      "; whether the request took effect is unknown"};
      }
      if (brief_ || attempt == waits.size() || answer.failure.kind == net::client_error::resolve) {
        throw failure{"cannot reach " + endpoint + ": " + answer.failure.message};
      }
      std::this_thread::sleep_for(waits[attempt]);
    }
  }

  asio::awaitable<net::client_response> read_stream(net::http_url url, net::client_request outgoing,
                                                    std::function<void(std::string_view)> sink) {
    auto opened = co_await client_.open(url, std::move(outgoing), step_time);
    if (opened.failure) {
      net::client_response failed;
      failed.failure = opened.failure;
      co_return failed;
    }
    net::client_response head = opened.stream->head();
    std::vector<std::byte> chunk(chunk_bytes);
    for (;;) {
      const auto count = co_await opened.stream->read_some(chunk, step_time);
      if (!count) {
        head.failure = {net::client_error::closed, "the transfer broke off", true};
        co_return head;
      }
      if (*count == 0) {
        co_return head;
      }
      const std::string_view bytes{reinterpret_cast<const char*>(chunk.data()), *count};
      if (head.status >= 400) {
        head.body += bytes;
      } else {
        sink(bytes);
      }
    }
  }

  asio::awaitable<std::string> read_socket(net::http_url url, header_list headers, std::string first,
                                           std::function<bool(const std::string&)> each) {
    auto opened = co_await client_.connect_websocket(url, std::move(headers), step_time);
    if (opened.failure) {
      co_return opened.failure.message;
    }
    if (!opened.socket) {
      co_return error_text({opened.status, {}, opened.body});
    }
    opened.socket->send(std::move(first));
    for (;;) {
      const auto text = co_await opened.socket->receive();
      if (!text) {
        co_return "the server closed the stream";
      }
      if (!each(*text)) {
        opened.socket->close("done");
        co_return "";
      }
    }
  }

  asio::io_context io_;
  net::http_client client_{io_.get_executor()};
  bool honours_keys_ = false;
  std::optional<std::chrono::milliseconds> brief_;
};

} // namespace

std::shared_ptr<transport> make_https_transport() {
  return std::make_shared<https_transport>();
}

} // namespace holdfast::cli
