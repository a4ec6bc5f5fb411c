// A disk that takes nothing any more: every write of the process fails, as it does with a dead disk (RLIMIT_FSIZE; the
// signal that comes with it is ignored, so SQLite sees an I/O error).
#include <doctest/doctest.h>
#include <sys/resource.h>

#include "tests/pair/plant.hpp"

using namespace tandem::test;

namespace {

constexpr int exit_failure = 1;

void let_disk_die(Node& node) {
  rlimit limit{};
  REQUIRE(::prlimit(node.process().pid(), RLIMIT_FSIZE, nullptr, &limit) == 0);
  limit.rlim_cur = 0;
  REQUIRE(::prlimit(node.process().pid(), RLIMIT_FSIZE, &limit, nullptr) == 0);
}

void dead_disk_of(bool of_active) {
  Folder folder("dead-disk");
  Pair pair(folder, PairOptions{});
  for (Node* node : {&pair.a(), &pair.b()}) {
    node->options().launcher = {"sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"};
  }
  pair.start();
  Node& active = pair.await_active();
  Node& doomed = of_active ? active : pair.other(active);
  Node& left = pair.other(doomed);
  Plant plant(pair.endpoints());
  plant.start();
  plant.goes_on();
  let_disk_die(doomed);
  CHECK(doomed.process().wait(scaled(Millis(60'000))) == exit_failure);
  until([&] { return left.is_active(); }, "the other box serves");
  plant.goes_on();
  doomed.start();  // with a new disk: here the old one works again
  pair.await_protected();
  plant.goes_on();
  REQUIRE(plant.finish());
  plant.check();
  pair.await_equal();
}

}  // namespace

TEST_CASE("store: an active whose disk is dead gives way to the other box, and nothing acknowledged is lost") {
  dead_disk_of(true);
}

TEST_CASE("store: a standby whose disk is dead stops counting as the second copy") {
  dead_disk_of(false);
}
