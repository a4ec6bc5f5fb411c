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

void Node::tell_weight(Steady now) {
  if (!config_.by_keepalived()) return;
  const int weight = pair_->vrrp_weight(now);
  if (weight == weight_) return;
  weight_ = weight;
  parts_.vrrp->set_weight(weight);
}

}  // namespace tandem::broker
