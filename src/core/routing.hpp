// Who gets a message: an index of all subscriptions, and a cache of look-ups for topics in use, which outlives changes
// of subscriptions that have nothing to do with a topic. Fan-out is ordered by session id, members of a shared group by
// order of joining: never by a hash table.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/access_rules.hpp"
#include "core/filter_tree.hpp"
#include "core/match_cache.hpp"
#include "core/session.hpp"

namespace tandem::core {

// Members of one "$share/group/filter".
struct SharedGroup {
  std::string filter;                  // whole
  std::vector<Subscription*> members;  // by order of joining
  std::size_t cursor = 0;              // the active's own round robin; not State: picks are in the records
  FilterTree::NodeId node = 0;
  SharedGroup* next = nullptr;  // of those with the same filter behind the group's name
};

class Routing {
 public:
  // Only subscriptions of those who may read a topic count (`access`, which outlives this).
  explicit Routing(const AccessRules& access) : access_(access) {}
  Routing(const Routing&) = delete;
  Routing& operator=(const Routing&) = delete;

  // `subscription` stays where it is until remove(); its filter is valid.
  void add(Subscription* subscription);
  void remove(Subscription* subscription);
  // Who may read what has changed: all look-ups are made anew.
  void forget() { ++changes_; }

  // Valid until the next add, remove or match. Allocates nothing for a topic that is in the cache and up to date.
  const Match& match(std::string_view topic);
  const Match& match(std::string_view topic, RecentMatch& recent);

  // Grows by the levels of filters that look-ups walk through: the work that a topic makes which is not in the cache.
  std::uint64_t visited() const { return visited_; }
  std::size_t size() const { return size_; }
  std::size_t shared() const { return shared_; }  // of these, shared ones

 private:
  // Look-ups that a change concerns are found by the first levels of its filter. All counters only grow, so a sum that
  // is the same says that none has moved.
  static constexpr std::size_t counters = 1'024;
  using Counters = std::array<std::uint64_t, counters>;
  std::uint64_t generation_of(const Match& match) const {
    return changes_ + changes_by_first_[match.first] + changes_by_second_[match.second];
  }
  void changed(std::string_view filter);
  void collect(std::string_view topic, std::vector<SharedGroup*>& groups);  // plain ones into plain_
  void build(std::string_view topic, Match& into);
  void link(Subscription* subscription, std::string_view filter);
  void unlink(Subscription* subscription);
  void join(Subscription* subscription, std::string_view filter);
  void leave(Subscription* subscription);
  Match& entry(std::string_view topic);
  const Match& fresh(Match& match);

  const AccessRules& access_;
  FilterTree tree_;
  std::unordered_map<std::string, std::unique_ptr<SharedGroup>, TextHash, std::equal_to<>> groups_;  // by whole filter
  MatchCache cache_;
  std::vector<Subscription*> plain_;  // scratch of build
  std::uint64_t changes_ = 1;         // that concern any topic
  Counters changes_by_first_{};
  Counters changes_by_second_{};
  std::uint64_t visited_ = 0;
  std::size_t size_ = 0;
  std::size_t shared_ = 0;
};

}  // namespace tandem::core
