// The one shape in which every refusal leaves this server (contract §2): a JSON object with exactly the five
// keys Model, Key, Type, Messages, Code. Clients compare it deeply, so texts here are interface.
// Pure: no CAF, no Asio, no clock. Any thread.
#pragma once

#include "net/http_exchange.hpp"

#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::api {

struct error_body {
  std::string model; ///< prefix, or empty
  std::string key;   ///< key as asked, or empty
  std::string type;  ///< HTTP method, CREATE, ValidationError, StillInUseError, INVOKE, Conflict, AUTH
  std::vector<std::string> messages; ///< never null on the wire
  unsigned code = 500;               ///< the HTTP status
  /// Nothing was changed and the same request may be sent again, here or to another member.
  bool not_done = false;
};

/// Compact JSON, keys in the order Model, Key, Type, Messages, Code. Text that is not UTF-8 is replaced.
[[nodiscard]] std::string to_json(const error_body& error);
/// The whole answer: status, Content-Type application/json, body. 401 carries WWW-Authenticate, 503
/// Retry-After; not_done says so in X-Holdfast-Not-Done.
[[nodiscard]] net::http_response to_response(const error_body& error);

/// What a handler throws to refuse; the router turns it into the answer. Never crosses the actor's boundary.
class api_error : public std::exception {
public:
  explicit api_error(error_body body);
  [[nodiscard]] const error_body& body() const noexcept { return body_; }
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

private:
  error_body body_;
  std::string text_;
};

// The errors the contract lists that are not bound to one prefix. `method` is the HTTP method's name.

/// 404 "Not Found": Type is the method, Model the prefix, Key as asked.
[[nodiscard]] error_body not_found(std::string_view method, std::string_view model, std::string_view key);
/// 404 "No route": Model "", Key the path with its /api/v3 head.
[[nodiscard]] error_body no_route(std::string_view method, std::string_view path);
/// 405: Key the request's target.
[[nodiscard]] error_body method_not_allowed(std::string_view method, std::string_view target);
/// 400 "Invalid content type: <ct>".
[[nodiscard]] error_body invalid_content_type(std::string_view method, std::string_view content_type);
/// 400 with the decoder's message.
[[nodiscard]] error_body undecodable(std::string_view method, std::string_view message);
/// 413 for a body above its limit.
[[nodiscard]] error_body too_large(std::string_view method, std::size_t limit_bytes);
/// 403 ": users: Access Denied" for a wrong user or password.
[[nodiscard]] error_body access_denied();
/// 401 in the same shape, when no credential was sent at all.
[[nodiscard]] error_body credentials_missing();
/// 403 "Invalid token: <why>".
[[nodiscard]] error_body invalid_token(std::string_view why);
/// 403 Type AUTH: "Cannot access <path?query>", "Requires: <scope> <action> <specific>".
[[nodiscard]] error_body claim_missing(std::string_view target, std::string_view scope,
                                       std::string_view action, std::string_view specific);
/// 500 for a handler that threw: says that it failed and where, and nothing of what the exception held.
[[nodiscard]] error_body handler_failed(std::string_view method, std::string_view path);
/// 503: not serving (no active, restarting, overloaded). The client may try again.
[[nodiscard]] error_body unavailable(std::string_view method, std::string_view why);
/// 504: the outcome of a write is not known; the text says so and names no object.
[[nodiscard]] error_body outcome_unknown(std::string_view method);

} // namespace holdfast::api
