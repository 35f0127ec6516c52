#include "actors/api/event_hub.hpp"

#include "actors/api/json_value.hpp"
#include "actors/api/prefix_table.hpp"

#include <algorithm>

namespace holdfast::api {
namespace {

constexpr std::size_t most_patterns = 1000;
constexpr std::uint16_t try_again = 1012; ///< "service restart" in the registry of RFC 6455

} // namespace

event_hub::event_hub(change_hub& changes)
    : following_(changes.subscribe([this](const msg::changes_ptr& batch) { publish_changes(batch); },
                                   [this] { close_all(try_again, "the event feed ended: connect again"); })) {
}

void event_hub::close_all(std::uint16_t code, const std::string& why) {
  for (const auto& weak : sessions_) {
    if (const auto one = weak.lock())
      one->socket_->close_with(code, why);
  }
}

void event_hub::end_outdated(const rights_change& changed) {
  if (changed.none())
    return;
  for (const auto& weak : sessions_) {
    if (const auto one = weak.lock(); one && one->who_ && changed.touches(*one->who_)) {
      one->socket_->close_with(try_again, "rights may have changed: connect again");
      one->closed_ = true;
    }
  }
}

bool event_hub::session::handle(std::string_view message, msg::log_time now) {
  const auto asked = parse_registration(message);
  if (!asked)
    return false;
  event ack;
  ack.time = now;
  ack.type = "websocket";
  ack.action = asked->add ? "register" : "deregister";
  ack.key = asked->pattern;
  ack.principal = who_ ? who_->name() : std::string();
  auto pattern = event_pattern::parse(asked->pattern);
  if (!pattern || (asked->add && patterns_.size() >= most_patterns)) {
    ack.action = "error";
    ack.object = json::quoted(pattern ? "too many registrations" : "not of the form type.action.key");
  } else if (asked->add) {
    patterns_.push_back(std::move(*pattern));
  } else {
    const auto found = std::find_if(patterns_.begin(), patterns_.end(),
                                    [&](const event_pattern& p) { return p.text() == pattern->text(); });
    if (found != patterns_.end())
      patterns_.erase(found);
  }
  send(to_json(ack));
  return true;
}

bool event_hub::session::wants(std::string_view type, std::string_view action, std::string_view key) const {
  return !closed_ && std::any_of(patterns_.begin(), patterns_.end(),
                                 [&](const event_pattern& p) { return p.matches(type, action, key); });
}

bool event_hub::session::may_get(std::string_view type, std::string_view key) const {
  if (!who_)
    return false;
  if (who_->superuser())
    return true;
  if (type == "log")
    return who_->may("logs", "get", "");
  return who_->may(type, "get", key) && !who_->hidden(type, key);
}

void event_hub::session::send(const std::string& text) {
  if (closed_ || socket_->send(text))
    return;
  closed_ = true;
  socket_->close("too slow");
}

event_hub::session_ptr event_hub::open(std::shared_ptr<net::websocket> socket, identity_ptr who) {
  auto made = std::make_shared<session>(std::move(socket), std::move(who));
  std::erase_if(sessions_, [](const std::weak_ptr<session>& weak) { return weak.expired(); });
  sessions_.push_back(made);
  return made;
}

template <class MakeText>
void event_hub::deliver(std::string_view type, std::string_view action, std::string_view key,
                        MakeText make_text) {
  std::string text;
  for (std::size_t at = 0; at < sessions_.size(); ++at) {
    const auto one = sessions_[at].lock();
    if (!one || !one->wants(type, action, key) || !one->may_get(type, key))
      continue;
    if (text.empty())
      text = make_text();
    one->send(text);
  }
}

void event_hub::publish(const event& e) {
  // A posted event of this type would look like an acknowledgement and break the client's handshake.
  if (e.type == "websocket")
    return;
  deliver(e.type, e.action, e.key, [&] { return to_json(e); });
}

void event_hub::publish_changes(const msg::changes_ptr& batch) {
  if (sessions_.empty())
    return;
  for (const auto& change : *batch)
    if (!is_hidden_prefix(change.prefix))
      deliver(change.prefix, action_word(change.what), change.key, [&] { return to_json(change); });
}

std::size_t event_hub::size() const {
  return static_cast<std::size_t>(
      std::count_if(sessions_.begin(), sessions_.end(), [](const auto& weak) { return !weak.expired(); }));
}

} // namespace holdfast::api
