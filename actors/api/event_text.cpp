#include "actors/api/event_text.hpp"

#include "actors/api/go_time.hpp"
#include "actors/api/json_value.hpp"

namespace holdfast::api {
namespace {

std::string assemble(msg::log_time time, std::string_view type, std::string_view action, std::string_view key,
                     std::string_view principal, std::string_view object, std::string_view original) {
  std::string out;
  out.reserve(160 + object.size() + original.size());
  out += "{\"Time\":\"" + to_text(time);
  out += "\",\"Type\":" + json::quoted(type);
  out += ",\"Action\":" + json::quoted(action);
  out += ",\"Key\":" + json::quoted(key);
  out += ",\"Principal\":" + json::quoted(principal);
  out += ",\"Object\":";
  out += object;
  out += ",\"Original\":";
  out += original;
  out += '}';
  return out;
}

std::string_view text_of(const msg::object_ref& object) {
  return object ? std::string_view(object->json) : std::string_view("null");
}

} // namespace

std::string to_json(const event& e) {
  return assemble(e.time, e.type, e.action, e.key, e.principal, e.object, e.original);
}

std::string_view action_word(msg::change::action what) {
  switch (what) {
  case msg::change::action::create:
    return "create";
  case msg::change::action::update:
    return "update";
  case msg::change::action::remove:
    return "delete";
  }
  return "update";
}

std::string to_json(const msg::change& change) {
  return assemble(change.time, change.prefix, action_word(change.what), change.key, change.principal,
                  text_of(change.object), text_of(change.original));
}

std::optional<event> parse_event(std::string_view body, msg::log_time now, std::string& why) {
  json::document doc;
  if (auto bad = json::parse(body, doc, {std::size_t{1} << 20, 64})) {
    why = *bad;
    return std::nullopt;
  }
  if (!doc.IsObject()) {
    why = "an event must be an object";
    return std::nullopt;
  }
  event out;
  out.time = now;
  const auto take = [&](std::string_view name) {
    const auto* found = json::member_folded(doc, name);
    if (found && !found->IsString() && !found->IsNull())
      why = std::string(name) + " must be a string";
    return std::string(found ? json::text(*found) : std::string_view());
  };
  out.type = take("Type");
  out.action = take("Action");
  out.key = take("Key");
  out.principal = take("Principal");
  if (const auto* object = json::member_folded(doc, "Object"))
    out.object = json::compact(*object);
  if (const auto* original = json::member_folded(doc, "Original"))
    out.original = json::compact(*original);
  if (why.empty() && out.type.empty())
    why = "an event must have a Type";
  return why.empty() ? std::optional(std::move(out)) : std::nullopt;
}

} // namespace holdfast::api
