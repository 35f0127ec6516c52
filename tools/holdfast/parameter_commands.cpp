// Verbs on params and on the lists inside machines, profiles and stages.
#include "tools/holdfast/commands.hpp"

#include <algorithm>
#include <ostream>

namespace holdfast::cli {

namespace {

struct param_words {
  std::string id;
  std::vector<std::string> rest;
  std::string json;
  bool aggregate = false;
  bool decode = false;
  bool compose = false;
};
using param_ptr = std::shared_ptr<param_words>;

query shape(const param_words& w) {
  query q;
  if (w.aggregate) {
    q.emplace_back("aggregate", "true");
  }
  if (w.decode) {
    q.emplace_back("decode", "true");
  }
  if (w.compose) {
    q.emplace_back("compose", "true");
  }
  return q;
}

/// The grammar is `param NAME [to VALUE]`; anything else prints usage.
void expect(const param_words& w, bool with_value) {
  const std::size_t wanted = with_value ? 4 : 2;
  if (w.rest.size() != wanted || w.rest[0] != "param" || (with_value && w.rest[2] != "to")) {
    throw CLI::ValidationError("words",
                               with_value ? "expected: ID param NAME to VALUE" : "expected: ID param NAME");
  }
}

void add_params_verb(CLI::App& group, const std::string& prefix, context& c) {
  auto w = std::make_shared<param_words>();
  auto* verb = group.add_subcommand("params", "show all params, or replace them all");
  verb->add_option("id", w->id, "its key")->required();
  verb->add_option("json", w->json, "the new map: JSON, YAML, a file or -");
  verb->add_flag("--aggregate", w->aggregate, "merge profiles, stage and defaults in");
  verb->add_flag("--decode", w->decode, "decrypt secure params");
  verb->callback([w, prefix, &c] {
    const std::string path = join(prefix, join(w->id, "params"));
    if (w->json.empty()) {
      c.print(c.server().get(path, shape(*w)));
    } else {
      c.print(c.server().send("POST", path, to_compact(read_argument(w->json))));
    }
  });
}

void add_get_verb(CLI::App& group, const std::string& prefix, context& c) {
  auto w = std::make_shared<param_words>();
  auto* verb = group.add_subcommand("get", "one param: ID param NAME");
  verb->add_option("id", w->id)->required();
  verb->add_option("words", w->rest, "param NAME")->required();
  verb->add_flag("--aggregate", w->aggregate, "merge profiles, stage and defaults in");
  verb->add_flag("--decode", w->decode, "decrypt secure params");
  verb->add_flag("--compose", w->compose, "merge maps and lists through the profiles");
  verb->callback([w, prefix, &c] {
    expect(*w, false);
    c.print(c.server().get(join(prefix, join(w->id, join("params", w->rest[1]))), shape(*w)));
  });
}

/// `set` posts the value; `add` patches the map, so that --ref can guard it.
void add_set_verbs(CLI::App& group, const std::string& prefix, context& c) {
  auto w = std::make_shared<param_words>();
  auto* set = group.add_subcommand("set", "set a param: ID param NAME to VALUE");
  set->add_option("id", w->id)->required();
  set->add_option("words", w->rest, "param NAME to VALUE")->required();
  set->callback([w, prefix, &c] {
    expect(*w, true);
    const std::string path = join(prefix, join(w->id, join("params", w->rest[1])));
    c.print(c.server().send("POST", path, to_compact(word_to_json(w->rest[3]))));
  });
  auto a = std::make_shared<param_words>();
  auto* add = group.add_subcommand("add", "add a param: ID param NAME to VALUE");
  add->add_option("id", a->id)->required();
  add->add_option("words", a->rest, "param NAME to VALUE")->required();
  add->callback([a, prefix, &c] {
    expect(*a, true);
    const document fresh = word_to_json(a->rest[3]);
    const document map = edit_object(c, join(prefix, join(a->id, "params")), [&a, &fresh](document& params) {
      auto& alloc = params.GetAllocator();
      params.RemoveMember(a->rest[1].c_str());
      params.AddMember(value{a->rest[1].c_str(), alloc}, value{fresh, alloc}, alloc);
    });
    const auto found = map.FindMember(a->rest[1].c_str());
    c.print(found == map.MemberEnd() ? static_cast<const value&>(fresh) : found->value);
  });
}

void add_remove_verb(CLI::App& group, const std::string& prefix, context& c) {
  auto w = std::make_shared<param_words>();
  auto* verb = group.add_subcommand("remove", "remove a param: ID param NAME; prints what it was");
  verb->add_option("id", w->id)->required();
  verb->add_option("words", w->rest, "param NAME")->required();
  verb->callback([w, prefix, &c] {
    expect(*w, false);
    c.print(c.server().send("DELETE", join(prefix, join(w->id, join("params", w->rest[1]))), ""));
  });
}

value& list_in(document& object, const char* field) {
  if (!object.HasMember(field) || !object[field].IsArray()) {
    object.RemoveMember(field);
    object.AddMember(rapidjson::StringRef(field), value{rapidjson::kArrayType}, object.GetAllocator());
  }
  return object[field];
}

/// addprofile/removeprofile, addtask/removetask: whole names in a list field.
void add_list_verbs(CLI::App& group, const std::string& prefix, const std::string& word, const char* field,
                    context& c) {
  for (const bool adding : {true, false}) {
    auto w = std::make_shared<param_words>();
    auto* verb = group.add_subcommand((adding ? "add" : "remove") + word,
                                      (adding ? "append to " : "take out of ") + std::string{field});
    verb->add_option("id", w->id)->required();
    verb->add_option("names", w->rest)->required();
    verb->callback([w, prefix, adding, field, &c] {
      c.print(edit_object(c, join(prefix, w->id), [&w, adding, field](document& object) {
        value& list = list_in(object, field);
        for (const auto& name : w->rest) {
          const auto same = [&name](const value& v) { return v.IsString() && name == v.GetString(); };
          const auto found = std::find_if(list.Begin(), list.End(), same);
          if (adding && found == list.End()) {
            list.PushBack(value{name.c_str(), object.GetAllocator()}, object.GetAllocator());
          } else if (!adding && found != list.End()) {
            list.Erase(found);
          }
        }
      }));
    });
  }
}

void add_field_verb(CLI::App& group, const char* verb_name, const char* field, context& c) {
  auto w = std::make_shared<param_words>();
  auto* verb = group.add_subcommand(verb_name, std::string{"set the machine's "} + field);
  verb->add_option("id", w->id)->required();
  verb->add_option("name", w->json)->required();
  verb->callback([w, field, &c] {
    c.print(edit_object(c, join("machines", w->id), [&w, field](document& machine) {
      auto& alloc = machine.GetAllocator();
      machine.RemoveMember(field);
      machine.AddMember(rapidjson::StringRef(field), value{w->json.c_str(), alloc}, alloc);
    }));
  });
}

} // namespace

void add_parameter_commands(CLI::App& group, const object_kind& kind, context& c) {
  const std::string prefix = kind.prefix;
  add_params_verb(group, prefix, c);
  add_get_verb(group, prefix, c);
  add_set_verbs(group, prefix, c);
  add_remove_verb(group, prefix, c);
  if (std::string_view{kind.features}.find('P') != std::string_view::npos) {
    add_list_verbs(group, prefix, "profile", "Profiles", c);
  }
  if (prefix == "stages") {
    add_list_verbs(group, prefix, "task", "Tasks", c);
  }
}

void add_machine_commands(CLI::App& group, const object_kind& kind, context& c) {
  add_list_verbs(group, kind.prefix, "profile", "Profiles", c);
  add_list_verbs(group, kind.prefix, "task", "Tasks", c);
  add_field_verb(group, "bootenv", "BootEnv", c);
  add_field_verb(group, "stage", "Stage", c);
  add_field_verb(group, "workflow", "Workflow", c);
}

} // namespace holdfast::cli
