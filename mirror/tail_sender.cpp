// The loser's tail, frame by frame.
#include "mirror/tail_sender.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"

namespace tandem::mirror {

double TailSender::percent() const {
  if (!open_ || to_ < from_) return -1;
  const double all = static_cast<double>(to_.value - from_.value + 1);
  const double done = merged_to_ < from_ ? 0 : static_cast<double>(merged_to_.value - from_.value + 1);
  return std::min(99.0, 100.0 * done / all);
}

void TailSender::start(std::uint64_t join, Lsn common, Lsn from, Lsn to, std::vector<Order>& orders) {
  stop(orders);
  open_ = true;
  asked_ = end_read_ = false;
  join_ = join;
  common_ = common;
  from_ = from;
  to_ = to;
  merged_to_ = Lsn{};
  next_number_ = 1;
  received_ = 0;
  orders.push_back(OpenTail{common, from, to});
}

void TailSender::stop(std::vector<Order>& orders) {
  if (open_) orders.push_back(CloseTail{});
  open_ = false;
  frames_.clear();
  bytes_ = 0;
}

void TailSender::on_piece(TailPiece&& piece) {
  if (!open_ || !asked_ || end_read_) return;
  asked_ = false;
  std::vector<TailItem> items;
  std::size_t bytes = 0;
  for (TailItem& item : piece.items) {
    bytes += item.fact.size();
    items.push_back(std::move(item));
    if (bytes < piece_bytes) continue;
    add_frame(std::exchange(items, {}), piece.read_to, false);
    bytes = 0;
  }
  if (!items.empty() || piece.end) add_frame(std::move(items), piece.end ? to_ : piece.read_to, piece.end);
  end_read_ = piece.end;
}

void TailSender::add_frame(std::vector<TailItem> items, Lsn last, bool end) {
  TailFrame frame;
  frame.join = join_;
  frame.number = next_number_++;
  frame.common = common_;
  frame.end = end;
  frame.items = std::move(items);
  ByteBuffer body;
  ByteWriter out(body);
  put(out, frame);
  bytes_ += body.size();
  frames_.push_back({frame.number, last, std::move(body), std::nullopt});
}

void TailSender::on_ack(const TailAck& ack) {
  if (!open_ || ack.join != join_) return;
  received_ = std::max(received_, ack.received);
  while (!frames_.empty() && frames_.front().number <= ack.merged) {
    bytes_ -= frames_.front().body.size();
    merged_to_ = frames_.front().last;
    frames_.pop_front();
  }
}

void TailSender::pump(std::vector<Order>& orders) {
  if (!open_ || asked_ || end_read_ || bytes_ >= window_bytes) return;
  asked_ = true;
  orders.push_back(NextTail{piece_bytes});
}

std::vector<const ByteBuffer*> TailSender::take_sendable(Steady now) {
  std::vector<const ByteBuffer*> bodies;
  if (!open_) return bodies;
  for (Sent& frame : frames_) {
    if (frame.number <= received_) continue;
    if (frame.sent && now.ms - frame.sent->ms < limits::path_resend_ms) continue;
    frame.sent = now;
    bodies.push_back(&frame.body);
  }
  return bodies;
}

}  // namespace tandem::mirror
