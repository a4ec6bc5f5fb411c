// What a person may order for planned work: switchover at either box, and maintenance.
#include "base/limits.hpp"
#include "mirror/names.hpp"
#include "mirror/node.hpp"

namespace tandem::mirror {

bool Pair::Impl::standby_whole() const {
  return linked() && mirrored && follower.sealed && follower.step == Follower::Step::mirrored && !follower.let_go;
}

// It follows, but has given up the virtual IP, since it reaches nobody on the LAN and the active does: it would not
// take over.
bool Pair::Impl::standby_cut_off(Steady now) const {
  if (role != Role::active) return claim.cut_off(now);
  return linked() && peer.beat.reaches_nobody && !claim.reaches_nobody();
}

bool Pair::Impl::standby_out_of_service(Steady now) const {
  return maintenance_on || (peer.known && peer.beat.maintenance) || standby_cut_off(now);
}

// Why the other box should not be given the clients; empty: nothing speaks against it.
std::string Pair::Impl::switchover_obstacle(bool force) const {
  if (!options.has_peer) return "No [mirror] is configured: there is no other box.";
  if (!linked()) return "The other box is not linked: there is nobody to take over.";
  const bool serves = role == Role::active;
  const std::string& standby_name = serves ? peer.name : options.node_name;
  if (!serves && peer.beat.role != Role::active)
    return "Neither box serves at the moment: there is nothing to hand over.";
  if (serves ? peer.beat.maintenance : maintenance_on) {
    return standby_name + " is in maintenance: tandemctl maintenance off there first.";
  }
  const bool whole = serves ? standby_whole() : role_state(now_seen) == RoleState::sure;
  if (standby_cut_off(now_seen)) {
    return standby_name + " reaches none of takeover.reach on the LAN: it could not serve. Check its LAN cable.";
  }
  if (whole) return {};
  if (serves ? peer.beat.empty : local.meta.last_role == LastRole::empty) {
    return standby_name + " is empty: it could not take over.";
  }
  if (serves && role_state(now_seen) == RoleState::active_wait) {
    return "This box has only just taken over and does not acknowledge yet: try again in a moment.";
  }
  if (force) return {};
  return standby_name +
         " is not in sync yet. With --force nothing acknowledged would be lost, but nobody would be served until it "
         "has fetched the rest. Wait until status says PROTECTED.";
}

Result<std::string> Pair::Impl::order_switchover(bool force, Steady now) {
  const std::string obstacle = switchover_obstacle(force);
  if (!obstacle.empty()) return Error{obstacle};
  switchover.outcome.clear();
  if (role == Role::active) {
    tell(Tell::Level::info, "A switchover to " + peer.name + " was ordered.");
    switchover.begin(now, force);
  } else {
    tell(Tell::Level::info, "A switchover to this box was ordered: " + peer.name + " is asked.");
    wish_until = now.plus_ms(limits::switchover_wish_ms);
    wish_forced = force;
    send_beats(now);
  }
  step(now);
  return std::string("Switching over.");
}

// The standby's wish comes with its heartbeats; only its beginning counts.
void Pair::Impl::take_wish(bool wished_before, Steady now) {
  if (!peer.beat.wants_switchover || wished_before || role != Role::active || switchover.under_way()) return;
  const Result<std::string> begun = order_switchover(peer.beat.wants_by_force, now);
  if (!begun.ok()) tell(Tell::Level::warn, peer.name + " asks for a switchover; refused: " + begun.error().message);
}

void Pair::Impl::end_switchover(Tell::Level level, std::string outcome) {
  switchover.end();
  switchover.outcome = outcome;
  tell(level, std::move(outcome));
}

// Asked after every input.
void Pair::Impl::run_switchover(Steady now) {
  if (wish_until && (role != Role::standby || now >= *wish_until)) wish_until.reset();
  if (!switchover.under_way()) return;
  if (role == Role::active) {
    const std::string obstacle = switchover_obstacle(switchover.forced());
    if (!obstacle.empty()) return end_switchover(Tell::Level::warn, "The switchover was broken off: " + obstacle);
    if (switchover.overdue(now)) {
      return end_switchover(Tell::Level::warn, switchover.moving()
                                                   ? "The switchover was broken off: the arbiter did not call upon " +
                                                         peer.name + " in time. Check keepalived on both boxes."
                                                   : "The switchover was broken off: " + peer.name +
                                                         " did not confirm everything in time.");
    }
    const bool drained = safe >= local.log_last;
    if (switchover.step() == Switchover::Step::draining && drained) switchover.move(now);
    return;
  }
  if (linked() && peer.beat.role == Role::active) return end_switchover(Tell::Level::info, peer.name + " serves now.");
  if (!switchover.overdue(now)) return;
  end_switchover(Tell::Level::warn, peer.name + " has not taken over in time: whoever can serve does so now.");
}

Result<std::string> Pair::Impl::set_maintenance(bool on, Steady now) {
  if (!options.has_peer) return Error{"No [mirror] is configured: there is no other box that could serve meanwhile."};
  if (on && role != Role::standby) {
    return Error{"This box serves. Order `tandemctl switchover` first, then maintenance."};
  }
  maintenance_on = on;
  tell(Tell::Level::info, on ? "Maintenance begins: this box does not take over until `tandemctl maintenance off`."
                             : "Maintenance is over: this box takes over again when it must.");
  send_beats(now);
  step(now);
  if (!on) return std::string("This box takes over again when it must.");
  return std::string("This box does not take over until `tandemctl maintenance off`. It still follows the active.");
}

}  // namespace tandem::mirror
