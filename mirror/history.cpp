// Histories: keeping one and comparing two.
#include "mirror/history.hpp"

#include <algorithm>

#include "mirror/wire.hpp"

namespace tandem::mirror {

void History::cut(Lsn last) {
  while (!entries_.empty() && entries_.back().first > last) entries_.pop_back();
}

void History::append(Epoch epoch, Lsn first, bool unclean) {
  while (!entries_.empty() && entries_.back().first >= first) entries_.pop_back();
  entries_.push_back({epoch, first, unclean});
  if (entries_.size() > max_entries) entries_.erase(entries_.begin());
}

void History::adopt(const History& other) {
  entries_ = other.entries_;
}

Epoch History::epoch_at(Lsn at) const {
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (entry->first <= at) return entry->epoch;
  }
  return {};
}

std::optional<Lsn> History::end_of(Epoch epoch, Lsn log_last) const {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].epoch != epoch) continue;
    return i + 1 == entries_.size() ? log_last : std::min(log_last, Lsn{entries_[i + 1].first.value - 1});
  }
  return std::nullopt;
}

void History::encode(ByteWriter& out) const {
  out.varint(entries_.size());
  for (const HistoryEntry& entry : entries_) {
    put_epoch(out, entry.epoch);
    out.u64_le(entry.first.value).u8(entry.unclean ? 1 : 0);
  }
}

History History::decode(ByteReader& in) {
  History history;
  const std::uint64_t count = in.varint();
  if (count > max_entries) in.fail();
  for (std::uint64_t i = 0; in.ok() && i < count; ++i) {
    HistoryEntry entry;
    entry.epoch = get_epoch(in);
    entry.first = Lsn{in.u64_le()};
    entry.unclean = in.u8() != 0;
    if (!history.entries_.empty() && history.entries_.back().first >= entry.first) in.fail();
    history.entries_.push_back(entry);
  }
  if (!in.ok()) history.entries_.clear();
  return history;
}

namespace {

// Last lsn of entry `i` in a log that ends at `last`.
Lsn end_of(const std::vector<HistoryEntry>& entries, std::size_t i, Lsn last) {
  if (i + 1 == entries.size()) return last;
  return std::min(last, Lsn{entries[i + 1].first.value - 1});
}

}  // namespace

Lsn common_point(const History& a, Lsn a_last, const History& b, Lsn b_last) {
  const auto& left = a.entries();
  const auto& right = b.entries();
  for (std::size_t i = left.size(); i-- > 0;) {
    if (left[i].first > a_last) continue;
    for (std::size_t k = right.size(); k-- > 0;) {
      if (right[k].first > b_last || right[k].epoch != left[i].epoch) continue;
      if (right[k].first != left[i].first) return Lsn{};  // impossible between honest histories: trust neither
      return std::min(end_of(left, i, a_last), end_of(right, k, b_last));
    }
  }
  return Lsn{};
}

}  // namespace tandem::mirror
