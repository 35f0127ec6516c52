#include "net/http_target.hpp"

#include <doctest/doctest.h>

namespace holdfast::net {

TEST_CASE("a target is decoded once, path and query apart") {
  http_head head;
  CHECK(decode_target("/a%2Fb/c%25d?x=1+2&y=%C3%A4&flag&=v", head).empty());
  CHECK(head.path == "/a/b/c%d");
  REQUIRE(head.query.size() == 4);
  CHECK(head.query[0].second == "1 2");
  CHECK(head.query[1].second == "\xc3\xa4");
  CHECK(head.query_value("flag") == "");
  CHECK(!head.query_value("none"));
  CHECK(decode_target("https://host:1/p?q=1#f", head).empty());
  CHECK(head.path == "/p");
  CHECK(decode_target("?only=query", head).empty());
  CHECK(head.path == "/");
}

TEST_CASE("a bad target says why and changes nothing") {
  http_head head;
  head.path = "/kept";
  for (const char* target :
       {"", "a", "/%", "/%4", "/%4g", "/a/./b", "/a/..", "/%2e%2E", "/%00", "/%0a", "/x?q=%00", "/x?q=%ff",
        "/\xed\xa0\x80", "/\xc0\xaf", "/\xf4\x90\x80\x80", "/\xe2\x82"}) {
    CAPTURE(target);
    CHECK_FALSE(decode_target(target, head).empty());
    CHECK(head.path == "/kept");
  }
}

TEST_CASE("encoding and decoding are inverse") {
  std::string all;
  for (int c = 1; c < 128; ++c)
    if (c >= 0x20 && c != 0x7f)
      all.push_back(static_cast<char>(c));
  http_head head;
  REQUIRE(decode_target("/" + encode_path(all) + "?v=" + encode_query(all), head).empty());
  CHECK(head.path == "/" + all);
  CHECK(head.query_value("v") == all);
}

} // namespace holdfast::net
