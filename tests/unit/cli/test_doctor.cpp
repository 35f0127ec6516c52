// The judgement of `system ha doctor` over made-up healths: each finding and its remedy, and silence about a
// cluster that is well.
#include "tools/holdfast/doctor.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace holdfast::cli;

namespace {

constexpr std::uint64_t now_s = 1'800'000'000;

examined_member member(const std::string& id, const std::string& more = "") {
  examined_member out;
  out.id = id;
  out.address = "https://" + id;
  const std::string role = id == "a" ? "leader" : "follower";
  out.health = parse_json(
      R"({"Voters":3,"Term":4,"Leader":"a","Active":"a","Version":"1","LogAnswers":true,"Role":")" + role +
          R"(","CertificateEnds":)" + std::to_string(now_s + 80'000) + R"(,"NewestRootEnds":)" +
          std::to_string(now_s + 7'000'000) + "}",
      "test");
  if (!more.empty()) {
    const auto change = parse_json(more, "test");
    merge(out.health, change, out.health.GetAllocator());
  }
  return out;
}

std::vector<examined_member> cluster(const std::string& of_c = "", const std::string& of_a = "") {
  std::vector<examined_member> out;
  out.push_back(member("a", of_a));
  out.push_back(member("b"));
  out.push_back(member("c", of_c));
  return out;
}

/// Severity of the one finding whose text has these words.
std::string severity_of(const std::vector<examined_member>& members, const std::string& words) {
  for (const auto& found : examine(members, now_s)) {
    CHECK_FALSE(found.remedy.empty());
    if (found.what.find(words) != std::string::npos) {
      return to_string(found.how);
    }
  }
  return "none";
}

} // namespace

TEST_CASE("doctor has nothing to say about three members that are well") {
  CHECK(examine(cluster(), now_s).empty());
}

TEST_CASE("WAL-06 doctor: a member that is out of service for its state is no member that does not answer") {
  auto members = cluster();
  members[2].error = "Not serving: the state of node c differs from the majority's at index 7";
  CHECK(severity_of(members, "serves nothing: Not serving: the state of node c differs") == "error");
  CHECK(severity_of(members, "does not answer") == "none");
}

TEST_CASE("doctor: quorum, its loss, an even count, too few") {
  auto members = cluster();
  members[2].error = "refused";
  CHECK(severity_of(members, "does not answer") == "error");
  CHECK(severity_of(members, "no quorum") == "none");
  members[1].error = "refused";
  CHECK(severity_of(members, "no quorum") == "error");
  CHECK(severity_of(cluster("", R"({"Voters":4})"), "an even number") == "warning");
  std::vector<examined_member> alone;
  alone.push_back(member("a", R"({"Voters":1})"));
  CHECK(severity_of(alone, "not fault tolerant") == "warning");
  const auto nobody = R"({"Active":""})";
  std::vector<examined_member> idle;
  for (const auto* id : {"a", "b", "c"}) {
    idle.push_back(member(id, nobody));
  }
  CHECK(severity_of(idle, "no member is active") == "error");
}

TEST_CASE("doctor: lag, disk, certificates, clocks, versions, actors, links") {
  const auto leader = R"({"LogBytes":900,"Progress":[{"ConsensusID":"c","Behind":20000,"SilentMs":5000}]})";
  CHECK(severity_of(cluster(R"({"LogBytes":100})", leader), "20000 entries (800 bytes, 5.0 s) behind") ==
        "error");
  CHECK(severity_of(cluster(R"({"DiskFull":true})"), "no room for its log") == "error");
  CHECK(severity_of(cluster(R"({"LogAnswers":false})"), "does not answer") == "error");
  CHECK(severity_of(cluster(R"({"LongestSyncUs":900000})"), "slowest sync took 900 ms") == "warning");
  CHECK(severity_of(cluster(R"({"CertificateEnds":1799999999})"), "node certificate has expired") == "error");
  CHECK(severity_of(cluster(R"({"NewestRootEnds":1800864000})"), "newest root expires in 10 days") ==
        "warning");
  CHECK(severity_of(cluster(R"({"Version":"2"})"), "different versions: 1, 2") == "warning");
  CHECK(severity_of(cluster(R"({"Role":"recovering"})"), "is being repaired") == "warning");
  CHECK(severity_of(cluster(R"({"Actors":[{"Name":"api","State":"failed"}]})"), "actor api is failed") ==
        "error");
  CHECK(severity_of(cluster(R"({"Links":[{"ConsensusID":"b","Up":false,"Trouble":"refused"}]})"),
                    "no link to member b: refused") == "warning");
  auto members = cluster();
  members[1].skew_ms = 3000;
  CHECK(severity_of(members, "3.0 s ahead") == "warning");
  members[1].skew_ms = -600'000;
  CHECK(severity_of(members, "600.0 s behind") == "error");
  members[1].skew_ms = 3000;
  members[1].answer_ms = 5000; // the call took longer than what is to be measured
  CHECK(severity_of(members, "ahead") == "none");
}

TEST_CASE("doctor puts the worst first and shows a row for a member that cannot be asked") {
  auto members = cluster(R"({"Version":"2"})");
  members[1].error = "no answer";
  const auto findings = examine(members, now_s);
  REQUIRE(findings.size() == 2);
  CHECK(findings.front().how == severity::error);
  const auto rows = member_rows(members, now_s);
  REQUIRE(rows.Size() == 3);
  CHECK(std::string{rows[1]["Error"].GetString()} == "no answer");
  CHECK(rows[0]["Active"].GetBool());
}

TEST_CASE("doctor: the virtual address, its guard, link, lease and conflicts") {
  const auto with = [](const std::string& vip) { return "{\"Vip\":" + vip + "}"; };
  const std::string well = R"("Mode":"address","VirtAddr":"10.0.0.9/24","VirtInterface":"c0","Holder":"a",)"
                           R"("Guard":{"Ready":true,"Missing":"","Restarts":0},"LinkUp":true,"Trouble":"",)"
                           R"("LastError":"","Conflicts":{"Count":0,"Mac":"","AgoMs":-1})";
  const auto passive = [&](const std::string& change) {
    auto members =
        cluster(with("{" + well + "}"), with("{" + well + R"(,"Holding":true,"LeaseLeftMs":300})"));
    const auto more = parse_json(with(change), "test");
    merge(members[2].health, more, members[2].health.GetAllocator());
    return members;
  };
  CHECK(examine(passive("{}"), now_s).empty());
  CHECK(examine(cluster(with(R"({"Mode":"none"})")), now_s).empty());
  CHECK(examine(cluster(with(R"({"Mode":"load-balanced","VirtAddr":"10.0.0.9"})")), now_s).empty());
  CHECK(severity_of(passive(R"({"Mode":"unknown"})"), "does not answer") == "error");
  CHECK(severity_of(passive(R"({"Guard":{"Ready":false}})"), "guard of the virtual address is dead") ==
        "error");
  CHECK(severity_of(passive(R"({"Guard":{"Missing":"CAP_NET_ADMIN: no"}})"), "CAP_NET_ADMIN") == "error");
  CHECK(severity_of(passive(R"({"Guard":{"Restarts":2}})"), "died 2 times") == "note");
  CHECK(severity_of(passive(R"({"LinkUp":false})"), "c0 is missing, down or without a carrier") == "error");
  CHECK(severity_of(passive(R"({"Trouble":"10.0.0.9/24 on c0: Operation not permitted"})"),
                    "cannot carry 10.0.0.9/24 on c0: 10.0.0.9/24 on c0: Operation not permitted") == "error");
  CHECK(severity_of(passive(R"({"LastError":"add: exit 3"})"), "refused: add: exit 3") == "note");
  CHECK(severity_of(passive(R"({"Conflicts":{"Count":4,"Mac":"02:aa","AgoMs":9000}})"), "(02:aa) claim") ==
        "error");
  CHECK(severity_of(passive(R"({"Conflicts":{"Count":4,"Mac":"02:aa","AgoMs":9000000}})"), "(02:aa) claim") ==
        "note");
  CHECK(severity_of(passive(R"({"Counters":{"Lapsed":1}})"), "not extended in time 1 times") == "note");
  CHECK(severity_of(passive(R"({"Holding":true})"), "2 members said") == "error");
  CHECK(severity_of(cluster("", with("{" + well + R"(,"Holding":true,"LeaseLeftMs":0})")),
                    "its lease is not extended") == "error");
  CHECK(severity_of(cluster("", with("{" + well + R"(,"Holding":false,"LeaseLeftMs":300})")),
                    "does not carry 10.0.0.9/24") == "error");
}
