// Topic names and filters: validity, shared subscriptions, plain matching.
#include "mqtt/topic.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "mqtt/utf8.hpp"

namespace tandem::mqtt {

namespace {

constexpr std::string_view share_prefix = "$share/";

// n levels need n - 1 slashes, so that short ones need no counting.
bool too_many_levels(std::string_view topic) {
  return topic.size() >= limits::max_topic_levels &&
         static_cast<std::size_t>(std::count(topic.begin(), topic.end(), '/')) >= limits::max_topic_levels;
}

bool starts_with_wildcard(std::string_view filter) {
  return !filter.empty() && (filter[0] == '+' || filter[0] == '#');
}

}  // namespace

bool valid_topic_length(std::string_view topic) {
  return !topic.empty() && topic.size() <= limits::max_topic_bytes && !too_many_levels(topic);
}

bool valid_topic_name(std::string_view topic) {
  return valid_topic_length(topic) && !has_wildcard(topic) && topic.find('\0') == std::string_view::npos;
}

bool valid_topic_filter(std::string_view filter) {
  if (!valid_topic_length(filter) || filter.find('\0') != std::string_view::npos) return false;
  if (!has_wildcard(filter)) return true;
  bool more = true;
  for (std::string_view rest = filter; more;) {
    const std::string_view level = next_level(rest, more);
    if (level.size() > 1 && has_wildcard(level)) return false;  // [MQTT5-4.7.1-2]
    if (level == "#" && more) return false;                     // [MQTT5-4.7.1-1]
  }
  return true;
}

std::optional<SharedFilter> parse_shared(std::string_view filter) {
  if (!filter.starts_with(share_prefix)) return std::nullopt;
  const std::string_view rest = filter.substr(share_prefix.size());
  const std::size_t slash = rest.find('/');
  SharedFilter shared;
  shared.group = rest.substr(0, slash);
  const bool well_formed = slash != std::string_view::npos && !shared.group.empty() && !has_wildcard(shared.group);
  if (well_formed) shared.filter = rest.substr(slash + 1);
  return shared;
}

bool topic_matches(std::string_view filter, std::string_view topic) {
  if (filter.empty() || topic.empty()) return false;
  if (topic[0] == '$' && starts_with_wildcard(filter)) return false;
  bool more_filter = true;
  bool more_topic = true;
  while (more_filter && more_topic) {
    const std::string_view wanted = next_level(filter, more_filter);
    if (wanted == "#") return true;
    const std::string_view level = next_level(topic, more_topic);
    if (wanted != "+" && wanted != level) return false;
  }
  // "a/#" also matches its parent "a".
  return more_filter == more_topic || (more_filter && filter == "#");
}

}  // namespace tandem::mqtt
