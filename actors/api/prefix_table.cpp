#include "actors/api/prefix_table.hpp"

#include "actors/api/prefix_fields.hpp"

#include <algorithm>

namespace holdfast::api {
namespace {

constexpr std::uint8_t vamob = validation | access_group | meta_group | owned | bundled;
constexpr std::uint8_t vamobp = vamob | partialed;

index_desc string_index(std::string_view name, std::string_view path = {}) {
  return {name, path.empty() ? name : path, "string", false, false, true};
}
index_desc key_index(std::string_view name) {
  return {name, name, "string", true, false, true};
}
index_desc boolean_index(std::string_view name, std::string_view path = {}) {
  return {name, path.empty() ? name : path, "boolean", false, true, false};
}
index_desc list_index(std::string_view name, std::string_view path = {}) {
  return {name, path.empty() ? name : path, "list", false, true, false};
}
index_desc uuid_index(std::string_view name, bool unique = false) {
  return {name, name, "UUID string", unique, false, false};
}
index_desc time_index(std::string_view name) {
  return {name, name, "dateTime", false, false, false};
}
index_desc address_index(std::string_view name, bool unique = false) {
  return {name, name, "IP Address", unique, false, false};
}

bool has_field(const prefix_desc& desc, std::string_view name) {
  return std::any_of(desc.fields.begin(), desc.fields.end(), [&](const field& f) { return f.name == name; });
}

/// The indexes every prefix of these groups has, ahead of its own.
prefix_desc with_common_indexes(prefix_desc desc) {
  std::vector<index_desc> all{{"Key", desc.key_field, "string", true, false, true}};
  if (desc.has(validation)) {
    all.push_back(boolean_index("Available"));
    all.push_back(boolean_index("Valid", "Validated"));
  }
  if (desc.has(access_group))
    all.push_back(boolean_index("ReadOnly"));
  if (desc.has(owned))
    all.push_back(string_index("Endpoint"));
  if (desc.has(bundled))
    all.push_back(string_index("Bundle"));
  for (const std::string_view text : {"Description", "Documentation"})
    if (has_field(desc, text))
      all.push_back(string_index(text));
  all.insert(all.end(), desc.indexes.begin(), desc.indexes.end());
  desc.indexes = std::move(all);
  return desc;
}

std::vector<index_desc> machine_indexes() {
  return {uuid_index("Uuid", true),
          key_index("Name"),
          address_index("Address"),
          string_index("Arch"),
          string_index("BootEnv"),
          string_index("Context"),
          uuid_index("CurrentJob"),
          list_index("HardwareAddr", "HardwareAddrs"),
          list_index("HardwareAddrs"),
          boolean_index("Locked"),
          string_index("OS"),
          list_index("Params"),
          string_index("Pool"),
          boolean_index("PoolAllocated"),
          string_index("PoolStatus"),
          list_index("Profiles"),
          boolean_index("Runnable"),
          string_index("Stage"),
          list_index("Tasks"),
          string_index("Workflow"),
          boolean_index("WorkflowComplete")};
}

std::vector<index_desc> job_indexes() {
  return {uuid_index("Uuid", true),  uuid_index("Machine"),
          uuid_index("Previous"),    string_index("Stage"),
          string_index("Task"),      string_index("State"),
          time_index("StartTime"),   time_index("EndTime"),
          boolean_index("Archived"), boolean_index("Current"),
          string_index("BootEnv"),   string_index("Workflow"),
          string_index("Context"),   boolean_index("Elevated", "ExtraClaims")};
}

std::vector<prefix_desc> build() {
  namespace f = fields;
  using enum key_rule;
  std::vector<prefix_desc> table = {
      {"bootenvs",
       "BootEnv",
       "Name",
       name,
       vamob,
       f::bootenvs,
       {key_index("Name"), boolean_index("OnlyUnknown"), string_index("OsName", "OS/Name")},
       f::template_refs},
      {"catalog_items",
       "CatalogItem",
       "Id",
       any,
       vamob,
       f::catalog_items,
       {key_index("Id"), string_index("Type"), string_index("Name"), string_index("Version")},
       {}},
      {"contexts",
       "Context",
       "Name",
       name,
       vamob,
       f::contexts,
       {key_index("Name"), string_index("Engine"), string_index("Image")},
       {}},
      {"endpoints",
       "Endpoint",
       "Id",
       endpoint,
       vamob,
       f::endpoints,
       {key_index("Id"), list_index("Params"), boolean_index("Apply"), string_index("VersionSet")},
       {},
       true},
      {"jobs", "Job", "Uuid", uuid, vamob, f::jobs, job_indexes(), {}},
      {"leases",
       "Lease",
       "Addr",
       address,
       vamob,
       f::leases,
       {address_index("Addr", true), string_index("Token"), string_index("Strategy"), string_index("State"),
        time_index("ExpireTime")},
       {}},
      {"machines", "Machine", "Uuid", uuid, vamobp, f::machines, machine_indexes(), f::machine_refs, true},
      {"params", "Param", "Name", param, vamob, f::params, {key_index("Name"), boolean_index("Secure")}, {}},
      {"plugins",
       "Plugin",
       "Name",
       name,
       vamobp,
       f::plugins,
       {key_index("Name"), string_index("Provider"), list_index("Params")},
       {},
       true},
      {"pools", "Pool", "Id", any, vamob, f::pools, {key_index("Id"), string_index("ParentPool")}, {}},
      {"preferences",
       "Preference",
       "Name",
       any,
       meta_group,
       f::preferences,
       {key_index("Name")},
       {},
       false,
       true,
       false},
      {"profiles",
       "Profile",
       "Name",
       name,
       vamobp,
       f::profiles,
       {key_index("Name"), list_index("Params"), list_index("Profiles")},
       f::profile_refs,
       true},
      {"reservations",
       "Reservation",
       "Addr",
       address,
       vamob,
       f::reservations,
       {address_index("Addr", true), string_index("Token"), string_index("Strategy"),
        address_index("NextServer"), string_index("Subnet")},
       {}},
      {"roles", "Role", "Name", name, vamob, f::roles, {key_index("Name")}, {}},
      {"stages",
       "Stage",
       "Name",
       name,
       vamobp,
       f::stages,
       {key_index("Name"), string_index("BootEnv"), list_index("Params"), list_index("Profiles"),
        boolean_index("Reboot"), list_index("Tasks")},
       f::stage_refs,
       true},
      {"subnets",
       "Subnet",
       "Name",
       name,
       vamob,
       f::subnets,
       {key_index("Name"),
        string_index("Strategy"),
        address_index("NextServer"),
        {"Subnet", "Subnet", "CIDR Address", true, false, false},
        address_index("ActiveStart"),
        address_index("ActiveEnd"),
        boolean_index("Enabled"),
        boolean_index("Proxy")},
       {}},
      {"tasks",
       "Task",
       "Name",
       name,
       vamob,
       f::tasks,
       {key_index("Name"), boolean_index("Elevated", "ExtraClaims"), list_index("ExtraRoles")},
       f::template_refs},
      {"templates", "Template", "ID", number_name, vamob, f::templates, {key_index("ID")}, {}},
      {"tenants",
       "Tenant",
       "Name",
       name,
       vamob,
       f::tenants,
       {key_index("Name"), list_index("Users")},
       f::tenant_refs},
      {"users",
       "User",
       "Name",
       user,
       vamob,
       f::users,
       {key_index("Name"), list_index("Roles")},
       f::user_refs},
      {"version_sets",
       "VersionSet",
       "Id",
       any,
       vamob,
       f::version_sets,
       {key_index("Id"), boolean_index("Apply")},
       {}},
      {"workflows",
       "Workflow",
       "Name",
       name,
       vamob,
       f::workflows,
       {key_index("Name"), list_index("Stages")},
       f::workflow_refs},
  };
  for (auto& desc : table)
    desc = with_common_indexes(std::move(desc));
  return table;
}

} // namespace

const index_desc* prefix_desc::index(std::string_view index_name) const {
  const auto found =
      std::find_if(indexes.begin(), indexes.end(), [&](const index_desc& i) { return i.name == index_name; });
  return found == indexes.end() ? nullptr : &*found;
}

const std::vector<prefix_desc>& all_prefixes() {
  static const std::vector<prefix_desc> table = build();
  return table;
}

const prefix_desc* find_prefix(std::string_view name) {
  const auto& table = all_prefixes();
  const auto found = std::lower_bound(table.begin(), table.end(), name,
                                      [](const prefix_desc& d, std::string_view n) { return d.name < n; });
  return found != table.end() && found->name == name ? &*found : nullptr;
}

std::vector<std::string_view> listed_prefixes() {
  std::vector<std::string_view> names;
  for (const auto& desc : all_prefixes())
    if (desc.listed)
      names.push_back(desc.name);
  return names;
}

} // namespace holdfast::api
