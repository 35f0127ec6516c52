// docs/openapi.yaml names every route of the server and no other.
#include "tests/unit/api/system_world.hpp"

#include "actors/api/prefix_table.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

using namespace holdfast;
using namespace holdfast::api;
using namespace holdfast::api::system_test;

namespace {

/// "get profiles/{}" for "profiles/{key*}": names of parameters are nobody's business.
std::string shape(std::string_view pattern) {
  std::string out;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '{') {
      at = pattern.find('}', at);
      out += "{}";
    } else {
      out += pattern[at];
    }
  }
  return out;
}

std::string_view word(net::http_method method) {
  switch (method) {
  case net::http_method::get:
    return "get";
  case net::http_method::head:
    return "head";
  case net::http_method::post:
    return "post";
  case net::http_method::put:
    return "put";
  case net::http_method::patch:
    return "patch";
  case net::http_method::del:
    return "delete";
  default:
    return "?";
  }
}

/// The same path with its first segment left open, when that is a kind of object.
std::string any_prefix(const std::string& path) {
  const auto end = std::min(path.find('/'), path.size());
  const auto* desc = find_prefix(path.substr(0, end));
  return desc != nullptr && desc->generic ? "{}" + path.substr(end) : path;
}

} // namespace

TEST_CASE("docs/openapi.yaml holds every route of the server and nothing else") {
  const auto document = YAML::LoadFile(std::string(HOLDFAST_SOURCE_ROOT) + "/docs/openapi.yaml");
  const std::string base = "/api/v3/";
  std::set<std::string> told;
  for (const auto& path : document["paths"]) {
    auto name = path.first.as<std::string>();
    if (name.starts_with(base))
      name.erase(0, base.size());
    for (const auto& method : path.second) {
      const auto verb = method.first.as<std::string>();
      if (verb == "parameters" || verb == "summary" || verb == "head") // HEAD is every GET without its body
        continue;
      INFO(verb << ' ' << name);
      CHECK(method.second["summary"].IsDefined());
      CHECK(method.second["responses"].IsDefined());
      CHECK(told.insert(verb + ' ' + shape(name)).second);
    }
  }
  system_world world;
  std::set<std::string> known;
  for (const auto* route : world.room->routes().table()) {
    const auto path = shape(route->pattern);
    const auto verb = std::string(word(route->method)) + ' ';
    INFO("the route " << verb << path);
    const bool own = told.contains(verb + path);
    CHECK((own || told.contains(verb + any_prefix(path))));
    known.insert(verb + (own ? path : any_prefix(path)));
  }
  for (const auto& one : told) {
    INFO("docs/openapi.yaml tells of " << one);
    CHECK(known.contains(one));
  }
}

TEST_CASE("no two routes have the same method and pattern") {
  system_world world;
  std::set<std::string> seen;
  for (const auto* route : world.room->routes().table()) {
    INFO(word(route->method) << ' ' << route->pattern);
    CHECK(seen.insert(std::string(word(route->method)) + ' ' + shape(route->pattern)).second);
  }
}
