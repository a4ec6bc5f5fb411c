// Start, inputs, and asking the role table after each of them.
#include "mirror/node.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "mirror/names.hpp"

namespace tandem::mirror {

namespace {
constexpr std::int64_t tell_after_ms = 1'000;
}

Pair::Impl::Impl(const PairOptions& options_in, const PairStart& start, Steady now)
    : options(options_in),
      beats(options, now),
      lease(options.lease_ms),
      solo(options.solo_wait_ms, now),
      post(start.boot_id, options.has_peer ? options.paths : 0, beats, orders),
      join(local, post, lease, options.reconcile_auto, orders),
      started(now),
      now_seen(now) {
  CHECK(start.boot_id != 0);
  local.log_ends_at(start.log_last);
  local.durable = start.log_last;
  if (start.meta.empty()) {
    local.meta.store = start.store_id_if_fresh;
    if (start.log_last.value != 0) {
      local.meta.last_role = LastRole::stale;
      tell(Tell::Level::error, "The store has records but no metadata: this node cannot know what it lacks (STALE).");
    }
  } else if (Result<Meta> meta = decode_meta(start.meta); meta.ok()) {
    local.meta = meta.take();
  } else {
    local.meta.store = start.store_id_if_fresh;
    local.meta.last_role = LastRole::stale;
    tell(Tell::Level::error, meta.error().message + ": this node cannot know what it lacks (STALE).");
  }
  damaged = start.damaged;
  local.meta.history.cut(local.log_last);
  // At most so many: some may not have been acknowledged before the end of the process.
  if (const Lsn from = local.meta.alone_from; options.has_peer && from.value != 0 && from <= local.log_last) {
    acked_alone = local.log_last.value + 1 - from.value;
    alone_from_at_start = from;
  }
  max_epoch_number = local.meta.epoch.number;
  sender.reset(local.log_last);
  sender.on_durable(local.durable);
  step(now);
}

Rank Pair::Impl::own_rank() const {
  return Rank{role == Role::active,
              unwilling(),
              local.meta.last_role == LastRole::empty,
              local.meta.last_role == LastRole::stale,
              local.meta.epoch,
              local.log_last,
              options.node_name};
}

Rank Pair::Impl::peer_rank() const {
  const Beat& beat = peer.beat;
  return Rank{beat.role == Role::active,
              beat.stopping || beat.maintenance,
              beat.empty,
              beat.stale,
              beat.epoch,
              beat.lsn,
              peer.name};
}

Word Pair::Impl::word() const {
  if (!options.has_peer) return Word::master;
  const Rank other = peer_rank();
  return beats.word(own_rank(), peer.known ? &other : nullptr);
}

RoleState Pair::Impl::role_state(Steady now) const {
  if (role == Role::promoting) return RoleState::promoting;
  if (role == Role::active) {
    if (mirrored) return RoleState::active_mirrored;
    return solo_ok ? RoleState::active_solo : RoleState::active_wait;
  }
  if (local.meta.last_role == LastRole::empty) return RoleState::empty;
  if (local.meta.last_role == LastRole::stale) return RoleState::stale;
  return join.in_sync() && lease.valid(now) ? RoleState::sure : RoleState::unsure;
}

RoleFacts Pair::Impl::facts(Steady now) const {
  RoleFacts f;
  const Beat& beat = peer.beat;
  f.guard = options.has_peer && beats.guarded();
  f.master = word() == Word::master;
  f.stopping = stopping;
  f.maintenance = maintenance_on;
  f.switched_over = options.heartbeat_arbiter ? switchover.told(now) : switchover.moving() && word() == Word::backup;
  f.operator_grace = grace_until && now < *grace_until;
  f.linked = linked();
  f.peer_active = beat.role == Role::active;
  f.peer_promoting = beat.role == Role::promoting;
  f.peer_master = beat.word == Word::master;
  f.peer_empty = beat.empty;
  f.both_damaged = damaged && local.meta.last_role == LastRole::stale && beat.stale;
  f.peer_epoch_higher = beat.epoch > local.meta.epoch;
  f.peer_epoch_lower = beat.epoch < local.meta.epoch;
  f.store_busy = join.store_busy() && join.purpose() != Join::Purpose::merge;
  f.boot_wait_over = now.ms - started.ms >= options.boot_wait_ms;
  f.peer_served_lately = peer.served_at && now.ms - peer.served_at->ms < limits::served_lately_ms;
  f.promote_when_unsure = options.promote_when_unsure;
  f.single = !options.has_peer;
  f.joining = linked() && follower.step == Follower::Step::syncing && !follower.let_go;
  f.mirror_lost = !linked() || follower.let_go ||
                  (follower.step != Follower::Step::syncing && follower.step != Follower::Step::mirrored);
  f.solo_wait_over = !options.has_peer || solo.over(now);
  return f;
}

void Pair::Impl::step(Steady now) {
  now_seen = std::max(now_seen, now);
  if (grace_until && (word() == Word::master || now >= *grace_until)) grace_until.reset();
  const RoleRow* const before = row;
  const Role role_before = role;
  for (int i = 0; i < 16; ++i) {
    row = &decide_role(role_state(now), facts(now));
    bool again = act(*row, now);
    if (role == Role::promoting) again |= finish_promotion(now);
    if (role == Role::active) again |= run_bump() || run_solo(now);
    if (!again) break;
  }
  run_follower(now);
  update_safe(now);
  run_switchover(now);
  if (role != role_before && options.has_peer) send_beats(now);  // the peer waits for it
  if (row != before) {
    row_since = now;
    told_row = nullptr;
  }
  tell_row(now);
}

// A state that waits for a person is told once, when it has lasted a moment.
void Pair::Impl::tell_row(Steady now) {
  if (row == told_row || row->hint.empty() || row->action != RoleAction::wait) return;
  if (now.ms - row_since.ms < tell_after_ms) return;
  told_row = row;
  tell(Tell::Level::warn, std::string(row->sentence) + " " + std::string(row->hint));
}

// Carries out one row. True if something changed that the table must be asked about again.
bool Pair::Impl::act(const RoleRow& next, Steady now) {
  const bool joins = next.action == RoleAction::join || next.action == RoleAction::merge;
  if (role == Role::standby && !joins && join.purpose() != Join::Purpose::none) {
    const bool keep = join.in_sync() || join.step() == Join::Step::sealing;
    if (!keep) join.abandon();
  }
  switch (next.action) {
    case RoleAction::wait:
      return false;
    case RoleAction::demote:
      demote(next.sentence, switchover.moving() ? Tell::Level::info : Tell::Level::warn);
      return true;
    case RoleAction::bump_epoch:
      return bump_epoch(now);
    case RoleAction::leave_mirror:
      return leave_mirror(now);
    case RoleAction::prepare_solo:
      return prepare_solo(now);
    case RoleAction::join:
      follow(now);
      return false;
    case RoleAction::merge:
      return run_merge(now);
    case RoleAction::promote_clean:
      start_promotion(false, options.has_peer ? local.log_last.next() : Lsn{}, next.sentence);
      return true;
    case RoleAction::promote_unclean:
      start_promotion(true, Lsn{}, next.sentence);
      return true;
  }
  return false;
}

void Pair::Impl::on_turn(Steady now) {
  if (beats.on_turn(now) && options.has_peer) {
    tell(Tell::Level::warn, "This process stood still for more than the resume guard of " +
                                std::to_string(limits::resume_guard_ms) + " ms.");
  }
  step(now);
  resend(now);
  ship(now);
}

void Pair::Impl::on_beat(Steady now) {
  beats.on_tick(now);
  if (linked() && !beats.any_path_up()) {
    post.stream().leave();
    on_stream_lost("no heartbeat from the peer on any path");
  }
  join.on_tick();
  const bool peer_has_address = linked() && peer.beat.role == Role::active && peer.beat.word == Word::master;
  claim.on_peer(peer_has_address, role == Role::standby && word() == Word::master, now);
  step(now);
  watch_confirms(now);
  send_beats(now);
}

void Pair::Impl::on_batch(const Batch& batch, Steady now) {
  CHECK(batch.first == local.log_last.next());
  local.log_last = local.applied = batch.last();
  if (role != Role::active) return;  // demoted within the turn that made it: it stays in the own log only
  sender.push(batch, now);
  ship(now);
}

void Pair::Impl::on_applied(Lsn last, Steady now) {
  local.applied = std::min(std::max(local.applied, last), local.log_last);
  join.on_progress();
  step(now);
}

void Pair::Impl::on_durable(Lsn durable, Steady now) {
  const Lsn clamped = std::min(durable, local.log_last);
  if (clamped <= local.durable) return;
  local.durable = clamped;
  sender.on_durable(clamped);
  join.on_progress();
  step(now);
}

void Pair::Impl::on_meta_written(std::uint64_t token, Steady now) {
  local.written_token = std::max(local.written_token, token);
  join.on_progress();
  step(now);
}

void Pair::Impl::on_stream_up(const Hello& hello, Steady now) {
  const Beat& beat = hello.beat;
  // Leases come only from an active's echo: an ACTIVE peer holds none either.
  if (beat.role == Role::active || !beat.may_hold_lease) solo.waive();
  tell(Tell::Level::info, "Linked with " + hello.name + " (" + std::string(role_name(beat.role)) + ", " +
                              std::string(mode_name(beat.mode)) + ", epoch " + epoch_text(beat.epoch) + ", record " +
                              std::to_string(beat.lsn.value) + ").");
  const bool resumable = follower.step == Follower::Step::broken && mirrored && !follower.let_go && beat.in_sync &&
                         beat.mirror_boot == follower.boot && peer.boot == follower.boot &&
                         beat.mirror_join == follower.join && beat.epoch == local.meta.epoch &&
                         sender.covers(beat.lsn) && beat.lsn >= sender.confirmed();
  if (role != Role::active) return;
  if (resumable) {  // L0
    follower.step = follower.sealed ? Follower::Step::mirrored : Follower::Step::syncing;
    follower.since = now;
    sender.start(beat.lsn);
    ship(now);
  } else if (mirrored) {
    follower.let_go = true;  // our heartbeats say so, and it joins anew (L1)
  }
}

// The stream of before is over; a new one may be up already. The caller asks the role table.
void Pair::Impl::on_stream_lost(std::string_view why) {
  tell(Tell::Level::warn, "The link to " + peer.name + " is lost: " + std::string(why) + ".");
  feeder.stop(orders);
  sender.pause();
  const bool was_mirrored = follower.step == Follower::Step::syncing || follower.step == Follower::Step::mirrored;
  if (was_mirrored) {
    follower.step = Follower::Step::broken;
  } else if (follower.step != Follower::Step::broken) {
    forget_follower();
  }
  const bool keep = join.in_sync() || join.step() == Join::Step::sealing;
  if (!keep) join.abandon();
  orders.push_back(CommitNow{});  // each box now has the only copy that it can be sure of
}

}  // namespace tandem::mirror
