#include "tools/holdfast/settings.hpp"

#include <fstream>
#include <sstream>

namespace holdfast::cli {

namespace {

bool truthy(const std::string& text) {
  return text == "true" || text == "TRUE" || text == "True" || text == "1";
}

void apply(settings& s, const environment& get) {
  const auto text = [&](const char* name, std::string& into) {
    if (auto v = get(name); !v.empty()) {
      into = std::move(v);
    }
  };
  const auto flag = [&](const char* name, bool& into) {
    if (const auto v = get(name); !v.empty()) {
      into = truthy(v);
    }
  };
  if (const auto v = get("RS_ENDPOINT"); !v.empty()) {
    s.endpoints = {v};
  } else if (const auto many = get("RS_ENDPOINTS"); !many.empty()) {
    s.endpoints = split_words(many, " ");
  }
  if (const auto v = get("RS_KEY"); !v.empty()) {
    set_key(s, v);
  }
  text("RS_USERNAME", s.username);
  text("RS_PASSWORD", s.password);
  text("RS_TOKEN", s.token);
  text("RS_FORMAT", s.output.format);
  if (const auto v = get("RS_PRINT_FIELDS"); !v.empty()) {
    s.output.print_fields = split_words(v, ",");
  }
  flag("RS_NO_HEADER", s.output.no_header);
  flag("RS_NO_COLOR", s.output.no_color);
  if (const auto v = get("RS_TRUNCATE_LENGTH"); !v.empty()) {
    try {
      s.output.truncate_length = std::stoul(v);
    } catch (const std::exception&) {
      throw failure{"RS_TRUNCATE_LENGTH must be a number, not '" + v + "'"};
    }
  }
  text("RS_URL_PROXY", s.url_proxy);
  flag("RS_OBJECT_ERRORS_ARE_FATAL", s.object_errors_fatal);
  text("RS_TOKEN_CACHE", s.token_dir);
}

} // namespace

std::vector<std::string> split_words(const std::string& text, const char* separators) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = std::min(text.find_first_of(separators, at), text.size());
    if (end > at) {
      words.push_back(text.substr(at, end - at));
    }
    at = end + 1;
  }
  return words;
}

void set_key(settings& s, const std::string& key) {
  const auto colon = key.find(':');
  if (colon == std::string::npos) {
    throw failure{"RS_KEY must have the form user:password"};
  }
  s.username = key.substr(0, colon);
  s.password = key.substr(colon + 1);
}

std::map<std::string, std::string> parse_rc(const std::string& text, const std::string& name) {
  std::map<std::string, std::string> found;
  std::istringstream lines{text};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string::npos || line[first] == '#') {
      continue;
    }
    line.erase(0, first);
    if (line.rfind("export ", 0) == 0) {
      line.erase(0, 7);
    }
    const auto equals = line.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw failure{name + ", line " + std::to_string(number) + ": expected KEY=VALUE"};
    }
    std::string content = line.substr(equals + 1);
    while (!content.empty() && (content.back() == ' ' || content.back() == '\r' || content.back() == '\t')) {
      content.pop_back();
    }
    if (content.size() >= 2 && (content.front() == '"' || content.front() == '\'') &&
        content.back() == content.front()) {
      content = content.substr(1, content.size() - 2);
    }
    found[line.substr(0, equals)] = content;
  }
  return found;
}

settings load_settings(const environment& env) {
  settings s;
  s.endpoints = {"https://127.0.0.1:8092"};
  const std::string home = env("HOME");
  s.token_dir = home.empty() ? "" : home + "/.cache/drpcli/tokens";
  apply(s, env);
  if (!home.empty()) {
    const std::string path = home + "/.drpclirc";
    if (std::ifstream file{path}; file) {
      const std::string text{std::istreambuf_iterator<char>{file}, {}};
      const auto rc = parse_rc(text, path);
      apply(s, [&rc](const char* name) {
        const auto found = rc.find(name);
        return found == rc.end() ? std::string{} : found->second;
      });
    }
  }
  return s;
}

} // namespace holdfast::cli
