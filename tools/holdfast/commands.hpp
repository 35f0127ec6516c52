// The command tree: every verb of the grammar (contract §9) is one CLI11 subcommand whose callback does the
// work. Argument errors print usage; anything that goes wrong later throws failure.
#pragma once

#include "tools/holdfast/session.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::cli {

/// What the callbacks share. `remote` is made by the first command that needs a server.
struct context {
  settings config;
  std::function<std::shared_ptr<transport>()> make_transport;
  std::ostream* out = nullptr;
  std::unique_ptr<session> remote;

  session& server() {
    if (!remote) {
      remote = std::make_unique<session>(config, make_transport());
    }
    return *remote;
  }
  void print(const value& v);
};

/// A prefix of the API as the CLI speaks of it.
struct object_kind {
  const char* prefix;
  const char* singular;
  const char* key; ///< key field, filled by `create NAME`; null when a bare name is not enough
  const char*
      features; ///< letters: r read-only, m meta, p params, a actions, M machine verbs, n no generic verbs
};

[[nodiscard]] const std::vector<object_kind>& object_kinds();

void add_global_flags(CLI::App& app, context& c);
/// Returns the group of each prefix, so that the special verbs can be hung below it.
void add_object_commands(CLI::App& app, context& c);
void add_parameter_commands(CLI::App& group, const object_kind& kind, context& c);
void add_machine_commands(CLI::App& group, const object_kind& kind, context& c);
void add_user_commands(CLI::App& group, context& c);
void add_job_commands(CLI::App& group, context& c);
void add_content_commands(CLI::App& app, context& c);
/// The verbs of `contents` that turn packs into files and back.
void add_pack_commands(CLI::App& contents, context& c);
void add_blob_commands(CLI::App& app, context& c);
void add_event_commands(CLI::App& app, context& c);
void add_info_commands(CLI::App& app, context& c);
void add_system_commands(CLI::App& app, context& c);
void add_ha_commands(CLI::App& system, context& c);
void add_enrol_commands(CLI::App& ha, context& c);
void add_repair_command(CLI::App& ha, context& c);
void add_doctor_command(CLI::App& ha, context& c);
void add_local_commands(CLI::App& app, context& c);
void add_completion_command(CLI::App& app, context& c);

/// `a/b` with one slash between the parts.
[[nodiscard]] std::string join(std::string_view a, std::string_view b);

/// Filter words `Name=fred` as query pairs. Throws failure for a word without '='.
[[nodiscard]] query filters(const std::vector<std::string>& words);

/// Gets one object, applies `edit` to a copy and sends the difference as a patch, honouring --ref.
[[nodiscard]] document edit_object(context& c, const std::string& path,
                                   const std::function<void(document&)>& edit);

/// A duration word (contract §1.2) in milliseconds; a bare number is seconds. Throws failure.
[[nodiscard]] long long duration_ms(const std::string& word);

} // namespace holdfast::cli
