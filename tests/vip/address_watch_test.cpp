// Which addresses this box holds: a real kernel, `lo` of a network namespace of the test's own.
#include "tests/vip/doctest.hpp"

#include <poll.h>

#include <functional>

#include "tests/own_network.hpp"
#include "vip/address_watch.hpp"

using namespace tandem::vip;

using tandem::test::ip;

namespace {

void in_namespace(const std::function<void()>& test) {
  tandem::test::in_own_network("address watch test", test);
}

// The kernel has told before `ip` returns.
bool told(const AddressWatch& watch) {
  pollfd one{watch.fd(), POLLIN, 0};
  return ::poll(&one, 1, 0) == 1;
}

std::unique_ptr<AddressWatch> open(const std::vector<std::string>& addresses) {
  auto watch = AddressWatch::open(addresses);
  REQUIRE(watch.ok());
  return watch.take();
}

void follow(const std::string& address, const std::string& with_prefix, const std::string& stranger) {
  const auto watch = open({"192.0.2.99", address});
  CHECK_FALSE(watch->here());
  REQUIRE(ip("addr add " + stranger + " dev lo"));
  watch->read();
  CHECK_FALSE(watch->here());
  REQUIRE(ip("addr add " + with_prefix + " dev lo"));
  CHECK(told(*watch));
  CHECK(watch->read());
  CHECK(watch->here());
  CHECK(open({address})->here());  // from the first answer
  CHECK_FALSE(watch->read());
  CHECK(watch->here());
  REQUIRE(ip("addr del " + with_prefix + " dev lo"));
  CHECK(told(*watch));
  CHECK_FALSE(watch->read());
  CHECK_FALSE(watch->here());
}

// More changes than the socket holds: the kernel drops some and says so (ENOBUFS).
void overrun() {
  REQUIRE(ip("addr add 127.0.9.1/32 dev lo"));
  const auto leaves = open({"127.0.9.1"});
  const auto comes = open({"127.0.9.2"});
  CHECK(leaves->here());
  FILE* const changes = ::popen("ip -batch -", "w");
  REQUIRE(changes != nullptr);
  const auto storm = [changes] {
    for (int i = 0; i < 2'000; ++i) {
      std::fputs("addr add 127.0.8.1/32 dev lo\naddr del 127.0.8.1/32 dev lo\n", changes);
    }
  };
  storm();
  std::fputs("addr del 127.0.9.1/32 dev lo\naddr add 127.0.9.2/32 dev lo\n", changes);
  storm();
  CHECK(::pclose(changes) == 0);
  // What a beat does; more than once only if an answer was still under way.
  for (int i = 0; i < 100 && (leaves->here() || !comes->here()); ++i) {
    leaves->read();
    comes->read();
  }
  CHECK_FALSE(leaves->here());
  CHECK(comes->here());
}

}  // namespace

TEST_CASE("address watch: IPv4 comes and goes") {
  in_namespace([] { follow("127.0.9.1", "127.0.9.1/32", "127.0.9.2/32"); });
}

TEST_CASE("address watch: IPv6 comes and goes") {
  in_namespace([] { follow("fd00::9:1", "fd00::9:1/128", "fd00::9:2/128"); });
}

TEST_CASE("address watch: on two interfaces it is here until the second has lost it") {
  in_namespace([] {
    if (!ip("link add a type veth peer name b")) return;
    const auto watch = open({"10.9.9.1"});
    REQUIRE(ip("addr add 10.9.9.1/32 dev a"));
    REQUIRE(ip("addr add 10.9.9.1/32 dev b"));
    CHECK(watch->read());
    REQUIRE(ip("addr del 10.9.9.1/32 dev a"));
    watch->read();
    CHECK(watch->here());
    REQUIRE(ip("link del b"));  // with what was on it
    watch->read();
    CHECK_FALSE(watch->here());
  });
}

TEST_CASE("address watch: what the kernel had to drop is asked for again") {
  in_namespace(overrun);
}

TEST_CASE("address watch: what is no address is said") {
  CHECK_FALSE(AddressWatch::open({"10.0.0"}).ok());
}
