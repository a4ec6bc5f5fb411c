// Planned switchover and maintenance, played by two Pairs.
#include "started.hpp"

using sim::SimNode;
using sim::Started;
using sim::World;
using tandem::mirror::Word;

namespace {

// What keepalived makes of the weights: the box that is worth nothing is told BACKUP at once, the other one MASTER a
// little later.
struct ByKeepalived : World {
  ByKeepalived() : World(options_of()) {
    for (auto& node : nodes) node->boot();
    nodes[0]->set_word(Word::master);
    REQUIRE(run_until([&] { return settled(); }, 5'000));
    REQUIRE(nodes[0]->active());
  }
  static sim::Options options_of() {
    sim::Options o;
    o.heartbeat = false;
    return o;
  }
  int weight(int i) { return nodes[static_cast<std::size_t>(i)]->pair().vrrp_weight(clock(i)); }
  void move_address() {
    nodes[0]->set_word(Word::backup);
    run(60);
    nodes[1]->set_word(Word::master);
  }
};

}  // namespace

TEST_CASE("switchover ordered at the active: everything acknowledged is there, clean, and the pair is whole again") {
  Started w;
  w.run(500);
  CHECK(w.a().pair().switchover(false, w.a().clock()).ok());
  CHECK(w.a().pair().hold_publishers());
  REQUIRE(w.run_until([&] { return w.b().active(); }, 300));
  CHECK_FALSE(w.b().activated_unclean());
  CHECK_FALSE(w.a().active());
  w.settle();
  CHECK(w.b().active());
  CHECK(w.a().pair().status(w.a().clock()).switchover == "boxb serves now.");
  CHECK(w.a().images_loaded() == 0);
  w.finish();
}

TEST_CASE("switchover ordered at the standby, and back") {
  Started w;
  w.run(500);
  CHECK(w.b().pair().switchover(false, w.b().clock()).ok());
  REQUIRE(w.run_until([&] { return w.b().active(); }, 300));
  w.settle();
  CHECK(w.a().pair().switchover(false, w.a().clock()).ok());
  REQUIRE(w.run_until([&] { return w.a().active(); }, 300));
  CHECK_FALSE(w.a().activated_unclean());
  w.settle();
  w.run(3'000);
  CHECK(w.a().active());  // the wish is not heard a second time
  w.finish();
}

TEST_CASE("switchover is refused without a standby in sync; by force it is a MERGE, and nothing is lost") {
  Started w;
  w.b().crash();
  w.run(4'000);
  CHECK_FALSE(w.a().pair().switchover(false, w.a().clock()).ok());
  CHECK_FALSE(w.a().pair().switchover(true, w.a().clock()).ok());  // nobody is there
  w.b().boot();
  w.b().slower_disk_ms = 50;
  REQUIRE(w.run_until([&] { return w.a().pair().status(w.a().clock()).peer.reachable; }, 2'000));
  const auto refused = w.a().pair().switchover(false, w.a().clock());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("not in sync") != std::string::npos);
  CHECK(w.a().pair().switchover(true, w.a().clock()).ok());
  REQUIRE(w.run_until(
      [&] {
        return w.b().active() || (w.a().active() && w.a().pair().status(w.a().clock()).switchover != "under way");
      },
      20'000));
  w.b().slower_disk_ms = 0;
  w.settle();
  w.finish();
}

TEST_CASE("switchover by keepalived: the weight falls once all is confirmed, the word moves, the weight returns") {
  ByKeepalived w;
  w.run(300);
  CHECK(w.nodes[0]->pair().switchover(false, w.clock(0)).ok());
  REQUIRE(w.run_until([&] { return w.weight(0) == -254; }, 200));
  CHECK(w.nodes[0]->active());  // until the arbiter says so
  CHECK(w.weight(1) == 20);
  w.move_address();
  REQUIRE(w.run_until([&] { return w.nodes[1]->active(); }, 50));
  CHECK_FALSE(w.nodes[1]->activated_unclean());
  REQUIRE(w.run_until([&] { return w.settled(); }, 5'000));
  CHECK(w.weight(0) == 20);
  w.check_nothing_lost();
  CHECK(w.violations.empty());
}

TEST_CASE("weight: a box that is being stopped does not take the address, whether it serves or stands by") {
  for (const int i : {0, 1}) {
    CAPTURE(i);
    ByKeepalived w;
    CHECK(w.weight(i) > 0);
    w.nodes[static_cast<std::size_t>(i)]->stop();
    CHECK(w.weight(i) == -254);
  }
}

TEST_CASE("switchover: if the address does not move in time, the active goes on and says why") {
  ByKeepalived w;
  w.run(300);
  CHECK(w.nodes[0]->pair().switchover(false, w.clock(0)).ok());
  const std::size_t before = w.acked.size();
  w.run(3'000);
  CHECK(w.nodes[0]->active());
  CHECK_FALSE(w.nodes[0]->pair().hold_publishers());
  CHECK(w.weight(0) > 0);
  CHECK(w.acked.size() > before);
  CHECK(w.nodes[0]->pair().status(w.clock(0)).switchover.find("did not call upon boxb") != std::string::npos);
  CHECK(w.nodes[0]->activations() == 1);
}

TEST_CASE("switchover: the standby dies in the middle, the active goes on") {
  ByKeepalived w;
  w.run(300);
  CHECK(w.nodes[0]->pair().switchover(false, w.clock(0)).ok());
  REQUIRE(w.run_until([&] { return w.weight(0) == -254; }, 200));
  w.nodes[1]->crash();
  REQUIRE(w.run_until([&] { return w.weight(0) > 0; }, 1'000));
  w.run(3'000);
  CHECK(w.nodes[0]->active());
  w.nodes[1]->boot();
  REQUIRE(w.run_until([&] { return w.settled(); }, 10'000));
  w.check_nothing_lost();
  CHECK(w.violations.empty());
}

TEST_CASE("switchover: the standby dies when the active has just let go; it serves again, once") {
  Started w;
  w.run(300);
  CHECK(w.a().pair().switchover(false, w.a().clock()).ok());
  REQUIRE(w.run_until([&] { return !w.a().active(); }, 300));
  w.b().crash();
  REQUIRE(w.run_until([&] { return w.a().active(); }, 5'000));
  w.run(3'000);
  CHECK(w.a().active());
  CHECK(w.a().activations() == 2);
  w.b().boot();
  w.settle();
  w.finish();
}

TEST_CASE("maintenance: the standby follows, but never takes over until it is off") {
  Started w;
  w.run(300);
  CHECK_FALSE(w.a().pair().set_maintenance(true, w.a().clock()).ok());  // it serves
  CHECK(w.b().pair().set_maintenance(true, w.b().clock()).ok());
  w.run(300);
  CHECK_FALSE(w.a().pair().status(w.a().clock()).is_protected);
  CHECK_FALSE(w.a().pair().switchover(true, w.a().clock()).ok());
  w.a().crash();
  w.run(5'000);
  CHECK_FALSE(w.b().active());
  CHECK_FALSE(w.b().pair().promote_force(w.b().clock()).ok());
  CHECK(w.b().pair().set_maintenance(false, w.b().clock()).ok());
  REQUIRE(w.run_until([&] { return w.b().active(); }, 15'000));
  w.a().boot();
  w.settle();
  w.finish();
}

TEST_CASE("a standby that reaches nobody on the LAN would not take over: neither box says protected, and why") {
  ByKeepalived w;
  const auto beats_with_reach = [&](bool standby_reaches) {
    for (int i = 0; i < 60; ++i) {
      w.nodes[0]->pair().on_reach(true, w.clock(0));
      w.nodes[1]->pair().on_reach(standby_reaches, w.clock(1));
      w.run(50);
    }
  };
  beats_with_reach(true);
  CHECK(w.nodes[0]->pair().status(w.clock(0)).is_protected);
  beats_with_reach(false);
  for (int i = 0; i < 2; ++i) {
    const tandem::mirror::PairStatus status = w.nodes[static_cast<std::size_t>(i)]->pair().status(w.clock(i));
    CHECK_FALSE(status.is_protected);
    CHECK(status.why.find("would not take over") != std::string::npos);
    CHECK(status.hint.find("LAN cable") != std::string::npos);
  }
  CHECK_FALSE(w.nodes[0]->pair().switchover(true, w.clock(0)).ok());
  beats_with_reach(true);
  for (int i = 0; i < 2; ++i) {
    CHECK(w.nodes[static_cast<std::size_t>(i)]->pair().status(w.clock(i)).is_protected);
  }
}

TEST_CASE("maintenance: told MASTER by keepalived it does not serve, and is worth nothing") {
  ByKeepalived w;
  CHECK(w.nodes[1]->pair().set_maintenance(true, w.clock(1)).ok());
  CHECK(w.weight(1) == -254);
  w.nodes[0]->crash();
  w.nodes[1]->set_word(Word::master);
  w.run(5'000);
  CHECK_FALSE(w.nodes[1]->active());
}
