// A set of keys that only grows and goes as a whole: a hundred thousand of them are a few pieces of memory, so neither
// a key more nor the end of all takes long.
#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "base/hash.hpp"

namespace tandem::core {

class KeySet {
 public:
  // So many come at most, as far as is known: the table need not grow.
  void reserve(std::size_t keys) { keys_.reserve(keys); }
  void insert(std::string_view key) {
    if (!keys_.contains(key)) keys_.insert(kept(key));
  }
  bool contains(std::string_view key) const { return keys_.contains(key); }

 private:
  static constexpr std::size_t block_bytes = 64 << 10;

  std::string_view kept(std::string_view key) {
    if (block_left_ < key.size()) {
      block_left_ = std::max(block_bytes, key.size());
      free_ = blocks_.emplace_back(std::make_unique_for_overwrite<char[]>(block_left_)).get();
    }
    char* const at = free_;
    std::memcpy(at, key.data(), key.size());
    free_ += key.size();
    block_left_ -= key.size();
    return {at, key.size()};
  }

  boost::unordered_flat_set<std::string_view, TextHash> keys_;  // into blocks_
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* free_ = nullptr;
  std::size_t block_left_ = 0;
};

}  // namespace tandem::core
