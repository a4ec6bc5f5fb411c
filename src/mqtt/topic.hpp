// Topic names and filters (MQTT 5.0 section 4.7, shared subscriptions 4.8.2). Bytes are compared as they are.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace tandem::mqtt {

// [MQTT5-4.7.0-1, 4.7.3-1..3]: non-empty, no wildcard, no U+0000, at most 65,535 bytes, bounded levels. UTF-8
// is checked by the codec, which also refuses the PUBLISH and the will whose topic is not valid.
bool valid_topic_name(std::string_view topic);

// Non-empty, at most 65,535 bytes and limits::max_topic_levels levels: the part of the above that looks at no
// character.
bool valid_topic_length(std::string_view topic);

// [MQTT5-4.7.1-1, 4.7.1-2, 4.7.3-1]; a filter without its $share prefix.
bool valid_topic_filter(std::string_view filter);

struct SharedFilter {
  std::string_view group;
  std::string_view filter;
};

// "$share/group/filter" taken apart; nullopt if it does not start with "$share/". A malformed one (empty
// group, wildcard in the group, no filter: [MQTT5-4.8.2-1, -2]) comes back with an empty filter.
std::optional<SharedFilter> parse_shared(std::string_view filter);

// Topics of which the broker alone is the source (U-43).
inline constexpr std::string_view sys_prefix = "$SYS";

// Does the name match the filter? Filters that begin with a wildcard do not match names that begin with '$'
// ([MQTT5-4.7.2-1]). For checks and tests; routing has its own index.
bool topic_matches(std::string_view filter, std::string_view topic);

// Next level of a name or filter; `rest` is cut behind its '/'. `more` tells whether another level follows
// ("a/" has two).
inline std::string_view next_level(std::string_view& rest, bool& more) {
  std::size_t end = 0;
  while (end < rest.size() && rest[end] != '/') ++end;
  const std::string_view level = rest.substr(0, end);
  more = end < rest.size();
  rest.remove_prefix(more ? end + 1 : end);
  return level;
}

}  // namespace tandem::mqtt
