// What a topic that does not match says about those behind it. All topics that begin alike lie together, so what a
// common beginning with a '/' at its end rules out ends where that '/' is one more: at '0'.
#include "core/retained_walk.hpp"

namespace tandem::core {

namespace {

// `end`: of the beginning, behind its '/'.
Skip past_beginning(std::string_view topic, std::size_t end, std::string& next) {
  if (end == 0) return Skip::past_all;
  next.assign(topic.substr(0, end));
  next.back() = '/' + 1;
  return Skip::to_next;
}

// The level that begins at `begin` is not the wanted one.
Skip to_level(std::string_view topic, std::size_t begin, std::string_view wanted, std::string& next) {
  const std::string_view rest = topic.substr(begin);
  const bool longer = rest.starts_with(wanted);  // "b-c/..." lies before "b/...", "b0/..." behind it
  if (longer ? rest[wanted.size()] > '/' : rest > wanted) return past_beginning(topic, begin, next);
  next.assign(topic.substr(0, begin)).append(wanted);
  if (longer) next.push_back('/');
  return Skip::to_next;
}

}  // namespace

Skip skip_unmatched(std::string_view filter, std::string_view topic, std::string& next) {
  if (topic.starts_with('$') && (filter.starts_with('+') || filter.starts_with('#'))) {  // [MQTT5-4.7.2-1]
    next = '$' + 1;
    return Skip::to_next;
  }
  bool more_filter = true;
  bool more_topic = true;
  std::string_view rest = topic;
  while (more_filter && more_topic) {
    const std::size_t begin = topic.size() - rest.size();
    const std::string_view wanted = mqtt::next_level(filter, more_filter);
    const std::string_view level = mqtt::next_level(rest, more_topic);
    if (wanted != "+" && wanted != level) return to_level(topic, begin, wanted, next);
  }
  return more_topic ? past_beginning(topic, topic.size() - rest.size(), next) : Skip::none;
}

}  // namespace tandem::core
