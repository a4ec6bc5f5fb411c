// The standby's decisions beside the join itself: following, merging, yielding, releasing.
#include "mirror/names.hpp"
#include "mirror/node.hpp"

namespace tandem::mirror {

bool Pair::Impl::mirrored_with_me() const {
  return peer.beat.role == Role::active && peer.beat.epoch == join.epoch() &&
         peer.beat.mirror_boot == post.stream().own().boot && peer.beat.mirror_join == join.number();
}

// Linked to an ACTIVE peer: L0 if it is still MIRRORED with this very copy, else L1.
void Pair::Impl::follow(Steady) {
  if (follower.step != Follower::Step::none) forget_follower();  // the peer has what it merged
  if (join.in_sync() || join.step() == Join::Step::sealing) {
    if (mirrored_with_me()) return;
    tell(Tell::Level::info, peer.name + " went on without this standby: it is brought up to date again.");
    join.drop_sync();
  }
  const bool begun = join.purpose() == Join::Purpose::follow && join.step() > Join::Step::asking;
  if (begun && join.epoch() != peer.beat.epoch) join.abandon();
  join.begin(Join::Purpose::follow);
}

// P2. True if it has ended in a promotion.
bool Pair::Impl::run_merge(Steady) {
  if (join.purpose() != Join::Purpose::merge && follower.step != Follower::Step::none) forget_follower();
  join.begin(Join::Purpose::merge);
  const std::optional<Join::Merged> merged = join.take_merged();
  if (!merged) return false;
  tell(Tell::Level::info, "Compared logs with " + peer.name + ": " + merged->why + ".");
  start_promotion(merged->unclean, merged->alone_base, row->sentence);
  return true;
}

// The peer asks to take over with what both have. Both may ask at once: the lower name yields.
void Pair::Impl::on_merge_ask(const JoinAsk& ask, Steady) {
  const bool own_merge = join.purpose() == Join::Purpose::merge;
  if (role != Role::standby || stopping || (own_merge && options.node_name > peer.name)) return;
  if (join.store_busy() || !local.all_written()) return;  // it asks again
  const std::uint64_t boot = post.stream().peer().boot;
  const bool repeated = follower.boot == boot && follower.join == ask.join;
  if (follower.boot == boot && ask.join < follower.lowest_join) return;
  if (!repeated) {
    join.drop_sync();
    join.abandon();
    forget_follower();
    follower.boot = boot;
    follower.join = follower.lowest_join = ask.join;
    orders.push_back(CommitNow{});
  }
  if (follower.step == Follower::Step::feeding) return;
  follower.step = Follower::Step::offered;
  send_offer(true);
}

// RELEASE: the lease is dropped FIRST, then the active is told.
void Pair::Impl::release(Steady) {
  if (role != Role::standby || join.purpose() != Join::Purpose::follow) return;
  const Release released{join.number(), lease.last_number()};
  join.drop_sync();
  lease.drop();
  if (linked()) post.send_on_all_paths(FrameKind::release, released);
}

}  // namespace tandem::mirror
