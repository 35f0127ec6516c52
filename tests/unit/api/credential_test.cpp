#include "actors/api/auth_throttle.hpp"
#include "actors/api/authorization.hpp"
#include "actors/api/claims.hpp"
#include "actors/api/crypto.hpp"
#include "actors/api/password_hash.hpp"
#include "actors/api/time_span.hpp"
#include "actors/api/token.hpp"

#include <doctest/doctest.h>

using namespace holdfast::api;
using namespace std::chrono_literals;

TEST_CASE("C-08 what tells two passwords apart under a key is as slow as their hash, and each key's own") {
  const auto digest = slow_digest("pass word", "rocketskates/k");
  CHECK(digest.size() == 32);
  CHECK(digest == slow_digest("pass word", "rocketskates/k"));
  CHECK(digest != slow_digest("pass word", "rocketskates/l"));
  CHECK(digest != slow_digest("pass wort", "rocketskates/k"));
}

TEST_CASE("§1.2 spans are read as the client writes them") {
  const auto span = [](const char* text) { return parse_span(text, 1s); };
  CHECK(span("600") == 600s);
  CHECK(span("250ms") == 250ms);
  CHECK(span("1.5h") == 90min);
  CHECK(span("3y") == 24h * 365 * 3);
  CHECK(span("2mo") == 24h * 60);
  CHECK(span("2m") == 2min);
  CHECK(span("never") == 24h * 36500);
  CHECK(parse_span("3", 1ms) == 3ms);
  for (const char* bad :
       {"", "cow", "-1", "+1", "1x", "1 2", "nan", "inf", "1e9", "101y", "99999999999999999999", "1h30m"}) {
    CAPTURE(bad);
    CHECK_FALSE(span(bad).has_value());
  }
}

TEST_CASE("§1.2 scrypt hashes: RFC 7914's vector, own hashes, and texts that match nothing") {
  CHECK(password_matches("pleaseletmein",
                         "16384$8$1$536f6469756d43686c6f72696465$"
                         "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                         "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"));
  const auto hash = hash_password("secret", {2, 1, 1});
  CHECK(password_matches("secret", hash));
  CHECK_FALSE(password_matches("secret ", hash));
  CHECK_FALSE(password_matches("", hash));
  for (const char* bad :
       {"12", "", "16384$8$1$00$", "3$8$1$00$00112233445566778899aabbccddeeff",
        "1073741824$8$1$00$00112233445566778899aabbccddeeff", "2$1$1$00$00112233445566778899aabbccddeef",
        "2$1$1$00$00112233445566778899aabbccddeeff$"})
    CHECK_FALSE(password_matches("secret", bad));
}

TEST_CASE("§1.1 the Authorization header") {
  const auto pair = [](const std::string& header) -> std::string {
    const auto out = parse_authorization(header);
    if (!out)
      return "none";
    if (const auto* basic = std::get_if<basic_credential>(&*out))
      return basic->user + "|" + basic->password;
    return "bearer " + std::get<bearer_credential>(*out).token;
  };
  CHECK(pair("Basic " + to_base64("a:b:c")) == "a|b:c");
  CHECK(pair("bAsIc   " + to_base64("a:")) == "a|");
  CHECK(pair("Bearer xyz") == "bearer xyz");
  for (const auto& bad :
       {std::string("Basic"), std::string("Basic "), "Basic " + to_base64("ab"), "Basic " + to_base64(":b"),
        std::string("Bearer "), std::string("Digest x"), "Bearer " + std::string(20000, 'x')})
    CHECK(pair(bad) == "none");
  CHECK(std::holds_alternative<basic_credential>(*parse_query_token("user:pass")));
  CHECK(std::holds_alternative<bearer_credential>(*parse_query_token("hf1.x.y")));
}

TEST_CASE("RFC 4648 base64 has one spelling a text") {
  CHECK(from_base64("Zg==") == "f");
  CHECK(from_base64url("Zg") == "f");
  for (const char* bad : {"Zg", "Zg=", "Zh==", " Zg==", "Zg==\n", "Z===", "Zg=a"})
    CHECK_FALSE(from_base64(bad).has_value());
  CHECK_FALSE(from_base64url("Zg==").has_value());
  CHECK_FALSE(from_base64url("Z").has_value());
}

TEST_CASE("RFC 4231 HMAC-SHA-256, also from a key that is used again") {
  mac_key key("Jefe");
  for (int i = 0; i < 2; ++i)
    CHECK(to_hex(as_text(key.sign("what do ya want for nothing?"))) ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("§1.2 tokens hold what was put in, for their life, under their key") {
  const system_secrets secrets{std::string(32, 'a'), std::string(32, 'b')};
  token_claims claims;
  claims.user = "f\"red";
  claims.grantor = "g";
  claims.issued_s = 1;
  claims.expires_s = 100;
  claims.user_ref = secret_reference(secrets, "f\"red", "s");
  claims.grantor_ref = grantor_reference(secrets, "g", "s");
  claims.scope = "users";
  claims.roles = {"r1", "r2"};
  const auto token = issue_token(secrets, claims);
  const auto back = std::get<token_claims>(open_token(secrets, token, 99));
  CHECK(back.user == claims.user);
  CHECK(back.roles == claims.roles);
  CHECK(back.scope == "users");
  CHECK(std::get<std::string>(open_token(secrets, token, 100)) == "Token is expired");
  const std::string foreign = "No valid key specified";
  CHECK(std::get<std::string>(open_token({std::string(32, 'c'), ""}, token, 1)) == foreign);
  CHECK(std::get<std::string>(open_token({"", ""}, token, 1)) == foreign);
  for (std::size_t at = 0; at < token.size(); ++at) {
    auto forged = token;
    forged[at] = forged[at] == 'A' ? 'B' : 'A';
    REQUIRE(std::holds_alternative<std::string>(open_token(secrets, forged, 1)));
  }
  CHECK(claims.user_ref != secret_reference(secrets, "f\"red", "t"));
  CHECK(claims.user_ref != secret_reference(secrets, "g", "s"));
  CHECK(claims.grantor_ref != grantor_reference({secrets.base_token, "x"}, "g", "s"));
}

TEST_CASE("§1.4 containment of claims") {
  struct row {
    const char* scope;
    const char* action;
    const char* specific;
    const char* want_action;
    const char* want_specific;
    bool good;
  };
  const row rows[] = {
      {"users", "get", "*", "get", "fred", true},
      {"users", "get", "", "get", "fred", true},
      {"users", "get", "fred", "get", "fred", true},
      {"users", "get", "fred", "get", "*", false},
      {"users", "get", "fred", "get", "", false},
      {"users", "get, list", "fred,anna", "list", "anna", true},
      {"users", "action", "*", "action:x", "a", true},
      {"users", "action:x", "*", "action:y", "a", false},
      {"users", "action:x", "*", "action", "a", false},
      {"users", "update", "*", "update:/A/b", "a", true},
      {"users", "update:/A", "*", "update:/A/b", "a", true},
      {"users", "update:/A", "*", "update:/AB", "a", false},
      {"users", "update:/A/b", "*", "update:/A", "a", false},
      {"users", "action", "*", "actions", "a", false},
      {"*", "*", "*", "password", "a", true},
      {"roles", "*", "*", "get", "a", false},
      {"users", "", "*", "get", "a", false},
  };
  for (const auto& one : rows) {
    CAPTURE(one.action);
    CAPTURE(one.want_action);
    CHECK(contains(make_claim(one.scope, one.action, one.specific), "users", one.want_action,
                   one.want_specific) == one.good);
  }
  CHECK(contains_all(all_claims(), {make_claim("a,b", "c", "d")}));
  CHECK_FALSE(contains_all({make_claim("a", "c", "d")}, {make_claim("a,b", "c", "d")}));
  CHECK_FALSE(contains_all({make_claim("a", "c", "d")}, all_claims()));
}

TEST_CASE("wrong passwords are slowed down gently and forgiven") {
  auth_throttle throttle;
  for (int i = 0; i < 3; ++i)
    CHECK(throttle.failed("1.2.3.4", 1000) == 0ms);
  CHECK(throttle.failed("1.2.3.4", 1000) == 100ms);
  CHECK(throttle.failed("1.2.3.4", 1000) == 200ms);
  for (int i = 0; i < 20; ++i)
    CHECK(throttle.failed("1.2.3.4", 1000) <= 2000ms);
  CHECK(throttle.failed("5.6.7.8", 1000) == 0ms);
  CHECK(throttle.failed("1.2.3.4", 70000) == 0ms);
  throttle.succeeded("1.2.3.4");
  for (int i = 0; i < 5000; ++i)
    static_cast<void>(throttle.failed(std::to_string(i), 1000));
  CHECK(throttle.size() <= 1024);
}
