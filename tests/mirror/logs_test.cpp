// Named cases of docs/roles.md in which two logs meet: MERGE, RECONCILE, STALE, what of a log is kept. Two Pairs play.
#include "started.hpp"

#include "mirror/history.hpp"

using sim::SimNode;
using sim::Started;
using sim::World;
using tandem::Lsn;

TEST_CASE("P2: both killed at once and restarted: a MERGE, clean, nothing durable lost") {
  Started w;
  w.run(1'000);
  w.a().crash();
  w.b().crash();
  w.run(100);
  SUBCASE("old active first") {
    w.a().boot();
    w.run(400);
    w.b().boot();
  }
  SUBCASE("old standby first") {
    w.b().boot();
    w.run(400);
    w.a().boot();
  }
  SUBCASE("at once") {
    w.a().boot();
    w.b().boot();
  }
  w.settle();
  CHECK_FALSE(w.active()->activated_unclean());
  w.finish();
}

TEST_CASE("a box that was away for more reigns than a history keeps is brought up to date") {
  sim::Options o;
  o.boot_wait_ms = 100;
  o.write_every_ms = 5;
  Started w(o);
  w.run(200);
  w.b().crash();
  for (std::size_t i = 0; i < tandem::mirror::History::max_entries + 10; ++i) {
    w.a().crash();
    w.a().boot();
    REQUIRE(w.run_until([&] { return w.a().active(); }, 5'000));
    w.run(20);
  }
  w.b().boot();
  w.settle();
  w.finish();
}

TEST_CASE("P4: a box that gave way after a split does not take over again because the link breaks once more") {
  sim::Options o;
  o.heartbeat = false;
  World w(o);
  for (auto& node : w.nodes) node->boot();
  SimNode& older = *w.nodes[0];
  SimNode& newer = *w.nodes[1];
  older.set_word(tandem::mirror::Word::master);
  REQUIRE(w.run_until([&] { return w.settled(); }, 5'000));
  w.cut_all(true);
  newer.set_word(tandem::mirror::Word::master);  // keepalived does not hear the other box either
  w.run(5'000);
  REQUIRE((older.active() && newer.active()));
  w.cut_all(false);
  REQUIRE(w.run_until([&] { return !older.active(); }, 5'000));
  const std::size_t activations = older.activations();
  w.cut_all(true);  // before keepalived has taken the address away
  w.run(1'500);
  w.cut_all(false);
  REQUIRE(w.run_until([&] { return w.settled(); }, 20'000));
  CHECK(older.activations() == activations);
  newer.crash();  // but it does when the other one is really gone, even while nobody is SURE
  older.crash();
  older.boot();
  REQUIRE(w.run_until([&] { return older.active(); }, 10'000));
  newer.boot();
  REQUIRE(w.run_until([&] { return w.settled(); }, 20'000));
  w.check_nothing_lost();
  CHECK(w.violations.empty());
}

TEST_CASE("a split: both serve, after the heal one wins and the other's acknowledged tail is merged (L2, R8)") {
  Started w;
  w.run(500);
  w.cut_all(true);
  w.run(6'000);
  CHECK(w.a().active());
  CHECK(w.b().active());
  w.cut_all(false);
  w.settle();
  CHECK(w.b().active());  // the higher epoch
  CHECK(w.reported.empty());
  CHECK(w.b().merged() > 100);
  CHECK(w.a().disk().aside.size() == 1);
  w.finish();
}

TEST_CASE("RECONCILE: interrupted again and again, everything is merged exactly once (R9, D_DROP)") {
  Started w;
  w.run(500);
  w.cut_all(true);
  w.run(9'000);
  REQUIRE(w.a().active());
  REQUIRE(w.b().active());
  w.b().slower_disk_ms = 10;
  w.cut_all(false);
  for (int round = 1; round <= 6; ++round) {
    const std::size_t wanted = static_cast<std::size_t>(round) * 40;
    const bool came = w.run_until([&] { return w.b().merged() >= wanted; }, 20'000);
    if (!came) MESSAGE(w.story());
    REQUIRE(came);
    CHECK(w.a().disk().aside.empty());  // not cut before all of it is confirmed
    if (round % 2 == 0) {
      w.a().crash();
      w.a().boot();
    } else {
      w.cut_all(true);
      w.run(220);  // the stream is lost, the active not yet given up
      w.cut_all(false);
    }
  }
  w.b().slower_disk_ms = 0;
  w.settle();
  CHECK(w.reported.empty());
  w.finish();  // "applied twice" would be a violation
}

TEST_CASE(
    "RECONCILE: the winner dies in the middle; the loser serves UNCLEAN with its own log, and later gets all back") {
  Started w;
  w.run(500);
  w.cut_all(true);
  w.run(6'000);
  w.b().slower_disk_ms = 10;
  w.cut_all(false);
  REQUIRE(w.run_until([&] { return w.b().merged() >= 40; }, 20'000));
  w.b().crash();
  REQUIRE(w.run_until([&] { return w.a().active(); }, 3'000));
  CHECK(w.a().activated_unclean());
  w.run(1'000);
  w.b().slower_disk_ms = 0;
  w.b().boot();
  w.settle();
  CHECK(w.a().active());
  CHECK(w.reported.empty());
  w.finish();
}

TEST_CASE("RECONCILE: reconcile = \"ask\" waits for the operator, and loses nothing meanwhile") {
  sim::Options o;
  o.reconcile_auto = false;
  Started w(o);
  w.run(500);
  w.cut_all(true);
  w.run(6'000);
  w.cut_all(false);
  REQUIRE(w.run_until([&] { return w.a().pair().pending_tail().has_value(); }, 5'000));
  w.run(10'000);
  CHECK(w.b().merged() == 0);
  CHECK(w.a().disk().aside.empty());
  CHECK(w.a().told().find("tandemctl reconcile") != std::string::npos);
  CHECK(w.a().pair().reconcile(w.a().clock()).ok());
  w.settle();
  CHECK(w.b().merged() > 100);
  CHECK_FALSE(w.a().pair().reconcile(w.a().clock()).ok());
  w.finish();
}

TEST_CASE("P2: told MASTER without the last records, it fetches them from the peer before it serves, clean") {
  sim::Options o;
  o.heartbeat = false;
  World w(o);
  SimNode& a = *w.nodes[0];
  SimNode& b = *w.nodes[1];
  a.set_word(tandem::mirror::Word::master);
  a.boot();
  b.boot();
  REQUIRE(w.run_until([&] { return w.settled(); }, 5'000));
  b.crash();
  w.run(4'000);  // a acknowledges alone
  a.crash();
  const std::set<std::uint64_t> acked = w.acked;
  a.set_word(tandem::mirror::Word::backup);
  b.set_word(tandem::mirror::Word::master);
  bool by_image = false;
  SUBCASE("by delta") {}
  SUBCASE("by image") {
    by_image = true;
  }
  a.boot();
  if (by_image) {
    b.boot();
    REQUIRE(w.run_until([&] { return b.active(); }, 1'000));
    REQUIRE(w.run_until([&] { return w.settled(); }, 5'000));
    w.run(300);
    a.crash();
    w.run(4'000);
    b.take_checkpoint(true);
    b.crash();
    b.set_word(tandem::mirror::Word::backup);
    a.set_word(tandem::mirror::Word::master);
    b.boot();
    a.boot();
    REQUIRE(w.run_until([&] { return a.active(); }, 2'000));
    CHECK(a.images_loaded() == 1);
    CHECK_FALSE(a.activated_unclean());
    for (const std::uint64_t id : w.acked) CHECK(a.serves(id));
  } else {
    b.boot();
    REQUIRE(w.run_until([&] { return b.active(); }, 1'000));
    CHECK_FALSE(b.activated_unclean());
    for (const std::uint64_t id : acked) CHECK(b.serves(id));
  }
  REQUIRE(w.run_until([&] { return w.settled(); }, 5'000));
  CHECK(w.violations.empty());
}

TEST_CASE("R7: a crash after the tail was cut leaves STALE, and alone it refuses to serve") {
  Started w;
  w.run(500);
  w.cut_all(true);
  w.run(6'000);
  REQUIRE(w.a().active());
  REQUIRE(w.b().active());
  w.cut_all(false);
  REQUIRE(w.run_until([&] { return w.a().disk().aside.size() == 1; }, 5'000));
  w.a().crash();
  w.b().crash();
  w.a().boot();
  w.run(8'000);
  CHECK_FALSE(w.a().active());
  CHECK(w.a().pair().mode() == tandem::mirror::Mode::stale);
  w.b().boot();
  w.settle();
  CHECK(w.b().active());
  w.finish();
}

TEST_CASE("R6: after a MERGE alone_from begins behind the peer's log, not behind the own one") {
  Started w;
  w.run(500);
  w.cut(0, 0, true);  // the standby gets nothing any more
  w.run(120);
  w.a().crash();
  w.b().crash();
  const Lsn peer_last = w.b().disk().last();
  REQUIRE(w.a().disk().last() > peer_last);
  w.cut(0, 0, false);
  w.a().boot();
  w.b().boot();
  REQUIRE(w.run_until([&] { return w.a().active(); }, 2'000));
  CHECK_FALSE(w.a().activated_unclean());
  CHECK(w.a().pair().status(w.a().clock()).alone_from == peer_last.next());
  w.settle();
  w.finish();
}

// Found by tests/sim: the length of a peer's log that went another way was taken for what both have.
TEST_CASE("the log is kept from the fork on, however long the peer's own branch is") {
  Started w;
  w.run(500);
  w.a().crash();  // its memory is gone: the other box has records that it lacks
  const Lsn fork = w.a().disk().last();
  REQUIRE(w.run_until([&] { return w.b().active(); }, 2'000));
  for (int from = 0; from < 2; ++from) w.cut(from, 0, true);
  w.a().boot();
  REQUIRE(w.run_until([&] { return w.a().active() && w.a().disk().last().value > fork.value + 50; }, 10'000));
  REQUIRE(w.b().last() > fork);
  w.a().crash();
  for (int from = 0; from < 2; ++from) w.cut(from, 0, false);
  w.a().boot();
  const auto heard = [&] { return w.b().pair().status(w.b().clock()).peer.lsn.value > fork.value + 50; };
  REQUIRE(w.run_until(heard, 1'000));
  REQUIRE(w.b().active());
  CHECK(w.b().pair().keep_log_from() <= fork.next());
  w.settle();
  w.finish();
}
