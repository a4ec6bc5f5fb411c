#include "mirror/address_claim.hpp"

#include "base/limits.hpp"

namespace tandem::mirror {

// Silence of all hosts may be theirs, or their switch's: then the other box says the same, and neither gives way. It
// may find out a little later, and one of the two is the first to be answered again.
void AddressClaim::on_reach(bool somebody, bool peer_nobody, Steady now) {
  const bool both_before = both_reach_nobody_;
  reaches_nobody_ = !somebody;
  reached_somebody_ |= somebody;
  both_reach_nobody_ = !somebody && peer_nobody;
  if (somebody || both_reach_nobody_) {
    cut_off_from_.reset();
  } else if (!cut_off_from_) {
    cut_off_from_ = now.plus_ms(both_before ? limits::reach_again_ms : limits::reach_agree_ms);
  }
}

// From the start on a box that reaches nobody takes no part.
bool AddressClaim::cut_off(Steady now) const {
  return cut_off_from_ && (!reached_somebody_ || now >= *cut_off_from_);
}

// Behind a dead switch keepalived gives both boxes the address, and when the switch is back the network may believe the
// wrong one for a moment: clients of the box that serves would be reset. So the standby drops it, for a minute or
// until the other box is gone: a takeover within that time takes 0.3 s more.
void AddressClaim::on_peer(bool peer_has_it, bool told_too, Steady now) {
  if (!peer_has_it) {
    told_since_.reset();
    leave_until_.reset();
    return;
  }
  if (!told_too) {
    told_since_.reset();
  } else if (!told_since_) {
    told_since_ = now;
  }
  if (told_since_ && now.ms - told_since_->ms >= limits::both_told_ms) {
    leave_until_ = now.plus_ms(limits::leave_address_ms);
    told_since_.reset();
  }
  if (leave_until_ && now >= *leave_until_ && !reaches_nobody_) leave_until_.reset();
}

}  // namespace tandem::mirror
