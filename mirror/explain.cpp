// Why this role and mode, and what to do, in one sentence each: read at 3 a.m. by somebody who has not read the manual.
#include "mirror/names.hpp"
#include "mirror/node.hpp"

namespace tandem::mirror {

namespace {

std::string seconds(std::int64_t ms) {
  const std::int64_t tenths = (ms + 50) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

std::string_view step_text(Join::Step step) {
  switch (step) {
    case Join::Step::idle:
      return "waiting to begin";
    case Join::Step::asking:
      return "waiting until the active can take it on";
    case Join::Step::reconciling:
      return "what only this box acknowledged is merged into the active";
    case Join::Step::marking:
      return "marking the own copy as incomplete";
    case Join::Step::rewinding:
      return "setting the end of the own log aside";
    case Join::Step::wiping:
      return "setting the own copy aside";
    case Join::Step::adopting:
      return "noting which log is followed";
    case Join::Step::fetching:
      return "fetching what is missing";
    case Join::Step::loading:
      return "building the state from what was fetched";
    case Join::Step::sealing:
      return "writing down that the copy is complete";
    case Join::Step::in_sync:
      return "in sync";
  }
  return "?";
}

}  // namespace

std::string Pair::Impl::explain_why(Steady now) const {
  std::string why(row->sentence);
  if (!refusal.empty()) why += " The peer is refused: " + refusal + ".";
  if (role == Role::active && options.has_peer) {
    if (mirrored && mode(now) == Mode::solo_wait) {
      why += " About " + seconds(solo.remaining_ms(now)) + " to go.";
    } else if (!mirrored && !solo_ok && !solo.over(now)) {
      why += " About " + seconds(solo.remaining_ms(now)) + " to go.";
    } else if (mirrored && !follower.sealed) {
      why = "The other box has nearly caught up: its last records are being written down there.";
    }
    if (!mirrored && !options.solo_allowed) {
      why += " Configured not to acknowledge alone (mirror.solo = \"refuse\"): QoS 1 and 2 wait for the other box.";
    }
    if (no_offer_before && linked()) why += " The other box was too slow and is let in again in a moment.";
    if (acked_alone > 0 && !mirrored) {
      why += (acked_alone_at_most() ? " At most " : " ") + std::to_string(acked_alone) +
             " records were acknowledged with one copy only.";
    }
  }
  if (role == Role::active && linked() && peer.beat.maintenance) {
    why += " " + peer.name + " is in maintenance: it follows, but does not take over.";
  }
  if (role == Role::standby && row->action == RoleAction::join && !join.in_sync()) {
    why = "Standby of " + peer.name + ", which serves; not in sync yet: " + std::string(step_text(join.step())) + ".";
  }
  if (standby_cut_off(now)) {
    why += " " + (role == Role::active ? peer.name : "This box") +
           " reaches none of takeover.reach on the LAN: it follows, but would not take over.";
  }
  if (maintenance_on && row->rule != "M") why += " This box is in maintenance: it does not take over.";
  if (role == Role::standby && row->rule == "P4" && row->action == RoleAction::wait &&
      now.ms - started.ms < options.boot_wait_ms) {
    why += " About " + seconds(options.boot_wait_ms - (now.ms - started.ms)) + " to go.";
  }
  if (local.meta.unclean && role == Role::active) {
    why += " UNCLEAN: messages that only the other box acknowledged may be missing here.";
  }
  return why;
}

std::string Pair::Impl::explain_hint(Steady now) const {
  if (!refusal.empty()) return "Correct the configuration of one of the boxes: " + refusal + ".";
  if (!row->hint.empty()) return std::string(row->hint);
  if (standby_cut_off(now)) {
    return "Check the LAN cable and the switch port of " + (role == Role::active ? peer.name : "this box") + ".";
  }
  if (maintenance_on) return "When the work on this box is done: tandemctl maintenance off.";
  if (linked() && peer.beat.maintenance) {
    return "When the work on " + peer.name + " is done: tandemctl maintenance off there.";
  }
  if (role == Role::active && mirrored && !linked()) return "Check the other box and the mirror link.";
  if (local.meta.unclean && role == Role::active && !linked())
    return "Start the other box, so that what it alone has is not lost.";
  for (std::size_t i = 0; linked() && i < post.paths(); ++i) {
    if (!beats.path_up(i)) return "Mirror path " + std::to_string(i + 1) + " is down: check its cable and address.";
  }
  return {};
}

}  // namespace tandem::mirror
