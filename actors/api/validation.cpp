#include "actors/api/validation.hpp"

#include "actors/api/name_rules.hpp"
#include "actors/api/param_schema.hpp"
#include "actors/api/scopes.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace holdfast::api {
namespace {

using json::value;

std::string prefixed(std::string_view key, std::string text) {
  return std::string(key) + ": " + std::move(text);
}

const value* list_at(const value& object, std::string_view name) {
  const auto* found = json::member(object, name);
  return found && found->IsArray() ? found : nullptr;
}

bool is_available(std::string_view stored) {
  // Stored objects are compact and carry the field exactly once at the top level, ahead of all free text.
  return stored.substr(0, 64).find("\"Available\":false") == std::string_view::npos;
}

/// A task entry can be a directive to the agent ("stage:x", "action:y"); only plain names are tasks.
bool names_task(std::string_view entry) {
  return entry.find(':') == std::string_view::npos;
}

class judge {
public:
  judge(const prefix_desc& desc, std::string_view key, const value& object, const write_draft& draft)
      : desc_(desc), key_(key), object_(object), draft_(draft), machine_(desc.name == "machines") {}

  verdict run() {
    check_key();
    if (!out_.refused.empty())
      return std::move(out_);
    check_templates();
    check_claims();
    check_own_rules();
    check_references();
    return std::move(out_);
  }

private:
  void refuse(std::string text) { out_.refused.push_back(prefixed(key_, std::move(text))); }

  void check_key() {
    const auto name = machine_ ? json::text_at(object_, "Name") : json::text_at(object_, desc_.key_field);
    const auto rule = machine_ ? key_rule::number_name : desc_.rule;
    if (valid_name(rule, name) && (!machine_ || is_uuid(key_)))
      return;
    refuse("Invalid " + std::string(machine_ ? "Name" : desc_.key_field) + " `" + std::string(name) + "`");
  }

  void check_templates() {
    const auto* templates = list_at(object_, "Templates");
    if (!templates)
      return;
    const bool task = desc_.name == "tasks";
    std::set<std::string_view> seen;
    std::size_t at = 0, with_os = 0;
    for (const auto& entry : templates->GetArray()) {
      const std::string label = "Template[" + std::to_string(at++) + "]";
      const auto name = json::text_at(entry, "Name");
      const int sources = !json::text_at(entry, "ID").empty() + !json::text_at(entry, "Contents").empty() +
                          !json::text_at(entry, "Link").empty();
      if (name.empty())
        refuse(label + ": No Name");
      else if (!seen.insert(name).second)
        refuse(label + ": Duplicate Name " + std::string(name));
      if (sources != 1)
        refuse(label + ": Must have exactly one of ID or Contents");
      if (!task && json::text_at(entry, "Path").empty())
        refuse(label + ": No Path");
      if (const auto* meta = json::member(entry, "Meta"))
        with_os += !json::text_at(*meta, "OS").empty();
    }
    if (task && with_os != 0 && with_os != templates->Size())
      refuse("Either all templates or none must have Meta OS");
  }

  void check_claims() {
    for (const std::string_view field : {"Claims", "ExtraClaims"}) {
      const auto* claims = list_at(object_, field);
      if (!claims)
        continue;
      for (const auto& claim : claims->GetArray())
        for (auto& text : claim_defects(json::text_at(claim, "scope"), json::text_at(claim, "action")))
          refuse(std::move(text));
    }
  }

  void check_own_rules() {
    if (desc_.name == "params") {
      if (const auto* schema = json::member(object_, "Schema"))
        if (auto why = schema_defect(*schema))
          refuse("Invalid Schema: " + *why);
      if (json::flag_at(object_, "Secure"))
        refuse("Secure params are not supported");
    } else if (desc_.name == "tenants") {
      if (const auto* members = json::member(object_, "Members"); members && members->IsObject())
        for (auto m = members->MemberBegin(); m != members->MemberEnd(); ++m)
          if (!find_prefix(json::text(m->name)))
            refuse("No such object type '" + std::string(json::text(m->name)) + "'");
      check_single_tenancy();
    } else if (desc_.name == "bootenvs") {
      check_loaders();
    } else if (desc_.name == "jobs") {
      check_job();
    } else if (desc_.name == "plugins" && json::text_at(object_, "Provider").empty()) {
      refuse("Plugin must have a provider");
    } else if (machine_) {
      check_machine();
    }
  }

  void check_single_tenancy() {
    const auto* users = list_at(object_, "Users");
    if (!users || users->Empty())
      return;
    std::set<std::string> mine;
    for (const auto& name : users->GetArray())
      mine.emplace(json::text(name));
    draft_.scan("tenants", [&](std::string_view other, std::string_view text) {
      json::document doc;
      if (other == key_ || json::parse(text, doc))
        return;
      if (const auto* theirs = list_at(doc, "Users"))
        for (const auto& name : theirs->GetArray())
          if (mine.contains(std::string(json::text(name))))
            refuse("User " + std::string(json::text(name)) + " is already in tenant " + std::string(other));
    });
  }

  void check_loaders() {
    constexpr std::array<std::string_view, 3> known = {"386-pcbios", "amd64-uefi", "arm64-uefi"};
    if (const auto* loaders = json::member(object_, "Loaders"); loaders && loaders->IsObject())
      for (auto m = loaders->MemberBegin(); m != loaders->MemberEnd(); ++m)
        if (std::find(known.begin(), known.end(), json::text(m->name)) == known.end())
          refuse("Invalid loader " + std::string(json::text(m->name)));
  }

  void check_job() {
    constexpr std::array<std::string_view, 5> states = {"created", "running", "incomplete", "failed",
                                                        "finished"};
    constexpr std::array<std::string_view, 6> exits = {"",     "reboot",   "poweroff",
                                                       "stop", "complete", "failed"};
    const auto state = json::text_at(object_, "State");
    const auto exit = json::text_at(object_, "ExitState");
    if (json::text_at(object_, "Machine").empty())
      refuse("Machine is required");
    if (std::find(states.begin(), states.end(), state) == states.end())
      refuse("Invalid State `" + std::string(state) + "`");
    if (std::find(exits.begin(), exits.end(), exit) == exits.end())
      refuse("Invalid ExitState `" + std::string(exit) + "`");
  }

  void check_machine() {
    constexpr std::array<std::string_view, 6> arches = {"amd64", "arm64", "386", "arm", "ppc64le", "s390x"};
    const auto arch = json::text_at(object_, "Arch");
    if (std::find(arches.begin(), arches.end(), arch) == arches.end())
      refuse("Invalid Arch `" + std::string(arch) + "`");
  }

  void missing(std::string text, bool with_key) {
    auto& list = machine_ ? out_.refused : out_.errors;
    list.push_back(with_key ? prefixed(key_, std::move(text)) : std::move(text));
  }

  void check_references() {
    for (const auto& ref : desc_.references) {
      const auto* found = json::member(object_, ref.path);
      if (found && found->IsArray())
        check_list(ref);
      else
        check_scalar(ref, json::text_at(object_, ref.path));
    }
  }

  void check_list(const reference& ref) {
    std::vector<std::string> seen;
    std::size_t at = 0;
    for (const auto& name : referred(ref, object_)) {
      const auto first = std::find(seen.begin(), seen.end(), name);
      if (ref.target == "profiles" && first != seen.end())
        out_.refused.push_back(prefixed(key_, "Duplicate profile " + name + ": at " +
                                                  std::to_string(first - seen.begin()) + " and " +
                                                  std::to_string(at)));
      seen.push_back(name);
      const auto target = draft_.get(ref.target, name);
      if (!name.empty() && (target || ref.target != "tasks" || names_task(name)))
        out_.relied.push_back({ref.target, name, target && !machine_});
      if (!target && (ref.target != "tasks" || names_task(name)))
        missing(std::string(ref.label) + " " + name + " (at " + std::to_string(at) + ") does not exist",
                true);
      else if (target && !machine_ && !is_available(*target))
        missing(std::string(ref.label) + " " + name + " (at " + std::to_string(at) + ") is not available",
                true);
      ++at;
    }
  }

  void check_scalar(const reference& ref, std::string_view name) {
    if (name.empty())
      return;
    const auto target = draft_.get(ref.target, name);
    out_.relied.push_back({ref.target, std::string(name), target.has_value()});
    if (!target) {
      missing(std::string(machine_ ? ref.machine_label : ref.label) + " " + std::string(name) +
                  " does not exist",
              !machine_);
      return;
    }
    if (!is_available(*target))
      missing(std::string(ref.label) + " " + std::string(name) + " is not available", !machine_);
    if (machine_ && ref.target == "bootenvs" &&
        target->find("\"OnlyUnknown\":true") != std::string_view::npos)
      missing("BootEnv " + std::string(name) +
                  " does not allow Machine assignments, it has the OnlyUnknown flag.",
              false);
  }

  const prefix_desc& desc_;
  std::string_view key_;
  const value& object_;
  const write_draft& draft_;
  bool machine_;
  verdict out_;
};

} // namespace

verdict validate(const prefix_desc& desc, std::string_view key, const value& object,
                 const write_draft& draft) {
  return judge(desc, key, object, draft).run();
}

std::vector<std::string> referred(const reference& ref, const value& object) {
  std::vector<std::string> names;
  const auto* found = json::member(object, ref.path);
  if (!found)
    return names;
  if (found->IsString() && found->GetStringLength() != 0)
    names.emplace_back(json::text(*found));
  if (!found->IsArray())
    return names;
  for (const auto& item : found->GetArray()) {
    if (item.IsString())
      names.emplace_back(json::text(item));
    else if (const auto id = json::text_at(item, "ID"); !id.empty())
      names.emplace_back(id);
  }
  return names;
}

std::string param_violation(std::string_view name, const value& v, const write_draft& draft) {
  const auto stored = draft.get("params", name);
  json::document param;
  if (!stored || json::parse(*stored, param))
    return {};
  const auto* schema = json::member(param, "Schema");
  const auto why = schema ? schema_violation(*schema, v) : std::nullopt;
  if (!why)
    return {};
  return "Key '" + std::string(name) + "': invalid val '" + json::compact(v) + "': : " + *why;
}

} // namespace holdfast::api
