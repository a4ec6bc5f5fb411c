// The index of subscriptions: a tree by topic level, and the cache of look-ups in front of it.
#include "core/routing.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/limits.hpp"
#include "mqtt/topic.hpp"

namespace tandem::core {

namespace {
constexpr std::size_t max_cached_topics = 65'536;
// Topics may be 64 KiB long and reach thousands of sessions: a client must not grow us by inventing topics.
constexpr std::size_t max_cached_bytes = 32 * limits::mib;
constexpr std::size_t cached_topic_bytes = 256;  // about what an entry costs beside the bytes that it points to

std::size_t cost(const Match& match) {
  return cached_topic_bytes + match.topic.size() + match.targets.capacity() * sizeof(Target) +
         match.others.capacity() * sizeof(Subscription*) + match.groups.capacity() * sizeof(SharedGroup*);
}

}  // namespace

// One level of the filters. '+' and '#' are ordinary children by name; only the walk treats them apart.
struct Routing::Node {
  ByText<std::unique_ptr<Node>> children;
  std::vector<Subscription*> plain;
  std::vector<SharedGroup*> groups;

  Node* child(std::string_view name) const {
    const auto found = children.find(name);
    return found == children.end() ? nullptr : found->second.get();
  }
  bool empty() const { return children.empty() && plain.empty() && groups.empty(); }
};

Routing::Routing(const AccessRules& access) : access_(access), root_(std::make_unique<Node>()) {}
Routing::~Routing() = default;

void Routing::add(Subscription* subscription) {
  place(subscription, true);
  ++size_;
  if (subscription->shared()) ++shared_;
  ++generation_;
}

void Routing::remove(Subscription* subscription) {
  place(subscription, false);
  --size_;
  if (subscription->shared()) --shared_;
  ++generation_;
}

void Routing::place(Subscription* subscription, bool present) {
  std::string_view filter = subscription->filter;
  SharedGroup* group = nullptr;
  bool group_changed = true;  // does the group itself appear in or vanish from the index?
  if (const auto shared = mqtt::parse_shared(filter)) {
    auto& slot = groups_[std::string(filter)];
    if (!slot) {
      slot = std::make_unique<SharedGroup>();
      slot->filter = std::string(filter);
    }
    group = slot.get();
    if (present) {
      const auto at = std::upper_bound(group->members.begin(), group->members.end(), subscription,
                                       [](const auto* a, const auto* b) { return a->joined < b->joined; });
      group->members.insert(at, subscription);
      group_changed = group->members.size() == 1;
    } else {
      std::erase(group->members, subscription);
      group_changed = group->members.empty();
    }
    filter = shared->filter;
  }
  if (!group_changed) return;

  std::vector<std::pair<Node*, std::string_view>> path;  // parents, for pruning
  Node* node = root_.get();
  bool more = true;
  for (std::string_view rest = filter; more;) {
    const std::string_view level = mqtt::next_level(rest, more);
    path.emplace_back(node, level);
    auto found = node->children.find(level);
    if (found == node->children.end()) {
      CHECK(present);
      found = node->children.emplace(std::string(level), std::make_unique<Node>()).first;
    }
    node = found->second.get();
  }
  if (present) {
    if (group != nullptr)
      node->groups.push_back(group);
    else
      node->plain.push_back(subscription);
    return;
  }
  if (group != nullptr) {
    std::erase(node->groups, group);
    groups_.erase(groups_.find(subscription->filter));
  } else {
    std::erase(node->plain, subscription);
  }
  for (auto step = path.rbegin(); step != path.rend(); ++step) {
    const auto child = step->first->children.find(step->second);
    if (!child->second->empty()) break;
    step->first->children.erase(child);
  }
}

void Routing::collect(std::string_view topic, std::vector<SharedGroup*>& groups) {
  const auto take = [&](const Node* node) {
    if (node == nullptr) return;
    plain_.insert(plain_.end(), node->plain.begin(), node->plain.end());
    groups.insert(groups.end(), node->groups.begin(), node->groups.end());
  };
  nodes_.assign(1, root_.get());
  bool first = true;
  bool more = true;
  for (std::string_view rest = topic; more;) {
    const std::string_view level = mqtt::next_level(rest, more);
    // [MQTT5-4.7.2-1]: a wildcard in front does not match a topic that begins with '$'.
    const bool wildcards = !(first && topic.starts_with('$'));
    next_nodes_.clear();
    for (const Node* node : nodes_) {
      if (const Node* child = node->child(level)) next_nodes_.push_back(child);
      if (!wildcards) continue;
      if (const Node* child = node->child("+")) next_nodes_.push_back(child);
      take(node->child("#"));
    }
    nodes_.swap(next_nodes_);
    visited_ += nodes_.size();
    first = false;
  }
  for (const Node* node : nodes_) {
    take(node);
    take(node->child("#"));  // "a/#" matches "a" as well
  }
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
}

Match& Routing::cached(std::string_view topic) {
  const auto found = cache_.find(topic);
  if (found != cache_.end()) return found->second;
  const auto added = cache_.emplace(std::string(topic), Match{}).first;
  added->second.topic = added->first;
  cached_topics_.push_back(added->first);
  cached_bytes_ += cost(added->second);
  make_room(added->second);
  return added->second;
}

// Drops the oldest entries but `keep`. What others remember of dropped ones is void: evictions_ says so.
void Routing::make_room(const Match& keep) {
  while ((cached_bytes_ > max_cached_bytes || cache_.size() > max_cached_topics) && cache_.size() > 1) {
    const std::string_view oldest = cached_topics_.front();
    cached_topics_.pop_front();
    if (oldest.data() == keep.topic.data()) {
      cached_topics_.push_back(oldest);
      continue;
    }
    const auto dropped = cache_.find(oldest);
    cached_bytes_ -= cost(dropped->second);
    cache_.erase(dropped);
    ++evictions_;
  }
}

const Match& Routing::match(std::string_view topic) {
  return fresh(cached(topic));
}

const Match& Routing::match(std::string_view topic, RecentMatch& recent) {
  if (recent.match == nullptr || recent.evictions != evictions_ || recent.match->topic != topic) {
    recent.match = &cached(topic);
    recent.write_asked_in = 0;
    recent.evictions = evictions_;
  }
  return fresh(*recent.match);
}

const Match& Routing::fresh(Match& match) {
  if (match.generation != generation_) {
    cached_bytes_ -= cost(match);
    build(match.topic, match);
    match.generation = generation_;
    cached_bytes_ += cost(match);
    make_room(match);
  }
  return match;
}

}  // namespace tandem::core
