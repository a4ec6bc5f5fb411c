// Whether somebody answers an echo request: a real kernel, `lo` of a network namespace of the test's own.
#include "tests/vip/doctest.hpp"

#include <chrono>
#include <functional>

#include "base/limits.hpp"
#include "tests/own_network.hpp"
#include "vip/reach.hpp"

using namespace tandem;

using tandem::test::ip;

namespace {

void in_namespace(const std::function<void()>& test) {
  tandem::test::in_own_network("reach test", test);
}

std::unique_ptr<vip::Reach> open(const std::vector<std::string>& hosts) {
  auto reach = vip::Reach::open(hosts, 0x1234);
  REQUIRE(reach.ok());
  return reach.take();
}

// The answer is on its way; the clock of the test stands still.
bool comes(vip::Reach& reach, Steady now) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!reach.somebody(now)) {
    if (std::chrono::steady_clock::now() > deadline) return false;
  }
  return true;
}

// The kernel takes an IPv6 address into use some time after the command has ended: a request before is lost.
void add(const std::string& host, const std::string& with_prefix) {
  REQUIRE(ip("addr add " + with_prefix + " dev lo"));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!ip("route get " + host + " | grep -q ^local")) REQUIRE(std::chrono::steady_clock::now() < deadline);
}

// One host is gone all the time; `host` answers, goes, and comes again.
void follow(const std::string& host, const std::string& with_prefix, const std::string& absent) {
  add(host, with_prefix);
  const auto reach = open({absent, host});
  CHECK_FALSE(reach->somebody(Steady{1'000}));
  CHECK(comes(*reach, Steady{1'050}));
  REQUIRE(ip("addr del " + with_prefix + " dev lo"));
  std::int64_t ms = 1'050;
  for (; ms < 1'050 + limits::reach_silent_ms; ms += limits::reach_ask_ms) CHECK(reach->somebody(Steady{ms}));
  CHECK_FALSE(reach->somebody(Steady{ms}));
  add(host, with_prefix);
  ms += limits::reach_ask_ms;
  static_cast<void>(reach->somebody(Steady{ms}));
  CHECK(comes(*reach, Steady{ms + 1}));
}

}  // namespace

TEST_CASE("reach: one of the hosts is enough; silence counts from the last answer") {
  in_namespace([] { follow("10.9.9.1", "10.9.9.1/32", "10.9.9.2"); });
}

TEST_CASE("reach: the same over IPv6") {
  in_namespace([] { follow("fd99::1", "fd99::1/128", "fd99::2"); });
}

TEST_CASE("reach: nobody answers, ever") {
  in_namespace([] {
    const auto reach = open({"10.9.9.2"});
    for (std::int64_t ms = 0; ms < 5'000; ms += 50) CHECK_FALSE(reach->somebody(Steady{ms}));
  });
}
