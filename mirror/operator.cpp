// What a person may order: promote --first, promote --force, resync, stop.
#include "mirror/names.hpp"
#include "mirror/node.hpp"

namespace tandem::mirror {

namespace {
constexpr std::string_view maintenance_text = "This box is in maintenance: order `tandemctl maintenance off` first.";
}

Result<std::string> Pair::Impl::promote_first(Steady now) {
  if (role != Role::standby) return Error{"This node is " + std::string(role_name(role)) + " already."};
  if (maintenance_on) return Error{std::string(maintenance_text)};
  if (local.meta.last_role != LastRole::empty) {
    return Error{"This node is not EMPTY: it has state of epoch " + epoch_text(local.meta.epoch) +
                 ". Use 'promote --force' if the other box is lost for good."};
  }
  if (linked() && !peer.beat.empty) {
    return Error{"The peer " + peer.name + " is linked and has state (epoch " + epoch_text(peer.beat.epoch) +
                 ", record " + std::to_string(peer.beat.lsn.value) + "): this empty node must not go first."};
  }
  promotion_by_operator = true;
  start_promotion(true, Lsn{}, "An operator ordered this empty box to go first.");
  step(now);
  return std::string("Taking over as the first node of the pair, with an empty state, marked UNCLEAN.");
}

namespace {

std::string last_sync_text(const Meta& meta) {
  if (meta.last_sync.ms == 0) return "never known to be in sync";
  return "last known in sync at log time " + std::to_string(meta.last_sync.ms / 1000) + " s since 1970";
}

}  // namespace

Result<std::string> Pair::Impl::promote_force(Steady now) {
  if (role != Role::standby) return Error{"This node is " + std::string(role_name(role)) + " already."};
  if (maintenance_on) return Error{std::string(maintenance_text)};
  const LastRole last = local.meta.last_role;
  if (last == LastRole::empty) return Error{"This node is EMPTY: it has nothing to serve. Use 'promote --first'."};
  if (linked() && peer.beat.role != Role::standby) {
    return Error{"The peer " + peer.name + " is linked and " + std::string(role_name(peer.beat.role)) +
                 ": nothing needs to be forced."};
  }
  if (join.store_busy()) return Error{"The store is just being put in order: try again in a moment."};
  std::string text = "Taking over by force, marked UNCLEAN. This node: epoch " + epoch_text(local.meta.epoch) +
                     ", record " + std::to_string(local.log_last.value) + ", " + last_sync_text(local.meta) + ". ";
  text += peer.known ? "Peer " + peer.name + ", heard " + std::to_string((now.ms - peer.heard_at.ms) / 1000) +
                           " s ago: epoch " + epoch_text(peer.beat.epoch) + ", record " +
                           std::to_string(peer.beat.lsn.value) + ". "
                     : std::string("The peer has not been heard since this node started. ");
  if (last == LastRole::stale && (join.image_open() || local.log_last.value == 0)) {
    text += "The copy was being loaded anew: this node holds NOTHING, everything may be missing.";
  } else if (last == LastRole::stale) {
    text += "The copy was only partly loaded: whatever came behind its last record may be missing.";
  } else {
    text +=
        "What the peer acknowledged behind this node's last record may be missing; it is merged when the peer is back.";
  }
  promotion_by_operator = true;
  start_promotion(true, Lsn{}, "An operator forced this box to take over.");
  step(now);
  return text;
}

Result<std::string> Pair::Impl::resync(Steady now) {
  if (role != Role::standby)
    return Error{"Only a standby can be loaded anew; this node is " + std::string(role_name(role)) + "."};
  if (!linked() || peer.beat.role != Role::active)
    return Error{"No active peer is linked: there is nothing to load from."};
  if (join.store_busy()) return Error{"The state is being loaded already."};
  release(now);
  join.abandon();
  join.force_image();
  step(now);
  return std::string("The own copy is set aside and everything is fetched from " + peer.name + " again.");
}

Result<std::string> Pair::Impl::reconcile(Steady now) {
  const std::optional<OpenTail> tail = join.pending_tail();
  if (!tail) return Error{"Nothing waits to be merged on this box."};
  join.allow_reconcile();
  step(now);
  return "Records " + std::to_string(tail->from.value) + " to " + std::to_string(tail->to.value) +
         " of this box are merged into " + peer.name + " now.";
}

// Orderly stop: an active gives way and says so; a standby releases itself. No promotion after it.
void Pair::Impl::stop(Steady now) {
  stopping = true;
  switchover.end();
  release(now);
  join.abandon();
  step(now);
  send_beats(now);
}

}  // namespace tandem::mirror
