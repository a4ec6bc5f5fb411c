// SURE.
#include "check_sure.hpp"

#include "base/limits.hpp"

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
  acked_[static_cast<std::size_t>(node)] = {};  // the peer has it, or has merged it: TailCheck
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

void SureCheck::resumed(int node, Host& host, tandem::Steady since) {
  const tandem::Steady now = host.clock();
  constexpr std::int64_t turn_ms = 50;  // between the last turn and the pause
  if (!host.up() || now.ms - since.ms < tandem::limits::resume_guard_ms + turn_ms) return;
  const auto& takeover = host.config().takeover;
  guarded_until_[static_cast<std::size_t>(node)] = now.plus_ms(takeover.after_ms - 2 * takeover.heartbeat_ms);
}

void SureCheck::watch_guard(int node, Host& host) {
  if (host.clock() >= guarded_until_[static_cast<std::size_t>(node)]) return;
  if (host.pair().status(host.clock()).word == tandem::mirror::Word::master) {
    broken_(host.name() + " takes itself for MASTER although it has just stood still");
  }
}

void SureCheck::watch_sure(int node, Host& host, Host& other) {
  const bool sure = host.pair().sure(host.clock());
  if (sure || host.serving()) whole_at_[static_cast<std::size_t>(node)] = {};
  if (!sure) return;
  const Acked& acked = acked_[static_cast<std::size_t>(1 - node)];
  if (acked.lsn.value != 0 && !host.pair().holds(acked.epoch, acked.lsn)) {
    broken_(host.name() + " is SURE, but lacks record " + std::to_string(acked.lsn.value) + " of epoch " +
            std::to_string(acked.epoch.number) + ", which the other box has acknowledged");
  }
  if (other.serving() && other.pair().mode() == tandem::mirror::Mode::solo) {
    broken_(other.name() + " acknowledges with one copy although " + host.name() + " is SURE");
  }
}

// What counts is the moment of the decision: while its log and metadata go to the disk, the other box may go on alone,
// which is RECONCILE's work (docs/roles.md, Limits).
void SureCheck::watch_reign(int node, Host& host, Host& other, bool lossy) {
  std::optional<Acked>& decided = decided_[static_cast<std::size_t>(node)];
  const bool promoting = host.pair().role() == tandem::mirror::Role::promoting;
  if (promoting && !decided) decided = acked_[static_cast<std::size_t>(1 - node)];
  const Acked acked = decided.value_or(acked_[static_cast<std::size_t>(1 - node)]);
  if (!promoting) decided.reset();
  bool& served = served_[static_cast<std::size_t>(node)];
  const bool begins = host.serving() && !served;
  served = host.serving();
  if (!begins || lossy || other.serving()) return;
  if (acked.lsn.value == 0 || host.pair().holds(acked.epoch, acked.lsn)) return;
  if (host.pair().status(host.clock()).self.unclean) return;
  const auto& merged = host.state().globals().merged;
  if (merged.contains(acked.epoch)) return;  // TailCheck's work
  broken_(host.name() + " begins to serve and is not marked UNCLEAN, but lacks record " +
          std::to_string(acked.lsn.value) + " of epoch " + std::to_string(acked.epoch.number) +
          ", which the other box has acknowledged");
}

void SureCheck::watch(std::array<Host*, 2> hosts, bool lossy) {
  for (int i = 0; i < 2; ++i) {
    if (!hosts[static_cast<std::size_t>(i)]->paused()) note_acked(i, *hosts[static_cast<std::size_t>(i)]);
  }
  for (int i = 0; i < 2; ++i) {
    Host& host = *hosts[static_cast<std::size_t>(i)];
    Host& other = *hosts[static_cast<std::size_t>(1 - i)];
    if (!host.up()) {
      served_[static_cast<std::size_t>(i)] = false;
      decided_[static_cast<std::size_t>(i)].reset();
    }
    if (!host.up() || host.paused()) continue;
    watch_sure(i, host, other);
    watch_reign(i, host, other, lossy);
    watch_guard(i, host);
  }
}

}  // namespace sim
