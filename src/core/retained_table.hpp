// All retained messages, by topic: in order, for whoever wants those that a filter matches, and in a hash table, since
// a search in the order takes longer the more there are. The order alone is ever walked through.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "base/hash.hpp"
#include "core/change_mark.hpp"
#include "core/message.hpp"

namespace tandem::core {

struct Retained {
  MessageRef message;
  ChangeMark mark;
};

class RetainedTable {
 public:
  using Ordered = std::map<std::string, Retained, std::less<>>;
  using Entry = Ordered::value_type;

  RetainedTable() = default;
  RetainedTable(const RetainedTable&) = delete;
  RetainedTable& operator=(const RetainedTable&) = delete;

  const Ordered& ordered() const { return ordered_; }
  // nullptr: nothing is retained there. Valid until it is erased.
  const Entry* find(std::string_view topic) const {
    const auto found = by_topic_.find(topic);
    return found == by_topic_.end() ? nullptr : &*found->second;
  }
  Entry* find(std::string_view topic) {
    const auto found = by_topic_.find(topic);
    return found == by_topic_.end() ? nullptr : &*found->second;
  }
  // Of a topic that is not there yet.
  Entry& add(std::string_view topic) {
    const auto at = ordered_.emplace(std::string(topic), Retained{}).first;
    CHECK(by_topic_.emplace(at->first, at).second);
    return *at;
  }
  void erase(std::string_view topic) {
    const auto found = by_topic_.find(topic);
    CHECK(found != by_topic_.end());
    const auto at = found->second;
    by_topic_.erase(found);  // its key looks into the entry
    ordered_.erase(at);
  }
  void clear() {
    by_topic_.clear();
    ordered_.clear();
  }

 private:
  Ordered ordered_;
  boost::unordered_flat_map<std::string_view, Ordered::iterator, TextHash> by_topic_;
};

}  // namespace tandem::core
