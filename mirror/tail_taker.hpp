// RECONCILE, the winner's side: takes the frames of a loser's tail in order, gives their facts to the owner, who
// appends them as new records, and confirms a frame once those records are on the own disk (R9).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "mirror/pair.hpp"
#include "mirror/wire.hpp"

namespace tandem::mirror {

class TailTaker {
 public:
  bool open() const { return open_; }
  std::uint64_t received() const { return received_; }

  void on_frame(TailFrame&& frame, const std::string& peer_name, std::vector<Order>& orders);
  // The owner has appended what frame `number` brought; the log then ended with `last`.
  void on_merged(std::uint64_t number, Lsn last);
  void on_durable(Lsn durable);
  // Not the whole tail has come: what came stays merged.
  void stop(std::vector<Order>& orders);
  // What to tell the loser now; nothing if no tail is open. `anyway`: a sign of life.
  std::optional<TailAck> take_ack(bool anyway);

 private:
  struct Appended {
    std::uint64_t number;
    Lsn last;
  };
  bool open_ = false;
  bool end_seen_ = false;
  bool due_ = false;
  std::uint64_t join_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t merged_ = 0;
  std::deque<Appended> appended_;  // not durable yet
};

}  // namespace tandem::mirror
