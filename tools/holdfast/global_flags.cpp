// The global flags of the existing client (contract §9). They may stand before or after the verb.
#include "tools/holdfast/commands.hpp"

namespace holdfast::cli {

void add_global_flags(CLI::App& app, context& c) {
  auto& s = c.config;
  app.fallthrough();
  app.add_option_function<std::string>(
      "-E,--endpoint", [&s](const std::string& url) { s.endpoints = {url}; }, "the server's URL");
  app.add_option("-U,--username", s.username, "user name");
  app.add_option("-P,--password", s.password, "password");
  app.add_option("-T,--token", s.token, "token; no log-in is made");
  app.add_flag("-x,--no-token", s.no_token, "send user and password with every request");
  app.add_option("-F,--format", s.output.format, "json, yaml, text or table")->capture_default_str();
  app.add_option_function<std::string>(
      "-J,--print-fields",
      [&s](const std::string& names) { s.output.print_fields = split_words(names, ","); },
      "columns for text and table");
  app.add_flag("-H,--no-header", s.output.no_header, "no header line in text and table");
  app.add_option("-j,--truncate-length", s.output.truncate_length, "longest cell in text and table")
      ->capture_default_str();
  app.add_flag("-N,--no-color", s.output.no_color, "no colours");
  app.add_option_function<std::string>(
      "-C,--colors", [](const std::string&) {}, "colour set (accepted)");
  app.add_flag("-d,--debug", s.debug, "show what is sent");
  app.add_flag("-f,--force", s.force, "add ?force=true to changes");
  app.add_option("-r,--ref", s.reference, "change only if the object still is as in this JSON, YAML or file");
  app.add_option("-t,--trace", s.trace, "have the server log this request at a level");
  app.add_option("-Z,--trace-token", s.trace_token, "a word to find those lines by");
  app.add_option("-u,--url-proxy", s.url_proxy, "path of a managed endpoint");
  app.add_option_function<std::string>(
      "-c,--catalog", [](const std::string&) {}, "catalog (accepted)");
  app.add_option_function<std::string>(
      "-D,--download-proxy", [](const std::string&) {}, "proxy (accepted)");
  app.add_flag("-X,--exit-early", s.object_errors_fatal, "fail when a returned object has errors");
}

} // namespace holdfast::cli
