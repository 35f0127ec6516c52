// Generic verbs: list, count, indexes, show, exists, etag, create, patch, update, destroy, wait, meta,
// actions.
#include "tools/holdfast/commands.hpp"

#include <chrono>
#include <ostream>

namespace holdfast::cli {

const std::vector<object_kind>& object_kinds() {
  static const std::vector<object_kind> kinds{
      {"bootenvs", "bootenv", "Name", "ma"},     {"catalog_items", "catalog_item", nullptr, "a"},
      {"contexts", "context", nullptr, "ma"},    {"endpoints", "endpoint", "Id", "mpa"},
      {"interfaces", "interface", nullptr, "r"}, {"jobs", "job", nullptr, "mj"},
      {"leases", "lease", nullptr, "ma"},        {"machines", "machine", "Name", "mpaM"},
      {"params", "param", "Name", "ma"},         {"plugin_providers", "plugin_provider", nullptr, "rm"},
      {"plugins", "plugin", "Name", "mpa"},      {"pools", "pool", "Id", "a"},
      {"profiles", "profile", "Name", "mpaP"},   {"reservations", "reservation", nullptr, "ma"},
      {"roles", "role", nullptr, "ma"},          {"stages", "stage", "Name", "mpaP"},
      {"subnets", "subnet", nullptr, "ma"},      {"tasks", "task", "Name", "ma"},
      {"templates", "template", nullptr, "ma"},  {"tenants", "tenant", nullptr, "ma"},
      {"users", "user", "Name", "mau"},          {"version_sets", "version_set", "Id", "a"},
      {"workflows", "workflow", nullptr, "ma"},
  };
  return kinds;
}

namespace {

/// "a machine", "an endpoint". Said aloud, "user" begins with a consonant.
std::string with_article(const std::string& noun) {
  const bool vowel = std::string_view{"aeio"}.find(noun.front()) != std::string_view::npos;
  return (vowel ? "an " : "a ") + noun;
}

/// -X: a returned object that has Errors ends the command with 1, after it was shown.
void refuse_errors(const value& v) {
  if (v.IsArray()) {
    for (const auto& item : v.GetArray()) {
      refuse_errors(item);
    }
  }
  if (!v.IsObject()) {
    return;
  }
  const auto errors = v.FindMember("Errors");
  if (errors != v.MemberEnd() && errors->value.IsArray() && !errors->value.Empty()) {
    throw failure{"the object has errors: " + to_compact(errors->value)};
  }
}

} // namespace

void context::print(const value& v) {
  *out << render(v, config.output);
  if (config.object_errors_fatal) {
    refuse_errors(v);
  }
}

std::string join(std::string_view a, std::string_view b) {
  std::string out{a};
  while (!b.empty() && b.front() == '/') {
    b.remove_prefix(1);
  }
  if (out.empty() || out.back() != '/') {
    out += '/';
  }
  return out.append(b);
}

query filters(const std::vector<std::string>& words) {
  query out;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw failure{"a filter has the form Field=value, not '" + word + "'"};
    }
    out.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return out;
}

document edit_object(context& c, const std::string& path, const std::function<void(document&)>& edit) {
  const document before = c.server().get(path);
  document after;
  after.CopyFrom(before, after.GetAllocator());
  edit(after);
  const document patch = c.config.reference.empty()
                             ? make_patch(before, after)
                             : make_patch_against(read_argument(c.config.reference), before, after);
  return c.server().send("PATCH", path, to_compact(patch));
}

namespace {

/// Values that CLI11 fills before the callback runs; shared so that they outlive this function.
struct words {
  std::string id;
  std::string first;
  std::string second;
  std::string third;
  std::vector<std::string> rest;
  long long limit = -1;
  long long offset = -1;
  std::string slim;
  std::string params;
  bool decode = false;
  std::string key;
};
using words_ptr = std::shared_ptr<words>;

query shape_flags(const words& w) {
  query q;
  if (!w.slim.empty()) {
    q.emplace_back("slim", w.slim);
  }
  if (!w.params.empty()) {
    q.emplace_back("params", w.params);
  }
  if (w.decode) {
    q.emplace_back("decode", "true");
  }
  return q;
}

void add_shape_flags(CLI::App& verb, const words_ptr& w) {
  verb.add_option("--slim", w->slim, "fields to leave out, for example Params,Meta");
  verb.add_option("--params", w->params, "only these params");
  verb.add_flag("--decode", w->decode, "decrypt secure params");
}

void add_list(CLI::App& group, const std::string& prefix, context& c) {
  auto w = std::make_shared<words>();
  auto* verb = group.add_subcommand("list", "list all " + prefix + ", or those that match the filters");
  verb->add_option("filters", w->rest, "Field=value, Field=Ne(value), sort=Field, reverse=true …");
  verb->add_option("--limit", w->limit, "at most so many");
  verb->add_option("--offset", w->offset, "leave out so many at the start");
  add_shape_flags(*verb, w);
  verb->callback([w, prefix, &c] {
    query q = filters(w->rest);
    for (auto& pair : shape_flags(*w)) {
      q.push_back(std::move(pair));
    }
    if (w->limit != -1) {
      q.emplace_back("limit", std::to_string(w->limit));
    }
    if (w->offset != -1) {
      q.emplace_back("offset", std::to_string(w->offset));
    }
    c.print(c.server().get(prefix, std::move(q)));
  });
}

void add_count(CLI::App& group, const std::string& prefix, context& c) {
  auto w = std::make_shared<words>();
  auto* verb = group.add_subcommand("count", "count all " + prefix + ", or those that match the filters");
  verb->add_option("filters", w->rest, "Field=value …");
  verb->callback([w, prefix, &c] {
    request what;
    what.method = "HEAD";
    what.path = prefix;
    what.parameters = filters(w->rest);
    const std::string count = c.server().call(std::move(what)).header("x-drp-list-filter-count");
    if (count.empty()) {
      throw failure{"the server did not send X-DRP-LIST-FILTER-COUNT"};
    }
    *c.out << count << "\n";
  });
}

void add_indexes(CLI::App& group, const std::string& prefix, context& c) {
  group.add_subcommand("indexes", "the fields that lists can be filtered and sorted by")
      ->callback([prefix, &c] { c.print(c.server().get(join("indexes", prefix))); });
}

void add_show(CLI::App& group, const object_kind& kind, context& c) {
  auto w = std::make_shared<words>();
  auto* verb = group.add_subcommand("show", std::string{"show one "} + kind.singular);
  verb->add_option("id", w->id, "its key, or Index:value")->required();
  add_shape_flags(*verb, w);
  const std::string prefix = kind.prefix;
  verb->callback([w, prefix, &c] { c.print(c.server().get(join(prefix, w->id), shape_flags(*w))); });
}

void add_exists(CLI::App& group, const object_kind& kind, context& c) {
  auto w = std::make_shared<words>();
  auto* verb =
      group.add_subcommand("exists", std::string{"exit 0 when the "} + kind.singular + " is there, 1 if not");
  verb->add_option("id", w->id, "its key")->required();
  const std::string prefix = kind.prefix;
  verb->callback([w, prefix, &c] {
    request what;
    what.method = "HEAD";
    what.path = join(prefix, w->id);
    const reply answer = c.server().call_any(std::move(what));
    if (answer.status == 404) {
      throw failure{prefix + ":" + w->id + " does not exist"};
    }
    if (answer.status >= 400) {
      throw failure{"HTTP status " + std::to_string(answer.status) + " for " + prefix + ":" + w->id};
    }
  });
}

/// Waits for a change when `wait` is given; a 304 means the time ran out.
void add_etag(CLI::App& group, const object_kind& kind, context& c) {
  auto w = std::make_shared<words>();
  auto* verb = group.add_subcommand("etag", "print the ETag; with an etag and a time, wait for it to change");
  verb->add_option("id", w->id, "its key")->required();
  verb->add_option("etag", w->first, "an ETag printed earlier");
  verb->add_option("time", w->second, "how long to wait for a change, for example 30s");
  const std::string prefix = kind.prefix;
  verb->callback([w, prefix, &c] {
    request what;
    what.method = "HEAD";
    what.path = join(prefix, w->id);
    if (!w->second.empty()) {
      what.headers.emplace_back("If-None-Match", w->first);
      what.headers.emplace_back("Prefer", "wait=" + w->second);
    }
    const reply answer = c.server().call_any(std::move(what));
    if (answer.status == 304) {
      *c.out << "Timeout: no change\n";
    } else if (answer.status >= 400) {
      throw failure{
          prefix + ":" + w->id +
          (answer.status == 404 ? " does not exist" : ": HTTP status " + std::to_string(answer.status))};
    } else {
      *c.out << answer.header("etag") << "\n";
    }
  });
}

void add_create(CLI::App& group, const object_kind& kind, context& c) {
  auto w = std::make_shared<words>();
  auto* verb = group.add_subcommand("create", "create " + with_article(kind.singular) + " from JSON or YAML" +
                                                  (kind.key ? ", or by name alone" : ""));
  verb->add_option("object", w->first, "JSON, YAML, a file, - or a name")->required();
  const std::string prefix = kind.prefix;
  const std::string key = kind.key ? kind.key : "";
  verb->callback([w, prefix, key, &c] {
    document body;
    try {
      body = read_argument(w->first);
    } catch (const failure&) {
      if (key.empty()) {
        throw;
      }
    }
    if (!body.IsObject()) {
      if (key.empty()) {
        throw failure{"expected a JSON or YAML object"};
      }
      body.SetObject();
      body.AddMember(value{key.c_str(), body.GetAllocator()}, value{w->first.c_str(), body.GetAllocator()},
                     body.GetAllocator());
    }
    c.print(c.server().send("POST", prefix, to_compact(body)));
  });
}

void add_update(CLI::App& group, const object_kind& kind, context& c) {
  auto w = std::make_shared<words>();
  auto* verb = group.add_subcommand("update", "merge changes into " + with_article(kind.singular));
  verb->add_option("id", w->id, "its key")->required();
  verb->add_option("changes", w->first, "JSON, YAML, a file or -")->required();
  const std::string prefix = kind.prefix;
  verb->callback([w, prefix, &c] {
    const document changes = read_argument(w->first);
    c.print(edit_object(c, join(prefix, w->id),
                        [&changes](document& object) { merge(object, changes, object.GetAllocator()); }));
  });
}

void add_patch(CLI::App& group, const object_kind& kind, context& c) {
  auto w = std::make_shared<words>();
  auto* verb =
      group.add_subcommand("patch", "send the changes, valid only while the object still is as given");
  verb->add_option("object", w->first, "the object as you know it: JSON, YAML, a file")->required();
  verb->add_option("changes", w->second, "JSON, YAML, a file or -")->required();
  const std::string prefix = kind.prefix;
  const std::string key = kind.key                ? kind.key
                          : prefix == "templates" ? "ID"
                          : prefix == "jobs"      ? "Uuid"
                                                  : "Name";
  verb->callback([w, prefix, key, &c] {
    const document before = read_argument(w->first);
    const document changes = read_argument(w->second);
    const bool machine = prefix == "machines" && before.IsObject() && before.HasMember("Uuid");
    const char* field = machine ? "Uuid" : key.c_str();
    if (!before.IsObject() || !before.HasMember(field) || !before[field].IsString()) {
      throw failure{std::string{"the object given has no "} + field};
    }
    document after;
    after.CopyFrom(before, after.GetAllocator());
    merge(after, changes, after.GetAllocator());
    c.print(c.server().send("PATCH", join(prefix, before[field].GetString()),
                            to_compact(make_patch(before, after))));
  });
}

void add_destroy(CLI::App& group, const object_kind& kind, context& c) {
  auto w = std::make_shared<words>();
  auto* verb = group.add_subcommand("destroy", "delete " + with_article(kind.singular));
  verb->alias("delete");
  verb->add_option("id", w->id, "its key")->required();
  const std::string prefix = kind.prefix;
  const std::string singular = kind.singular;
  verb->callback([w, prefix, singular, &c] {
    request what;
    what.method = "DELETE";
    what.path = join(prefix, w->id);
    c.server().call(std::move(what));
    *c.out << "Deleted " << singular << " " << w->id << "\n";
  });
}

const value* field_of(const value& object, const std::string& name) {
  const auto found = object.FindMember(name.c_str());
  return found == object.MemberEnd() ? nullptr : &found->value;
}

/// `wait`: long polls on the ETag, so the server decides when to wake us; no polling loop, no sleep.
std::string wait_for_field(context& c, const std::string& path, const words& w) {
  using clock = std::chrono::steady_clock;
  const document wanted = word_to_json(w.second);
  const auto deadline =
      clock::now() + std::chrono::milliseconds{duration_ms(w.third.empty() ? "86400" : w.third)};
  std::string etag;
  for (;;) {
    request what;
    what.path = path;
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(deadline - clock::now()).count();
    if (!etag.empty()) {
      if (left <= 0) {
        return "timeout";
      }
      what.headers.emplace_back("If-None-Match", etag);
      what.headers.emplace_back("Prefer", "wait=" + std::to_string(std::min<long long>(left, 300)) + "s");
    }
    const reply answer = c.server().call(std::move(what));
    if (answer.status != 304) {
      etag = answer.header("etag");
      const document object = parse_json(answer.body, "the answer");
      const value* now = object.IsObject() ? field_of(object, w.first) : nullptr;
      if (now != nullptr && (*now == wanted || (now->IsString() && w.second == now->GetString()))) {
        return "complete";
      }
    }
    if (etag.empty()) {
      throw failure{"the server sends no ETag for " + path + ", so its changes cannot be waited for"};
    }
  }
}

void add_wait(CLI::App& group, const object_kind& kind, context& c) {
  auto w = std::make_shared<words>();
  auto* verb = group.add_subcommand("wait", "wait until a field has a value; prints complete or timeout");
  verb->add_option("id", w->id, "its key")->required();
  verb->add_option("field", w->first, "the field")->required();
  verb->add_option("value", w->second, "the value it should get")->required();
  verb->add_option("timeout", w->third, "seconds, or a duration such as 5m (default: a day)");
  const std::string prefix = kind.prefix;
  verb->callback([w, prefix, &c] { *c.out << wait_for_field(c, join(prefix, w->id), *w) << "\n"; });
}

void add_meta(CLI::App& group, const object_kind& kind, context& c) {
  auto* meta = group.add_subcommand("meta", "the Meta map: get, add, set, remove");
  const std::string prefix = kind.prefix;
  auto w = std::make_shared<words>();
  meta->add_option("id", w->id, "show the whole map of this object");
  meta->callback([w, prefix, meta, &c] {
    if (meta->get_subcommands().empty()) {
      if (w->id.empty()) {
        throw CLI::RequiredError("id");
      }
      c.print(c.server().get(join("meta", join(prefix, w->id))));
    }
  });
  auto g = std::make_shared<words>();
  auto* get = meta->add_subcommand("get", "one value");
  get->add_option("id", g->id)->required();
  get->add_option("key", g->first)->required();
  get->callback([g, prefix, &c] {
    const document map = c.server().get(join("meta", join(prefix, g->id)));
    const value* found = map.IsObject() ? field_of(map, g->first) : nullptr;
    if (found == nullptr) {
      throw failure{"no meta key " + g->first + " on " + prefix + ":" + g->id};
    }
    c.print(*found);
  });
  for (const std::string name : {"add", "set", "remove"}) {
    auto s = std::make_shared<words>();
    auto* verb =
        meta->add_subcommand(name, name + " one value: ID key KEY" + (name == "remove" ? "" : " to VALUE"));
    verb->add_option("id", s->id)->required();
    verb->add_option("words", s->rest, name == "remove" ? "key KEY" : "key KEY to VALUE")->required();
    verb->callback([s, prefix, name, &c] {
      const bool removing = name == "remove";
      const std::size_t wanted = removing ? 2 : 4;
      if (s->rest.size() != wanted || s->rest[0] != "key" || (!removing && s->rest[2] != "to")) {
        throw CLI::ValidationError("words",
                                   removing ? "expected: ID key KEY" : "expected: ID key KEY to VALUE");
      }
      c.print(edit_object(c, join("meta", join(prefix, s->id)), [&s, removing](document& map) {
        auto& alloc = map.GetAllocator();
        map.RemoveMember(s->rest[1].c_str());
        if (!removing) {
          map.AddMember(value{s->rest[1].c_str(), alloc}, value{s->rest[3].c_str(), alloc}, alloc);
        }
      }));
    });
  }
}

void add_actions(CLI::App& group, const object_kind& kind, context& c) {
  const std::string prefix = kind.prefix;
  const std::string below = prefix == "jobs" ? "plugin_actions" : "actions";
  auto a = std::make_shared<words>();
  auto* all = group.add_subcommand("actions", "the actions that can be run on an object");
  all->add_option("id", a->id)->required();
  all->callback([a, prefix, below, &c] { c.print(c.server().get(join(prefix, join(a->id, below)))); });
  auto o = std::make_shared<words>();
  auto* one = group.add_subcommand("action", "one action of an object");
  one->add_option("id", o->id)->required();
  one->add_option("command", o->first)->required();
  one->callback(
      [o, prefix, below, &c] { c.print(c.server().get(join(prefix, join(o->id, join(below, o->first))))); });
  auto r = std::make_shared<words>();
  auto* run = group.add_subcommand("runaction", "run an action: ID COMMAND [JSON]");
  run->add_option("id", r->id)->required();
  run->add_option("command", r->first)->required();
  run->add_option("params", r->second, "a JSON or YAML map");
  run->callback([r, prefix, below, &c] {
    const std::string body = r->second.empty() ? "{}" : to_compact(read_argument(r->second));
    c.print(c.server().send("POST", join(prefix, join(r->id, join(below, r->first))), body));
  });
}

} // namespace

void add_object_commands(CLI::App& app, context& c) {
  for (const auto& kind : object_kinds()) {
    auto* group = app.add_subcommand(kind.prefix, std::string{"work with "} + kind.prefix);
    group->require_subcommand(1);
    const std::string features = kind.features;
    const auto has = [&features](char letter) { return features.find(letter) != std::string::npos; };
    add_list(*group, kind.prefix, c);
    add_count(*group, kind.prefix, c);
    add_indexes(*group, kind.prefix, c);
    add_show(*group, kind, c);
    add_exists(*group, kind, c);
    if (!has('r')) {
      add_etag(*group, kind, c);
      if (!has('j')) {
        add_create(*group, kind, c);
      }
      add_update(*group, kind, c);
      add_patch(*group, kind, c);
      add_wait(*group, kind, c);
    }
    if (std::string_view{kind.prefix} != "interfaces") {
      add_destroy(*group, kind, c);
    }
    if (has('m')) {
      add_meta(*group, kind, c);
    }
    if (has('a')) {
      add_actions(*group, kind, c);
    }
    if (has('p')) {
      add_parameter_commands(*group, kind, c);
    }
    if (has('M')) {
      add_machine_commands(*group, kind, c);
    }
    if (has('u')) {
      add_user_commands(*group, c);
    }
    if (has('j')) {
      add_job_commands(*group, c);
    }
  }
}

} // namespace holdfast::cli
