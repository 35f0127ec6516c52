#include "net/peer_frame.hpp"
#include "net/peer_hello.hpp"

#include <doctest/doctest.h>

namespace holdfast::net {

TEST_CASE("a frame survives the wire, whole or in pieces") {
  std::string wire;
  append_frame(wire, 7, 3, "body");
  append_frame(wire, 8, 0, "");
  for (std::size_t cut = 0; cut < 12; ++cut) {
    const auto part = decode_frame(std::string_view(wire).substr(0, cut), 100);
    CHECK(part.status == frame_status::need_more);
    CHECK(part.wanted == (cut < 8 ? 8 : 12));
  }
  const auto first = decode_frame(wire, 100);
  REQUIRE(first.status == frame_status::whole);
  CHECK(first.frame.type == 7);
  CHECK(first.frame.flags == 3);
  CHECK(first.frame.body == "body");
  const auto second = decode_frame(std::string_view(wire).substr(first.consumed), 100);
  REQUIRE(second.status == frame_status::whole);
  CHECK(second.frame.body.empty());
}

TEST_CASE("a frame's length is judged before its body is there, and reserved bits must be zero") {
  std::string wire;
  append_frame(wire, 7, 0, std::string(101, 'x'));
  CHECK(decode_frame(std::string_view(wire).substr(0, 8), 100).status == frame_status::too_long);
  CHECK(decode_frame(std::string_view(wire).substr(0, 8), 101).status == frame_status::need_more);
  wire[6] = 1;
  CHECK(decode_frame(wire, 1000).status == frame_status::malformed);
}

TEST_CASE("hello and answer survive the wire; every truncation and every wrong byte count is refused") {
  peer_hello hello;
  hello.protocol = 5;
  hello.oldest_protocol = 2;
  hello.purpose = link_purpose::watch;
  hello.cluster_id = "c-1";
  hello.sender = "n:1";
  hello.receiver = "n_2";
  const auto wire = encode(hello);
  const auto back = decode_hello(wire);
  REQUIRE(back);
  CHECK(back->protocol == 5);
  CHECK(back->receiver == "n_2");
  for (std::size_t cut = 0; cut < wire.size(); ++cut)
    CHECK(!decode_hello(std::string_view(wire).substr(0, cut)));
  CHECK(!decode_hello(wire + "x"));
  hello_answer answer;
  answer.verdict = hello_verdict::not_admitted;
  answer.reason = std::string(399, 'r') + "\xc3\xa4";
  const auto told = decode_hello_answer(encode(answer));
  REQUIRE(told);
  CHECK(told->reason == std::string(399, 'r'));
  CHECK(!decode_hello_answer(wire));
}

TEST_CASE("a hello is judged in a fixed order and protocols meet at the highest common one") {
  peer_hello own;
  own.cluster_id = "c";
  own.sender = "a";
  own.protocol = 4;
  own.oldest_protocol = 2;
  peer_hello theirs;
  theirs.cluster_id = "c";
  theirs.sender = "b";
  theirs.receiver = "a";
  theirs.protocol = 3;
  theirs.oldest_protocol = 1;
  const auto fine = judge_hello(own, theirs, "b");
  CHECK(fine.verdict == hello_verdict::welcome);
  CHECK(fine.protocol == 3);
  theirs.oldest_protocol = theirs.protocol = 1;
  CHECK(judge_hello(own, theirs, "b").verdict == hello_verdict::wrong_protocol);
  theirs.purpose = static_cast<link_purpose>(77);
  theirs.protocol = 3;
  CHECK(judge_hello(own, theirs, "b").verdict == hello_verdict::wrong_purpose);
  CHECK(judge_hello(own, theirs, "x").verdict == hello_verdict::wrong_sender);
  theirs.receiver = "z";
  CHECK(judge_hello(own, theirs, "x").verdict == hello_verdict::wrong_receiver);
  theirs.cluster_id = "d";
  CHECK(judge_hello(own, theirs, "x").verdict == hello_verdict::wrong_cluster);
}

} // namespace holdfast::net
