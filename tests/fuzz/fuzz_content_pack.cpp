// A content pack as a body of POST contents, over a store that already holds another: it is refused in the
// contract's words or it comes whole, and taking it away leaves the store as it was.
#include "actors/api/builtin_objects.hpp"
#include "actors/api/content_layers.hpp"
#include "actors/api/content_meta.hpp"
#include "actors/replay/object_store.hpp"
#include "tests/fuzz/seeds.hpp"

#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

using namespace holdfast;
using namespace holdfast::api;

namespace {

constexpr std::size_t longest = std::size_t{64} << 10;

struct store {
  replay::object_store objects;
  std::uint64_t index = 0;
  void apply(const msg::transaction& tx) {
    if (objects.apply(++index, tx).status != replay::apply_status::applied)
      std::abort(); // the plan was made over this very view
  }
};

std::map<std::string, std::string> content_of(store& from) {
  std::map<std::string, std::string> all;
  const auto view = from.objects.view();
  for (const auto& desc : all_prefixes())
    view->scan(desc.name, "", [&](std::string_view key, const msg::object_ref& object) {
      all.emplace(std::string(desc.name) + '/' + std::string(key), object->json);
      return true;
    });
  return all;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > longest)
    return 0;
  store s;
  while (auto tx = plan_builtins(s.objects.view()))
    s.apply(*tx);
  const auto before = content_of(s);
  content_request request;
  request.method = "POST";
  request.body.assign(reinterpret_cast<const char*>(data), size);
  try {
    auto put = plan_content_put(s.objects.view(), request);
    json::document summary;
    if (json::parse(put.body, summary))
      std::abort();
    const std::string name(json::text_at(*json::member(summary, "meta"), "Name"));
    s.apply(put.tx);
    if (is_overwritable(name))
      return 0; // the lowest layers stay for good
    s.apply(plan_content_delete(s.objects.view(), name, "DELETE").tx);
    if (content_of(s) != before)
      std::abort();
  } catch (const api_error&) {
    if (content_of(s) != before)
      std::abort();
  }
  return 0;
}

std::vector<std::vector<std::uint8_t>> holdfast::fuzz::seeds() {
  std::vector<std::vector<std::uint8_t>> all;
  for (
      const std::string_view text :
      {R"({"meta":{"Name":"p"}})",
       R"({"meta":{"Name":"p","Version":"1.0"},"sections":{"bootenvs":{"local":{"Name":"local","Kernel":"k"}}}})",
       R"({"meta":{"Name":"p","Prerequisites":"BasicStore: >=1.0"},"sections":{"stages":{"s":{"Name":"s","BootEnv":"e"}},)"
       R"("bootenvs":{"e":{"Name":"e"}}}})",
       R"({"Meta":{"name":"p"},"Sections":{"params":{"x":{"Name":"x","Schema":{"type":"string","default":"a"}}}}})"})
    all.emplace_back(text.begin(), text.end());
  return all;
}
