// Joining, second half: pieces, live batches, S2 and S3.
#include "mirror/join.hpp"
#include "mirror/receiver.hpp"

namespace tandem::mirror {

void Join::on_piece(Piece&& piece) {
  const bool mine = piece.join == join_ && piece.fetch == fetch_ && purpose_ != Purpose::none;
  if (!mine || (step_ != Step::fetching && step_ != Step::loading)) return;
  fetch_answered_ = ack_due_ = true;
  quiet_ticks_ = 0;
  if (piece.number != received_ + 1) return;
  ++received_;
  for (const Row& row : piece.rows) fetched_bytes_ += row.key.size() + row.value.size();
  for (const Batch& batch : piece.batches) fetched_bytes_ += batch.bytes->size();
  if (step_ == Step::loading) {
    held_.push_back(std::move(piece));
    return;
  }
  take_piece(piece);
}

void Join::take_piece(Piece& piece) {
  if (piece.gap) {
    tell(Tell::Level::info, "The peer's log no longer goes back far enough: the whole state is fetched.");
    common_ = local_.log_last;
    tail_may_hold_acked_ = false;
    mark_then_cut(true);
    return;
  }
  pending_.push_back({piece.number, Lsn{}});
  if (wipe_ && (!piece.rows.empty() || piece.rows_end)) take_rows(piece);
  if (!take_batches(piece)) return;
  if (!piece.batches.empty()) pending_.back().last = piece.batches.back().last();
  move_consumed();
  finish_merge_if_ready();
}

void Join::take_rows(Piece& piece) {
  if (!image_open_) {
    image_open_ = true;
    rows_bytes_ = 0;
    orders_.push_back(BeginImage{piece.rows_lsn, std::move(piece.info)});
  }
  rows_total_ = std::max(rows_total_, piece.rows_total_bytes);
  for (const Row& row : piece.rows) rows_bytes_ += row.key.size() + row.value.size();
  if (!piece.rows.empty()) orders_.push_back(ImageRows{std::move(piece.rows)});
  if (!piece.rows_end) return;
  orders_.push_back(EndImage{});
  step_ = Step::loading;
}

// False if the piece does not fit: loading starts over.
bool Join::take_batches(Piece& piece) {
  if (step_ == Step::loading && !piece.batches.empty()) {  // rows and batches in one piece: keep the batches for later
    Piece rest;
    rest.number = piece.number;
    rest.batches = std::move(piece.batches);
    piece.batches.clear();
    pending_.pop_back();
    held_.push_front(std::move(rest));
    return false;
  }
  for (Batch& batch : piece.batches) {
    if (batch.last() <= local_.log_last) continue;
    const Epoch known = offer_.history.epoch_at(batch.first);  // zero: older than a history goes back
    if (batch.first != local_.log_last.next() || (known != Epoch{} && batch.epoch != known)) {
      start_over("a batch that does not continue the own log came from the peer");
      return false;
    }
    local_.log_last = batch.last();
    batch_time_ = batch.time;
    orders_.push_back(ApplyBatch{batch});
  }
  return true;
}

void Join::on_image_loaded(Lsn at) {
  if (step_ != Step::loading) return;
  local_.log_last = local_.applied = local_.durable = at;
  image_open_ = false;
  if (purpose_ == Purpose::none) {
    step_ = Step::idle;
    return;
  }
  wipe_ = false;
  step_ = Step::fetching;
  std::deque<Piece> held = std::move(held_);
  held_.clear();
  for (Piece& piece : held) {
    if (step_ != Step::fetching) return;
    take_piece(piece);
  }
  on_progress();
}

void Join::on_batch(Batch&& batch, Steady) {
  if (purpose_ != Purpose::follow || (step_ != Step::fetching && step_ != Step::sealing && step_ != Step::in_sync)) {
    return;
  }
  if (step_ == Step::fetching && wipe_) return;  // rows first
  switch (judge(batch, local_.log_last, offer_.history.epoch_at(batch.first))) {
    case Verdict::foreign:
      return;
    case Verdict::duplicate:
      confirm_due_ = true;
      break;
    case Verdict::gap:
      confirm_due_ = gap_seen_ = true;
      break;
    case Verdict::apply:
      local_.log_last = batch.last();
      batch_time_ = batch.time;
      orders_.push_back(ApplyBatch{std::move(batch)});
      break;
  }
  fetch_answered_ = true;
  quiet_ticks_ = 0;
}

void Join::on_sync_point(const SyncPoint& point) {
  if (purpose_ != Purpose::follow || point.join != join_) return;
  if (step_ == Step::in_sync) confirm_due_ = true;
  if (step_ != Step::fetching || wipe_) return;
  fetch_answered_ = true;
  quiet_ticks_ = 0;
  if (!sync_at_) commit_asked_ = false;
  sync_at_ = point.at;
  seal_if_ready();
}

void Join::move_consumed() {
  while (!pending_.empty() && pending_.front().last <= local_.applied && step_ != Step::loading) {
    consumed_ = pending_.front().piece;
    pending_.pop_front();
    ack_due_ = true;
  }
}

// S3: everything up to the sync point is fsynced; then epoch, unclean and last_role in one write.
void Join::seal_if_ready() {
  if (step_ != Step::fetching || !sync_at_ || local_.applied < *sync_at_) return;
  if (local_.durable < *sync_at_) {
    if (!commit_asked_) orders_.push_back(CommitNow{});
    commit_asked_ = true;
    return;
  }
  local_.meta.epoch = std::max(local_.meta.epoch, offer_.epoch);
  local_.meta.unclean = false;
  local_.meta.last_role = LastRole::standby;
  if (batch_time_) local_.meta.last_sync = *batch_time_;
  token_ = local_.write_meta(orders_);
  step_ = Step::sealing;
}

void Join::finish_merge_if_ready() {
  if (purpose_ != Purpose::merge || step_ != Step::fetching || wipe_ || local_.applied < offer_.last) return;
  merged_ = Merged{tail_may_hold_acked_, offer_.last.next(), "everything that the peer has was fetched"};
}

void Join::on_progress() {
  if (step_ == Step::fetching || step_ == Step::sealing || step_ == Step::in_sync) confirm_due_ = true;
  if (step_ == Step::marking && local_.written(token_)) cut();
  if (step_ == Step::adopting && local_.written(token_)) fetch();
  if (step_ == Step::sealing && local_.written(token_)) {
    step_ = Step::in_sync;
    sync_at_.reset();
    confirm_due_ = true;
  }
  if (step_ == Step::fetching) {
    move_consumed();
    seal_if_ready();
    finish_merge_if_ready();
  }
}

void Join::flush(Steady now, bool confirm_anyway) {
  if (!post_.stream().up()) return;
  run_tail(now);
  if (ack_due_ && (step_ == Step::fetching || step_ == Step::loading)) {
    post_.send(FrameKind::piece_ack, PieceAck{join_, fetch_, received_, consumed_});
  }
  ack_due_ = false;
  const bool streaming = step_ == Step::fetching || step_ == Step::sealing || step_ == Step::in_sync;
  if (purpose_ == Purpose::follow && streaming && (confirm_due_ || confirm_anyway)) {
    Confirm confirm;
    confirm.join = join_;
    confirm.in_sync = in_sync();
    confirm.number = in_sync() ? lease_.number_confirm(now) : 0;
    confirm.gap = gap_seen_;
    confirm.memory = local_.applied;
    confirm.durable = local_.durable;
    post_.send(FrameKind::confirm, confirm);
  }
  confirm_due_ = gap_seen_ = false;
}

std::optional<Join::Merged> Join::take_merged() {
  std::optional<Merged> merged = std::move(merged_);
  merged_.reset();
  return merged;
}

}  // namespace tandem::mirror
