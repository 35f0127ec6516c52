#include "actors/api/bootstrap.hpp"

#include "actors/api/crypto.hpp"
#include "actors/api/identity.hpp"
#include "actors/api/object_shape.hpp"
#include "actors/api/password_hash.hpp"

namespace holdfast::api {

namespace {

constexpr std::size_t secret_size = 32;

std::string user_json() {
  json::document doc;
  doc.SetObject();
  auto& memory = doc.GetAllocator();
  json::set_member(doc, "Name", json::make_text(default_user, memory), memory);
  json::set_member(doc, "Secret", json::make_text(random_text(secret_size), memory), memory);
  json::value roles(rapidjson::kArrayType);
  roles.PushBack(json::make_text(superuser_role, memory), memory);
  json::set_member(doc, "Roles", std::move(roles), memory);
  const auto* desc = find_prefix(users_prefix);
  if (desc != nullptr && !shape_object(*desc, doc, memory))
    put_server_fields(*desc, doc, server_fields{}, memory);
  return json::compact(doc);
}

void put_new(msg::transaction& tx, std::string_view prefix, std::string_view key, std::string json) {
  tx.preconditions.push_back({std::string(prefix), std::string(key), msg::expectation::absent, {}});
  tx.mutations.push_back({std::string(prefix), std::string(key), std::move(json)});
}

} // namespace

std::optional<msg::transaction> plan_bootstrap(const msg::object_view& view) {
  msg::transaction tx;
  for (const auto name : {base_token_secret, system_grantor_secret}) {
    if (!view.get(secrets_prefix, name))
      put_new(tx, secrets_prefix, name, "{\"Val\":" + json::quoted(random_text(secret_size)) + "}");
  }
  if (view.count(users_prefix) == 0) {
    put_new(tx, users_prefix, default_user, user_json());
    // An old hash of a user of that name that was deleted must not come back to life.
    tx.mutations.push_back({std::string(passwords_prefix), std::string(default_user),
                            password_json(hash_password(default_password))});
  }
  if (tx.mutations.empty())
    return std::nullopt;
  return tx;
}

bool default_password_stands(const msg::object_view& view) {
  return view.get(users_prefix, default_user) &&
         password_matches(default_password, read_password_hash(view, default_user));
}

} // namespace holdfast::api
