// Joining, first half: from the question to the own log being a part of the followed one.
#include "mirror/join.hpp"

#include <tuple>

#include "mirror/names.hpp"

namespace tandem::mirror {

namespace {

constexpr unsigned patience_ticks = 40;

// Of two logs that fork, the one that goes on: not half loaded, then the later reign at its end, then the longer one.
bool goes_on(bool stale, Epoch end, Lsn last, bool other_stale, Epoch other_end, Lsn other_last) {
  return std::make_tuple(!stale, end, last) > std::make_tuple(!other_stale, other_end, other_last);
}

// L2: what must not be lost of a loser's tail. The whole tail if the winner is unclean, else what may have been
// acknowledged alone.
bool may_hold_acked(Lsn loser_last, Lsn common, Lsn loser_alone_from, bool winner_unclean) {
  if (loser_last <= common) return false;
  return winner_unclean || (loser_alone_from.value != 0 && loser_alone_from <= loser_last);
}

}  // namespace

bool Join::store_busy() const {
  return step_ == Step::rewinding || step_ == Step::wiping || step_ == Step::loading;
}

double Join::percent() const {
  if (step_ == Step::reconciling) return tail_.percent();
  if (step_ == Step::in_sync || purpose_ == Purpose::none) return -1;
  if (rows_total_ > 0 && image_open_) {
    return std::min(99.0, 100.0 * static_cast<double>(rows_bytes_) / static_cast<double>(rows_total_));
  }
  if (step_ != Step::fetching || offer_.last <= common_) return -1;
  const double all = static_cast<double>(offer_.last.value - common_.value);
  const double done = static_cast<double>(std::max(local_.applied, common_).value - common_.value);
  return std::min(99.0, 100.0 * done / all);
}

void Join::begin(Purpose purpose) {
  if (purpose_ == purpose && step_ != Step::idle) return;
  abandon();
  if (store_busy()) return;
  lease_.drop();
  purpose_ = purpose;
  ++join_;
  offer_ = {};
  step_ = Step::asking;
  on_tick();
}

void Join::abandon() {
  if (step_ == Step::in_sync) lease_.drop();
  purpose_ = Purpose::none;
  if (!store_busy()) step_ = Step::idle;
  tail_.stop(orders_);
  token_ = 0;
  sync_at_.reset();
  pending_.clear();
  held_.clear();
  gap_seen_ = confirm_due_ = ack_due_ = false;
  merged_.reset();
}

void Join::drop_sync() {
  lease_.drop();
  if (purpose_ == Purpose::follow) abandon();
}

void Join::on_tick() {
  if (!post_.stream().up()) return;
  const bool waits = step_ == Step::fetching || (step_ == Step::reconciling && tail_.waiting());
  if (waits && ++quiet_ticks_ > patience_ticks) {  // whoever offered it has forgotten us
    start_over("nothing has come for a while");
    return;
  }
  if (step_ == Step::asking) {
    post_.send(purpose_ == Purpose::merge ? FrameKind::merge_ask : FrameKind::join_ask, JoinAsk{join_});
  }
  if (step_ == Step::fetching && !fetch_answered_) {
    post_.send(FrameKind::fetch, Fetch{join_, fetch_, local_.log_last, wipe_});
  }
  if (step_ == Step::fetching && fetch_answered_) ack_due_ = confirm_due_ = true;  // in case the last ones were lost
}

void Join::on_offer(const Offer& offer) {
  if (step_ != Step::asking || offer.join != join_ || offer.merge != (purpose_ == Purpose::merge)) return;
  offer_ = offer;
  rows_bytes_ = rows_total_ = 0;
  common_ = common_point(local_.meta.history, local_.log_last, offer.history, offer.last);
  wipe_ = force_image_ || image_open_;
  tail_may_hold_acked_ = may_hold_acked(local_.log_last, common_, local_.meta.alone_from, offer.unclean);
  tail_merged_ = tail_unreadable_ = false;
  if (purpose_ == Purpose::merge) {
    plan_merge(common_);
  } else {
    plan();
  }
}

void Join::plan() {
  if (common_ < local_.log_last && tail_may_hold_acked_ && purpose_ == Purpose::follow) {
    reconcile();
    return;
  }
  if (common_ < local_.log_last || wipe_) {
    mark_then_cut(wipe_);
    return;
  }
  if (purpose_ == Purpose::follow) local_.meta.last_role = LastRole::stale;
  adopt();
}

void Join::plan_merge(Lsn common) {
  const bool own_stale = local_.meta.last_role == LastRole::stale;
  if (common == offer_.last && !image_open_) {
    merged_ = Merged{own_stale && offer_.stale, offer_.last.next(), "the peer's log is a part of the own one"};
    return;
  }
  const Epoch own_end = local_.meta.history.epoch_at(local_.log_last);
  const Epoch peer_end = offer_.history.epoch_at(offer_.last);
  const bool fork = common < local_.log_last;
  // A log that is whole goes on: the peer's tail comes over when the peer joins (L2). A STALE one holds nothing that is
  // not confirmed elsewhere.
  if (fork && !image_open_ &&
      (!own_stale || goes_on(own_stale, own_end, local_.log_last, offer_.stale, peer_end, offer_.last))) {
    const bool acked = may_hold_acked(offer_.last, common, offer_.alone_from, local_.meta.unclean);
    merged_ = Merged{acked, common.next(),
                     "the logs fork behind record " + std::to_string(common.value) + "; the own one goes on" +
                         (acked ? ", and the peer's part may hold acknowledged records" : "")};
    return;
  }
  plan();
}

// L2. Until all of the tail is confirmed this stays a whole log of its own: STALE is written after it, before anything
// is cut (R7, R8, D_DROP).
void Join::reconcile() {
  step_ = Step::reconciling;
  commit_asked_ = false;
  quiet_ticks_ = 0;
  if (may_reconcile_) return;
  tell(Tell::Level::error, tail_note(common_, true) +
                               ". They wait to be merged into the active (mirror.reconcile = \"ask\"): see 'tandemctl "
                               "reconcile --dry-run', then order 'tandemctl reconcile' on this box.");
}

std::optional<OpenTail> Join::pending_tail() const {
  if (step_ != Step::reconciling) return std::nullopt;
  const Lsn from = offer_.unclean ? common_.next() : std::max(common_.next(), local_.meta.alone_from);
  return OpenTail{common_, from, local_.log_last};
}

void Join::run_tail(Steady now) {
  if (step_ != Step::reconciling || !may_reconcile_ || !post_.stream().up()) return;
  if (!tail_.open()) {
    if (local_.durable < local_.log_last) {
      if (!commit_asked_) orders_.push_back(CommitNow{});
      commit_asked_ = true;
      return;
    }
    const OpenTail tail = *pending_tail();
    tell(Tell::Level::info, "Merging what only this box acknowledged, records " + std::to_string(tail.from.value) +
                                " to " + std::to_string(tail.to.value) + ", into the active.");
    tail_.start(join_, tail.common, tail.from, tail.to, orders_);
  }
  tail_.pump(orders_);
  for (const ByteBuffer* body : tail_.take_sendable(now)) post_.send_encoded(FrameKind::tail, *body);
}

void Join::on_tail(TailPiece&& piece) {
  if (step_ != Step::reconciling) return;
  if (!piece.error.empty()) {
    tail_unreadable_ = true;
    tell(Tell::Level::error, "A part of what only this box acknowledged cannot be read and is not merged: " +
                                 piece.error + ". The damaged part stays in the set-aside file.");
  }
  tail_.on_piece(std::move(piece));
}

void Join::on_tail_ack(const TailAck& ack) {
  if (step_ != Step::reconciling) return;
  quiet_ticks_ = 0;
  tail_.on_ack(ack);
  if (!tail_.done()) return;
  tail_.stop(orders_);
  tail_merged_ = !tail_unreadable_;
  mark_then_cut(wipe_);
}

void Join::mark_then_cut(bool wipe) {
  wipe_ = wipe;
  local_.meta.last_role = LastRole::stale;
  token_ = local_.write_meta(orders_);
  step_ = Step::marking;
}

std::string Join::tail_note(Lsn common, bool may_hold) const {
  return "records " + std::to_string(common.next().value) + " to " + std::to_string(local_.log_last.value) +
         " of epoch " + epoch_text(local_.meta.history.epoch_at(local_.log_last)) + ", set aside to follow epoch " +
         epoch_text(offer_.epoch) + " from record " + std::to_string(common.value) +
         " on; may hold acknowledged records: " +
         (!may_hold      ? "no"
          : tail_merged_ ? "yes, merged into the active"
                         : "yes");
}

void Join::cut() {
  const std::string note = tail_note(common_, tail_may_hold_acked_);
  if (common_ < local_.log_last && tail_merged_) {
    tell(Tell::Level::info, "All of it is merged into the active and on its disk. The own copy is kept: " + note + ".");
  } else if (common_ < local_.log_last) {
    tell(tail_may_hold_acked_ ? Tell::Level::error : Tell::Level::warn,
         tail_may_hold_acked_
             ? "The own log went another way than the peer's: " + note +
                   ". They are kept in a set-aside file in the data directory and are not part of the service any more."
         : local_.meta.history.entries().empty()
             ? "This box's copy is not whole, so all of it is set aside and fetched from the peer: " + note + "."
             : "The end of the own log was never acknowledged to anybody and the peer does not have it: " + note + ".");
  }
  if (wipe_) {
    step_ = Step::wiping;
    orders_.push_back(Wipe{common_, note});
  } else {
    step_ = Step::rewinding;
    orders_.push_back(Rewind{common_, note});
  }
}

void Join::on_rewound(bool state_rebuilt) {
  if (step_ != Step::rewinding) return;
  if (!state_rebuilt) {
    wipe_ = true;
    step_ = Step::wiping;
    orders_.push_back(Wipe{common_, tail_note(common_, tail_may_hold_acked_)});
    return;
  }
  local_.log_ends_at(common_);
  local_.meta.history.cut(common_);
  if (purpose_ == Purpose::none) {
    step_ = Step::idle;
    return;
  }
  adopt();
}

void Join::on_wiped() {
  if (step_ != Step::wiping) return;
  local_.log_ends_at(Lsn{});
  local_.meta.history.cut(Lsn{});
  image_open_ = force_image_ = false;
  if (purpose_ == Purpose::none) {
    step_ = Step::idle;
    return;
  }
  adopt();
}

// The own log is now a part of the followed one: nothing in it can have been acknowledged without the peer.
void Join::adopt() {
  local_.meta.history.adopt(offer_.history);
  local_.meta.before_damage = {};
  local_.meta.alone_from = Lsn{};
  token_ = local_.write_meta(orders_);
  step_ = Step::adopting;
}

void Join::fetch() {
  step_ = Step::fetching;
  ++fetch_;
  fetch_answered_ = commit_asked_ = false;
  quiet_ticks_ = 0;
  received_ = consumed_ = fetched_bytes_ = 0;
  pending_.clear();
  held_.clear();
  sync_at_.reset();
  on_tick();
}

void Join::start_over(std::string_view why) {
  tell(Tell::Level::warn, "Loading from the peer starts over: " + std::string(why) + ".");
  const Purpose purpose = purpose_;
  abandon();
  begin(purpose);
}

}  // namespace tandem::mirror
