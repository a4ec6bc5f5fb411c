// The index of filters against a list of them that is searched from end to end, while filters come and go in bursts.
#include "core/filter_tree.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/session.hpp"
#include "doctest.hpp"
#include "random.hpp"

namespace tandem::core::test {

namespace {

// A tree to whose nodes one subscription each is linked.
struct Linked {
  FilterTree tree;
  std::map<std::string, std::pair<Subscription, FilterTree::NodeId>> filters;

  void add(const std::string& filter) {
    auto& [subscription, node] = filters[filter];
    node = tree.place(filter);
    tree.at(node).plain = &subscription;
    subscription.filter = filters.find(filter)->first;
  }
  void remove(const std::string& filter) {
    const auto found = filters.find(filter);
    const FilterTree::NodeId node = found->second.second;
    tree.at(node).plain = nullptr;
    filters.erase(found);
    tree.unlinked(node);
  }
  std::vector<std::string> matching(const std::string& topic) {
    std::vector<std::string> all;
    tree.collect(topic, [&](const FilterTree::Node& node) {
      if (node.plain != nullptr) all.emplace_back(node.plain->filter);
    });
    std::sort(all.begin(), all.end());
    return all;
  }
  std::vector<std::string> searched(const std::string& topic) const {
    std::vector<std::string> all;
    for (const auto& [filter, linked] : filters) {
      if (mqtt::topic_matches(filter, topic)) all.push_back(filter);
    }
    return all;
  }
};

std::string some(Random& random, const std::vector<std::string>& levels) {
  std::string text = levels[random.below(levels.size())];
  for (std::size_t more = random.below(4); more > 0; --more) text += "/" + levels[random.below(levels.size())];
  return text;
}

}  // namespace

TEST_CASE("The index of filters finds what a search finds, while filters come and go one by one and all at once") {
  Linked linked;
  Random random(7);
  for (int i = 0; i < 20'000; ++i) {
    const std::string filter = some(random, {"a", "b", "c", "+"}) + (random.below(4) == 0 ? "/#" : "");
    if (!linked.filters.contains(filter))
      linked.add(filter);
    else
      linked.remove(filter);
    if (random.below(500) == 0) {
      while (!linked.filters.empty()) linked.remove(linked.filters.begin()->first);
    }
    const std::string topic = some(random, {"a", "b", "c", "d"});
    REQUIRE_EQ(linked.matching(topic), linked.searched(topic));
  }
}

TEST_CASE("Filters that nobody has any more are taken out as others come, and beyond some thousand at once") {
  Linked linked;
  const auto walked = [&linked] { return linked.tree.collect("x/7/y", [](const FilterTree::Node&) {}); };
  const auto filter = [](int number) { return "x/" + std::to_string(number) + "/y"; };
  for (int i = 0; i < 8; ++i) linked.add(filter(i));
  for (int i = 0; i < 8; ++i) linked.remove(filter(i));
  CHECK_EQ(walked(), 3);
  for (int i = 0; i < 8; ++i) linked.add("z");
  CHECK_EQ(walked(), 0);
  linked.remove("z");
  for (int round = 0; round < 3; ++round) {  // a tree that kept them all would find each of its nodes again
    for (int i = 0; i < 40'000; ++i) linked.add(filter(i));
    for (int i = 39'999; i >= 0; --i) linked.remove(filter(i));
    int left = 0;
    for (int i = 0; i < 40'000; ++i) {
      left += linked.tree.collect(filter(i), [](const FilterTree::Node&) {}) == 3 ? 1 : 0;
    }
    CHECK_LE(left, 16'384);
    CHECK_GT(left, 0);
  }
}

}  // namespace tandem::core::test
