// Ranges of addresses as a configuration names them.
#include "base/ip_network.hpp"

#include <doctest/doctest.h>

using namespace tandem;

namespace {

bool contains(const std::string& network, const std::string& address) {
  const std::optional<IpNetwork> parsed = parse_network(network);
  REQUIRE(parsed.has_value());
  return parsed->contains(parse_address(address).value());
}

}  // namespace

TEST_CASE("a network holds the addresses that begin as it does, of its own family") {
  CHECK(contains("192.0.2.7", "192.0.2.7"));
  CHECK_FALSE(contains("192.0.2.7", "192.0.2.6"));
  CHECK(contains("192.0.2.0/24", "192.0.2.255"));
  CHECK_FALSE(contains("192.0.2.0/24", "192.0.3.0"));
  CHECK(contains("192.0.2.128/25", "192.0.2.128"));
  CHECK_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
  CHECK(contains("10.32.0.0/11", "10.63.255.255"));
  CHECK_FALSE(contains("10.32.0.0/11", "10.64.0.0"));
  CHECK(contains("0.0.0.0/0", "255.255.255.255"));
  CHECK_FALSE(contains("0.0.0.0/0", "::"));
  CHECK(contains("fd00::/8", "fdff::1"));
  CHECK_FALSE(contains("fd00::/8", "fe00::1"));
  CHECK(contains("fd00::4/126", "fd00::7"));
  CHECK_FALSE(contains("fd00::4/126", "fd00::8"));
  CHECK(contains("::1", "::1"));
  CHECK_FALSE(contains("::/0", "0.0.0.0"));
}

TEST_CASE("what is no network is refused, also an address with a prefix that ends before it does") {
  for (const char* text :
       {"", "/", "/8", "x", "192.0.2", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/+8", "192.0.2.0/8x",
        "192.0.2.0/24/24", "192.0.2.7/24", "::/129", "fd00::1/64", "fd00::/ 8", "192.0.2.0 /24"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_network(text).has_value());
  }
}
