// Finds the handler of a request and runs it under one roof: authentication, rights, error shape, headers.
//
// Patterns are relative to /api/v3/ and made of segments: literal text, `{name}` for one segment, and
// `{name*}` for one or more segments ("a/b/c"), since keys hold slashes (contract §0.12). A greedy name in
// the middle takes as few segments as let the rest match. A first segment in braces matches any prefix and is
// tried last. Literal beats `{name}` beats `{name*}`; otherwise the order of add() decides. Paths outside
// /api/v3 (health, metrics, swagger) are patterns that begin with "/". Event loop only; add() before the
// first request.
#pragma once

#include "actors/api/request_context.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

namespace holdfast::api {

enum class access : std::uint8_t {
  open,  ///< no authentication (health probes)
  user,  ///< any authenticated user; the handler itself checks rights (lists answer [] instead of refusing)
  claim, ///< scope + action + the path parameter named in `specific`, checked before the handler runs
  superuser, ///< only a user with the whole system
};

/// Answers with a response; may throw api_error.
using plain_handler = std::function<boost::asio::awaitable<net::http_response>(request_context&)>;
/// Answers through ctx.exchange itself (streams, websockets). An api_error thrown before anything was sent is
/// answered by the router.
struct raw_handler {
  std::function<boost::asio::awaitable<void>(request_context&)> run;
};

struct route {
  net::http_method method = net::http_method::get;
  std::string pattern;
  access need = access::user;
  std::string scope;    ///< for access::claim; "" takes the path parameter `prefix`
  std::string action;   ///< for access::claim
  std::string specific; ///< name of the path parameter that holds the key; "" means any
  std::variant<plain_handler, raw_handler> run;
  /// Websocket routes may carry the credential in the query (contract §1.1).
  bool token_in_query = false;
};

/// Turns the Authorization header into an identity, or throws api_error (401, 403).
class authenticator {
public:
  virtual ~authenticator() = default;
  /// The fast way: the identity of a credential seen before and still good, else null. Never blocks, never
  /// throws.
  virtual identity_ptr cached(const net::http_head& head) = 0;
  virtual boost::asio::awaitable<identity_ptr> authenticate(const net::http_head& head,
                                                            bool token_in_query) = 0;
};

class router {
public:
  /// Both are borrowed and outlive the router.
  router(services& shared, authenticator& auth);

  /// Throws std::invalid_argument on a malformed pattern (start-up only).
  void add(route entry);
  /// A route for any authenticated user (its handler checks the rights); the same errors.
  void add(net::http_method method, std::string pattern, plain_handler run);

  /// The net::http_handler of the listener. Answers exactly once. A raw handler that fails after it began to
  /// answer, other than by api_error before, leaves the rest to the connection.
  boost::asio::awaitable<void> handle(std::shared_ptr<net::http_exchange> exchange);

  /// The outcome of looking a path up; exposed for tests and for the list of routes.
  struct match {
    const route* found = nullptr;
    bool path_known = false; ///< another method would have matched: 405 instead of 404
    path_params params;
  };
  /// `path` is decoded, absolute ("/api/v3/…"). HEAD falls back to GET.
  [[nodiscard]] match find(net::http_method method, std::string_view path) const;
  [[nodiscard]] std::size_t size() const { return routes_.size(); }
  /// Every route, in the order of add(); docs/openapi.yaml is held against it.
  [[nodiscard]] std::vector<const route*> table() const;

private:
  struct segment {
    enum class kind : std::uint8_t { literal, one, greedy } what = kind::literal;
    std::string text;
  };
  struct compiled {
    route entry;
    std::vector<segment> segments;
  };
  static std::vector<segment> compile(std::string_view pattern);
  static bool matches(const std::vector<segment>& pattern, std::size_t at, std::string_view rest,
                      path_params& params);
  void look(const std::vector<const compiled*>& bucket, net::http_method method, std::string_view rest,
            match& out) const;
  static void check_rights(const route& found, const request_context& ctx);
  static void trace(const net::http_head& head, request_context& ctx, std::string_view token);

  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  services& shared_;
  authenticator& auth_;
  std::vector<std::unique_ptr<compiled>> routes_;
  /// By the first segment: "profiles", and "/health" for what stands outside /api/v3.
  std::unordered_map<std::string, std::vector<const compiled*>, text_hash, std::equal_to<>> by_first_;
  std::vector<const compiled*> any_first_;
};

} // namespace holdfast::api
