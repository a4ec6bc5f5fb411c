// Who gets into the cache of look-ups, and who has to leave it.
#include "core/match_cache.hpp"

#include <utility>

#include "base/limits.hpp"

namespace tandem::core {

namespace {
constexpr std::size_t max_topics = 65'536;
// Topics may be 64 KiB long and reach thousands of sessions: a client must not grow us by inventing topics.
constexpr std::size_t max_bytes = 32 * limits::mib;
constexpr std::size_t entry_bytes = 256;  // about what an entry costs beside the bytes that it points to
}  // namespace

std::size_t MatchCache::cost(const Match& match) {
  return entry_bytes + match.topic.capacity() + match.targets.capacity() * sizeof(Target) +
         match.others.capacity() * sizeof(Subscription*) + match.groups.capacity() * sizeof(SharedGroup*);
}

Match& MatchCache::at(std::string_view topic) {
  const auto found = index_.find(topic);
  if (found != index_.end()) return *found->second;
  if (!full_for(topic)) return add(topic);
  if (guest_.stamp != 0 && guest_.topic == topic) return guest_;
  if (asked_lately(topic)) return add(topic);
  give_to(guest_, topic);
  return guest_;
}

bool MatchCache::full_for(std::string_view topic) const {
  return index_.size() >= max_topics || bytes_ + entry_bytes + topic.size() > max_bytes;
}

// Notes that it was asked for. A later topic of the same place takes its mark away: that is how it is forgotten.
bool MatchCache::asked_lately(std::string_view topic) {
  const std::uint64_t hash = hash64(topic);
  const auto mark = static_cast<std::uint16_t>((hash >> 48) | 1U);
  return std::exchange(asked_[hash % remembered], mark) == mark;
}

Match& MatchCache::add(std::string_view topic) {
  Match* entry = nullptr;
  if (index_.size() >= max_topics) {  // what its lists have room for serves the next topic
    entry = &oldest(nullptr);
    index_.erase(entry->topic);
    bytes_ -= cost(*entry);
  } else if (!spare_.empty()) {
    entry = spare_.back();
    spare_.pop_back();
  } else {
    entry = &entries_.emplace_back();
  }
  give_to(*entry, topic);
  entry->cached = true;
  index_.emplace(entry->topic, entry);
  bytes_ += cost(*entry);
  make_room(*entry);
  return *entry;
}

void MatchCache::give_to(Match& entry, std::string_view topic) {
  entry.topic.assign(topic);
  entry.generation = 0;
  entry.stamp = ++stamps_;
}

Match& MatchCache::oldest(const Match* keep) {
  for (;;) {
    next_ = next_ < entries_.size() ? next_ : 0;
    Match& entry = entries_[next_++];
    if (entry.cached && &entry != keep) return entry;
  }
}

// With all that it points to: what others remember of it bears another stamp.
void MatchCache::drop(Match& entry) {
  index_.erase(entry.topic);
  bytes_ -= cost(entry);
  Match empty;
  std::swap(entry, empty);
  spare_.push_back(&entry);
}

void MatchCache::make_room(const Match& keep) {
  while (bytes_ > max_bytes && index_.size() > 1) drop(oldest(&keep));
}

void MatchCache::resized(const Match& match, std::size_t cost_before) {
  if (!match.cached) return;
  bytes_ = bytes_ - cost_before + cost(match);
  make_room(match);
}

}  // namespace tandem::core
