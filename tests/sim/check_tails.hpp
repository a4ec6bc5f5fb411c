// "No acknowledged record is dropped": when a box begins to replace its log by the peer's, the peer has every message
// that this box acknowledged, as the same record or merged into its own log and on its disk (RECONCILE).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "host.hpp"

namespace sim {

class TailCheck {
 public:
  explicit TailCheck(std::function<void(const std::string&)> broken) : broken_(std::move(broken)) {}

  // A box starts with this disk: what it had only in memory is gone.
  void booted(int node, const Disk& disk);
  void appended(int node, const Batch& batch);
  // After each step of a box: what its reign acknowledged, and what lies before that in its log, which a repeated
  // PUBLISH may have had acknowledged.
  void acknowledged(int node, Host& host);
  // `loser` begins to cut its log. Not to be asked after both memories were lost.
  void check_cut(int node, Host& loser, Host& winner);
  void cut(int node, Lsn to);

 private:
  struct Piece {  // a batch
    Lsn first;
    Lsn last;
    Epoch epoch;
    Lsn message;  // its last PUBLISH with QoS > 0; 0: none
  };
  struct Log {
    std::deque<Piece> pieces;
    Lsn acked;
    std::map<std::pair<Epoch, Lsn>, Lsn> merged;  // records of other lineages: where they stand here
  };
  void add(Log& log, const Batch& batch);
  static bool has(const Log& log, Host& host, const Piece& piece);

  std::function<void(const std::string&)> broken_;
  std::array<Log, 2> logs_;
};

}  // namespace sim
