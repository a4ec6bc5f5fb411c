// What status shows.
#include <algorithm>

#include "mirror/node.hpp"

namespace tandem::mirror {

Mode Pair::Impl::mode(Steady now) const {
  if (role == Role::active) {
    if (!options.has_peer) return Mode::single;
    if (!mirrored) return solo_ok ? Mode::solo : Mode::solo_wait;
    const bool streams = follower.step == Follower::Step::syncing || follower.step == Follower::Step::mirrored;
    return streams && !follower.let_go ? Mode::mirrored : Mode::solo_wait;
  }
  if (role == Role::promoting) return options.has_peer ? Mode::solo_wait : Mode::single;
  if (join.in_sync() && (lease.valid(now) || linked())) return Mode::in_sync;
  if (join.purpose() == Join::Purpose::follow && join.step() > Join::Step::asking) return Mode::syncing;
  switch (local.meta.last_role) {
    case LastRole::empty:
      return Mode::empty;
    case LastRole::stale:
      return Mode::stale;
    default:
      return Mode::unsure;
  }
}

bool Pair::Impl::acked_alone_at_most() const {
  return acked_alone != 0 && alone_from_at_start.value != 0 && local.meta.alone_from == alone_from_at_start;
}

namespace {

std::uint64_t behind(Lsn end, Lsn position) {
  return end > position ? end.value - position.value : 0;
}

}  // namespace

PairStatus Pair::Impl::status(Steady now) const {
  PairStatus status;
  const Mode own_mode = mode(now);
  const bool active = role == Role::active;
  status.self = {options.node_name,
                 role,
                 own_mode,
                 active ? reign_epoch : local.meta.epoch,
                 local.log_last,
                 local.durable,
                 active ? confirmed_memory : local.applied,
                 local.meta.unclean,
                 true,
                 0,
                 info};
  status.word = word();
  status.acked_alone = acked_alone;
  status.acked_alone_at_most = acked_alone_at_most();
  status.alone_from = local.meta.alone_from;
  status.in_flight_bytes = sender.unconfirmed_bytes();
  for (std::size_t i = 0; i < post.paths(); ++i) status.path_up.push_back(beats.path_up(i));
  if (peer.known) {
    const Beat& beat = peer.beat;
    const Lsn confirmed = beat.role == Role::active ? beat.lsn : beat.in_sync ? beat.confirm_memory : beat.lsn;
    status.peer = {peer.name,    beat.role, beat.mode,    beat.epoch, beat.lsn,
                   beat.durable, confirmed, beat.unclean, linked(),   now.ms - peer.heard_at.ms,
                   peer.info};
  }
  if (active && peer.known) {
    const bool streams = linked() && follower.step == Follower::Step::mirrored;
    status.lag_records = behind(local.log_last, streams ? confirmed_memory : peer.beat.lsn);
    status.is_protected = standby_whole();
    if (linked() && feeder.open()) {
      status.sync_percent = feeder.percent();
      status.sync_bytes = feeder.sent_bytes();
    }
  } else if (role == Role::standby && linked() && peer.beat.role == Role::active) {
    status.lag_records = behind(peer.beat.lsn, local.applied);
    status.is_protected = join.in_sync() && mirrored_with_me() && peer.beat.in_sync;
    status.sync_percent = join.percent();
    status.sync_bytes = join.fetched_bytes();
  }
  status.maintenance = maintenance_on;
  status.peer_maintenance = peer.known && peer.beat.maintenance;
  if (standby_out_of_service(now)) status.is_protected = false;
  const bool under_way = switchover.under_way() || wish_until;
  status.switchover = under_way ? "under way" : switchover.outcome;
  status.why = explain_why(now);
  status.hint = explain_hint(now);
  return status;
}

}  // namespace tandem::mirror
