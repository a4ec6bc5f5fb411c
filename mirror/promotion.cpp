// PROMOTING, ACTIVE and back; higher epochs; SOLO. Whatever waits for the disk waits for a token or for `durable`.
#include <algorithm>

#include "base/check.hpp"
#include "mirror/names.hpp"
#include "mirror/node.hpp"

namespace tandem::mirror {

namespace {
constexpr std::int64_t operator_grace_ms = 5'000;
}

Epoch Pair::Impl::next_epoch() {
  max_epoch_number = std::max(max_epoch_number, local.meta.epoch.number) + 1;
  return Epoch{max_epoch_number, node_id_from_name(options.node_name), local.meta.store};
}

// The log is fsynced, then epoch, unclean, last_role and alone_from become durable in one write; then ACTIVE.
void Pair::Impl::start_promotion(bool unclean, Lsn alone_base, std::string_view why) {
  CHECK(role == Role::standby && !join.store_busy());
  join.abandon();
  forget_follower();
  switchover.end();
  role = Role::promoting;
  Meta& meta = local.meta;
  meta.epoch = next_epoch();
  meta.history.cut(local.log_last);
  meta.history.append(meta.epoch, local.log_last.next(), unclean);
  meta.unclean = unclean;
  meta.last_role = LastRole::active;
  if (meta.alone_from.value == 0) {
    meta.alone_from = alone_base.value != 0 ? alone_base : Lsn{1};
    acked_alone = 0;
  }
  tell(unclean ? Tell::Level::warn : Tell::Level::info, std::string(why) + " (epoch " + epoch_text(meta.epoch) +
                                                            ", record " + std::to_string(local.log_last.value) + ")");
  orders.push_back(OpenListeners{});
  orders.push_back(CommitNow{});
  promotion_token = local.write_meta(orders);
}

// True if the promotion has ended, one way or the other.
bool Pair::Impl::finish_promotion(Steady now) {
  if (!local.written(promotion_token)) return false;
  promotion_token = 0;
  lease.drop();
  if (stopping || (!promotion_by_operator && word() == Word::backup)) {
    role = Role::standby;
    local.meta.last_role = LastRole::standby;
    local.write_meta(orders);
    orders.push_back(Demote{"told BACKUP before the takeover was complete"});
    tell(Tell::Level::warn, "The takeover was broken off: the arbiter says BACKUP again.");
    return true;
  }
  if (promotion_by_operator) grace_until = now.plus_ms(operator_grace_ms);
  promotion_by_operator = false;
  role = Role::active;
  reign_epoch = local.meta.epoch;
  reign_from = local.log_last;
  mirrored = solo_ok = false;
  solo_token = bump_token = bump_history_token = 0;
  solo_fsync.reset();
  no_offer_before.reset();
  confirmed_memory = confirmed_durable = safe = Lsn{};
  sender.reset(local.log_last);
  orders.push_back(Activate{reign_epoch, local.meta.unclean});
  tell(Tell::Level::info, "ACTIVE in epoch " + epoch_text(reign_epoch) + (local.meta.unclean ? ", UNCLEAN." : "."));
  return true;
}

// A5. What is needed later (alone_from, unclean) stays; a crash before the write leaves UNSURE as well.
void Pair::Impl::demote(std::string_view why, Tell::Level level) {
  role = Role::standby;
  mirrored = solo_ok = false;
  solo_token = bump_token = bump_history_token = 0;
  solo_fsync.reset();
  grace_until.reset();
  safe = Lsn{};
  forget_follower();
  sender.reset(local.log_last);
  local.meta.last_role = LastRole::standby;
  local.write_meta(orders);
  orders.push_back(CommitNow{});
  orders.push_back(Demote{std::string(why)});
  tell(level, "No longer ACTIVE. " + std::string(why));
}

// A6, first half: the number is used up durably before any record carries it.
bool Pair::Impl::bump_epoch(Steady) {
  if (bumping()) return false;
  local.meta.epoch = next_epoch();
  bump_token = local.write_meta(orders);
  return false;
}

// A6, second half: nothing is acknowledged until it is durable where the new epoch begins.
bool Pair::Impl::run_bump() {
  if (local.written(bump_token)) {
    bump_token = 0;
    reign_epoch = local.meta.epoch;
    local.meta.history.append(reign_epoch, local.log_last.next(), local.meta.unclean);
    bump_history_token = local.write_meta(orders);
    forget_follower();
    orders.push_back(NewEpoch{reign_epoch});
    tell(Tell::Level::info,
         "Still ACTIVE, now in epoch " + epoch_text(reign_epoch) + ", because the peer knew a higher one than before.");
    return true;
  }
  if (!local.written(bump_history_token)) return false;
  bump_history_token = 0;
  return true;
}

// A2.
bool Pair::Impl::leave_mirror(Steady) {
  mirrored = solo_ok = false;
  const bool asks_again = follower.step == Follower::Step::asked;
  if (asks_again) {
    follower.let_go = false;
    sender.stop();
  } else {
    forget_follower();
  }
  tell(Tell::Level::warn, std::string(row->sentence));
  return true;
}

// A3: alone_from durable (only if none is set), the whole log fsynced, T_solo over.
bool Pair::Impl::prepare_solo(Steady) {
  if (solo_token != 0 || solo_fsync) return false;
  if (local.meta.alone_from.value == 0) {
    local.meta.alone_from = confirmed_memory.next();
    acked_alone = 0;
    solo_token = local.write_meta(orders);
  } else {
    solo_fsync = local.log_last;
    if (local.durable < local.log_last) orders.push_back(CommitNow{});
  }
  return solo_fsync.has_value();
}

bool Pair::Impl::run_solo(Steady now) {
  if (mirrored || solo_ok) return false;
  const bool done = local.written(solo_token) || (solo_fsync && local.durable >= *solo_fsync);
  if (!done || (options.has_peer && !solo.over(now))) return false;
  solo_token = 0;
  solo_fsync.reset();
  solo_ok = true;
  return true;
}

}  // namespace tandem::mirror
