// A standby whose copy differs heals itself with an image, at most once in 10 minutes; after that it is left to a
// person (docs/roles.md, "Digest mismatch").
#include "tests/broker/boxes.hpp"

#include <doctest/doctest.h>

using namespace tandem;
using namespace tandem::test;

namespace {

constexpr std::int64_t minute_ms = 60'000;

bool alarmed(Box& box) {
  return box.node().alarms().has("digest");
}

// Digests are compared with the next record that comes 10 s after the last comparison.
bool run_until(Boxes& boxes, const std::function<bool()>& done) {
  int number = 0;
  for (int i = 0; i < 6 && !done(); ++i) {
    boxes.a().retain("other", std::to_string(++number));
    boxes.until(done, limits::digest_every_ms + 1'000);
  }
  return done();
}

struct Differs : Boxes {
  Differs() {
    a().retain("valve", "open");
    REQUIRE(until([this] { return b().retained("valve") == "open"; }, 1'000));
    spoil();
  }
  void spoil() {
    b().corrupt("valve", "shut");
    REQUIRE_FALSE(equal());
  }
  std::size_t healings() { return b().told("Healing: "); }
};

}  // namespace

TEST_CASE("a standby that differs says so, names what differs and loads everything anew by itself") {
  Differs boxes;
  REQUIRE(run_until(boxes, [&] { return boxes.healings() == 1; }));
  REQUIRE(run_until(boxes, [&] { return boxes.b().told("The alarm (digest) is over") == 1; }));
  CHECK(boxes.b().told("retained: valve (different)") == 1);
  CHECK(boxes.b().retained("valve") == "open");
  CHECK(boxes.equal());
  CHECK(boxes.b().status().counters.digest_mismatches >= 1);
  CHECK(boxes.a().status().counters.digest_mismatches == 0);
}

TEST_CASE("a standby that differs again within 10 minutes is left as it is, with its alarm, until a person orders it") {
  Differs boxes;
  REQUIRE(run_until(boxes, [&] { return boxes.healings() == 1; }));
  REQUIRE(run_until(boxes, [&] { return !alarmed(boxes.b()); }));
  boxes.run(7 * minute_ms);
  boxes.spoil();
  REQUIRE(run_until(boxes, [&] { return boxes.b().told("less than 10 minutes ago") == 1; }));
  // Not even when the 10 minutes are over: it was said that it is left as it is.
  for (int i = 0; i < 5; ++i) {
    boxes.a().retain("other", "again " + std::to_string(i));
    boxes.run(minute_ms);
  }
  CHECK(boxes.healings() == 1);
  CHECK(alarmed(boxes.b()));
  CHECK(boxes.b().retained("valve") == "shut");
  CHECK(boxes.b().tandemctl("resync", "").find("\"ok\":true") != std::string::npos);
  CHECK(run_until(boxes, [&] { return !alarmed(boxes.b()); }));
  CHECK(boxes.b().retained("valve") == "open");
}

TEST_CASE("a standby that differs again after 10 minutes heals itself again") {
  Differs boxes;
  REQUIRE(run_until(boxes, [&] { return boxes.healings() == 1; }));
  REQUIRE(run_until(boxes, [&] { return !alarmed(boxes.b()); }));
  boxes.run(10 * minute_ms);
  boxes.spoil();
  REQUIRE(run_until(boxes, [&] { return boxes.healings() == 2; }));
  REQUIRE(run_until(boxes, [&] { return !alarmed(boxes.b()); }));
  CHECK(boxes.b().told("less than 10 minutes ago") == 0);
  CHECK(boxes.b().retained("valve") == "open");
}
