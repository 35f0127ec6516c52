#include "actors/node/settings.hpp"

#include "actors/node/addresses.hpp"
#include "actors/node/settings_table.hpp"
#include "messages/fatal.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <filesystem>
#include <map>

namespace holdfast::node {

namespace {

constexpr int usage_exit_code = static_cast<int>(msg::exit_code::usage);

std::string describe(const option_row& row) {
  std::string text = row.help;
  if (*row.default_text != '\0')
    text += std::string(" [default: ") + row.default_text + "]";
  return text + " (" + row.environment + ")";
}

/// What the parser found for one option; CLI11 writes into `value`, so these must not move.
struct found_option {
  CLI::Option* option = nullptr;
  std::string value;
};
using found_options = std::map<std::string, found_option>;

found_options declare(CLI::App& app) {
  found_options options;
  for (const auto& row : option_table()) {
    std::string names = row.flag;
    if (*row.alias != '\0')
      names += std::string(",") + row.alias;
    auto& [option, value] = options[row.flag];
    if (row.what == option_row::kind::flag) {
      option = app.add_flag(names, value, describe(row));
    } else {
      option = app.add_option(names, value, describe(row));
      option->expected(1)->type_name(row.value_name)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
    option->group(row.group);
  }
  return options;
}

/// Applies one value; the message names the spelling the user used and never shows a secret.
std::string apply(const option_row& row, settings& into, const std::string& value,
                  const std::string& spelled) {
  const auto wanted = row.apply(into, value);
  if (wanted.empty())
    return {};
  const bool hidden = row.what == option_row::kind::secret;
  return spelled + (hidden ? ": the value is not " : ": '" + value + "' is not ") + wanted;
}

std::string read_all(settings& into, const found_options& options, const environment& env) {
  for (const auto& row : option_table()) {
    const auto& [option, typed] = options.at(row.flag);
    if (option->count() > 0) {
      const auto error = apply(row, into, typed, row.flag);
      if (!error.empty())
        return error;
      into.given.push_back({row.flag, row.flag, source::command_line});
    } else if (const auto value = env(row.environment); value && !value->empty()) {
      const auto error = apply(row, into, *value, row.environment);
      if (!error.empty())
        return error;
      into.given.push_back({row.flag, row.environment, source::environment});
    }
  }
  return {};
}

/// Rules between options. HA rules that need the state file or this host are in ha_state_store.hpp.
std::string check_together(settings& all) {
  if (!all.ha_consensus_addr.empty() && is_ip(all.ha_consensus_addr))
    all.ha_consensus_addr = to_string(ip_endpoint{all.ha_consensus_addr, all.consensus_port});
  if (!all.drp_id.empty() && all.drp_id == all.ha_id)
    return "--drp-id and --ha-id are both '" + all.drp_id +
           "': the server's id must differ from the cluster's";
  if (all.heartbeat * 2 > all.election_timeout)
    return "--election-timeout must be at least twice --heartbeat";
  if (all.lease >= all.election_timeout)
    return "--lease must be shorter than --election-timeout";
  if (all.lease <= all.heartbeat)
    return "--lease must be longer than --heartbeat";
  return {};
}

std::string absolute(const std::string& root, const std::string& path) {
  return (std::filesystem::path(root) / path).lexically_normal().string();
}

} // namespace

std::string settings::listen_address() const {
  if (!listen.empty())
    return listen;
  return is_loopback(static_ip) ? static_ip : std::string();
}

std::string settings::wal_directory() const {
  return wal_root.empty() ? absolute(base_root, "wal") : wal_root;
}
std::string settings::tls_key_path() const {
  return absolute(base_root, tls_key);
}
std::string settings::tls_cert_path() const {
  return absolute(base_root, tls_cert);
}

environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    if (const char* value = std::getenv(name.c_str()); value != nullptr)
      return value;
    return std::nullopt;
  };
}

settings_outcome parse_settings(int argc, const char* const* argv, const environment& env) {
  settings_outcome out;
  CLI::App app{
      "Highly available node: an API over a replicated object store and the address that follows it.\n"
      "Every option can be given in the environment too; the command line wins. A valid ha-state.json\n"
      "in the base root wins over both for the high-availability settings.",
      "holdfastd"};
  app.set_version_flag("--version", std::string("holdfastd ") + HOLDFAST_VERSION,
                       "print the version and exit");
  app.get_formatter()->column_width(34);
  const auto options = declare(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    out.output = app.help();
    return out;
  } catch (const CLI::CallForVersion&) {
    out.output = app.version() + "\n";
    return out;
  } catch (const CLI::ParseError& error) {
    out.exit_code = usage_exit_code;
    out.error = error.what();
    return out;
  }
  settings values;
  out.error = read_all(values, options, env);
  if (out.error.empty())
    out.error = check_together(values);
  if (!out.error.empty()) {
    out.exit_code = usage_exit_code;
    return out;
  }
  out.value = std::move(values);
  return out;
}

std::vector<given_option> given_ha_options(const settings& from) {
  std::vector<given_option> out;
  for (const auto& option : from.given) {
    if (option.flag.starts_with("--ha-"))
      out.push_back(option);
  }
  return out;
}

} // namespace holdfast::node
