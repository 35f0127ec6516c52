// Held news of a commit: late at most, never lost, never out of order (architecture §11: a put's cost).
#include "actors/consensus/commit_news.hpp"

#include <doctest/doctest.h>

using namespace holdfast;
using consensus::commit_news;

namespace {

raft::message to(std::uint64_t member, raft::message_body body, std::uint64_t term = 3) {
  return {{1, 1}, {0, 1}, {0, member}, raft::protocol_version, {term}, std::move(body)};
}

raft::message news(std::uint64_t member, std::uint64_t commit) {
  return to(member, raft::heartbeat{0, {commit}, {commit}, 0, 0});
}

raft::message append(std::uint64_t commit) {
  raft::append_request request;
  request.commit = {commit};
  return to(2, std::move(request));
}

} // namespace

TEST_CASE("an append that says as much replaces the held news") {
  commit_news held;
  REQUIRE(held.hold(news(2, 7)));
  CHECK_FALSE(held.hold(append(7)));
  CHECK_FALSE(held.overtaken_by(append(7)));
  CHECK(held.take().empty());
}

TEST_CASE("whatever says less, or is of another kind, lets the held news go first") {
  for (const auto& next :
       {append(6), to(2, raft::timeout_now{}), to(2, raft::append_request{{}, {}, {9}, {}, 0, {}}, 4)}) {
    commit_news held;
    REQUIRE(held.hold(news(2, 7)));
    const auto first = held.overtaken_by(next);
    REQUIRE(first);
    CHECK(std::get<raft::heartbeat>(first->body).commit == raft::index_t{7});
    CHECK(held.take().empty());
  }
}

TEST_CASE("only the newest news of each member is kept, and all of it is handed out") {
  commit_news held;
  REQUIRE(held.hold(news(2, 7)));
  REQUIRE(held.hold(news(2, 8)));
  REQUIRE(held.hold(news(3, 5)));
  CHECK_FALSE(held.overtaken_by(to(4, raft::timeout_now{})));
  const auto all = held.take();
  REQUIRE(all.size() == 2);
  CHECK(std::get<raft::heartbeat>(all[0].body).commit == raft::index_t{8});
  CHECK(std::get<raft::heartbeat>(all[1].body).commit == raft::index_t{5});
  CHECK(held.take().empty());
}

TEST_CASE("a round asks for an answer and is never held") {
  commit_news held;
  CHECK_FALSE(held.hold(to(2, raft::heartbeat{4, {7}, {7}, 0, 0})));
  CHECK(held.take().empty());
}
