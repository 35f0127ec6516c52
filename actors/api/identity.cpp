#include "actors/api/identity.hpp"

#include "actors/api/crypto.hpp"
#include "actors/api/json_value.hpp"

#include <algorithm>

namespace holdfast::api {

namespace {

/// A stored object as a tree; null when there is none. What replay applied parses, so a failure is "none"
/// too.
bool load(const msg::object_view& view, std::string_view prefix, std::string_view key, json::document& doc) {
  const auto object = view.get(prefix, key);
  return object && !json::parse(object->json, doc) && doc.IsObject();
}

std::string read_value(const msg::object_view& view, std::string_view prefix, std::string_view key,
                       std::string_view field) {
  json::document doc;
  return load(view, prefix, key, doc) ? std::string(json::text_at(doc, field)) : std::string();
}

} // namespace

std::optional<user_record> read_user(const msg::object_view& view, std::string_view name) {
  user_record out;
  out.object = view.get(users_prefix, name);
  json::document doc;
  if (!out.object || json::parse(out.object->json, doc) || !doc.IsObject())
    return std::nullopt;
  out.name = name;
  out.secret = json::text_at(doc, "Secret");
  if (const auto* roles = json::member(doc, "Roles"); roles != nullptr && roles->IsArray()) {
    for (const auto& role : roles->GetArray())
      out.roles.emplace_back(json::text(role));
  }
  return out;
}

std::optional<user_record> read_machine_holder(const msg::object_view& view, std::string_view uuid) {
  user_record out;
  out.object = view.get("machines", uuid);
  json::document doc;
  if (!out.object || json::parse(out.object->json, doc) || !doc.IsObject())
    return std::nullopt;
  out.name = std::string(machine_holder) + std::string(uuid);
  out.secret = json::text_at(doc, "Secret");
  return out.secret.empty() ? std::nullopt : std::optional(std::move(out));
}

std::vector<claim> machine_claims(std::string_view uuid) {
  return {
      make_claim("machines", "get,update,actions,action,token,getSecure,updateSecure,updateTaskList", uuid),
      make_claim("jobs", "list,get,create,update,actions,log", "*"),
      make_claim("bootenvs,contexts,params,profiles,stages,tasks,templates,workflows", "list,get", "*"),
      make_claim("files,isos", "list,get", "*"),
      make_claim("info", "get", "*"),
      make_claim("events", "post", "*")};
}

std::string read_password_hash(const msg::object_view& view, std::string_view name) {
  return read_value(view, passwords_prefix, name, "Hash");
}

std::string password_json(std::string_view hash) {
  return "{\"Hash\":" + json::quoted(hash) + "}";
}

system_secrets read_secrets(const msg::object_view& view) {
  return {read_value(view, secrets_prefix, base_token_secret, "Val"),
          read_value(view, secrets_prefix, system_grantor_secret, "Val")};
}

std::vector<claim> role_claims(const msg::object_view& view, std::string_view role) {
  if (role == superuser_role)
    return all_claims();
  std::vector<claim> out;
  json::document doc;
  if (!load(view, "roles", role, doc))
    return out;
  auto* claims = json::member_folded(doc, "Claims");
  if (claims == nullptr || !claims->IsArray())
    return out;
  for (auto& one : claims->GetArray()) {
    const auto part = [&](std::string_view name) {
      const auto* value = json::member_folded(one, name);
      return value == nullptr ? std::string_view() : json::text(*value);
    };
    out.push_back(make_claim(part("scope"), part("action"), part("specific")));
  }
  return out;
}

user_identity::user_identity(const msg::object_view& view, const user_record& user, restriction limits)
    : name_(user.name), limits_(std::move(limits)) {
  for (const auto& role : user.roles) {
    for (auto& one : role_claims(view, role))
      claims_.push_back(std::move(one));
  }
  if (!limits_.roles.empty()) {
    // Roles named by the token replace the user's, but only those that widen nothing.
    std::vector<claim> narrowed;
    for (const auto& role : limits_.roles) {
      auto wanted = role_claims(view, role);
      if (contains_all(claims_, wanted))
        narrowed.insert(narrowed.end(), std::make_move_iterator(wanted.begin()),
                        std::make_move_iterator(wanted.end()));
    }
    claims_ = std::move(narrowed);
  }
  narrow();
  read_tenant(view);
  superuser_ = tenant_.empty() && contains(claims_, "*", "*", "*") &&
               (!limit_claim_ || contains(*limit_claim_, "*", "*", "*"));
}

user_identity::user_identity(std::string name, std::vector<claim> claims, restriction limits)
    : name_(std::move(name)), claims_(std::move(claims)), limits_(std::move(limits)) {
  narrow();
}

void user_identity::narrow() {
  if (limits_.scope.empty() && limits_.action.empty() && limits_.specific.empty())
    return;
  const auto all_if_empty = [](const std::string& text) { return text.empty() ? std::string("*") : text; };
  limit_claim_ =
      make_claim(all_if_empty(limits_.scope), all_if_empty(limits_.action), all_if_empty(limits_.specific));
}

void user_identity::read_tenant(const msg::object_view& view) {
  view.scan("tenants", "", [&](std::string_view, const msg::object_ref& object) {
    json::document doc;
    if (json::parse(object->json, doc) || !doc.IsObject())
      return true;
    const auto* users = json::member(doc, "Users");
    const auto* listed = json::member(doc, "Members");
    if (users == nullptr || !users->IsArray() || listed == nullptr || !listed->IsObject())
      return true;
    const auto list = users->GetArray();
    if (std::none_of(list.begin(), list.end(),
                     [&](const json::value& one) { return json::text(one) == name_; }))
      return true;
    for (const auto& member : listed->GetObject()) {
      members made;
      made.prefix = json::text(member.name);
      if (member.value.IsArray()) {
        for (const auto& key : member.value.GetArray())
          made.keys.emplace(json::text(key));
      }
      tenant_.push_back(std::move(made));
    }
    return false; // a user is in one tenant at most
  });
}

bool user_identity::may(std::string_view scope, std::string_view action, std::string_view specific) const {
  if (limit_claim_ && !contains(*limit_claim_, scope, action, specific))
    return false;
  if (superuser_)
    return true;
  // Everybody may see themselves, get a token (no wider than the one they ask with) and change their
  // password; a token with fewer roles may not, since the password gives them all.
  if (scope == users_prefix && specific == name_ &&
      (action == "get" || action == "token" || (action == "password" && limits_.roles.empty())))
    return true;
  return contains(claims_, scope, action, specific);
}

bool user_identity::hidden(std::string_view prefix, std::string_view key) const {
  for (const auto& one : tenant_) {
    if (one.prefix == prefix)
      return one.keys.find(key) == one.keys.end();
  }
  return false;
}

std::variant<identity_ptr, std::string>
identity_of(const msg::object_view& view, const system_secrets& secrets, const token_claims& claims) {
  constexpr const char* dead = "No valid key specified";
  const auto holder = [&view](const std::string& name) {
    return name.starts_with(machine_holder)
               ? read_machine_holder(view, std::string_view(name).substr(machine_holder.size()))
               : read_user(view, name);
  };
  const auto user = holder(claims.user);
  const auto grantor = claims.grantor == claims.user ? user : holder(claims.grantor);
  if (!user || !grantor)
    return dead;
  const bool good =
      equal_in_constant_time(claims.user_ref, secret_reference(secrets, user->name, user->secret)) &&
      equal_in_constant_time(claims.grantor_ref, grantor_reference(secrets, grantor->name, grantor->secret));
  if (!good)
    return dead;
  restriction limits{claims.scope, claims.action, claims.specific, claims.roles};
  if (claims.user.starts_with(machine_holder))
    return std::make_shared<const user_identity>(
        user->name, machine_claims(std::string_view(claims.user).substr(machine_holder.size())),
        std::move(limits));
  return std::make_shared<const user_identity>(view, *user, std::move(limits));
}

} // namespace holdfast::api
