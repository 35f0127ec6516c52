// The members' API as a test client sees it. Loop thread only.
#pragma once

#include "net/http_client.hpp"
#include "tools/chaos/outcome.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <string>

namespace holdfast::chaos {

namespace asio = boost::asio;

struct place_of_api {
  std::string address;
  std::uint16_t port = 0;
};

struct api_call {
  std::string method = "GET";
  std::string target; ///< from the root, encoded
  std::string body;
  std::string idempotency_key;
  std::chrono::milliseconds time{2000};
};

struct api_answer {
  seen_answer seen;
  std::string body;
  std::string
      answered_by;     ///< id of the member that answered in the place of the one asked; empty: it did itself
  std::string trouble; ///< transport error, for people
  bool failed = false; ///< not served although whoever was asked was there
  [[nodiscard]] bool ok() const { return seen.answered && seen.status >= 200 && seen.status < 300; }
  /// Status and the start of the body, or the transport's trouble.
  [[nodiscard]] std::string text() const;
};

/// One pool of kept connections over all members.
class api {
public:
  explicit api(asio::any_io_executor executor);
  asio::awaitable<api_answer> call(place_of_api where, api_call what);

private:
  net::http_client client_;
};

/// Nanoseconds of the steady clock.
[[nodiscard]] std::int64_t now_ns();
[[nodiscard]] asio::awaitable<void> sleep_for(std::chrono::nanoseconds time);

} // namespace holdfast::chaos
