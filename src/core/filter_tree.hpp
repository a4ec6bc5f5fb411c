// The index of topic filters: a tree by level, kept flat. Nodes lie in one array, children in one hash table by
// (parent, level); each level's text is held once. What subscribes is linked to its node and back, so that it is taken
// out without a search, and nothing is allocated for it.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "mqtt/topic.hpp"

namespace tandem::core {

struct Subscription;
struct SharedGroup;

class FilterTree {
 public:
  using NodeId = std::uint32_t;
  static constexpr NodeId none = 0xFFFFFFFF;

  struct Node {
    NodeId parent = none;
    std::uint32_t level = 0;  // its text: place in levels_
    std::uint32_t children = 0;
    NodeId plus = none;   // child "+"
    NodeId multi = none;  // child "#"
    bool loose = false;   // in loose_
    Subscription* plain = nullptr;
    SharedGroup* groups = nullptr;

    bool empty() const { return children == 0 && plain == nullptr && groups == nullptr; }
  };

  FilterTree();

  // Node of the filter (without "$share/group/"), which is valid; made if it is not there. Link something to it.
  NodeId place(std::string_view filter);
  Node& at(NodeId id) { return nodes_[id]; }
  // Something was unlinked from the node. If nothing is linked to it or below it any more it is taken out, and those
  // above it: not at once, but by and by, as places are asked for. So a client that leaves with ten thousand filters
  // holds up nobody.
  void unlinked(NodeId id);

  // Hands over each node whose filter matches the topic; gives the number of nodes that were walked through.
  template <class Take>
  std::size_t collect(std::string_view topic, Take take);

 private:
  struct Level {
    std::string text;
    std::uint32_t nodes = 0;  // that bear it; 0: free
  };
  struct Hash {
    std::size_t operator()(std::uint64_t key) const {
      key *= 0x9e3779b97f4a7c15ULL;
      return static_cast<std::size_t>(key ^ (key >> 32));
    }
    using is_avalanching = void;
  };

  static std::uint64_t key_of(NodeId parent, std::uint32_t level) { return (std::uint64_t{parent} << 32) | level; }
  std::uint32_t level_of(std::string_view text);
  NodeId child_of(NodeId parent, std::string_view text);
  void prune_one();
  void prune(NodeId id);
  void walk(std::string_view level, bool wildcards);

  std::vector<Node> nodes_;  // [0]: the root
  std::vector<NodeId> free_nodes_;
  std::vector<NodeId> loose_;  // unlinked, still in the tree; some are used again meanwhile
  boost::unordered_flat_map<std::uint64_t, NodeId, Hash> children_;
  std::deque<Level> levels_;  // stay where they are: by_text_ looks into them
  std::vector<std::uint32_t> free_levels_;
  boost::unordered_flat_map<std::string_view, std::uint32_t> by_text_;
  std::vector<NodeId> here_, below_;  // scratch of collect()
};

template <class Take>
std::size_t FilterTree::collect(std::string_view topic, Take take) {
  std::size_t walked = 0;
  // [MQTT5-4.7.2-1]: a wildcard in front does not match a topic that begins with '$'.
  bool wildcards = !topic.starts_with('$');
  here_.assign(1, 0);
  bool more = true;
  for (std::string_view rest = topic; more && !here_.empty();) {
    const std::string_view level = mqtt::next_level(rest, more);
    if (wildcards) {
      for (const NodeId id : here_) {
        if (nodes_[id].multi != none) take(nodes_[nodes_[id].multi]);
      }
    }
    walk(level, wildcards);
    walked += here_.size();
    wildcards = true;
  }
  for (const NodeId id : here_) {
    take(nodes_[id]);
    if (nodes_[id].multi != none) take(nodes_[nodes_[id].multi]);  // "a/#" matches "a" as well
  }
  return walked;
}

}  // namespace tandem::core
