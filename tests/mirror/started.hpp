// A world whose pair is whole when a test begins, and whole and equal again when it ends.
#pragma once

#include "doctest.hpp"

#include "sim.hpp"

namespace sim {

// Both nodes start with fresh stores.
struct Started : World {
  explicit Started(const sim::Options& o = {}) : World(o) {
    nodes[0]->boot();
    nodes[1]->boot();
    const bool ok = run_until([&] { return settled(); }, 5'000);
    if (!ok) MESSAGE(story());
    REQUIRE(ok);
  }
  SimNode& a() { return *nodes[0]; }
  SimNode& b() { return *nodes[1]; }
  void settle() {
    const bool ok = run_until([&] { return settled(); }, 20'000);
    if (!ok) MESSAGE(story());
    REQUIRE(ok);
  }
  void finish() {
    for (auto& node : nodes) node->writes_blocked = true;
    run(500);
    check_nothing_lost();
    if (!violations.empty()) MESSAGE(story());
    CHECK(violations.empty());
    if (active() != nullptr && standby() != nullptr) CHECK(active()->state() == standby()->state());
  }
};

}  // namespace sim
