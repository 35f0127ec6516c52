// Where the CLI talks to and as whom. Precedence, as the existing client has it (contract §9): flags, then
// ~/.drpclirc, then the environment, then the defaults; RS_ENDPOINT beats RS_ENDPOINTS, RS_TOKEN beats
// RS_KEY.
#pragma once

#include "tools/holdfast/output.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace holdfast::cli {

struct settings {
  std::vector<std::string> endpoints; ///< tried in turn; the first that authenticates wins
  std::string username = "rocketskates";
  std::string password = "r0cketsk8ts";
  std::string token;     ///< given by the user: no log-in, no cache, first endpoint only
  std::string token_dir; ///< where session tokens are cached, one file a user
  std::string url_proxy;
  std::string reference; ///< --ref
  std::string trace;
  std::string trace_token;
  bool no_token = false; ///< Basic on every request
  bool force = false;
  bool debug = false;
  bool object_errors_fatal = false;
  output_options output;
};

/// Looks a variable up; an unset one is an empty string.
using environment = std::function<std::string(const char*)>;

/// KEY=VALUE lines; blanks, `#` comments and `export ` are allowed. Throws failure naming the line.
[[nodiscard]] std::map<std::string, std::string> parse_rc(const std::string& text, const std::string& name);

/// Settings before flags: defaults, environment, rc file.
[[nodiscard]] settings load_settings(const environment& env);

/// Splits `user:password`. Throws failure when there is no colon.
void set_key(settings& s, const std::string& key);

/// Blank- or comma-separated words.
[[nodiscard]] std::vector<std::string> split_words(const std::string& text, const char* separators);

} // namespace holdfast::cli
