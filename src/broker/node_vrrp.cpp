// arbiter "keepalived": its word, and what it is told (docs/takeover.md).
#include "broker/node.hpp"

namespace tandem::broker {

void Node::on_vrrp() {
  input([this](Steady now) { take_word(now); });
}

void Node::take_word(Steady now) {
  if (!config_.by_keepalived()) return;
  word_ = parts_.vrrp->master() ? mirror::Word::master : mirror::Word::backup;
  pair_->on_word(word_, now);
  tell_lan();
}

// A4: an active that acknowledges alone has read the word in the same turn (R11: D_ACKW). Called behind ship().
void Node::take_word_before_acks(Steady now) {
  if (!config_.by_keepalived() || pair_->mode() != mirror::Mode::solo) return;
  if ((word_ == mirror::Word::master) == parts_.vrrp->master()) return;
  take_word(now);
  carry_out();
}

// Who is SURE serves as soon as the address comes. Whoever comes with it must wait until then: refused, a client tries
// again after a second or more. Told MASTER and a standby all the same (P0), a box refuses.
void Node::hold_virtual_ips(Steady now) {
  if (vips_.empty() || pair_->role() != mirror::Role::standby) return;
  const bool hold = pair_->sure(now) && word_ == mirror::Word::backup;
  if (hold == holds_vips_) return;
  if (!hold) {
    parts_.doors.close_listeners();
    holds_vips_ = false;
    return;
  }
  const Status held = parts_.doors.hold_virtual_ips();
  holds_vips_ = held.ok();
  if (!held.ok()) tell_listen_error(held.error().message);
}

// The weight follows in the same turn.
void Node::watch_reach(Steady now) {
  if (!config_.by_keepalived()) return;
  const bool somebody = parts_.vrrp->reaches_somebody();
  pair_->on_reach(somebody, now);
  // A box that has just started has not been answered yet: it takes no part meanwhile, and that is nothing to tell.
  const bool asked_long_enough = now.ms - started_.ms > limits::reach_silent_ms + limits::reach_agree_ms;
  if (pair_->cut_off(now) && asked_long_enough) {
    alarms_.raise("reach",
                  "This box reaches none of takeover.reach: it gives the virtual IP up, and does not take it. Look at "
                  "its LAN cable, the switch port, and the hosts themselves.");
  } else if (somebody) {
    alarms_.clear("reach", "somebody on the LAN answers again.");
  }
}

void Node::tell_weight(Steady now) {
  if (!config_.by_keepalived()) return;
  const int weight = pair_->vrrp_weight(now);
  if (weight == weight_) return;
  weight_ = weight;
  parts_.vrrp->set_weight(weight);
}

}  // namespace tandem::broker
