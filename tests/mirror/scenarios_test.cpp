// Named cases of docs/roles.md, each played by two Pairs; those of two logs are in logs_test.cpp.
#include "started.hpp"

using sim::SimNode;
using sim::Started;
using sim::World;
using tandem::Lsn;

namespace {

// Active alone, without its memory tail, its log trimmed to its last checkpoint.
void restart_and_trim(SimNode& node, World& w) {
  node.crash();
  node.boot();
  REQUIRE(w.run_until([&] { return node.active(); }, 5'000));
  w.run(3'000);
  node.take_checkpoint(true);
}

}  // namespace

TEST_CASE("two EMPTY nodes become one mirrored pair, the lower name ACTIVE, clean") {
  Started w;
  CHECK(w.a().active());
  CHECK_FALSE(w.a().activated_unclean());
  CHECK_FALSE(w.b().active());
  w.run(2'000);
  CHECK(w.acked.size() > 100);
  w.finish();
}

TEST_CASE("P1: the active is killed, the standby takes over within after_ms and a few beats, clean") {
  Started w;
  w.run(1'000);
  const std::int64_t killed = w.now;
  w.a().crash();
  REQUIRE(w.run_until([&] { return w.b().active(); }, 500));
  CHECK(w.now - killed <= 400);
  CHECK_FALSE(w.b().activated_unclean());
  const std::size_t before = w.acked.size();
  w.run(300);
  CHECK(w.acked.size() > before);  // acknowledges alone at once: an ACTIVE peer holds no lease
  w.a().boot();
  w.settle();
  CHECK(w.b().active());
  CHECK(w.a().images_loaded() == 0);  // by delta
  w.run(500);
  w.b().crash();  // and back
  REQUIRE(w.run_until([&] { return w.a().active(); }, 500));
  CHECK_FALSE(w.a().activated_unclean());
  w.b().boot();
  w.settle();
  w.finish();
}

TEST_CASE("the standby is killed: acks stop until T_solo, waived when it is back, then delta") {
  Started w;
  w.run(500);
  w.b().crash();
  w.run(300);
  const std::size_t frozen = w.acked.size();
  w.run(1'000);
  CHECK(w.acked.size() == frozen);
  CHECK(w.a().pair().mode() == tandem::mirror::Mode::solo_wait);
  w.run(2'000);
  CHECK(w.acked.size() > frozen);
  CHECK(w.a().pair().mode() == tandem::mirror::Mode::solo);
  CHECK(w.a().pair().status(w.a().clock()).acked_alone > 0);
  w.b().boot();
  w.settle();
  CHECK(w.b().images_loaded() == 0);
  CHECK(w.a().pair().status(w.a().clock()).acked_alone == 0);
  w.b().crash();
  w.run(400);
  const std::size_t frozen_again = w.acked.size();
  w.b().boot();
  w.run(600);
  CHECK(w.acked.size() > frozen_again);  // its HELLO says that it holds no lease
  w.settle();
  w.finish();
}

TEST_CASE("records acknowledged alone are counted; after a restart the count is an upper bound and says so") {
  const auto status = [](SimNode& node) { return node.pair().status(node.clock()); };
  Started w;
  w.run(500);
  w.b().crash();
  w.run(4'000);
  const std::uint64_t counted = status(w.a()).acked_alone;
  CHECK(counted > 0);
  CHECK_FALSE(status(w.a()).acked_alone_at_most);
  w.a().crash();
  w.a().boot();
  CHECK(status(w.a()).acked_alone >= counted);
  CHECK(status(w.a()).acked_alone_at_most);
  w.run(8'000);
  CHECK(w.a().active());
  CHECK(status(w.a()).why.find(" At most ") != std::string::npos);
  w.b().boot();
  w.settle();
  CHECK(status(w.a()).acked_alone == 0);
  CHECK_FALSE(status(w.a()).acked_alone_at_most);
  w.finish();
}

TEST_CASE("durability peer_disk: both killed at any moment, everything acknowledged is there") {
  sim::Options o;
  o.durability = tandem::mirror::Durability::peer_disk;
  Started w(o);
  for (int i = 0; i < 5; ++i) {
    w.run(700 + 13 * i);
    w.a().crash();
    w.b().crash();
    w.a().boot();
    w.b().boot();
    w.settle();
    for (const std::uint64_t id : w.acked) CHECK(w.active()->serves(id));
  }
  w.finish();
}

TEST_CASE("P4: a restarted node without its peer waits T_boot, then promotes UNCLEAN; the peer's return cleans it") {
  Started w;
  w.run(500);
  w.a().crash();
  w.b().crash();
  w.a().boot();
  w.run(2'500);
  CHECK_FALSE(w.a().active());
  REQUIRE(w.run_until([&] { return w.a().active(); }, 1'500));
  CHECK(w.a().activated_unclean());
  w.run(1'000);
  w.b().boot();
  w.settle();
  CHECK_FALSE(w.active()->pair().status(w.active()->clock()).self.unclean);
  w.finish();
}

TEST_CASE("policy wait: UNSURE stays, an operator forces it") {
  sim::Options o;
  o.promote_when_unsure = false;
  Started w(o);
  w.run(500);
  w.a().crash();
  w.b().crash();
  w.a().boot();
  w.run(10'000);
  CHECK_FALSE(w.a().active());
  CHECK_FALSE(w.a().pair().status(w.a().clock()).hint.empty());
  CHECK(w.a().pair().promote_force(w.a().clock()).ok());
  REQUIRE(w.run_until([&] { return w.a().active(); }, 100));
  CHECK(w.a().activated_unclean());
  w.run(500);
  w.b().boot();
  w.settle();
  w.finish();
}

TEST_CASE("A0: a paused active acknowledges nothing after it resumes, the standby serves") {
  Started w;
  w.run(500);
  w.a().pause();
  REQUIRE(w.run_until([&] { return w.b().active(); }, 500));
  w.run(4'500);
  w.a().resume();
  w.run(2);
  CHECK_FALSE(w.a().active());
  w.settle();
  CHECK(w.b().active());
  CHECK(w.reported.empty());  // nothing that was acknowledged had to be set aside
  w.finish();
}

TEST_CASE("A0: a pause without a standby: it serves again by itself, marked UNCLEAN") {
  Started w;
  w.b().crash();
  w.run(4'000);
  w.a().pause();
  w.run(1'000);
  w.a().resume();
  REQUIRE(w.run_until([&] { return !w.a().active(); }, 10));
  REQUIRE(w.run_until([&] { return w.a().active(); }, 1'000));
  w.b().boot();
  w.settle();
  w.finish();
}

TEST_CASE("L0: a short cut of the link resumes the stream, no role change") {
  Started w;
  w.run(500);
  w.cut_all(true);
  w.run(200);
  w.cut_all(false);
  w.settle();
  CHECK(w.a().active());
  CHECK(w.a().activations() == 1);
  CHECK(w.b().told().find("brought up to date again") == std::string::npos);
  w.run(500);
  w.finish();
}

TEST_CASE("two paths: one is cut, no acknowledgement waits long, no role change") {
  sim::Options o;
  o.paths = 2;
  Started w(o);
  w.run(500);
  w.cut(0, 0, true);
  w.cut(1, 0, true);
  const std::size_t before = w.acked.size();
  w.run(300);
  CHECK(w.acked.size() > before + 10);
  CHECK(w.a().active());
  CHECK(w.settled());
  CHECK_FALSE(w.a().pair().status(w.a().clock()).path_up[0]);
  w.cut(0, 0, false);
  w.cut(1, 0, false);
  w.run(300);
  CHECK(w.a().pair().status(w.a().clock()).path_up[0]);
  w.finish();
}

TEST_CASE("an image is fetched when the log no longer goes back far enough") {
  Started w;
  w.run(500);
  w.b().crash();
  w.run(3'000);
  restart_and_trim(w.a(), w);
  w.b().boot();
  w.settle();
  CHECK(w.b().images_loaded() == 1);
  w.run(300);
  w.finish();
}

TEST_CASE("a crash while the image loads leaves STALE; alone it refuses to serve, with the peer it starts over") {
  Started w;
  w.run(3'000);
  w.b().crash();
  w.run(3'000);
  restart_and_trim(w.a(), w);
  w.b().boot();
  REQUIRE(w.run_until([&] { return w.b().wipes() == 1; }, 5'000));
  w.run(15);
  CHECK(w.b().images_loaded() == 0);
  w.b().crash();
  w.a().crash();
  w.b().boot();
  w.run(8'000);
  CHECK_FALSE(w.b().active());
  CHECK(w.b().pair().mode() == tandem::mirror::Mode::stale);
  w.a().boot();
  w.settle();
  CHECK(w.a().active());
  w.finish();
}

TEST_CASE("a replaced disk never takes over from the one with data") {
  Started w;
  w.run(500);
  w.a().crash();
  w.b().crash();
  w.a().replace_disk();
  w.a().boot();
  w.run(6'000);
  CHECK_FALSE(w.a().active());
  CHECK_FALSE(w.a().pair().promote_force(w.a().clock()).ok());
  w.b().boot();
  w.settle();
  CHECK(w.b().active());
  w.finish();
}

TEST_CASE("promote --first: an EMPTY node alone, UNCLEAN; refused beside a peer with data") {
  World w({});
  w.nodes[0]->boot();
  w.run(6'000);
  CHECK_FALSE(w.nodes[0]->active());
  CHECK(w.nodes[0]->pair().promote_first(w.nodes[0]->clock()).ok());
  REQUIRE(w.run_until([&] { return w.nodes[0]->active(); }, 100));
  CHECK(w.nodes[0]->activated_unclean());
  w.run(500);
  w.nodes[1]->boot();
  w.run(120);
  CHECK_FALSE(w.nodes[1]->pair().promote_first(w.nodes[1]->clock()).ok());
  REQUIRE(w.run_until([&] { return w.settled(); }, 10'000));
  CHECK(w.violations.empty());
}

TEST_CASE("RELEASE: an orderly stop of the standby costs no wait") {
  Started w;
  w.run(500);
  w.b().pair().stop(w.b().clock());
  w.run(10);
  w.b().crash();
  const std::size_t before = w.acked.size();
  w.run(300);
  CHECK(w.acked.size() > before);
  CHECK(w.a().pair().mode() == tandem::mirror::Mode::solo);
  w.b().boot();
  w.settle();
  w.finish();
}

TEST_CASE("an orderly stop of the active: the standby takes over at once") {
  Started w;
  w.run(500);
  const std::int64_t stopped = w.now;
  w.a().pair().stop(w.a().clock());
  REQUIRE(w.run_until([&] { return w.b().active(); }, 300));
  CHECK(w.now - stopped < 150);
  CHECK_FALSE(w.b().activated_unclean());
  w.a().crash();
  w.a().boot();
  w.settle();
  w.finish();
}

TEST_CASE("a slow standby first slows publishers, then is let go, and catches up later") {
  Started w;
  w.run(500);
  w.b().appended_delay_ms = 4'000;
  REQUIRE(w.run_until([&] { return w.a().pair().slow_publishers(); }, 1'000));
  REQUIRE(w.run_until([&] { return w.a().pair().mode() == tandem::mirror::Mode::solo; }, 5'000));
  w.b().appended_delay_ms = 0;
  w.settle();
  w.finish();
}

TEST_CASE("solo = refuse: without a standby nothing is acknowledged") {
  sim::Options o;
  o.solo_allowed = false;
  Started w(o);
  w.b().crash();
  w.run(4'000);
  const std::size_t before = w.acked.size();
  w.run(2'000);
  CHECK(w.acked.size() == before);
  w.b().boot();
  w.settle();
  w.run(200);
  CHECK(w.acked.size() > before);
  w.finish();
}

TEST_CASE("resync: a standby throws its copy away and fetches it again") {
  Started w;
  w.run(500);
  w.a().take_checkpoint(false);
  CHECK(w.b().pair().resync(w.b().clock()).ok());
  w.settle();
  CHECK(w.b().images_loaded() == 1);
  w.finish();
}

TEST_CASE("arbiter keepalived: words change hands, P0 keeps a second MASTER a standby") {
  sim::Options o;
  o.heartbeat = false;
  World w(o);
  w.nodes[0]->boot();
  w.nodes[1]->boot();
  w.nodes[1]->set_word(tandem::mirror::Word::master);
  REQUIRE(w.run_until([&] { return w.settled(); }, 5'000));
  CHECK(w.nodes[1]->active());
  w.nodes[0]->set_word(tandem::mirror::Word::master);
  w.run(1'000);
  CHECK_FALSE(w.nodes[0]->active());
  w.nodes[1]->set_word(tandem::mirror::Word::backup);
  REQUIRE(w.run_until([&] { return w.nodes[0]->active(); }, 1'000));
  CHECK_FALSE(w.nodes[0]->activated_unclean());
  REQUIRE(w.run_until([&] { return w.settled(); }, 5'000));
  CHECK(w.violations.empty());
}

TEST_CASE("frames of an earlier life of the peer change nothing") {
  Started w;
  w.run(300);
  std::vector<tandem::ByteBuffer> old;
  w.spy = [&](int from, std::size_t, const tandem::ByteBuffer& frame) {
    if (from == 1) old.push_back(frame);
  };
  w.run(500);
  w.b().crash();
  w.spy = nullptr;
  w.run(3'000);  // the active serves alone
  CHECK(w.a().pair().mode() == tandem::mirror::Mode::solo);
  w.b().boot();
  w.settle();
  const tandem::Lsn safe = w.a().pair().safe();
  w.b().pause();
  w.run(5);
  for (const tandem::ByteBuffer& frame : old) w.a().deliver(0, frame);
  w.run(100);
  CHECK(w.a().pair().safe().value - safe.value < 60);  // what was confirmed before the pause, and no more
  CHECK(w.a().told().find("Linked with boxb", w.a().told().rfind("in sync")) == std::string::npos);
  w.b().resume();
  w.settle();
  w.finish();
}

TEST_CASE("S1: from S1 to S4 nothing is acknowledged, neither alone nor for the standby") {
  Started w;
  w.b().crash();
  w.run(4'000);
  w.b().slower_disk_ms = 250;
  w.b().boot();
  const auto mode = [&] { return w.a().pair().mode(); };
  REQUIRE(w.run_until([&] { return mode() == tandem::mirror::Mode::mirrored; }, 10'000));
  CHECK_FALSE(w.settled());
  const Lsn safe = w.a().pair().safe();
  w.run(100);
  CHECK(w.a().last().value > safe.value);
  REQUIRE_FALSE(w.settled());  // S3 is still being written
  CHECK(w.a().pair().safe() == safe);
  w.settle();
  w.b().slower_disk_ms = 0;
  w.finish();
}

TEST_CASE("A4: told BACKUP nothing is acknowledged, not even after an operator's promotion") {
  sim::Options o;
  o.heartbeat = false;
  o.promote_when_unsure = false;
  World w(o);
  w.nodes[0]->set_word(tandem::mirror::Word::master);
  w.nodes[0]->boot();
  w.nodes[1]->boot();
  REQUIRE(w.run_until([&] { return w.settled(); }, 5'000));
  w.nodes[0]->crash();
  w.nodes[1]->crash();
  w.nodes[1]->boot();
  w.run(4'000);
  const std::size_t before = w.acked.size();
  REQUIRE(w.nodes[1]->pair().promote_force(w.nodes[1]->clock()).ok());
  w.run(2'000);
  CHECK(w.nodes[1]->active());
  CHECK(w.acked.size() == before);
  w.nodes[1]->set_word(tandem::mirror::Word::master);
  w.run(300);
  CHECK(w.acked.size() > before);
  CHECK(w.violations.empty());
}
