// system: actions, active/passive, certs, upgrade; and `actors`, the live tree of a node.
#include "tools/holdfast/base64.hpp"
#include "tools/holdfast/commands.hpp"

#include <ostream>

namespace holdfast::cli {

namespace {

struct system_words {
  std::string first;
  std::string second;
};

void add_certs(CLI::App& system, context& c) {
  auto* certs = system.add_subcommand("certs", "the API's TLS certificate");
  certs->require_subcommand(1);
  certs->add_subcommand("get", "show it")->callback([&c] { c.print(c.server().get("system/cert")); });
  auto w = std::make_shared<system_words>();
  auto* set = certs->add_subcommand("set", "replace it: CERTFILE KEYFILE (PEM)");
  set->add_option("cert", w->first)->required();
  set->add_option("key", w->second)->required();
  set->callback([w, &c] {
    document body{rapidjson::kObjectType};
    auto& alloc = body.GetAllocator();
    body.AddMember("Cert", value{base64(read_bytes(w->first)).c_str(), alloc}, alloc);
    body.AddMember("Key", value{base64(read_bytes(w->second)).c_str(), alloc}, alloc);
    c.print(c.server().send("POST", "system/cert", to_compact(body)));
  });
}

void add_actor_commands(CLI::App& app, context& c) {
  auto* actors = app.add_subcommand("actors", "the live tree of actors with mailbox, rates, time, restarts");
  actors->callback([actors, &c] {
    if (!actors->get_subcommands().empty()) {
      return;
    }
    if (c.config.output.print_fields.empty()) {
      c.config.output.print_fields = {"Name",      "State",  "Mailbox",  "Messages",
                                      "PerSecond", "MeanNs", "Restarts", "LastError"};
    }
    c.print(c.server().get("system/actors"));
  });
  for (const char* verb_name : {"kill", "suspend", "resume"}) {
    auto w = std::make_shared<system_words>();
    const std::string verb = verb_name;
    auto* command = actors->add_subcommand(verb, verb + " one actor by name (superuser, logged)");
    command->add_option("name", w->first)->required();
    command->callback([w, verb, &c] {
      c.print(c.server().send("POST", join("system/actors", join(w->first, verb)), "{}"));
    });
  }
}

} // namespace

void add_system_commands(CLI::App& app, context& c) {
  auto* system = app.add_subcommand("system", "the server itself");
  system->require_subcommand(1);
  for (const char* role : {"active", "passive"}) {
    const std::string path = std::string{"system/"} + role;
    system->add_subcommand(role, std::string{"make this node "} + role)->callback([path, &c] {
      c.print(c.server().send("POST", path, ""));
    });
  }
  system->add_subcommand("actions", "the actions of the server")->callback([&c] {
    c.print(c.server().get("system/actions"));
  });
  auto a = std::make_shared<system_words>();
  auto* action = system->add_subcommand("action", "one action of the server");
  action->add_option("command", a->first)->required();
  action->callback([a, &c] { c.print(c.server().get(join("system/actions", a->first))); });
  auto r = std::make_shared<system_words>();
  auto* run = system->add_subcommand("runaction", "run an action: COMMAND [JSON]");
  run->add_option("command", r->first)->required();
  run->add_option("params", r->second, "a JSON or YAML map");
  run->callback([r, &c] {
    const std::string body = r->second.empty() ? "{}" : to_compact(read_argument(r->second));
    c.print(c.server().send("POST", join("system/actions", r->first), body));
  });
  auto u = std::make_shared<system_words>();
  auto* upgrade = system->add_subcommand("upgrade", "upload a new release");
  upgrade->add_option("zip", u->first)->required();
  upgrade->callback([u, &c] {
    request what;
    what.method = "POST";
    what.path = "system/upgrade";
    c.print(c.server().upload(std::move(what), u->first));
  });
  add_certs(*system, c);
  auto* ha = system->add_subcommand("ha", "the cluster: who leads, who is active, members, enrolment");
  ha->require_subcommand(1);
  add_ha_commands(*ha, c);
  add_repair_command(*ha, c);
  auto* shortcut = app.add_subcommand("ha", "short for: system ha");
  shortcut->require_subcommand(1);
  add_ha_commands(*shortcut, c);
  add_repair_command(*shortcut, c);
  auto* vip = app.add_subcommand("vip", "the virtual address");
  vip->require_subcommand(1);
  vip->add_subcommand("status",
                      "who holds it, the lease, the guard, announcements, conflicts; as this node sees it")
      ->callback([&c] { c.print(c.server().get("system/vip")); });
  add_actor_commands(app, c);
}

} // namespace holdfast::cli
