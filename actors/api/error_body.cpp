#include "actors/api/error_body.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace holdfast::api {

namespace {

/// Keys and messages echo what a client sent; the reply must be UTF-8 whatever that was.
std::string clean(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80                   ? 1
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                                                           : 0;
    bool good = size > 0 && i + size <= text.size();
    for (std::size_t k = 1; good && k < size; ++k)
      good = (static_cast<unsigned char>(text[i + k]) & 0xc0) == 0x80;
    if (good && size == 3) {
      const auto second = static_cast<unsigned char>(text[i + 1]);
      good = !(lead == 0xe0 && second < 0xa0) && !(lead == 0xed && second >= 0xa0);
    } else if (good && size == 4) {
      const auto second = static_cast<unsigned char>(text[i + 1]);
      good = !(lead == 0xf0 && second < 0x90) && !(lead == 0xf4 && second >= 0x90);
    }
    if (good)
      out.append(text.substr(i, size));
    else
      out += "\xef\xbf\xbd";
    i += good ? size : 1;
  }
  return out;
}

error_body simple(std::string_view model, std::string_view key, std::string_view type, std::string message,
                  unsigned code) {
  return {std::string(model), std::string(key), std::string(type), {std::move(message)}, code};
}

} // namespace

std::string to_json(const error_body& error) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  const auto text = [&](const std::string& value) {
    const auto good = clean(value);
    out.String(good.data(), static_cast<rapidjson::SizeType>(good.size()));
  };
  out.StartObject();
  out.Key("Model");
  text(error.model);
  out.Key("Key");
  text(error.key);
  out.Key("Type");
  text(error.type);
  out.Key("Messages");
  out.StartArray();
  for (const auto& message : error.messages)
    text(message);
  out.EndArray();
  out.Key("Code");
  out.Uint(error.code);
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

net::http_response to_response(const error_body& error) {
  net::http_response out;
  out.status = error.code;
  out.body = to_json(error);
  constexpr unsigned unauthorized = 401;
  if (error.code == unauthorized)
    out.headers.emplace_back("WWW-Authenticate", "Basic realm=\"api\", charset=\"UTF-8\"");
  constexpr unsigned no_service = 503;
  if (error.code == no_service)
    out.headers.emplace_back("Retry-After", "1");
  if (error.not_done)
    out.headers.emplace_back("X-Holdfast-Not-Done", "1");
  return out;
}

api_error::api_error(error_body body) : body_(std::move(body)) {
  text_ = body_.type + " " + body_.model + "/" + body_.key;
  for (const auto& message : body_.messages)
    text_ += ": " + message;
}

error_body not_found(std::string_view method, std::string_view model, std::string_view key) {
  return simple(model, key, method, "Not Found", 404);
}

error_body no_route(std::string_view method, std::string_view path) {
  return simple("", path, method, "No route", 404);
}

error_body method_not_allowed(std::string_view method, std::string_view target) {
  return simple("", target, method, "Method not allowed", 405);
}

error_body invalid_content_type(std::string_view method, std::string_view content_type) {
  return simple("", "", method, "Invalid content type: " + std::string(content_type), 400);
}

error_body undecodable(std::string_view method, std::string_view message) {
  return simple("", "", method, std::string(message), 400);
}

error_body too_large(std::string_view method, std::size_t limit_bytes) {
  return simple("", "", method, "Body is larger than " + std::to_string(limit_bytes) + " bytes", 413);
}

error_body access_denied() {
  return simple("users", "", "", "Access Denied", 403);
}

error_body credentials_missing() {
  return simple("users", "", "", "Access Denied", 401);
}

error_body invalid_token(std::string_view why) {
  return simple("users", "", "", "Invalid token: " + std::string(why), 403);
}

error_body claim_missing(std::string_view target, std::string_view scope, std::string_view action,
                         std::string_view specific) {
  return {"",
          "",
          "AUTH",
          {"Cannot access " + std::string(target),
           "Requires: " + std::string(scope) + " " + std::string(action) + " " + std::string(specific)},
          403};
}

error_body handler_failed(std::string_view method, std::string_view path) {
  return simple("", path, method, "The server failed while it handled this request; its log says more", 500);
}

error_body unavailable(std::string_view method, std::string_view why) {
  return simple("", "", method, std::string(why), 503);
}

error_body outcome_unknown(std::string_view method) {
  return simple("", "", method,
                "The outcome is not known: the change may or may not take effect. Read before writing again",
                504);
}

} // namespace holdfast::api
