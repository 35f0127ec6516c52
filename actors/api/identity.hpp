// Users as the store holds them, and the identity of a request made from one: its roles' claims, the
// restriction its token carries, and what its tenant hides (contract §1.4). Pure; any thread.
//
// In the store: `users/<name>` is the object clients see; `_passwords/<name>` is {"Hash": scrypt text}, apart
// from the object so that no route can ever return it; `_secrets/baseTokenSecret` and
// `_secrets/systemGrantorSecret` are {"Val": text of 32 bytes}.
#pragma once

#include "actors/api/claims.hpp"
#include "actors/api/request_context.hpp"
#include "actors/api/token.hpp"
#include "messages/object_view.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::api {

inline constexpr std::string_view users_prefix = "users";
inline constexpr std::string_view passwords_prefix = "_passwords";
inline constexpr std::string_view secrets_prefix = "_secrets";
inline constexpr std::string_view base_token_secret = "baseTokenSecret";
inline constexpr std::string_view system_grantor_secret = "systemGrantorSecret";
inline constexpr std::string_view superuser_role = "superuser";

struct user_record {
  std::string name;
  std::string secret;
  std::vector<std::string> roles;
  msg::object_ref object; ///< as stored
};

[[nodiscard]] std::optional<user_record> read_user(const msg::object_view& view, std::string_view name);
/// A machine as the holder of a token (contract §1.2): its name is "machines/<uuid>", which no user can have.
/// Nothing when there is no such machine or it has no secret.
[[nodiscard]] std::optional<user_record> read_machine_holder(const msg::object_view& view,
                                                             std::string_view uuid);
inline constexpr std::string_view machine_holder = "machines/";
/// What the agent on a machine needs: itself, its jobs, and what they refer to.
[[nodiscard]] std::vector<claim> machine_claims(std::string_view uuid);

/// The scrypt text; empty when the user has no password.
[[nodiscard]] std::string read_password_hash(const msg::object_view& view, std::string_view name);
[[nodiscard]] std::string password_json(std::string_view hash);
[[nodiscard]] system_secrets read_secrets(const msg::object_view& view);

/// The claims of one role; `superuser` is built in and needs no object. Unknown roles grant nothing.
[[nodiscard]] std::vector<claim> role_claims(const msg::object_view& view, std::string_view role);

/// The restriction a token carries. Empty parts do not restrict.
struct restriction {
  std::string scope;
  std::string action;
  std::string specific;
  std::vector<std::string> roles;
  [[nodiscard]] bool none() const {
    return scope.empty() && action.empty() && specific.empty() && roles.empty();
  }
};

class user_identity final : public identity {
public:
  user_identity(const msg::object_view& view, const user_record& user, restriction limits);
  /// A machine, with exactly these claims.
  user_identity(std::string name, std::vector<claim> claims, restriction limits);

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] bool superuser() const override { return superuser_; }
  [[nodiscard]] bool may(std::string_view scope, std::string_view action,
                         std::string_view specific) const override;
  [[nodiscard]] bool hidden(std::string_view prefix, std::string_view key) const override;

  [[nodiscard]] const restriction& limits() const { return limits_; }
  [[nodiscard]] const std::vector<claim>& claims() const { return claims_; }

private:
  struct members {
    std::string prefix;
    std::set<std::string, std::less<>> keys;
  };
  void narrow();
  void read_tenant(const msg::object_view& view);

  std::string name_;
  std::vector<claim> claims_;
  restriction limits_;
  std::optional<claim> limit_claim_;
  std::vector<members> tenant_;
  bool superuser_ = false;
};

/// The identity behind a token whose signature is good, or why it is refused: the user or the grantor is
/// gone, or one of the secrets it refers to has changed.
[[nodiscard]] std::variant<identity_ptr, std::string>
identity_of(const msg::object_view& view, const system_secrets& secrets, const token_claims& claims);

} // namespace holdfast::api
