// The walk over retained messages leaves out nothing that a filter matches, whatever sorts between the topics, and
// looks at few of the others.
#include <map>
#include <string>
#include <vector>

#include "core/retained_walk.hpp"
#include "doctest.hpp"
#include "random.hpp"
#include "tests/covers.hpp"

namespace tandem::core::test {

namespace {

using Topics = std::map<std::string, int, std::less<>>;
using Names = std::vector<std::string>;

Names walked(const Topics& topics, std::string_view filter) {
  Names names;
  walk_matching(topics, filter, [&](const auto& entry) { names.push_back(entry.first); });
  return names;
}

// Of all topics behind the filter's fixed beginning, one by one.
Names matching(const Topics& topics, std::string_view filter) {
  const std::string_view prefix = filter.substr(0, filter.find_first_of("+#"));
  Names names;
  for (const auto& [topic, _] : topics) {
    if (topic.starts_with(prefix) && mqtt::topic_matches(filter, topic)) names.push_back(topic);
  }
  return names;
}

// Levels around '/' in the order of bytes ('.' before it, '0' behind), beginnings of each other, empty ones, '$'.
const char* const levels[] = {"", "a", "a.", "a0", "ab", "b", "$", "."};

std::string random_name(Random& random, bool filter) {
  std::string name;
  const std::uint64_t count = 1 + random.below(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i != 0) name += '/';
    if (filter && i + 1 == count && random.one_in(4)) return name + '#';
    name += filter && random.one_in(3) ? "+" : random.pick(levels, std::size(levels));
  }
  return name.empty() ? "a" : name;
}

}  // namespace

TEST_CASE("A walk gives what looking at every topic gives, in its order") {
  COVERS("MQTT5-4.7.2-1");
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    Topics topics;
    const std::uint64_t count = random.below(200);
    for (std::uint64_t i = 0; i < count; ++i) topics[random_name(random, false)];
    for (int i = 0; i < 50; ++i) {
      const std::string filter = random_name(random, true);
      if (filter.find_first_of("+#") == std::string::npos) continue;
      CAPTURE(filter);
      CHECK_EQ(walked(topics, filter), matching(topics, filter));
    }
  }
}

TEST_CASE("A skip goes forward, and over nothing that matches") {
  for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const std::string filter = random_name(random, true);
    const std::string topic = random_name(random, false);
    if (mqtt::topic_matches(filter, topic)) continue;
    std::string next;
    const Skip skip = skip_unmatched(filter, topic, next);
    if (skip == Skip::none) continue;
    if (skip == Skip::to_next) CHECK_GT(next, topic);
    for (int i = 0; i < 50; ++i) {
      const std::string other = random_name(random, false);
      const bool skipped = other >= topic && (skip == Skip::past_all || other < next);
      if (skipped) CHECK_FALSE(mqtt::topic_matches(filter, other));
    }
  }
}

namespace {

// Counts how often a topic is compared: what a look at it costs.
struct Counted {
  using is_transparent = void;
  std::size_t* compared;
  bool operator()(std::string_view a, std::string_view b) const {
    ++*compared;
    return a < b;
  }
};

}  // namespace

TEST_CASE("A filter with a wildcard in front does not look at every topic") {
  std::size_t compared = 0;
  std::map<std::string, int, Counted> topics(Counted{&compared});
  for (int area = 0; area < 10; ++area) {
    for (int machine = 0; machine < 10'000; ++machine) {
      topics["area" + std::to_string(area) + "/machine" + std::to_string(machine)];
    }
  }
  compared = 0;
  std::size_t found = 0;
  walk_matching(topics, "+/machine77", [&](const auto&) { ++found; });
  CHECK_EQ(found, 10);
  CHECK_LT(compared, 10 * 3 * 20);  // a few searches an area
}

}  // namespace tandem::core::test
