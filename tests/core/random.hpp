// Random numbers that are the same everywhere for a seed.
#pragma once

#include <cstdint>
#include <random>

namespace tandem::core::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  template <class T>
  const T& pick(const T* items, std::size_t count) {
    return items[below(count)];
  }
  template <class List>
  auto& of(List& list) {
    return list[below(std::size(list))];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace tandem::core::test
