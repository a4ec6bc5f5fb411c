// The active's side of the one standby that joins or follows: offer, catch-up, S1, S2, S4, confirms, letting it go. A
// yielding standby serves a MERGE with the same catch-up.
#include "mirror/node.hpp"

#include <algorithm>

namespace tandem::mirror {

namespace {
constexpr std::int64_t rejoin_pause_ms = 5'000;  // after a slow standby was let go
// A link so slow that confirms take longer than sync_behind_ms: after this time a longer stop of acknowledgements is
// taken.
constexpr std::int64_t patience_ms = 1'000;
constexpr std::int64_t sync_behind_at_most_ms = limits::confirm_slow_ms / 2;
}  // namespace

void Pair::Impl::forget_follower() {
  sender.stop();
  feeder.stop(orders);
  taker.stop(orders);
  const Follower old = follower;
  follower = {};
  follower.boot = old.boot;
  follower.lowest_join = old.lowest_join;
}

// L1: the asker has dropped its lease and is not in sync; every question is a new join or a repeated one.
void Pair::Impl::on_join_ask(const JoinAsk& ask, Steady now) {
  if (role != Role::active) return;
  const std::uint64_t boot = post.stream().peer().boot;
  const bool same_life = follower.boot == boot;
  if (same_life && ask.join < follower.lowest_join) return;
  if (same_life && ask.join == follower.join) {
    if (follower.step == Follower::Step::offered) send_offer(false);
    return;
  }
  solo.waive();
  sender.stop();
  feeder.stop(orders);
  taker.stop(orders);
  follower = {};
  follower.step = Follower::Step::asked;
  follower.boot = boot;
  follower.join = follower.lowest_join = ask.join;
  follower.let_go = mirrored;  // the mirror of before is over: A2 comes next
  run_follower(now);
}

void Pair::Impl::send_offer(bool merge) {
  Offer offer;
  offer.join = follower.join;
  offer.merge = merge;
  offer.stale = local.meta.last_role == LastRole::stale;
  offer.empty = local.meta.last_role == LastRole::empty;
  offer.unclean = local.meta.unclean;
  offer.epoch = local.meta.epoch;
  offer.last = local.log_last;
  offer.alone_from = local.meta.alone_from;
  offer.history = local.meta.history;
  post.send(FrameKind::offer, offer);
}

void Pair::Impl::on_fetch(const Fetch& fetch, Steady now) {
  const bool may = follower.step == Follower::Step::offered || follower.step == Follower::Step::feeding ||
                   follower.step == Follower::Step::live;
  const bool fits = post.stream().peer().boot == follower.boot && fetch.join == follower.join;
  if (!may || !fits || fetch.number <= follower.fetch) return;
  follower.fetch = fetch.number;
  taker.stop(orders);  // all of a tail is merged before its log is cut and what follows is fetched
  sender.stop();
  if (role == Role::active && !fetch.with_rows && sender.covers(fetch.after)) {
    feeder.stop(orders);
    follower.step = Follower::Step::live;
    follower.since = now;
    sender.start(fetch.after);
    ship(now);
    return;
  }
  follower.step = Follower::Step::feeding;
  feeder.start(fetch, now, orders);
  run_feeder(now);
}

void Pair::Impl::on_chunk(CatchUpPiece&& piece, Steady now) {
  feeder.on_chunk(std::move(piece), now);
  run_feeder(now);
  step(now);
}

void Pair::Impl::run_feeder(Steady now) {
  if (follower.step != Follower::Step::feeding || !linked()) return;
  if (feeder.gap()) feeder.finish(orders);
  const bool read_enough = feeder.rows_done() && !feeder.finished();
  if (read_enough && role != Role::active && feeder.read_to() >= local.log_last) feeder.finish(orders);
  if (read_enough && role == Role::active &&
      sender.covers(feeder.read_to())) {  // the joint: the tail goes on from here
    feeder.finish(orders);
    sender.start(feeder.read_to());
    sender.pause();
  }
  feeder.pump(now, orders);
  for (const ByteBuffer* body : feeder.take_sendable(now)) post.send_encoded(FrameKind::piece, *body);
  if (!sender.following()) return;
  if (feeder.all_consumed()) {
    follower.step = Follower::Step::live;
    follower.since = now;
    sender.start(feeder.read_to());
    ship(now);
  } else if (sender.unconfirmed_bytes() > limits::in_flight_bytes) {  // the tail must not grow without bound
    sender.stop();
    feeder.go_on(feeder.fetch(), feeder.read_to(), now, orders);
  }
}

void Pair::Impl::run_follower(Steady now) {
  run_feeder(now);
  ack_tail(false);
  if (role != Role::active || !linked()) return;
  const bool serving_alone = !mirrored && solo_ok && !bumping() && word() == Word::master;
  if (!serving_alone) return;
  if (follower.step == Follower::Step::asked && (!no_offer_before || now >= *no_offer_before)) {
    no_offer_before.reset();
    follower.step = Follower::Step::offered;
    send_offer(false);
  }
  if (follower.step != Follower::Step::live) return;
  if (sender.unconfirmed_bytes() >
      limits::in_flight_bytes) {  // too slow for the live stream: read from the store again
    const Lsn from = sender.confirmed();
    sender.stop();
    follower.step = Follower::Step::feeding;
    feeder.go_on(Fetch{follower.join, follower.fetch, from, false}, from, now, orders);
    return;
  }
  const bool slow_link = now.ms - follower.since.ms > patience_ms;
  const std::int64_t behind_ms = slow_link ? sync_behind_at_most_ms : limits::sync_behind_ms;
  const bool close = sender.unconfirmed_bytes() <= limits::sync_behind_bytes && sender.oldest_wait_ms(now) <= behind_ms;
  if (close) enter_sync(now);
}

// S1, S2: MIRRORED first (no more acknowledgements alone), then the sync point is named.
void Pair::Impl::enter_sync(Steady now) {
  mirrored = true;
  solo_ok = false;
  solo_token = 0;
  solo_fsync.reset();
  solo.restart(now);
  confirmed_memory = confirmed_durable = Lsn{};
  follower.echo = 0;
  follower.sealed = follower.let_go = false;
  follower.since = now;
  follower.sync_at = local.log_last;
  follower.step = Follower::Step::syncing;
  post.send(FrameKind::sync_point, SyncPoint{follower.join, follower.sync_at});
}

void Pair::Impl::on_confirm(const Confirm& confirm, Steady now) {
  const bool fits = role == Role::active && post.stream().peer().boot == follower.boot &&
                    confirm.join == follower.join && !follower.let_go;
  if (!fits || !sender.following()) return;
  const Lsn memory = std::min(confirm.memory, local.log_last);
  if (follower.step == Follower::Step::live || follower.step == Follower::Step::syncing ||
      follower.step == Follower::Step::mirrored) {
    sender.on_confirm(memory, confirm.gap, now);
  }
  if (confirm.in_sync) on_sync_confirm(confirm.number, memory, confirm.durable, now);
  ship(now);
  run_follower(now);
  update_safe(now);
}

void Pair::Impl::on_sync_confirm(std::uint64_t number, Lsn memory, Lsn durable, Steady now) {
  const bool in_mirror = follower.step == Follower::Step::syncing || follower.step == Follower::Step::mirrored;
  if (role != Role::active || !mirrored || follower.let_go || !in_mirror) return;
  memory = std::min(memory, local.log_last);
  durable = std::min(durable, memory);
  if (number > follower.echo) {
    follower.echo = number;
    solo.restart(now);
  }
  confirmed_memory = std::max(confirmed_memory, memory);
  confirmed_durable = std::max(confirmed_durable, durable);
  sender.on_confirm(memory, false, now);
  if (follower.step != Follower::Step::syncing || memory < follower.sync_at) return;
  // S4: the standby has everything, durably up to the sync point.
  follower.step = Follower::Step::mirrored;
  follower.sealed = true;
  local.meta.alone_from = Lsn{};
  local.meta.unclean = false;
  if (log_time.ms != 0) local.meta.last_sync = log_time;
  local.write_meta(orders);
  acked_alone = 0;
  tell(Tell::Level::info, peer.name + " is in sync (record " + std::to_string(memory.value) +
                              "): every acknowledged message is on both boxes from now on.");
  send_beats(now);  // the echo gives the standby its lease
}

// Each heartbeat: is the standby keeping up?
void Pair::Impl::watch_confirms(Steady now) {
  ack_tail(true);
  if (role != Role::active || !mirrored || follower.let_go || !linked()) return;
  const bool syncing = follower.step == Follower::Step::syncing;
  if (syncing) post.send(FrameKind::sync_point, SyncPoint{follower.join, follower.sync_at});
  const std::int64_t streams_ms = now.ms - follower.since.ms;  // what piled up while the link was down does not count
  const std::int64_t wait_ms = syncing ? streams_ms : std::min(streams_ms, sender.oldest_wait_ms(now));
  if (wait_ms > limits::confirm_release_ms) {
    let_go("it has not confirmed anything for " + std::to_string(wait_ms) + " ms although it is linked", now);
    return;
  }
  if (wait_ms > limits::confirm_slow_ms && !slow_told) {
    slow_told = true;
    tell(Tell::Level::warn,
         peer.name + " is slow to confirm (" + std::to_string(wait_ms) + " ms): publishers are slowed down.");
  }
  if (wait_ms <= limits::confirm_slow_ms / 2) slow_told = false;
}

void Pair::Impl::let_go(std::string why, Steady now) {
  tell(Tell::Level::warn, "Letting " + peer.name + " go: " + why + ". It catches up later.");
  follower.let_go = true;
  slow_told = false;
  no_offer_before = now.plus_ms(rejoin_pause_ms);
  sender.pause();
  post.send(FrameKind::ask_release, JoinAsk{follower.join});
  step(now);
}

// The standby holds no lease any more and will ignore echoes of the confirms it has sent.
void Pair::Impl::on_release(const Release& released, Steady now) {
  if (role != Role::active || !mirrored || released.join != follower.join) return;
  if (post.stream().peer().boot != follower.boot) return;
  solo.waive();
  if (!follower.let_go) tell(Tell::Level::info, peer.name + " has released itself as standby.");
  follower.let_go = true;
  sender.pause();
  step(now);
}

// L2: only an active that acknowledges alone takes a tail: what it makes of it is on its disk when it says so.
void Pair::Impl::on_tail_frame(TailFrame&& frame) {
  const bool may = role == Role::active && !mirrored && solo_ok && !bumping() &&
                   follower.step == Follower::Step::offered && post.stream().peer().boot == follower.boot;
  if (!may || frame.join != follower.join || frame.common > local.log_last) return;
  taker.on_frame(std::move(frame), peer.name, orders);
}

void Pair::Impl::ack_tail(bool anyway) {
  taker.on_durable(local.durable);
  if (!linked()) return;
  if (const std::optional<TailAck> ack = taker.take_ack(anyway)) post.send(FrameKind::tail_ack, *ack);
}

void Pair::Impl::on_digest(Lsn at, ByteView digest) {
  if (role != Role::active || follower.step != Follower::Step::mirrored || !linked()) return;
  if (digest.size() > max_digest_bytes) return;
  post.send(FrameKind::digest, Digest{at, ByteBuffer(digest)});
}

void Pair::Impl::ship(Steady now) {
  if (!sender.live() || !linked()) return;
  scratch.clear();
  sender.take_sendable(now, scratch);
  for (const Batch& batch : scratch) post.send_batch(batch);
}

void Pair::Impl::resend(Steady now) {
  if (!sender.live() || !linked()) return;
  scratch.clear();
  if (!sender.resend_due(now, post.has_other_path(), scratch)) return;
  for (const Batch& batch : scratch) post.send_batch(batch);
  if (scratch.empty()) post.flip();
}

}  // namespace tandem::mirror
