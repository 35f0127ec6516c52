// The fields of every prefix, in the order the original's models list them (contract §3.2, §3.3).
#pragma once

#include "actors/api/prefix_table.hpp"

namespace holdfast::api::fields {

using k = field_kind;

inline constexpr field template_entry[] = {{"Name"}, {"Path"},     {"Link"},
                                           {"ID"},   {"Contents"}, {"Meta", k::text_map}};
inline constexpr field claim[] = {{"scope"}, {"action"}, {"specific"}};
inline constexpr field arch_info[] = {
    {"Loader"}, {"Kernel"}, {"Initrds", k::text_list}, {"BootParams"}, {"IsoFile"}, {"Sha256"}, {"IsoUrl"}};
inline constexpr field os_info[] = {
    {"Name"},    {"Family"},    {"Codename"}, {"Version"},
    {"IsoFile"}, {"IsoSha256"}, {"IsoUrl"},   {"SupportedArchitectures", k::record_map, false, arch_info}};
inline constexpr field fingerprint[] = {
    {"SSNHash"}, {"CSNHash"}, {"CloudInstanceID"}, {"SystemUUID"}, {"MemoryIds", k::text_list}};
inline constexpr field error_stack[] = {
    {"CurrentTask", k::integer}, {"TaskList", k::text_list}, {"ErrorType"}};
inline constexpr field dhcp_option[] = {{"Code", k::integer}, {"Value"}};

inline constexpr field users[] = {{"Name"}, {"Description"}, {"Secret"}, {"Roles", k::text_list}};
inline constexpr field profiles[] = {
    {"Name"}, {"Description"}, {"Documentation"}, {"Params", k::any_map}, {"Profiles", k::text_list}};
inline constexpr field params[] = {
    {"Name"}, {"Description"}, {"Documentation"}, {"Secure", k::boolean}, {"Schema", k::any}};
inline constexpr field roles[] = {
    {"Name"}, {"Description"}, {"Documentation"}, {"Claims", k::record_list, false, claim}};
inline constexpr field tenants[] = {
    {"Name"}, {"Description"}, {"Documentation"}, {"Members", k::any_map}, {"Users", k::text_list}};
inline constexpr field templates[] = {{"ID"}, {"Description"}, {"Contents"}};
inline constexpr field tasks[] = {{"Name"},
                                  {"Description"},
                                  {"Documentation"},
                                  {"Templates", k::record_list, false, template_entry},
                                  {"RequiredParams", k::text_list},
                                  {"OptionalParams", k::text_list},
                                  {"Prerequisites", k::text_list},
                                  {"ExtraRoles", k::text_list, true},
                                  {"ExtraClaims", k::record_list, true, claim}};
inline constexpr field stages[] = {{"Name"},
                                   {"Description"},
                                   {"Documentation"},
                                   {"Templates", k::record_list, false, template_entry},
                                   {"RequiredParams", k::text_list},
                                   {"OptionalParams", k::text_list},
                                   {"Params", k::any_map},
                                   {"BootEnv"},
                                   {"Tasks", k::text_list},
                                   {"Profiles", k::text_list},
                                   {"Reboot", k::boolean},
                                   {"RunnerWait", k::boolean}};
inline constexpr field workflows[] = {{"Name"}, {"Description"}, {"Documentation"}, {"Stages", k::text_list}};
inline constexpr field bootenvs[] = {{"Name"},
                                     {"Description"},
                                     {"Documentation"},
                                     {"OS", k::record, false, os_info},
                                     {"Kernel"},
                                     {"Initrds", k::text_list},
                                     {"BootParams"},
                                     {"Loaders", k::text_map},
                                     {"RequiredParams", k::text_list},
                                     {"OptionalParams", k::text_list},
                                     {"Templates", k::record_list, false, template_entry},
                                     {"OnlyUnknown", k::boolean}};
inline constexpr field machines[] = {{"Name"},
                                     {"Description"},
                                     {"Uuid", k::uuid},
                                     {"CurrentJob", k::uuid},
                                     {"Address", k::address},
                                     {"Stage"},
                                     {"BootEnv"},
                                     {"Profiles", k::text_list},
                                     {"Params", k::any_map},
                                     {"Tasks", k::text_list},
                                     {"CurrentTask", k::integer},
                                     {"RetryTaskAttempt", k::integer},
                                     {"TaskErrorStacks", k::record_list, false, error_stack},
                                     {"Runnable", k::boolean},
                                     {"Secret"},
                                     {"OS"},
                                     {"HardwareAddrs", k::text_list},
                                     {"Workflow"},
                                     {"Arch"},
                                     {"Locked", k::boolean},
                                     {"Context"},
                                     {"Fingerprint", k::record, false, fingerprint},
                                     {"Pool"},
                                     {"PoolAllocated", k::boolean},
                                     {"PoolStatus"},
                                     {"WorkflowComplete", k::boolean}};
inline constexpr field jobs[] = {{"Uuid", k::uuid},
                                 {"Previous", k::uuid},
                                 {"Machine", k::uuid},
                                 {"Task"},
                                 {"Stage"},
                                 {"Workflow"},
                                 {"BootEnv"},
                                 {"State"},
                                 {"ExitState"},
                                 {"StartTime", k::time},
                                 {"EndTime", k::time},
                                 {"Archived", k::boolean},
                                 {"Current", k::boolean},
                                 {"CurrentIndex", k::integer},
                                 {"NextIndex", k::integer},
                                 {"Context"},
                                 {"ExtraClaims", k::record_list, true, claim},
                                 {"Token", k::text, true}};
inline constexpr field preferences[] = {{"Name"}, {"Val"}};
inline constexpr field contexts[] = {{"Name"}, {"Image"}, {"Engine"}, {"Description"}, {"Documentation"}};
inline constexpr field plugins[] = {
    {"Name"},          {"Provider"},           {"Description"},
    {"Documentation"}, {"Params", k::any_map}, {"PluginErrors", k::text_list}};
inline constexpr field pools[] = {{"Id"},
                                  {"Description"},
                                  {"Documentation"},
                                  {"ParentPool"},
                                  {"EnterActions", k::any, true},
                                  {"ExitActions", k::any, true},
                                  {"AllocateActions", k::any, true},
                                  {"ReleaseActions", k::any, true},
                                  {"AutoFill", k::any, true}};
inline constexpr field endpoint_element[] = {{"Type"},          {"Name"},   {"Version"},
                                             {"ActualVersion"}, {"SHA256"}, {"Source"}};
inline constexpr field endpoints[] = {{"Id"},
                                      {"Description"},
                                      {"Params", k::any_map},
                                      {"ConnectionStatus"},
                                      {"VersionSet"},
                                      {"VersionSets", k::text_list},
                                      {"Apply", k::boolean},
                                      {"HaId"},
                                      {"Arch"},
                                      {"Os"},
                                      {"DRPVersion"},
                                      {"DRPUXVersion"},
                                      {"Components", k::record_list, false, endpoint_element},
                                      {"Plugins", k::any, true},
                                      {"Prefs", k::text_map},
                                      {"Global", k::any_map},
                                      {"Actions", k::any, true}};
inline constexpr field version_sets[] = {{"Id"},
                                         {"Description"},
                                         {"Documentation"},
                                         {"Apply", k::boolean},
                                         {"DRPVersion"},
                                         {"DRPUXVersion"},
                                         {"Components", k::record_list, false, endpoint_element},
                                         {"Plugins", k::any, true},
                                         {"Prefs", k::text_map},
                                         {"Global", k::any_map},
                                         {"Files", k::any, true}};
inline constexpr field catalog_items[] = {{"Id"},
                                          {"Type"},
                                          {"Name"},
                                          {"ActualVersion"},
                                          {"Version"},
                                          {"ContentType"},
                                          {"Source"},
                                          {"Shasum256", k::text_map},
                                          {"NOJQSource"},
                                          {"HotFix", k::boolean},
                                          {"Tip", k::boolean}};
inline constexpr field leases[] = {{"Addr", k::address},
                                   {"Token"},
                                   {"Duration", k::integer},
                                   {"ExpireTime", k::time},
                                   {"Strategy"},
                                   {"State"},
                                   {"Options", k::record_list, false, dhcp_option},
                                   {"NextServer", k::address},
                                   {"Via", k::address},
                                   {"SkipBoot", k::boolean},
                                   {"ProvidedOptions", k::any, true}};
inline constexpr field reservations[] = {{"Addr", k::address},
                                         {"Token"},
                                         {"Description"},
                                         {"Documentation"},
                                         {"NextServer", k::address},
                                         {"Options", k::record_list, false, dhcp_option},
                                         {"Scoped", k::boolean},
                                         {"Strategy"},
                                         {"Subnet"},
                                         {"Duration", k::integer},
                                         {"SkipDAD", k::boolean}};
inline constexpr field subnets[] = {{"Name"},
                                    {"Description"},
                                    {"Documentation"},
                                    {"Enabled", k::boolean},
                                    {"Proxy", k::boolean},
                                    {"Subnet"},
                                    {"NextServer", k::address},
                                    {"ActiveStart", k::address},
                                    {"ActiveEnd", k::address},
                                    {"ActiveLeaseTime", k::integer},
                                    {"ReservedLeaseTime", k::integer},
                                    {"OnlyReservations", k::boolean},
                                    {"Options", k::record_list, false, dhcp_option},
                                    {"Strategy"},
                                    {"Pickers", k::text_list},
                                    {"Unmanaged", k::boolean},
                                    {"SkipDAD", k::boolean}};

inline constexpr reference machine_refs[] = {{"Stage", "stages", "Stage", "Stage"},
                                             {"BootEnv", "bootenvs", "BootEnv", "Bootenv"},
                                             {"Workflow", "workflows", "Workflow", "Workflow"},
                                             {"Context", "contexts", "Context", "Context"},
                                             {"Profiles", "profiles", "Profile", "Profile"},
                                             {"Tasks", "tasks", "Task", "Task"}};
inline constexpr reference stage_refs[] = {{"BootEnv", "bootenvs", "BootEnv", ""},
                                           {"Tasks", "tasks", "Task", ""},
                                           {"Profiles", "profiles", "Profile", ""},
                                           {"Templates", "templates", "Template", ""}};
inline constexpr reference workflow_refs[] = {{"Stages", "stages", "Stage", ""}};
inline constexpr reference template_refs[] = {{"Templates", "templates", "Template", ""}};
inline constexpr reference profile_refs[] = {{"Profiles", "profiles", "Profile", ""}};
inline constexpr reference user_refs[] = {{"Roles", "roles", "Role", ""}};
inline constexpr reference tenant_refs[] = {{"Users", "users", "User", ""}};

} // namespace holdfast::api::fields
