// A loser's tail arrives.
#include "mirror/tail_taker.hpp"

namespace tandem::mirror {

void TailTaker::on_frame(TailFrame&& frame, const std::string& peer_name, std::vector<Order>& orders) {
  if (!open_ || frame.join != join_) {
    if (frame.number != 1) return;  // the first one comes again
    stop(orders);
    open_ = true;
    end_seen_ = false;
    join_ = frame.join;
    received_ = merged_ = 0;
    appended_.clear();
    orders.push_back(OpenMerge{frame.common, peer_name});
  }
  due_ = true;
  if (frame.number != received_ + 1 || end_seen_) return;
  ++received_;
  end_seen_ = frame.end;
  orders.push_back(MergeTail{frame.number, std::move(frame.items), frame.end});
}

void TailTaker::on_merged(std::uint64_t number, Lsn last) {
  if (open_ && number <= received_) appended_.push_back({number, last});
}

void TailTaker::on_durable(Lsn durable) {
  while (!appended_.empty() && appended_.front().last <= durable) {
    merged_ = appended_.front().number;
    appended_.pop_front();
    due_ = true;
  }
}

void TailTaker::stop(std::vector<Order>& orders) {
  if (open_) orders.push_back(CloseMerge{});
  open_ = due_ = false;
  appended_.clear();
}

std::optional<TailAck> TailTaker::take_ack(bool anyway) {
  if (!open_ || (!due_ && !anyway)) return std::nullopt;
  due_ = false;
  return TailAck{join_, received_, merged_};
}

}  // namespace tandem::mirror
