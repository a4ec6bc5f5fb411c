// `safe`: the lsn up to which the configured promise holds. The one place that defines it (docs/architecture.md,
// Durability), and what follows from the same facts: back-pressure, urgency of commits, what the log must keep.
#include <algorithm>

#include "mirror/node.hpp"

namespace tandem::mirror {

void Pair::Impl::update_safe(Steady now) {
  update_slow(now);
  if (role != Role::active) {
    safe = Lsn{};
    return;
  }
  if (bumping() || (options.has_peer && beats.guarded())) return;
  Lsn candidate = safe;
  if (mirrored) {  // A1
    if (!follower.sealed) return;
    switch (options.durability) {
      case Durability::peer:
        candidate = confirmed_memory;
        break;
      case Durability::disk:
        candidate = std::min(local.durable, confirmed_memory);
        break;
      case Durability::peer_disk:
        candidate = std::min(local.durable, confirmed_durable);
        break;
    }
  } else if (!options.has_peer) {
    candidate = local.durable;
  } else if (solo_ok && options.solo_allowed && word() == Word::master) {  // A4
    candidate = local.durable;
    const Lsn from = std::max(safe, reign_from);
    if (candidate > from) acked_alone += candidate.value - from.value;
  }
  safe = std::max(safe, candidate);
}

// Pausing publishers ends in bounded time: the standby confirms, or it is let go.
void Pair::Impl::update_slow(Steady now) {
  if (role != Role::active || !mirrored) {
    publishers_slowed = false;
    return;
  }
  const std::size_t bytes = sender.unconfirmed_bytes();
  const bool late = sender.oldest_wait_ms(now) > limits::confirm_slow_ms;
  if (bytes > limits::in_flight_pause_bytes || late) publishers_slowed = true;
  if (bytes < limits::in_flight_resume_bytes && !late) publishers_slowed = false;
}

Lsn Pair::Impl::keep_log_from() const {
  Lsn keep = local.log_last.next();
  if (!options.has_peer) return keep;
  if (!peer.known) return Lsn{1};
  if (local.meta.alone_from.value != 0) keep = std::min(keep, local.meta.alone_from);
  if (!peer.beat.empty) keep = std::min(keep, peer.shared_durable.next());
  if (feeder.open() && feeder.rows_done()) keep = std::min(keep, feeder.read_to().next());
  return keep;
}

bool Pair::Impl::wants_urgent_commit() const {
  if (!options.has_peer || !linked()) return true;
  if (role == Role::active) return !mirrored || options.durability != Durability::peer || follower.let_go;
  return options.durability == Durability::peer_disk || join.waits_for_commit();
}

}  // namespace tandem::mirror
