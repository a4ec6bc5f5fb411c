#include "core/filter_tree.hpp"

namespace tandem::core {

namespace {
constexpr std::size_t loose_most = 16'384;  // beyond it each one that comes takes another one along
}

FilterTree::FilterTree() : nodes_(1) {}

std::uint32_t FilterTree::level_of(std::string_view text) {
  if (const auto known = by_text_.find(text); known != by_text_.end()) return known->second;
  std::uint32_t place = static_cast<std::uint32_t>(levels_.size());
  if (free_levels_.empty()) {
    levels_.emplace_back();
  } else {
    place = free_levels_.back();
    free_levels_.pop_back();
  }
  levels_[place].text = std::string(text);
  by_text_.emplace(levels_[place].text, place);
  return place;
}

FilterTree::NodeId FilterTree::child_of(NodeId parent, std::string_view text) {
  const std::uint32_t level = level_of(text);
  const auto [at, added] = children_.try_emplace(key_of(parent, level), none);
  if (!added) return at->second;
  NodeId id = static_cast<NodeId>(nodes_.size());
  if (free_nodes_.empty()) {
    nodes_.emplace_back();
  } else {
    id = free_nodes_.back();
    free_nodes_.pop_back();
    nodes_[id] = Node{};
  }
  at->second = id;
  nodes_[id].parent = parent;
  nodes_[id].level = level;
  ++levels_[level].nodes;
  ++nodes_[parent].children;
  if (text == "+") nodes_[parent].plus = id;
  if (text == "#") nodes_[parent].multi = id;
  return id;
}

FilterTree::NodeId FilterTree::place(std::string_view filter) {
  if (!loose_.empty()) prune_one();
  NodeId node = 0;
  bool more = true;
  for (std::string_view rest = filter; more;) node = child_of(node, mqtt::next_level(rest, more));
  return node;
}

void FilterTree::unlinked(NodeId id) {
  Node& node = nodes_[id];
  if (!node.empty() || node.loose) return;
  node.loose = true;
  loose_.push_back(id);
  if (loose_.size() > loose_most) prune_one();
}

void FilterTree::prune_one() {
  const NodeId id = loose_.back();
  loose_.pop_back();
  nodes_[id].loose = false;
  prune(id);
}

// It, and those above it, as far as nothing is linked to or below them. A loose one's turn comes.
void FilterTree::prune(NodeId id) {
  while (id != 0 && nodes_[id].empty() && !nodes_[id].loose) {
    const Node node = nodes_[id];
    Node& parent = nodes_[node.parent];
    if (parent.plus == id) parent.plus = none;
    if (parent.multi == id) parent.multi = none;
    --parent.children;
    children_.erase(key_of(node.parent, node.level));
    Level& level = levels_[node.level];
    if (--level.nodes == 0) {
      by_text_.erase(level.text);
      level.text = {};
      free_levels_.push_back(node.level);
    }
    free_nodes_.push_back(id);
    id = node.parent;
  }
}

// From the nodes of one level, in here_, to those of the next that match this level of the topic.
void FilterTree::walk(std::string_view level, bool wildcards) {
  below_.clear();
  const auto known = by_text_.find(level);
  for (const NodeId id : here_) {
    if (known != by_text_.end()) {
      const auto child = children_.find(key_of(id, known->second));
      if (child != children_.end()) below_.push_back(child->second);
    }
    if (wildcards && nodes_[id].plus != none) below_.push_back(nodes_[id].plus);
  }
  here_.swap(below_);
}

}  // namespace tandem::core
