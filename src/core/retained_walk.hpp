// Retained messages that a filter with a wildcard matches, in the order of their topics, without a look at all others:
// where the filter says what a level must be, the walk goes on at the next topic that can have it there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mqtt/topic.hpp"

namespace tandem::core {

enum class Skip : std::uint8_t {
  none,      // only this topic is out
  to_next,   // all topics before `next` are out
  past_all,  // this one and all behind it are out
};

// For a topic that the filter does not match. `next` is greater than the topic.
Skip skip_unmatched(std::string_view filter, std::string_view topic, std::string& next);

// Calls `visit` with each entry of a map by topic whose topic begins with the filter's text before its first wildcard,
// and matches ("a/#" matches "a" as well, which does not begin so).
template <class Map, class Visit>
void walk_matching(const Map& by_topic, std::string_view filter, Visit visit) {
  constexpr int near = 8;  // steps that cost about as much as a search from the root
  const std::string_view prefix = filter.substr(0, filter.find_first_of("+#"));
  std::string next;
  auto at = by_topic.lower_bound(prefix);
  while (at != by_topic.end() && at->first.starts_with(prefix)) {
    if (mqtt::topic_matches(filter, at->first)) {
      visit(*at++);
      continue;
    }
    const Skip skip = skip_unmatched(filter, at->first, next);
    if (skip == Skip::past_all) return;
    ++at;
    if (skip == Skip::none) continue;
    for (int step = 0; step < near && at != by_topic.end() && at->first < next; ++step) ++at;
    if (at != by_topic.end() && at->first < next) at = by_topic.lower_bound(next);
  }
}

}  // namespace tandem::core
