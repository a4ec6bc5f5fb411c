// SURE.
#include "check_sure.hpp"

namespace sim {

void SureCheck::note_acked(int node, Host& host) {
  if (!host.serving()) return;
  const tandem::mirror::Pair& pair = host.node().pair();
  const Acked now{pair.epoch(), pair.safe()};
  Acked& known = acked_[static_cast<std::size_t>(node)];
  // What an earlier reign acknowledged is in this one's log, or was set aside and merged under other names.
  if (known.epoch != now.epoch) known = {now.epoch, {}};
  // Behind a higher epoch taken on the way (A6) the last safe record may still be of the one before.
  if (pair.holds(now.epoch, now.lsn)) known = now;
}

void SureCheck::cut(int node, Host& peer) {
  if (peer.up()) whole_at_[static_cast<std::size_t>(node)] = peer.node().last();
}

void SureCheck::takes_over_unclean(int node, Host& host) {
  tandem::Lsn& whole_at = whole_at_[static_cast<std::size_t>(node)];
  if (host.node().last() < whole_at) {
    broken_(host.name() + " takes over from half-loaded State: it has record " +
            std::to_string(host.node().last().value) + " and its copy is whole from " + std::to_string(whole_at.value) +
            " on");
  }
}

void SureCheck::watch(std::array<Host*, 2> hosts, std::int64_t /*now*/) {
  for (int i = 0; i < 2; ++i) {
    if (!hosts[static_cast<std::size_t>(i)]->paused()) note_acked(i, *hosts[static_cast<std::size_t>(i)]);
  }
  for (int i = 0; i < 2; ++i) {
    Host& host = *hosts[static_cast<std::size_t>(i)];
    if (!host.up() || host.paused()) continue;
    const bool sure = host.node().pair().sure(host.clock());
    if (sure || host.serving()) whole_at_[static_cast<std::size_t>(i)] = {};
    if (!sure) continue;
    const Acked& other = acked_[static_cast<std::size_t>(1 - i)];
    if (other.lsn.value == 0 || host.node().pair().holds(other.epoch, other.lsn)) continue;
    broken_(host.name() + " is SURE, but lacks record " + std::to_string(other.lsn.value) + " of epoch " +
            std::to_string(other.epoch.number) + ", which the other box has acknowledged");
  }
}

}  // namespace sim
