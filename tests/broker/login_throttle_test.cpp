// Wrong logins by address.
#include "broker/login_throttle.hpp"

#include <doctest/doctest.h>

#include "base/limits.hpp"

namespace tandem::broker::test {

namespace {

IpAddress address(const char* text) {
  return *parse_address(text);
}

}  // namespace

TEST_CASE("twenty wrong logins at once, then one a second; others are not concerned") {
  LoginThrottle logins;
  Steady now{1'000'000};
  const IpAddress bad = address("192.0.2.1");
  for (int i = 0; i < limits::wrong_logins_at_once; ++i) {
    CHECK(logins.may_try(bad, now));
    logins.failed(bad, now);
  }
  CHECK_FALSE(logins.may_try(bad, now));
  CHECK(logins.may_try(address("192.0.2.2"), now));
  now.ms += 999;
  CHECK_FALSE(logins.may_try(bad, now));
  now.ms += 1;
  CHECK(logins.may_try(bad, now));
  logins.failed(bad, now);
  CHECK_FALSE(logins.may_try(bad, now));
  now.ms += 60'000;
  for (int i = 0; i < limits::wrong_logins_at_once; ++i) {
    CHECK(logins.may_try(bad, now));
    logins.failed(bad, now);
  }
  CHECK_FALSE(logins.may_try(bad, now));
}

TEST_CASE("a host's IPv6 network counts as one address; what is remembered is bounded") {
  LoginThrottle logins;
  const Steady now{5'000};
  for (int i = 0; i < limits::wrong_logins_at_once; ++i) {
    logins.failed(address(("2001:db8::" + std::to_string(i + 1)).c_str()), now);
  }
  CHECK_FALSE(logins.may_try(address("2001:db8::ffff"), now));
  CHECK(logins.may_try(address("2001:db8:0:1::1"), now));
  for (int i = 0; i < 30'000; ++i) {
    logins.failed(address(("10." + std::to_string(i / 65'536) + "." + std::to_string(i / 256 % 256) + "." +
                           std::to_string(i % 256))
                              .c_str()),
                  now);
  }
  CHECK(logins.size() <= limits::addresses_with_wrong_logins);
}

}  // namespace tandem::broker::test
