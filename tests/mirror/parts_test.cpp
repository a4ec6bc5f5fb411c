// The parts of a Pair, each alone.
#include "doctest.hpp"

#include <fstream>
#include <random>
#include <sstream>

#include "mirror/heartbeat.hpp"
#include "mirror/history.hpp"
#include "mirror/lease.hpp"
#include "mirror/receiver.hpp"
#include "mirror/role.hpp"
#include "mirror/send_window.hpp"
#include "mirror/sender.hpp"
#include "mirror/stream.hpp"

using namespace tandem;
using namespace tandem::mirror;

namespace {

Epoch epoch(std::uint64_t number, const char* node = "a") {
  return Epoch{number, node_id_from_name(node), 1};
}

History history(std::initializer_list<HistoryEntry> entries) {
  History h;
  for (const HistoryEntry& entry : entries) h.append(entry.epoch, entry.first, entry.unclean);
  return h;
}

Batch batch(std::uint64_t first, std::uint32_t count = 1, std::size_t bytes = 100) {
  return Batch{Lsn{first}, count, epoch(1), {}, std::make_shared<const ByteBuffer>(bytes, 'x')};
}

std::vector<std::uint64_t> sendable(Sender& sender, std::int64_t now_ms) {
  std::vector<Batch> out;
  sender.take_sendable(Steady{now_ms}, out);
  std::vector<std::uint64_t> firsts;
  for (const Batch& one : out) firsts.push_back(one.first.value);
  return firsts;
}

using Firsts = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("send window: room is bounded in bytes, and in frames however small they are") {
  constexpr std::size_t most_bytes = limits::mib;
  SendWindow bytes;
  bytes.add(ByteBuffer(most_bytes - 1, 'x'));
  CHECK(bytes.has_room(most_bytes));
  bytes.add("x");
  CHECK_FALSE(bytes.has_room(most_bytes));
  CHECK(bytes.on_ack(1, 1) == 1);
  CHECK(bytes.has_room(most_bytes));

  SendWindow frames;
  for (std::size_t i = 0; i < limits::window_frames; ++i) {
    REQUIRE(frames.has_room(most_bytes));
    frames.add("");
  }
  CHECK_FALSE(frames.has_room(most_bytes));
  CHECK(frames.on_ack(limits::window_frames, 0) == 0);  // received, but not worked off
  CHECK_FALSE(frames.has_room(most_bytes));
  CHECK(frames.on_ack(limits::window_frames, 1) == 1);
  CHECK(frames.has_room(most_bytes));
}

TEST_CASE("common point: same reigns share a prefix, a fork ends it") {
  const History one = history({{epoch(1), Lsn{1}, false}});
  CHECK(common_point(one, Lsn{10}, one, Lsn{7}) == Lsn{7});
  const History two = history({{epoch(1), Lsn{1}, false}, {epoch(2, "b"), Lsn{8}, false}});
  CHECK(common_point(one, Lsn{10}, two, Lsn{20}) == Lsn{7});
  CHECK(common_point(two, Lsn{20}, one, Lsn{10}) == Lsn{7});
  CHECK(common_point(two, Lsn{7}, one, Lsn{10}) == Lsn{7});
  const History fork = history({{epoch(1), Lsn{1}, false}, {epoch(3), Lsn{6}, true}});
  CHECK(common_point(two, Lsn{20}, fork, Lsn{30}) == Lsn{5});
  CHECK(common_point(History(), Lsn{}, two, Lsn{20}) == Lsn{});
  CHECK(common_point(history({{epoch(9), Lsn{1}, false}}), Lsn{5}, two, Lsn{20}) == Lsn{});
}

TEST_CASE("common point: a reign without a record does not count") {
  const History left = history({{epoch(1), Lsn{1}, false}, {epoch(4), Lsn{11}, false}});
  const History right = history({{epoch(1), Lsn{1}, false}, {epoch(4), Lsn{11}, false}});
  CHECK(common_point(left, Lsn{10}, right, Lsn{15}) == Lsn{10});
}

TEST_CASE("history: where an epoch's records end") {
  const History h = history({{epoch(1), Lsn{1}, false}, {epoch(2, "b"), Lsn{8}, false}});
  CHECK(h.end_of(epoch(1), Lsn{20}) == Lsn{7});
  CHECK(h.end_of(epoch(1), Lsn{5}) == Lsn{5});
  CHECK(h.end_of(epoch(2, "b"), Lsn{20}) == Lsn{20});
  CHECK(h.end_of(epoch(2, "b"), Lsn{7}) == Lsn{7});  // a reign without a record
  CHECK_FALSE(h.end_of(epoch(3), Lsn{20}).has_value());
}

TEST_CASE("history: cut and replace, bounded") {
  History h = history({{epoch(1), Lsn{1}, false}, {epoch(2), Lsn{11}, false}});
  h.cut(Lsn{10});
  CHECK(h.entries().size() == 1);
  h.append(epoch(3), Lsn{1}, false);
  CHECK(h.entries().size() == 1);
  CHECK(h.epoch_at(Lsn{5}) == epoch(3));
  for (std::uint64_t i = 0; i < 1'000; ++i) h.append(epoch(10 + i), Lsn{100 + i}, false);
  CHECK(h.entries().size() == History::max_entries);
}

TEST_CASE("R1: the lease counts from the send time of the last ECHOED confirm") {
  Lease lease(2'000);
  const std::uint64_t first = lease.number_confirm(Steady{1'000});
  lease.number_confirm(Steady{1'500});
  CHECK_FALSE(lease.valid(Steady{1'500}));  // sent is not echoed
  lease.echoed(first);
  CHECK(lease.valid(Steady{2'999}));
  CHECK_FALSE(lease.valid(Steady{3'000}));
  lease.echoed(99);  // never sent
  CHECK_FALSE(lease.valid(Steady{3'000}));
}

TEST_CASE("R13: after RELEASE echoes of earlier confirms renew nothing") {
  Lease lease(2'000);
  const std::uint64_t before = lease.number_confirm(Steady{1'000});
  lease.echoed(before);
  CHECK(lease.valid(Steady{1'001}));
  lease.drop();
  CHECK_FALSE(lease.valid(Steady{1'001}));
  lease.echoed(before);
  CHECK_FALSE(lease.valid(Steady{1'001}));
  lease.echoed(lease.number_confirm(Steady{1'100}));
  CHECK(lease.valid(Steady{1'101}));
}

TEST_CASE("the lease never counts from later than the echoed confirm, at any rate of confirms") {
  std::mt19937_64 rng(1);
  Lease lease(2'000);
  std::vector<std::int64_t> sent_at(1, 0);
  std::int64_t now = 0;
  for (int i = 0; i < 20'000; ++i) {
    now += static_cast<std::int64_t>(rng() % 3);
    REQUIRE(lease.number_confirm(Steady{now}) == sent_at.size());
    sent_at.push_back(now);
    const std::uint64_t echo = sent_at.size() - 1 - rng() % std::min<std::size_t>(sent_at.size() - 1, 500);
    lease.echoed(echo);
    CHECK_FALSE(lease.valid(Steady{now + 2'000}));
  }
}

TEST_CASE("T_solo: counts from process start, restarted by a confirm, waived by the peer's word") {
  SoloWait wait(2'500, Steady{100});
  CHECK_FALSE(wait.over(Steady{2'600}));
  CHECK(wait.over(Steady{2'601}));
  wait.restart(Steady{3'000});
  CHECK_FALSE(wait.over(Steady{5'500}));
  wait.waive();
  CHECK(wait.over(Steady{3'001}));
  wait.restart(Steady{3'002});  // the next confirm ends the waiver
  CHECK_FALSE(wait.over(Steady{3'003}));
}

TEST_CASE("stream: two ends meet, an earlier life is ignored for ever") {
  Stream a(1);
  Stream b(2);
  CHECK(a.on_hello(b.own(), {}) == Stream::Change::none);
  CHECK(b.on_hello(a.own(), a.peer()) == Stream::Change::went_up);
  CHECK(a.on_hello(b.own(), b.peer()) == Stream::Change::went_up);
  CHECK(a.accepts(b.own(), a.own()));
  CHECK_FALSE(a.accepts(b.own(), StreamEnd{1, 7}));
  const StreamEnd old = b.own();
  Stream again(3);  // b restarts
  CHECK(a.on_hello(again.own(), {}) == Stream::Change::none);
  CHECK(a.up());  // not proven alive yet
  CHECK(again.on_hello(a.own(), again.own()) == Stream::Change::went_up);
  // The old life could have said this as well: it is proven by a name that the old one never heard.
  CHECK(a.on_hello(again.own(), again.peer()) == Stream::Change::went_down);
  CHECK(again.on_hello(a.own(), again.own()) == Stream::Change::went_up);
  CHECK(a.on_hello(again.own(), again.peer()) == Stream::Change::went_up);
  CHECK(a.on_hello(old, a.own()) == Stream::Change::ignored);
  CHECK_FALSE(a.accepts(old, a.own()));
}

TEST_CASE("stream: a late HELLO of a dead process does not shut out the living one") {
  Stream a(1);
  Stream dead(2);
  Stream living(3);
  a.on_hello(dead.own(), {});
  dead.on_hello(a.own(), dead.own());
  const StreamEnd late_from = dead.own();
  const StreamEnd late_echo = dead.peer();  // sent on a path that stalls
  a.on_hello(living.own(), {});
  living.on_hello(a.own(), living.own());
  CHECK(a.on_hello(living.own(), living.peer()) == Stream::Change::went_up);
  CHECK(a.on_hello(late_from, late_echo) == Stream::Change::went_down);
  living.on_hello(a.own(), living.own());
  CHECK(a.on_hello(living.own(), living.peer()) == Stream::Change::went_up);
  CHECK(a.up());
}

// Found by tests/sim: the living one was taken for dead then, for ever.
TEST_CASE("stream: a peer that begins anew is not mixed up with an earlier life that knew the same name") {
  Stream a(1);
  const StreamEnd known = a.own();
  const StreamEnd dead{2, 1};  // heard that name, answered on a path that stalls, and died
  REQUIRE(a.on_hello(StreamEnd{3, 1}, known) == Stream::Change::went_up);
  REQUIRE(a.on_hello(StreamEnd{3, 2}, {}) == Stream::Change::went_down);
  CHECK(a.on_hello(dead, known) != Stream::Change::went_up);
  CHECK_FALSE(a.up());
  CHECK(a.on_hello(StreamEnd{3, 2}, a.own()) == Stream::Change::went_up);
}

// Found by tests/sim: it ended the stream, and its "no lease" let the active acknowledge alone beside a SURE standby.
TEST_CASE("stream: an older stream of the peer's life is ignored, whatever other lives were heard meanwhile") {
  Stream stream(1);
  const StreamEnd dead{2, 1};
  const StreamEnd older{3, 1};
  const StreamEnd now{3, 2};
  REQUIRE(stream.on_hello(now, stream.own()) == Stream::Change::went_up);
  CHECK(stream.on_hello(dead, {}) == Stream::Change::none);
  CHECK(stream.on_hello(older, stream.own()) == Stream::Change::ignored);
  CHECK(stream.on_hello(older, {}) == Stream::Change::ignored);
  CHECK(stream.up());
  CHECK(stream.peer() == now);
}

TEST_CASE("stream: a side that leaves has another name afterwards") {
  Stream a(1);
  Stream b(2);
  a.on_hello(b.own(), {});
  b.on_hello(a.own(), a.peer());
  a.on_hello(b.own(), b.peer());
  const StreamEnd before = b.own();
  b.leave();
  CHECK(a.on_hello(b.own(), {}) == Stream::Change::went_down);
  CHECK(a.on_hello(before, a.own()) == Stream::Change::ignored);  // stale
  CHECK(b.on_hello(a.own(), a.peer()) == Stream::Change::went_up);
  CHECK(a.on_hello(b.own(), b.peer()) == Stream::Change::went_up);
}

TEST_CASE("sender: in order, cumulative confirms, a gap rewinds") {
  Sender sender;
  sender.reset(Lsn{10});
  for (std::uint64_t lsn = 11; lsn <= 15; ++lsn) sender.push(batch(lsn), Steady{0});
  CHECK(sendable(sender, 0).empty());
  CHECK(sender.covers(Lsn{12}));
  CHECK_FALSE(sender.covers(Lsn{9}));
  sender.start(Lsn{12});
  CHECK(sendable(sender, 0) == Firsts{13, 14, 15});
  CHECK(sendable(sender, 1).empty());
  sender.on_confirm(Lsn{13}, true, Steady{20});
  CHECK(sendable(sender, 20) == Firsts{14, 15});
  sender.on_confirm(Lsn{15}, false, Steady{21});
  CHECK(sender.unconfirmed_bytes() == 0);
  CHECK(sender.oldest_wait_ms(Steady{500}) == 0);
}

TEST_CASE("sender: 75 ms unconfirmed goes out again, all on another path, the head on the same") {
  Sender sender;
  sender.reset(Lsn{});
  sender.start(Lsn{});
  for (std::uint64_t lsn = 1; lsn <= 8; ++lsn) sender.push(batch(lsn, 1, 100'000), Steady{0});
  CHECK(sendable(sender, 0).size() == 8);
  std::vector<Batch> head;
  CHECK_FALSE(sender.resend_due(Steady{74}, true, head));
  CHECK(sender.resend_due(Steady{75}, true, head));
  CHECK(head.empty());
  CHECK(sendable(sender, 75).size() == 8);
  CHECK_FALSE(sender.resend_due(Steady{200}, false, head));  // twice as patient
  CHECK(sender.resend_due(Steady{225}, false, head));
  CHECK(head.size() == 3);
  CHECK(sendable(sender, 225).empty());
}

TEST_CASE("sender: never more in flight than the limit, all of it in the end") {
  Sender sender;
  sender.reset(Lsn{});
  sender.start(Lsn{});
  constexpr std::uint64_t count = 400;
  for (std::uint64_t lsn = 1; lsn <= count; ++lsn) sender.push(batch(lsn, 1, 64 * limits::kib), Steady{0});
  std::uint64_t confirmed = 0;
  while (confirmed < count) {
    const Firsts sent = sendable(sender, 0);
    REQUIRE_FALSE(sent.empty());
    CHECK(sent.size() * 64 * limits::kib <= limits::in_flight_bytes + 64 * limits::kib);
    CHECK(sent.front() == confirmed + 1);
    confirmed = sent.back();
    sender.on_confirm(Lsn{confirmed}, false, Steady{1});
  }
}

TEST_CASE("sender: the tail keeps what is not durable or not confirmed, and little else") {
  Sender sender;
  sender.reset(Lsn{});
  for (std::uint64_t lsn = 1; lsn <= 200; ++lsn) sender.push(batch(lsn, 1, 64 * limits::kib), Steady{0});
  CHECK(sender.covers(Lsn{0}));  // nothing durable yet
  sender.on_durable(Lsn{200});
  CHECK_FALSE(sender.covers(Lsn{100}));
  CHECK(sender.covers(Lsn{150}));
  sender.start(Lsn{150});
  for (std::uint64_t lsn = 201; lsn <= 400; ++lsn) sender.push(batch(lsn, 1, 64 * limits::kib), Steady{0});
  sender.on_durable(Lsn{400});
  CHECK(sender.covers(Lsn{150}));  // unconfirmed
  sender.on_confirm(Lsn{400}, false, Steady{1});
  CHECK_FALSE(sender.covers(Lsn{300}));
}

TEST_CASE("receiver: only what continues the log, of the epoch that belongs there") {
  CHECK(judge(batch(11), Lsn{10}, epoch(1)) == Verdict::apply);
  CHECK(judge(batch(10), Lsn{10}, epoch(1)) == Verdict::duplicate);
  CHECK(judge(batch(12), Lsn{10}, epoch(1)) == Verdict::gap);
  CHECK(judge(batch(10, 2), Lsn{10}, epoch(1)) == Verdict::foreign);
  CHECK(judge(batch(11), Lsn{10}, epoch(2)) == Verdict::foreign);
}

TEST_CASE("words of the heartbeat arbiter: (a) silence, (b) rank, (c) both ACTIVE") {
  PairOptions options;
  options.paths = 2;
  Heartbeat beats(options, Steady{0});
  Rank self{false, false, false, false, epoch(3), Lsn{10}, "a"};
  Rank peer{false, false, false, false, epoch(3), Lsn{10}, "b"};
  CHECK(beats.word(self, nullptr) == Word::backup);  // just started
  CHECK(beats.word(self, &peer) == Word::master);    // lower name
  peer.lsn = Lsn{11};
  CHECK(beats.word(self, &peer) == Word::backup);
  peer.stale = true;
  CHECK(beats.word(self, &peer) == Word::master);
  self.empty = true;
  CHECK(beats.word(self, &peer) == Word::backup);
  peer.active = true;
  self = Rank{true, false, false, false, epoch(4), Lsn{10}, "a"};
  CHECK(beats.word(self, &peer) == Word::master);  // (c)
  self.epoch = epoch(2);
  CHECK(beats.word(self, &peer) == Word::backup);
  for (int tick = 1; tick <= 6; ++tick) beats.on_tick(Steady{tick * 50});
  CHECK(beats.silent());
  CHECK(beats.word(self, &peer) == Word::master);  // (a)
  beats.heard(1);
  CHECK_FALSE(beats.silent());
  CHECK(beats.path_up(1));
  CHECK_FALSE(beats.path_up(0));
}

TEST_CASE("A0: a gap between turns sets BACKUP until after_ms of own ticks, and our pause is not the peer's silence") {
  PairOptions options;
  options.paths = 1;
  Heartbeat beats(options, Steady{0});
  CHECK_FALSE(beats.on_turn(Steady{300}));
  CHECK(beats.on_turn(Steady{601}));
  CHECK(beats.guarded());
  for (int i = 0; i < 20; ++i) beats.on_tick(Steady{601});  // made up ticks do not count
  CHECK(beats.guarded());
  CHECK_FALSE(beats.silent());
  beats.heard(0);  // one heartbeat does not end the guard: it may be an old one
  CHECK(beats.guarded());
  for (int i = 1; i <= 6; ++i) beats.on_tick(Steady{601 + i * 50});
  CHECK_FALSE(beats.guarded());
}

TEST_CASE("the role table has a row for every state and all facts, and says why in whole sentences") {
  std::mt19937_64 rng(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t bits = rng();
    RoleFacts f;
    bool* const flags[] = {&f.guard,
                           &f.master,
                           &f.stopping,
                           &f.operator_grace,
                           &f.maintenance,
                           &f.switched_over,
                           &f.linked,
                           &f.peer_active,
                           &f.peer_promoting,
                           &f.peer_master,
                           &f.peer_empty,
                           &f.peer_epoch_higher,
                           &f.peer_epoch_lower,
                           &f.store_busy,
                           &f.boot_wait_over,
                           &f.peer_served_lately,
                           &f.promote_when_unsure,
                           &f.single,
                           &f.mirror_lost,
                           &f.joining,
                           &f.solo_wait_over};
    for (std::size_t n = 0; n < std::size(flags); ++n) *flags[n] = (bits >> n & 1) != 0;
    const auto state = static_cast<RoleState>(rng() % 8);
    const RoleRow& row = decide_role(state, f);
    CHECK(row.sentence.back() == '.');
    CHECK((row.hint.empty() || row.hint.back() == '.' || row.hint.back() == '?'));
    const bool promotes = row.action == RoleAction::promote_clean || row.action == RoleAction::promote_unclean;
    if (promotes && !f.single) {
      CHECK(f.master);
      CHECK_FALSE(f.guard);
      CHECK_FALSE(f.maintenance);
      CHECK_FALSE((f.linked && f.peer_active && f.peer_master));  // P0
      CHECK((state == RoleState::sure || row.action == RoleAction::promote_unclean));
    }
    if (state == RoleState::empty && !f.single) CHECK_FALSE(promotes);
    if (state == RoleState::stale) CHECK_FALSE(promotes);
  }
}

TEST_CASE("docs/roles.md shows the role table as it is") {
  std::ifstream file(TANDEM_DOCS_DIR "/roles.md");
  std::stringstream text;
  text << file.rdbuf();
  const bool same = text.str().find(role_table_markdown()) != std::string::npos;
  if (!same) MESSAGE("docs/roles.md must contain:\n" << role_table_markdown());
  CHECK(same);
}
