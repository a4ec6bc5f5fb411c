// The role table.
#include "mirror/role.hpp"

#include "base/check.hpp"

namespace tandem::mirror {

namespace {

using F = const RoleFacts&;

constexpr unsigned bit(RoleState state) {
  return 1U << static_cast<unsigned>(state);
}
constexpr unsigned empty = bit(RoleState::empty);
constexpr unsigned unsure = bit(RoleState::unsure);
constexpr unsigned stale = bit(RoleState::stale);
constexpr unsigned sure = bit(RoleState::sure);
constexpr unsigned promoting = bit(RoleState::promoting);
constexpr unsigned active_wait = bit(RoleState::active_wait);
constexpr unsigned active_solo = bit(RoleState::active_solo);
constexpr unsigned active_mirrored = bit(RoleState::active_mirrored);
constexpr unsigned active = active_wait | active_solo | active_mirrored;
constexpr unsigned standby = empty | unsure | stale | sure;

using A = RoleAction;

constexpr RoleRow table[] = {
    // ACTIVE
    {"A0", active, "paused longer than the resume guard", [](F f) { return f.guard; }, A::demote,
     "This box stood still longer than the resume guard, so the peer may have taken over meanwhile: it stops serving "
     "until "
     "link and address have been read anew.",
     "Look for what stopped the process: suspend, an overloaded host, a debugger, a dying disk."},
    {"stop", active, "an orderly stop is under way", [](F f) { return f.stopping; }, A::demote,
     "Tandem is being stopped on this box; the peer is told so and takes over.", ""},
    {"S", active, "an operator ordered a switchover, all is confirmed, and the arbiter has let go of this box",
     [](F f) { return f.switched_over; }, A::demote, "An operator ordered a switchover: the other box takes over.", ""},
    {"A5", active, "told BACKUP", [](F f) { return !f.master && !f.operator_grace; }, A::demote,
     "The arbiter says BACKUP: the other box is to serve, so this one stops.", ""},
    {"A5", active, "linked with an ACTIVE peer that is told MASTER and has the higher epoch",
     [](F f) { return f.linked && f.peer_active && f.peer_master && f.peer_epoch_higher; }, A::demote,
     "The peer serves with a newer epoch and is told MASTER: this box gives way to it.", ""},
    {"A6", active, "told MASTER; linked; higher epoch at a peer that is not ACTIVE or not told MASTER",
     [](F f) { return f.master && f.linked && f.peer_epoch_higher && !(f.peer_active && f.peer_master); },
     A::bump_epoch, "The peer knows a higher epoch than ours although this box is to serve: take a higher one first.",
     ""},
    {"A2", active_mirrored, "the standby is lost or let go, not between S1 and S3, T_solo over or waived",
     [](F f) { return f.mirror_lost && !f.joining && f.solo_wait_over; }, A::leave_mirror,
     "The standby is lost and can no longer promote itself as SURE: this box goes on alone.",
     "Bring the other box or the link back; nothing here needs to be done."},
    {"A2", active_mirrored, "the standby is lost, T_solo not over", [](F f) { return f.mirror_lost; }, A::wait,
     "The standby is lost. It may still promote itself, so nothing is acknowledged until its lease is surely over.",
     ""},
    {"A1", active_mirrored, "otherwise", [](F) { return true; }, A::wait,
     "Serving, and every acknowledged message is on both boxes.", ""},
    {"A3", active_wait, "T_solo over or waived", [](F f) { return f.solo_wait_over; }, A::prepare_solo,
     "Before the first acknowledgement without a standby: the whole log goes to the disk and the place is noted.", ""},
    {"A3", active_wait, "T_solo not over", [](F) { return true; }, A::wait,
     "Waiting until no lease of the other box can be valid any more; clients are served, acknowledgements wait.", ""},
    {"A4", active_solo, "no peer configured", [](F f) { return f.single; }, A::wait,
     "No [mirror] is configured: a single broker, not protected by a second box.", ""},
    {"A4", active_solo, "peer linked", [](F f) { return f.linked; }, A::wait,
     "Serving alone: the other box is linked and is being brought up to date.", ""},
    {"A4", active_solo, "peer not linked", [](F) { return true; }, A::wait,
     "Serving alone: the other box cannot be reached, and a failure here would stop the service.",
     "Bring the other box or the mirror link back."},
    {"P", promoting, "always", [](F) { return true; }, A::wait,
     "Taking over: the log goes to the disk, then the new epoch is written.", ""},
    // STANDBY
    {"stop", standby, "an orderly stop is under way", [](F f) { return f.stopping; }, A::wait,
     "Tandem is being stopped on this box.", ""},
    {"single", empty | unsure | sure, "no peer configured", [](F f) { return f.single; }, A::promote_clean,
     "No [mirror] is configured: this box serves at once.", ""},
    {"single", stale, "no peer configured", [](F f) { return f.single; }, A::wait,
     "The state on this disk is half loaded from a peer, and no [mirror] is configured to complete it.",
     "Configure [mirror] again, or take what is here: tandemctl promote --force."},
    {"P0", standby, "told MASTER; linked to an ACTIVE peer that is told MASTER",
     [](F f) { return f.master && f.linked && f.peer_active && f.peer_master && !f.peer_epoch_lower; }, A::join,
     "Both boxes are told MASTER and the peer already serves: stay its standby.",
     "Check why both boxes are told MASTER (keepalived instances that do not see each other?)."},
    {"P1", sure, "told MASTER; not in maintenance",
     [](F f) { return f.master && !f.guard && !f.maintenance && !(f.linked && f.peer_active && f.peer_master); },
     A::promote_clean, "The active is gone, and this box surely holds every acknowledged message: it takes over.", ""},
    {"L", standby, "linked to an ACTIVE peer whose epoch is not lower",
     [](F f) { return f.linked && f.peer_active && !f.peer_epoch_lower; }, A::join,
     "Standby of the peer, which serves.", ""},
    {"L", standby, "linked to an ACTIVE peer whose epoch is lower", [](F f) { return f.linked && f.peer_active; },
     A::wait, "The peer serves with an older epoch than this disk knows: it takes a newer one first.", ""},
    {"M", standby, "in maintenance", [](F f) { return f.maintenance; }, A::wait,
     "This box is in maintenance: it does not take over.",
     "When the work is done: tandemctl maintenance off. If the other box is lost meanwhile, the same."},
    {"A0", standby, "paused longer than the resume guard", [](F f) { return f.guard; }, A::wait,
     "This box stood still longer than the resume guard: it reads link and address anew before it does anything.", ""},
    {"P-", empty, "not told MASTER, or beside a peer that is not EMPTY, or not linked",
     [](F f) { return !(f.master && f.linked && f.peer_empty && !f.peer_promoting); }, A::wait,
     "This disk is empty. An empty box never takes over by itself, except beside another empty box.",
     "Start the other box. If this is a new pair, or the other box is lost for good: tandemctl promote --first."},
    {"P2", empty, "told MASTER; linked to an EMPTY peer", [](F) { return true; }, A::merge,
     "Both boxes are new and empty: this one begins.", ""},
    {"wait", unsure | stale | sure, "told BACKUP", [](F f) { return !f.master; }, A::wait,
     "The arbiter says BACKUP, and no active box is linked.", "Check the other box."},
    {"P2", unsure | stale, "told MASTER; linked; the peer is just taking over",
     [](F f) { return f.linked && f.peer_promoting; }, A::wait, "The peer is just taking over: wait for it.", ""},
    {"P5", stale, "told MASTER; linked; the own store was damaged and the peer is STALE",
     [](F f) { return f.linked && f.both_damaged; }, A::wait,
     "Neither box has a whole copy: this box's store was damaged, and the other one is STALE as well. Refusing to "
     "serve.",
     "Compare what both have (tandemctl status, events), then order it on the better box: tandemctl promote --force."},
    {"P2", unsure | stale, "told MASTER; linked; peer not ACTIVE, not EMPTY; own store not busy",
     [](F f) { return f.linked && !f.peer_empty && !f.store_busy; }, A::merge,
     "Neither box serves: compare both logs, take what is missing from the peer, then take over.", ""},
    {"P2", unsure | stale, "the same, own store busy", [](F f) { return f.linked && !f.peer_empty; }, A::wait,
     "Neither box serves; the own disk is still being put in order.", ""},
    {"P4", unsure, "told MASTER; linked to an EMPTY peer; unsure = \"promote\"",
     [](F f) { return f.linked && f.promote_when_unsure; }, A::promote_unclean,
     "The peer is empty and this box is not sure to have everything: it takes over, marked UNCLEAN.", ""},
    {"P4", unsure, "told MASTER; not linked; T_boot not over", [](F f) { return !f.linked && !f.boot_wait_over; },
     A::wait, "Just started and not sure to have every acknowledged message: give the other box time to appear.", ""},
    {"P4", unsure, "told MASTER; not linked; the peer served a moment ago",
     [](F f) { return !f.linked && f.peer_served_lately; }, A::wait,
     "The other box served a moment ago, and this one is not sure to have everything: wait whether it is heard again.",
     ""},
    {"P4", unsure, "told MASTER; not linked; T_boot over; unsure = \"promote\"",
     [](F f) { return !f.linked && f.promote_when_unsure; }, A::promote_unclean,
     "The other box cannot be reached and this one is not sure to have everything: it takes over, marked UNCLEAN.", ""},
    {"P4", unsure, "told MASTER; unsure = \"wait\"", [](F) { return true; }, A::wait,
     "Not sure to have every acknowledged message, and configured to wait for a person (takeover.unsure = \"wait\").",
     "Bring the other box back, or accept what may be missing: tandemctl promote --force."},
    {"P5", stale, "told MASTER; the peer is not linked or is EMPTY", [](F) { return true; }, A::wait,
     "The state on this disk is half loaded, and the box that could complete it is not there: refusing to serve.",
     "Bring the other box back. If it is lost for good: tandemctl promote --force."},
    {"wait", sure, "otherwise", [](F) { return true; }, A::wait, "In sync with the peer, ready to take over.", ""},
};

}  // namespace

std::span<const RoleRow> role_table() {
  return table;
}

const RoleRow& decide_role(RoleState state, const RoleFacts& facts) {
  for (const RoleRow& row : table) {
    if ((row.states & bit(state)) != 0 && row.holds(facts)) return row;
  }
  CHECK(false && "the role table covers every state");
  return table[0];
}

std::string_view role_state_name(RoleState state) {
  switch (state) {
    case RoleState::empty:
      return "EMPTY";
    case RoleState::unsure:
      return "UNSURE";
    case RoleState::stale:
      return "STALE";
    case RoleState::sure:
      return "SURE";
    case RoleState::promoting:
      return "PROMOTING";
    case RoleState::active_wait:
      return "ACTIVE SOLO waiting";
    case RoleState::active_solo:
      return "ACTIVE SOLO";
    case RoleState::active_mirrored:
      return "ACTIVE MIRRORED";
  }
  return "?";
}

std::string_view role_action_name(RoleAction action) {
  switch (action) {
    case RoleAction::wait:
      return "-";
    case RoleAction::demote:
      return "demote";
    case RoleAction::bump_epoch:
      return "take a higher epoch";
    case RoleAction::leave_mirror:
      return "MIRRORED -> SOLO";
    case RoleAction::prepare_solo:
      return "fsync log, note alone_from, then solo_ok";
    case RoleAction::join:
      return "join (L0, or L1..S3)";
    case RoleAction::merge:
      return "MERGE, then promote";
    case RoleAction::promote_clean:
      return "promote";
    case RoleAction::promote_unclean:
      return "promote UNCLEAN";
  }
  return "?";
}

}  // namespace tandem::mirror
