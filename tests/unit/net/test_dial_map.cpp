#include "net/dial_map.hpp"

#include <doctest/doctest.h>

using namespace holdfast::net;

TEST_CASE("a dial map says where to go instead, and nothing about others") {
  std::string why;
  const auto map =
      parse_dial_map("# a comment\n127.0.0.1:80 127.0.0.101:81 # here too\n\n[::1]:80 127.0.0.9:1\n", why);
  REQUIRE(map);
  CHECK(map->size() == 2);
  CHECK(map->at("127.0.0.1:80") == net_address{"127.0.0.101", 81});
  CHECK(map->at("[::1]:80") == net_address{"127.0.0.9", 1});
  CHECK(dial_target({"127.0.0.1", 80}) == net_address{"127.0.0.1", 80}); // none was set
  CHECK(parse_dial_map("", why)->empty());
}

TEST_CASE("a dial map that cannot be read names the line") {
  const auto complaint = [](const char* text) {
    std::string why;
    CHECK_FALSE(parse_dial_map(text, why).has_value());
    return why;
  };
  CHECK(complaint("127.0.0.1:80 127.0.0.2:80\n127.0.0.1:80").starts_with("line 2: "));
  CHECK(complaint("host:80 127.0.0.2:80").find("not an IP literal") != std::string::npos);
  CHECK(complaint("127.0.0.1:80 127.0.0.2:80 127.0.0.3:80") == "line 1: more than two addresses");
}
