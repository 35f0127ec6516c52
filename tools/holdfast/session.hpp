// One conversation with a server: log-in, token cache, retries across endpoints, error bodies turned into
// text.
//
// Blocking and single-threaded: the CLI has nothing else to do while it waits.
#pragma once

#include "tools/holdfast/settings.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::cli {

using query = std::vector<std::pair<std::string, std::string>>;
using header_list = std::vector<std::pair<std::string, std::string>>;

struct request {
  std::string method = "GET";
  std::string path; ///< below /api/v3/, not escaped
  query parameters;
  header_list headers;
  std::optional<std::string> body;
  std::string content_type = "application/json";
};

struct reply {
  unsigned status = 0;
  header_list headers; ///< names in lower case
  std::string body;

  [[nodiscard]] std::string header(const std::string& name) const;
};

/// How requests travel; the real one is HTTPS without certificate checks, as the existing client does it.
class transport {
public:
  virtual ~transport() = default;
  /// From now on: one try a request, and no more than this for it. For asking many members in turn.
  virtual void be_brief(std::chrono::milliseconds) {}
  /// Throws failure when no answer came (after the retries that are safe for the request).
  virtual reply perform(const std::string& endpoint, const request& what) = 0;
  /// Streams an answer's body into `sink`; the returned reply has the body only when status >= 400.
  virtual reply download(const std::string& endpoint, const request& what,
                         const std::function<void(std::string_view)>& sink) = 0;
  /// Sends a file's bytes chunked, in constant memory.
  virtual reply upload(const std::string& endpoint, const request& what, const std::string& file) = 0;
  /// Opens a websocket, sends `first` and hands each text frame to `each` until it returns false or the peer
  /// closes. `parameters` go into the query.
  virtual void watch(const std::string& endpoint, const request& what, const std::string& first,
                     const std::function<bool(const std::string&)>& each) = 0;
};

/// The text the existing client prints for an error body (contract §2), or the raw body when it is not one.
[[nodiscard]] std::string error_text(const reply& answer);

class session {
public:
  session(settings s, std::shared_ptr<transport> how);

  /// A reply with status < 400 (304 included). Throws failure with error_text otherwise.
  reply call(request what);
  /// The same, but any status is handed back.
  reply call_any(request what);

  [[nodiscard]] document get(const std::string& path, query parameters = {});
  [[nodiscard]] document send(const std::string& method, const std::string& path, const std::string& body,
                              query parameters = {});
  void download(request what, const std::function<void(std::string_view)>& sink);
  [[nodiscard]] document upload(request what, const std::string& file);
  void watch(const std::string& path, const std::string& first,
             const std::function<bool(const std::string&)>& each);

  [[nodiscard]] const settings& config() const { return settings_; }
  [[nodiscard]] const std::string& endpoint();

private:
  void connect();
  bool try_endpoint(const std::string& endpoint);
  bool try_cached_token(const std::string& endpoint);
  void fetch_token(const std::string& endpoint);
  void decorate(request& what) const;
  [[nodiscard]] std::string authorization() const;
  [[nodiscard]] std::string token_file() const;

  settings settings_;
  std::shared_ptr<transport> how_;
  std::string endpoint_;
  std::string token_;
  std::string last_error_;
};

} // namespace holdfast::cli
