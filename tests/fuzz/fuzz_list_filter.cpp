// A query string of a list: decoding and testing must not crash whatever it holds.
#include "actors/api/filters.hpp"
#include "tests/fuzz/seeds.hpp"

#include <algorithm>

using namespace holdfast::api;

namespace {

std::vector<std::pair<std::string, std::string>> pairs_of(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!text.empty()) {
    const auto pair = text.substr(0, text.find('&'));
    const auto equals = std::min(pair.find('='), pair.size());
    out.emplace_back(pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size())));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
  }
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096)
    return 0;
  const auto query = pairs_of({reinterpret_cast<const char*>(data), size});
  json::document object;
  if (json::parse(
          R"({"Name":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","Params":{"p":1,"q":"x"},"Address":"10.0.0.1","Available":true,
      "Profiles":["a","b"],"Uuid":"11111111-2222-3333-4444-555555555555","Meta":{"a":"b"}})",
          object))
    return 0;
  for (const auto* prefix : {"machines", "jobs", "leases"}) {
    const auto& desc = *find_prefix(prefix);
    const auto decoded = parse_list_query(desc, query, "GET", [](std::string_view) { return true; });
    const auto* list = std::get_if<list_query>(&decoded);
    if (!list)
      continue;
    static_cast<void>(passes(list->filters, object));
    json::document copy;
    copy.CopyFrom(object, copy.GetAllocator());
    reshape(*list, desc, copy, copy.GetAllocator());
    static_cast<void>(json::compact(copy));
  }
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  for (const std::string_view text :
       {"Name=Re(a+.*)", "Name=Between(a,b)&limit=5&offset=1&sort=Name&reverse=true", "Available=true",
        "Address=Gte(10.0.0.1)", "Uuid=In(11111111-2222-3333-4444-555555555555)", "p=Lt(3)&q=Ne(x)",
        "slim=Params,Meta&params=p,q", "StartTime=Gte(2020-01-02T03:04:05.678Z)", "Profiles=Nin(a,b)",
        "Name=Re((a{2,5}|b)*[^x-z]$)"})
    all.emplace_back(text.begin(), text.end());
  return all;
}
