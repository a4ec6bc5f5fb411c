// Pieces for a joining peer.
#include "mirror/feeder.hpp"

#include <algorithm>

namespace tandem::mirror {

namespace {
constexpr std::int64_t idle_ask_ms = 5;  // how soon to ask the store again when nothing more was durable
}

double Feeder::percent() const {
  if (!fetch_.with_rows || rows_total_ == 0) return -1;
  return std::min(99.0, 100.0 * static_cast<double>(rows_bytes_) / static_cast<double>(rows_total_));
}

void Feeder::start(const Fetch& fetch, Steady now, std::vector<Order>& orders) {
  stop(orders);
  fetch_ = fetch;
  open_ = true;
  finished_ = asked_ = idle_ = gap_ = false;
  rows_done_ = !fetch.with_rows;
  read_to_ = fetch.with_rows ? Lsn{} : fetch.after;
  rows_bytes_ = rows_total_ = sent_bytes_ = 0;
  window_ = {};
  budget_bytes_ = static_cast<std::int64_t>(window_bytes);
  refilled_ = asked_at_ = now;
  orders.push_back(OpenCatchUp{fetch.after, fetch.with_rows});
}

void Feeder::go_on(const Fetch& fetch, Lsn after, Steady now, std::vector<Order>& orders) {
  if (!open_ || fetch.join != fetch_.join || fetch.number != fetch_.number) {
    start(Fetch{fetch.join, fetch.number, after, false}, now, orders);
    return;
  }
  finish(orders);
  finished_ = asked_ = idle_ = gap_ = false;
  read_to_ = after;
  orders.push_back(OpenCatchUp{after, false});
}

void Feeder::stop(std::vector<Order>& orders) {
  finish(orders);
  open_ = false;
  window_ = {};
}

void Feeder::finish(std::vector<Order>& orders) {
  if (open_ && !finished_) orders.push_back(CloseCatchUp{});
  finished_ = true;
  asked_ = false;
}

void Feeder::on_chunk(CatchUpPiece&& chunk, Steady now) {
  if (!open_ || finished_ || !asked_) return;
  asked_ = false;
  asked_at_ = now;
  const bool says_something = chunk.gap || chunk.rows_end || !chunk.rows.empty() || !chunk.batches.empty();
  idle_ = !says_something;
  if (!says_something) return;
  Piece piece;
  piece.join = fetch_.join;
  piece.fetch = fetch_.number;
  piece.number = window_.next_number();
  piece.gap = gap_ = chunk.gap;
  piece.rows_end = chunk.rows_end;
  piece.rows_lsn = chunk.rows_lsn;
  piece.rows_total_bytes = chunk.rows_total_bytes;
  piece.info = std::move(chunk.info);
  piece.rows = std::move(chunk.rows);
  piece.batches = std::move(chunk.batches);
  if (piece.rows_end && !rows_done_) {
    rows_done_ = true;
    read_to_ = piece.rows_lsn;
  }
  if (!piece.batches.empty()) read_to_ = piece.batches.back().last();
  rows_total_ = std::max(rows_total_, piece.rows_total_bytes);
  ByteBuffer body;
  ByteWriter out(body);
  put(out, piece);
  if (!piece.rows.empty()) rows_bytes_ += body.size();
  budget_bytes_ -= static_cast<std::int64_t>(body.size());
  sent_bytes_ += body.size();
  window_.add(std::move(body));
}

void Feeder::on_ack(const PieceAck& ack) {
  if (!open_ || ack.join != fetch_.join || ack.fetch != fetch_.number) return;
  window_.on_ack(ack.received, ack.consumed);
}

void Feeder::pump(Steady now, std::vector<Order>& orders) {
  if (!open_ || finished_ || asked_) return;
  budget_bytes_ += bytes_per_second * (now.ms - refilled_.ms) / 1000;
  budget_bytes_ = std::min(budget_bytes_, static_cast<std::int64_t>(window_bytes));
  refilled_ = now;
  if (budget_bytes_ <= 0 || !window_.has_room(window_bytes)) return;
  if (idle_ && now.ms - asked_at_.ms < idle_ask_ms) return;
  asked_ = true;
  asked_at_ = now;
  orders.push_back(NextChunk{chunk_bytes});
}

}  // namespace tandem::mirror
