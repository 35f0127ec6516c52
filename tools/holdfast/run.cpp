#include "tools/holdfast/run.hpp"

#include "tools/holdfast/commands.hpp"

#include <algorithm>
#include <ostream>

namespace holdfast::cli {

namespace {

/// CLI11 takes the words from the back, and would take `[1,2]` apart as a list of its own: a blank in front
/// keeps it whole and is nothing to JSON and YAML.
std::vector<std::string> prepared(const std::vector<std::string>& arguments) {
  std::vector<std::string> out{arguments.rbegin(), arguments.rend()};
  for (auto& word : out) {
    if (word.size() > 1 && word.front() == '[' && word.back() == ']') {
      word.insert(0, 1, ' ');
    }
  }
  return out;
}

} // namespace

int run(const std::vector<std::string>& arguments, const environment& env, std::ostream& out,
        std::ostream& err, std::function<std::shared_ptr<transport>()> make_transport) {
  CLI::App app{"Holdfast: talk to a node of the cluster, or to any server with the Digital Rebar API",
               "holdfast"};
  try {
    context c;
    c.config = load_settings(env);
    c.make_transport = std::move(make_transport);
    c.out = &out;
    app.require_subcommand(1);
    app.set_version_flag("--version", std::string{"holdfast "} + HOLDFAST_VERSION);
    add_global_flags(app, c);
    add_object_commands(app, c);
    add_content_commands(app, c);
    add_blob_commands(app, c);
    add_event_commands(app, c);
    add_info_commands(app, c);
    add_system_commands(app, c);
    add_local_commands(app, c);
    add_completion_command(app, c);
    app.parse(prepared(arguments));
    out.flush();
    return 0;
  } catch (const CLI::Success& asked) {
    app.exit(asked, out, err);
    return 0;
  } catch (const CLI::ParseError& error) {
    err << "Error: " << error.what() << "\n";
    const CLI::App* deepest = &app;
    while (!deepest->get_subcommands().empty()) {
      deepest = deepest->get_subcommands().front();
    }
    err << deepest->help();
    return 1;
  } catch (const std::exception& error) {
    err << "Error: " << error.what() << "\n";
    return 1;
  }
}

} // namespace holdfast::cli
