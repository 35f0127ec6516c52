#include "actors/api/token.hpp"

#include "actors/api/crypto.hpp"
#include "actors/api/json_value.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace holdfast::api {

namespace {

constexpr std::string_view head = "hf1.";
constexpr std::size_t longest_token = 8192;
constexpr std::size_t reference_size = 16;

std::string signing_key(const system_secrets& secrets) {
  return std::string(as_text(hmac_sha256(secrets.base_token, "holdfast api token 1")));
}

std::string token_reference(const system_secrets& secrets, std::string_view purpose, std::string_view who,
                            std::string_view secret) {
  std::string text(purpose);
  text += '\0';
  text += who;
  text += '\0';
  text += secret;
  return to_base64url(as_text(hmac_sha256(secrets.base_token, text)).substr(0, reference_size));
}

std::string encode(const token_claims& claims) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  const auto text = [&](const char* name, const std::string& value) {
    if (value.empty())
      return;
    out.Key(name);
    out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  };
  out.StartObject();
  text("u", claims.user);
  text("g", claims.grantor);
  out.Key("i");
  out.Int64(claims.issued_s);
  out.Key("e");
  out.Int64(claims.expires_s);
  text("ur", claims.user_ref);
  text("gr", claims.grantor_ref);
  text("sc", claims.scope);
  text("ac", claims.action);
  text("sp", claims.specific);
  if (!claims.roles.empty()) {
    out.Key("ro");
    out.StartArray();
    for (const auto& role : claims.roles)
      out.String(role.data(), static_cast<rapidjson::SizeType>(role.size()));
    out.EndArray();
  }
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

bool decode(std::string_view text, token_claims& out) {
  json::document doc;
  if (json::parse(text, doc, json::limits{longest_token, 3}) || !doc.IsObject())
    return false;
  const auto* issued = json::member(doc, "i");
  const auto* expires = json::member(doc, "e");
  if (issued == nullptr || !issued->IsInt64() || expires == nullptr || !expires->IsInt64())
    return false;
  out.issued_s = issued->GetInt64();
  out.expires_s = expires->GetInt64();
  out.user = json::text_at(doc, "u");
  out.grantor = json::text_at(doc, "g");
  out.user_ref = json::text_at(doc, "ur");
  out.grantor_ref = json::text_at(doc, "gr");
  out.scope = json::text_at(doc, "sc");
  out.action = json::text_at(doc, "ac");
  out.specific = json::text_at(doc, "sp");
  if (const auto* roles = json::member(doc, "ro"); roles != nullptr && roles->IsArray()) {
    for (const auto& role : roles->GetArray())
      out.roles.emplace_back(json::text(role));
  }
  return !out.user.empty() && !out.user_ref.empty() && !out.grantor_ref.empty();
}

} // namespace

std::string issue_token(const system_secrets& secrets, const token_claims& claims) {
  auto signed_part = std::string(head) + to_base64url(encode(claims));
  const auto signature = hmac_sha256(signing_key(secrets), signed_part);
  return signed_part + "." + to_base64url(as_text(signature));
}

bool looks_like_token(std::string_view text) {
  return text.starts_with(head);
}

std::variant<token_claims, std::string> open_token(const system_secrets& secrets, std::string_view token,
                                                   std::int64_t now_s) {
  // One text for every token that is not ours, so that nobody learns how close a forgery came.
  constexpr const char* foreign = "No valid key specified";
  const auto dot = token.rfind('.');
  if (!looks_like_token(token) || token.size() > longest_token || dot < head.size() ||
      secrets.base_token.empty())
    return foreign;
  const auto signature = from_base64url(token.substr(dot + 1));
  const auto expected = hmac_sha256(signing_key(secrets), token.substr(0, dot));
  if (!signature || !equal_in_constant_time(*signature, as_text(expected)))
    return foreign;
  const auto body = from_base64url(token.substr(head.size(), dot - head.size()));
  token_claims out;
  if (!body || !decode(*body, out))
    return foreign;
  if (now_s >= out.expires_s)
    return "Token is expired";
  return out;
}

std::string secret_reference(const system_secrets& secrets, std::string_view who, std::string_view secret) {
  return token_reference(secrets, "user", who, secret);
}

std::string grantor_reference(const system_secrets& secrets, std::string_view who, std::string_view secret) {
  return token_reference(secrets, "grantor", who,
                         secrets.system_grantor + std::string(1, '\0') + std::string(secret));
}

} // namespace holdfast::api
