// events, logs, objects, prefs, info.
#include "tools/holdfast/commands.hpp"

#include <ostream>

namespace holdfast::cli {

namespace {

void watch(context& c, const std::string& filter) {
  c.server().watch("ws", "register " + filter, [&c](const std::string& text) {
    const document event = parse_json(text, "an event");
    const bool handshake = event.IsObject() && event.HasMember("Type") && event["Type"].IsString() &&
                           std::string_view{event["Type"].GetString()} == "websocket";
    if (!handshake) {
      c.print(event);
      c.out->flush();
    }
    return true;
  });
}

struct event_words {
  std::string first;
  std::vector<std::string> rest;
};

} // namespace

void add_event_commands(CLI::App& app, context& c) {
  auto* events = app.add_subcommand("events", "post and watch events");
  events->require_subcommand(1);
  auto p = std::make_shared<event_words>();
  auto* post = events->add_subcommand("post", "publish an event");
  post->add_option("event", p->first, "JSON, YAML, a file or -")->required();
  post->callback([p, &c] {
    const document answer = c.server().send("POST", "events", to_compact(read_argument(p->first)));
    if (!answer.IsNull()) {
      c.print(answer);
    }
  });
  auto w = std::make_shared<event_words>();
  w->first = "*.*.*";
  auto* watching = events->add_subcommand("watch", "print events as they happen");
  watching->add_option("filter", w->first, "type.action.key, * for any")->capture_default_str();
  watching->callback([w, &c] { watch(c, w->first); });

  auto* logs = app.add_subcommand("logs", "the server's log");
  logs->require_subcommand(1);
  logs->add_subcommand("get", "the lines it still has")->callback([&c] { c.print(c.server().get("logs")); });
  logs->add_subcommand("watch", "print lines as they are written")->callback([&c] { watch(c, "log.*.*"); });

  auto* objects = app.add_subcommand("objects", "the object types");
  objects->require_subcommand(1);
  objects->add_subcommand("list", "list them")->callback([&c] { c.print(c.server().get("objects")); });

  auto* prefs = app.add_subcommand("prefs", "preferences");
  prefs->require_subcommand(1);
  prefs->add_subcommand("list", "list them")->callback([&c] { c.print(c.server().get("prefs")); });
  auto s = std::make_shared<event_words>();
  auto* set = prefs->add_subcommand("set", "set some: NAME VALUE [NAME VALUE …], or one JSON map");
  set->add_option("words", s->rest)->required();
  set->callback([s, &c] {
    if (s->rest.size() == 1) {
      c.print(c.server().send("POST", "prefs", to_compact(read_argument(s->rest[0]))));
      return;
    }
    if (s->rest.size() % 2 != 0) {
      throw CLI::ValidationError("words", "expected pairs: NAME VALUE");
    }
    document map{rapidjson::kObjectType};
    auto& alloc = map.GetAllocator();
    for (std::size_t i = 0; i < s->rest.size(); i += 2) {
      map.AddMember(value{s->rest[i].c_str(), alloc}, value{s->rest[i + 1].c_str(), alloc}, alloc);
    }
    c.print(c.server().send("POST", "prefs", to_compact(map)));
  });
}

void add_info_commands(CLI::App& app, context& c) {
  auto* info = app.add_subcommand("info", "what the server is");
  info->require_subcommand(1);
  info->add_subcommand("get", "everything it says of itself")->callback([&c] {
    c.print(c.server().get("info"));
  });
  info->add_subcommand("check", "can it be reached and logged in to?")->callback([&c] {
    document out{rapidjson::kObjectType};
    const std::string endpoint = c.server().endpoint();
    out.AddMember("Endpoint", value{endpoint.c_str(), out.GetAllocator()}, out.GetAllocator());
    out.AddMember("Ok", true, out.GetAllocator());
    c.print(out);
  });
  info->add_subcommand("status", "its ports and services")->callback([&c] {
    const document all = c.server().get("info");
    document out{rapidjson::kObjectType};
    for (const auto& member : all.GetObject()) {
      const std::string name = member.name.GetString();
      const auto ends = [&name](std::string_view tail) {
        return name.size() > tail.size() && name.compare(name.size() - tail.size(), tail.size(), tail) == 0;
      };
      if (ends("_port") || ends("_enabled")) {
        out.AddMember(value{name.c_str(), out.GetAllocator()}, value{member.value, out.GetAllocator()},
                      out.GetAllocator());
      }
    }
    c.print(out);
  });
}

} // namespace holdfast::cli
