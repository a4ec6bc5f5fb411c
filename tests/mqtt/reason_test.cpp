// Reason codes: names, which packet carries which, and the codes of 3.1.1.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "mqtt/decode_parts.hpp"

namespace tandem::mqtt::test {

namespace {

std::set<int> allowed(Type type, bool from_client) {
  std::set<int> codes;
  for (int code = 0; code < 256; ++code) {
    if (reason_allowed(type, static_cast<Reason>(code), from_client)) codes.insert(code);
  }
  return codes;
}

}  // namespace

TEST_CASE("MQTT5-3.4.2-1, 3.5.2-1, 3.6.2-1, 3.7.2-1, 3.9.3-2, 3.11.3-2, 3.15.2-1: the codes of each packet") {
  const std::set<int> pub = {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99};
  for (const bool from_client : {true, false}) {
    CHECK(allowed(Type::puback, from_client) == pub);
    CHECK(allowed(Type::pubrec, from_client) == pub);
    CHECK(allowed(Type::pubrel, from_client) == std::set<int>{0x00, 0x92});
    CHECK(allowed(Type::pubcomp, from_client) == std::set<int>{0x00, 0x92});
  }
  CHECK(allowed(Type::suback, false) ==
        std::set<int>{0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2});
  CHECK(allowed(Type::unsuback, false) == std::set<int>{0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91});
  CHECK(allowed(Type::auth, true) == std::set<int>{0x18, 0x19});
  CHECK(allowed(Type::auth, false) == std::set<int>{0x00, 0x18});
}

TEST_CASE("MQTT5-3.2.2-8, 3.14.2-1, U-41: the codes of CONNACK and DISCONNECT") {
  CHECK(allowed(Type::connack, false) == std::set<int>{0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86,
                                                       0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97,
                                                       0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F});
  const std::set<int> client = {0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99};
  CHECK(allowed(Type::disconnect, true) == client);
  std::set<int> server = client;
  server.erase(0x04);
  server.insert({0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2});
  CHECK(allowed(Type::disconnect, false) == server);
}

TEST_CASE("every code has a name of its own") {
  std::set<std::string_view> names;
  int named = 0;
  for (int code = 0; code < 256; ++code) {
    const std::string_view name = reason_name(static_cast<Reason>(code));
    if (name == "unknown reason code") continue;
    CHECK(names.insert(name).second);
    ++named;
  }
  CHECK_EQ(named, 43);
  CHECK_EQ(reason_name(Reason::success), "Success");
  CHECK_EQ(reason_name(Reason::wildcard_subscriptions_not_supported), "Wildcard Subscriptions not supported");
}

TEST_CASE("MQTT311-3.2.2-6, 3.1.2-2, 3.1.3-8: return codes of a 3.x CONNACK, or none") {
  const std::map<int, int> codes = {{0x00, 0}, {0x84, 1}, {0x85, 2}, {0x88, 3}, {0x89, 3}, {0x97, 3},
                                    {0x9F, 3}, {0x86, 4}, {0x8C, 4}, {0x87, 5}, {0x8A, 5}};
  for (int code = 0; code < 256; ++code) {
    const auto v3 = to_v3_connack_code(static_cast<Reason>(code));
    REQUIRE_EQ(v3.has_value(), codes.contains(code));
    if (v3) CHECK_EQ(static_cast<int>(*v3), codes.at(code));
  }
  for (std::uint8_t code = 0; code < 6; ++code) CHECK(to_v3_connack_code(*from_v3_connack_code(code)) == code);
  CHECK_FALSE(from_v3_connack_code(6).has_value());
}

}  // namespace tandem::mqtt::test
