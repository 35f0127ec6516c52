// Lists: filters, meta-filters, counts and their refusals.
#include "tests/unit/api/api_world.hpp"

using namespace holdfast::api;
using namespace holdfast::api::test;

namespace {

std::string names(const net::http_response& r) {
  json::document doc;
  REQUIRE(r.status == 200);
  REQUIRE(!json::parse(r.body, doc));
  REQUIRE(doc.IsArray());
  std::string out;
  for (const auto& object : doc.GetArray())
    out += (out.empty() ? "" : " ") + std::string(json::text_at(object, "Name"));
  return out;
}

void fill(world& w) {
  for (const auto* name : {"aa", "bb", "cc", "dd"})
    CHECK(w.post("params", std::string(R"({"Name":")") + name + R"(","Description":"is )" + name + "\"}")
              .status == 201);
  CHECK(w.del("params/pxelinux-local-boot").status == 403);
}

} // namespace

TEST_CASE("contract 3.6: every filter operator") {
  world w;
  fill(w);
  const std::string all = "aa bb cc dd pxelinux-local-boot";
  CHECK(names(w.get("params")) == all);
  CHECK(names(w.get("params?Name=bb")) == "bb");
  CHECK(names(w.get("params?Name=Eq(bb)")) == "bb");
  CHECK(names(w.get("params?Name=eq(bb)")) == "bb");
  CHECK(names(w.get("params?Name=Ne(bb)")) == "aa cc dd pxelinux-local-boot");
  CHECK(names(w.get("params?Name=Lt(cc)")) == "aa bb");
  CHECK(names(w.get("params?Name=Lte(cc)")) == "aa bb cc");
  CHECK(names(w.get("params?Name=Gt(cc)")) == "dd pxelinux-local-boot");
  CHECK(names(w.get("params?Name=Gte(cc)")) == "cc dd pxelinux-local-boot");
  CHECK(names(w.get("params?Name=Re(^(a|d).$)")) == "aa dd");
  CHECK(names(w.get("params?Name=Between(bb,cc)")) == "bb cc");
  CHECK(names(w.get("params?Name=Except(bb,cc)")) == "aa dd pxelinux-local-boot");
  CHECK(names(w.get("params?Name=In(aa,dd,zz)")) == "aa dd");
  CHECK(names(w.get("params?Name=Nin(aa,dd,pxelinux-local-boot)")) == "bb cc");
  CHECK(names(w.get("params?Name=Gt(aa)&ReadOnly=false&Key=Lt(dd)")) == "bb cc");
}

TEST_CASE("contract 3.6: order, reverse, offset, limit") {
  world w;
  fill(w);
  CHECK(names(w.get("params?sort=Name&reverse=true&offset=1&limit=2")) == "dd cc");
  CHECK(names(w.get("params?limit=0")) == "");
  CHECK(names(w.get("params?offset=100")) == "");
  const auto head = w.head("params?ReadOnly=false&limit=1");
  CHECK(header_of(head, "X-DRP-LIST-FILTER-COUNT") == "4");
  CHECK(header_of(head, "X-DRP-LIST-COUNT") == "1");
  CHECK(header_of(head, "X-DRP-LIST-TOTAL-COUNT") == "5");
  CHECK(header_of(w.head("params"), "X-DRP-LIST-FILTER-COUNT") == "5");
}

TEST_CASE("contract 2: refused lists") {
  world w;
  check_error(w.get("bootenvs?limit=-1"), "bootenvs", "", "GET", {"Limit cannot be negative"}, 406);
  check_error(w.get("bootenvs?offset=-1"), "bootenvs", "", "GET", {"Offset cannot be negative"}, 406);
  check_error(w.get("bootenvs?sort=OnlyUnknown"), "bootenvs", "", "GET", {"Not sortable: OnlyUnknown"}, 406);
  check_error(w.get("bootenvs?Available=fred"), "bootenvs", "", "GET", {"Available must be true or false"},
              406);
  check_error(w.get("jobs?Machine=false"), "jobs", "", "GET", {"Invalid UUID: false"}, 406);
  check_error(w.get("machines?Address=fred"), "machines", "", "GET", {"Invalid address: fred"}, 406);
  check_error(w.get("bootenvs?Nmae=local"), "bootenvs", "", "GET", {"Filter not found: Nmae"}, 406);
  check_error(w.get("profiles?no-such-param=1"), "profiles", "", "GET", {"Filter not found: no-such-param"},
              406);
  CHECK(w.head("profiles?no-such-param=1").status == 406);
  CHECK(w.get("profiles?decode=true&force=true&consistency=local&aggregate=true").status == 200);
  CHECK(w.get("params?Name=Re(()").status == 406);
  CHECK(w.get("params?Name=Re(a{9999999})").status == 406);
}

TEST_CASE("contract 3.6: params filter machines and profiles; slim and params empty maps") {
  world w;
  CHECK(w.post("params", R"({"Name":"color"})").status == 201);
  CHECK(w.post("profiles", R"({"Name":"p1","Params":{"color":"red","size":3},"Meta":{"m":"x"}})").status ==
        201);
  CHECK(w.post("profiles", R"({"Name":"p2","Params":{"color":"blue"}})").status == 201);
  CHECK(names(w.get("profiles?color=red")) == "p1");
  CHECK(names(w.get("profiles?Params=size")) == "p1");
  json::document doc;
  REQUIRE(!json::parse(w.get("profiles/p1?slim=Params,Meta").body, doc));
  CHECK(json::compact(*json::member(doc, "Params")) == "{}");
  CHECK(json::compact(*json::member(doc, "Meta")) == "{}");
  CHECK(json::flag_at(doc, "Partial"));
  REQUIRE(!json::parse(w.get("profiles/p1?params=size&slim=Params").body, doc));
  CHECK(json::compact(*json::member(doc, "Params")) == R"({"size":3})");
}

TEST_CASE("contract 1.4: listing without rights is an empty list, hidden objects are missing") {
  world w;
  fill(w);
  w.auth.who = std::make_shared<test_identity>(std::set<std::string>{}, false);
  CHECK(w.get("params").body == "[]");
  check_error(w.get("params/aa"), "", "", "AUTH",
              {"Cannot access /api/v3/params/aa", "Requires: params get aa"}, 403);
  auto limited = std::make_shared<test_identity>(std::set<std::string>{"params list", "params get"}, false);
  limited->hide = {"bb"};
  w.auth.who = limited;
  CHECK(names(w.get("params")) == "aa cc dd pxelinux-local-boot");
  check_error(w.get("params/bb"), "params", "bb", "GET", {"Not Found"}, 404);
}

TEST_CASE("contract 3.6: a long list is made in steps and says what a short one says") {
  world w;
  msg::transaction many;
  std::string expected;
  for (int n = 1000; n < 2000; ++n) {
    const auto name = "p" + std::to_string(n);
    many.mutations.push_back({"profiles", name, R"({"Name":")" + name + "\"}"});
    expected += (expected.empty() ? "" : " ") + name;
  }
  w.gateway.apply(many);
  CHECK(names(w.get("profiles?Name=Gte(p1000)")) == expected);
  CHECK(names(w.get("profiles?Name=Gte(p1000)&limit=2&offset=600")) == "p1600 p1601");
  CHECK(header_of(w.head("profiles"), "X-DRP-LIST-FILTER-COUNT") == "1001");
  CHECK(header_of(w.head("profiles?Name=Gte(p1500)"), "X-DRP-LIST-FILTER-COUNT") == "500");
  CHECK(names(w.get("profiles?Name=Lt(p)&limit=0")) == "");
  CHECK(names(w.get("profiles?sort=Name&reverse=true&limit=1")) == "p1999");
}

TEST_CASE("contract 3.1: objects and indexes") {
  world w;
  CHECK(
      w.get("objects").body ==
      R"(["bootenvs","catalog_items","contexts","endpoints","jobs","leases","machines","params","plugins","pools",)"
      R"("preferences","profiles","reservations","roles","stages","subnets","tasks","templates","tenants","users",)"
      R"("version_sets","workflows"])");
  CHECK(w.get("indexes/bootenvs/OnlyUnknown").body ==
        R"({"Type":"boolean","Unique":false,"Unordered":true,"Regex":false})");
  CHECK(w.get("indexes/bootenvs/fred").body ==
        R"({"Type":"","Unique":false,"Unordered":false,"Regex":false})");
  CHECK(w.get("indexes").body.find("\"machines\":{") != std::string::npos);
  CHECK(w.get("interfaces").body.find("\"lo\"") != std::string::npos);
  CHECK(w.get("plugin_providers").body == "[]");
  check_error(w.get("plugin_providers/none"), "plugin_providers", "none", "GET", {"Not Found"}, 404);
  check_error(w.get("interfaces/missing"), "interfaces", "missing", "GET", {"No interface"}, 404);
}
