// Which epoch each part of a log belongs to, and from that the common point of two logs. One epoch is one reign of one
// node and its log is linear, so two logs that have the same epoch at an lsn are the same up to that lsn.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"

namespace tandem::mirror {

struct HistoryEntry {
  Epoch epoch;
  Lsn first;             // first lsn of this epoch
  bool unclean = false;  // the promotion that began it was UNCLEAN
  friend bool operator==(const HistoryEntry&, const HistoryEntry&) = default;
};

class History {
 public:
  // Older entries are forgotten beyond this: logs that fork before them share nothing, and all is sent anew.
  static constexpr std::size_t max_entries = 256;

  // Forgets entries that begin behind `last` (reigns that left no record in this log).
  void cut(Lsn last);
  // `first` is behind every entry that is kept; entries at or behind it are replaced.
  void append(Epoch epoch, Lsn first, bool unclean);
  // Takes over the history of the log that this one now follows.
  void adopt(const History& other);

  const std::vector<HistoryEntry>& entries() const { return entries_; }
  // Epoch of the record at `at`; a zero epoch if unknown.
  Epoch epoch_at(Lsn at) const;
  // Where the records of `epoch` end in a log that ends with `log_last`; nothing if it has none of that epoch.
  std::optional<Lsn> end_of(Epoch epoch, Lsn log_last) const;

  void encode(ByteWriter& out) const;
  // Bounded; a reader that turns bad gives an empty history.
  static History decode(ByteReader& in);

  friend bool operator==(const History&, const History&) = default;

 private:
  std::vector<HistoryEntry> entries_;  // ascending by first
};

// Highest lsn up to which both logs hold the same records; 0 if they share none (or the shared part is forgotten).
Lsn common_point(const History& a, Lsn a_last, const History& b, Lsn b_last);

}  // namespace tandem::mirror
