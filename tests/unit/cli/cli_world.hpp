// Whole command lines against a transport that answers from a table and remembers what it was asked.
#pragma once

#include "tools/holdfast/run.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <set>
#include <sstream>

namespace holdfast::cli::test {

struct fake_transport final : transport {
  struct exchange {
    std::string line; ///< METHOD path?query body
    reply answer;
  };
  std::deque<exchange> script;
  std::vector<std::string> seen;
  std::vector<std::multiset<std::pair<std::string, std::string>>> headers; ///< of each request

  static std::string describe(const request& what) {
    std::string line = what.method + " " + what.path;
    for (std::size_t i = 0; i < what.parameters.size(); ++i) {
      line += (i == 0 ? "?" : "&") + what.parameters[i].first + "=" + what.parameters[i].second;
    }
    return what.body ? line + " " + *what.body : line;
  }
  reply perform(const std::string&, const request& what) override {
    seen.push_back(describe(what));
    headers.emplace_back(what.headers.begin(), what.headers.end());
    if (script.empty()) {
      return {500, {}, "unexpected request"};
    }
    auto next = script.front();
    script.pop_front();
    CHECK(next.line == seen.back());
    return next.answer;
  }
  reply download(const std::string& e, const request& what,
                 const std::function<void(std::string_view)>& sink) override {
    reply answer = perform(e, what);
    if (answer.status < 400) {
      sink(answer.body);
    }
    return answer;
  }
  reply upload(const std::string& e, const request& what, const std::string&) override {
    return perform(e, what);
  }
  void watch(const std::string&, const request&, const std::string& first,
             const std::function<bool(const std::string&)>& each) override {
    seen.push_back(first);
    each(R"({"Type":"websocket","Action":"register","Key":"x"})");
    each(R"({"Type":"profiles","Action":"create","Key":"bob"})");
  }
};

struct outcome {
  int code;
  std::string out;
  std::string err;
  std::vector<std::string> seen;
  std::vector<std::multiset<std::pair<std::string, std::string>>> headers;
};

inline outcome cli(const std::vector<std::string>& arguments,
                   std::deque<fake_transport::exchange> script = {},
                   const std::map<std::string, std::string>& variables = {}) {
  auto how = std::make_shared<fake_transport>();
  how->script = std::move(script);
  std::ostringstream out;
  std::ostringstream err;
  auto all = variables;
  all.try_emplace("RS_TOKEN", "t");
  const auto env = [&all](const char* name) {
    const auto found = all.find(name);
    return found == all.end() ? std::string{} : found->second;
  };
  const int code = run(arguments, env, out, err, [how] { return how; });
  CHECK(how->script.empty());
  return {code, out.str(), err.str(), how->seen, how->headers};
}

inline const std::string bob = R"({"Name":"bob","Description":"","Params":{}})";

} // namespace holdfast::cli::test
