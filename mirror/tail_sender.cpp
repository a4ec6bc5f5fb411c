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
  window_ = {};
  lasts_.clear();
  orders.push_back(OpenTail{common, from, to});
}

void TailSender::stop(std::vector<Order>& orders) {
  if (open_) orders.push_back(CloseTail{});
  open_ = false;
  window_ = {};
  lasts_.clear();
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
  frame.number = window_.next_number();
  frame.common = common_;
  frame.end = end;
  frame.items = std::move(items);
  ByteBuffer body;
  ByteWriter out(body);
  put(out, frame);
  window_.add(std::move(body));
  lasts_.push_back(last);
}

void TailSender::on_ack(const TailAck& ack) {
  if (!open_ || ack.join != join_) return;
  for (std::size_t left = window_.on_ack(ack.received, ack.merged); left > 0; --left) {
    merged_to_ = lasts_.front();
    lasts_.pop_front();
  }
}

void TailSender::pump(std::vector<Order>& orders) {
  if (!open_ || asked_ || end_read_ || !window_.has_room(window_bytes)) return;
  asked_ = true;
  orders.push_back(NextTail{piece_bytes});
}

}  // namespace tandem::mirror
