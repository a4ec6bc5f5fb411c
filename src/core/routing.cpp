// Subscriptions into the index and out of it, and the cache of look-ups in front of it.
#include "core/routing.hpp"

#include <algorithm>
#include <optional>

#include "base/check.hpp"
#include "base/hash.hpp"
#include "mqtt/topic.hpp"

namespace tandem::core {

namespace {

// Of the first level of a topic or filter, and of its first two; a filter whose wildcard comes before has none.
struct Begins {
  std::optional<std::size_t> first;
  std::optional<std::size_t> second;
};

bool is_wildcard(std::string_view level) {
  return level == "+" || level == "#";
}

Begins begins_of(std::string_view text) {
  bool more = false;
  std::string_view rest = text;
  const std::string_view first = mqtt::next_level(rest, more);
  if (is_wildcard(first)) return {};
  Begins begins{hash64(first), std::nullopt};
  const std::string_view second = more ? mqtt::next_level(rest, more) : std::string_view();
  // "a/#" matches "a", which has no second level.
  if (!is_wildcard(second)) begins.second = hash64(text.substr(0, text.size() - rest.size() - (more ? 1 : 0)));
  return begins;
}

}  // namespace

void Routing::changed(std::string_view filter) {
  const Begins begins = begins_of(filter);
  if (begins.second)
    ++changes_by_second_[*begins.second % counters];
  else if (begins.first)
    ++changes_by_first_[*begins.first % counters];
  else
    ++changes_;
}

void Routing::add(Subscription* subscription) {
  ++size_;
  const auto shared = mqtt::parse_shared(subscription->filter);
  if (shared) ++shared_;
  const std::string_view filter = shared ? shared->filter : subscription->filter;
  shared ? join(subscription, filter) : link(subscription, filter);
  changed(filter);
}

void Routing::remove(Subscription* subscription) {
  --size_;
  const auto shared = mqtt::parse_shared(subscription->filter);
  if (shared) --shared_;
  changed(shared ? shared->filter : subscription->filter);
  shared ? leave(subscription) : unlink(subscription);
}

void Routing::link(Subscription* subscription, std::string_view filter) {
  subscription->node = tree_.place(filter);
  FilterTree::Node& node = tree_.at(subscription->node);
  subscription->previous = nullptr;
  subscription->next = node.plain;
  if (node.plain != nullptr) node.plain->previous = subscription;
  node.plain = subscription;
}

void Routing::unlink(Subscription* subscription) {
  FilterTree::Node& node = tree_.at(subscription->node);
  if (subscription->next != nullptr) subscription->next->previous = subscription->previous;
  if (subscription->previous != nullptr)
    subscription->previous->next = subscription->next;
  else
    node.plain = subscription->next;
  tree_.unlinked(subscription->node);
}

void Routing::join(Subscription* subscription, std::string_view filter) {
  auto& slot = groups_[std::string(subscription->filter)];
  if (!slot) {
    slot = std::make_unique<SharedGroup>();
    slot->filter = std::string(subscription->filter);
    slot->node = tree_.place(filter);
    FilterTree::Node& node = tree_.at(slot->node);
    slot->next = node.groups;
    node.groups = slot.get();
  }
  auto& members = slot->members;
  const auto at = std::upper_bound(members.begin(), members.end(), subscription,
                                   [](const auto* a, const auto* b) { return a->joined < b->joined; });
  members.insert(at, subscription);
}

void Routing::leave(Subscription* subscription) {
  const auto found = groups_.find(subscription->filter);
  CHECK(found != groups_.end());
  SharedGroup* const group = found->second.get();
  std::erase(group->members, subscription);
  if (!group->members.empty()) return;
  SharedGroup** at = &tree_.at(group->node).groups;
  while (*at != group) at = &(*at)->next;
  *at = group->next;
  tree_.unlinked(group->node);
  groups_.erase(found);
}

void Routing::collect(std::string_view topic, std::vector<SharedGroup*>& groups) {
  visited_ += tree_.collect(topic, [&](const FilterTree::Node& node) {
    for (Subscription* s = node.plain; s != nullptr; s = s->next) plain_.push_back(s);
    for (SharedGroup* g = node.groups; g != nullptr; g = g->next) groups.push_back(g);
  });
}

void Routing::build(std::string_view topic, Match& into) {
  into.targets.clear();
  into.others.clear();
  into.groups.clear();
  into.durable_qos = mqtt::Qos::at_most_once;
  plain_.clear();
  collect(topic, into.groups);
  if (access_.in_force()) {
    std::erase_if(plain_, [&](const Subscription* s) {
      return !access_.may(Right::read, {s->session->username, s->session->client_id}, topic);
    });
  }
  std::sort(into.groups.begin(), into.groups.end(),
            [](const SharedGroup* a, const SharedGroup* b) { return a->filter < b->filter; });
  std::sort(plain_.begin(), plain_.end(), [](const Subscription* a, const Subscription* b) {
    return a->session->id != b->session->id ? a->session->id < b->session->id : a->filter < b->filter;
  });
  for (Subscription* subscription : plain_) {
    if (subscription->session->durable) into.durable_qos = std::max(into.durable_qos, subscription->options.qos);
    if (into.targets.empty() || into.targets.back().session != subscription->session) {
      into.targets.push_back({subscription->session, subscription, static_cast<std::uint32_t>(into.others.size()), 0});
      continue;
    }
    into.others.push_back(subscription);
    ++into.targets.back().others_count;
  }
  into.simple = into.others.empty() && std::none_of(plain_.begin(), plain_.end(), [](const Subscription* s) {
                  return s->options.no_local || s->options.retain_as_published || s->identifier != 0;
                });
}

Match& Routing::entry(std::string_view topic) {
  Match& match = cache_.at(topic);
  if (match.generation == 0) {
    const Begins begins = begins_of(topic);
    match.first = static_cast<std::uint32_t>(begins.first.value_or(0) % counters);
    match.second = static_cast<std::uint32_t>(begins.second.value_or(0) % counters);
  }
  return match;
}

const Match& Routing::match(std::string_view topic) {
  return fresh(entry(topic));
}

const Match& Routing::match(std::string_view topic, RecentMatch& recent) {
  if (recent.match == nullptr || recent.match->stamp != recent.stamp || recent.match->topic != topic) {
    recent.match = &entry(topic);
    recent.write_asked_in = 0;
    recent.stamp = recent.match->stamp;
  }
  return fresh(*recent.match);
}

const Match& Routing::fresh(Match& match) {
  if (const std::uint64_t now = generation_of(match); match.generation != now) {
    const std::size_t cost_before = MatchCache::cost(match);
    build(match.topic, match);
    match.generation = now;
    cache_.resized(match, cost_before);
  }
  return match;
}

}  // namespace tandem::core
