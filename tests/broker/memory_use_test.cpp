// What a process has in memory.
#include "broker/memory_use.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

namespace tandem::broker::test {

TEST_CASE("memory that was given back does not count for long, even if it stays resident") {
  constexpr std::size_t mib = 1024 * 1024;
  MemoryUse unlimited(0);
  CHECK(unlimited.most_bytes() > 64 * mib);
  const std::size_t before = unlimited.bytes(Steady{0});
  CHECK(before > mib / 4);

  MemoryUse memory(before + 32 * mib);
  std::vector<std::unique_ptr<char[]>> pieces;
  for (int i = 0; i < 128 * 1024; ++i) {
    pieces.push_back(std::make_unique<char[]>(1'024));
    pieces.back()[0] = 'x';
  }
  CHECK(unlimited.bytes(Steady{1'000}) > before + 100 * mib);
  static_cast<void>(memory.bytes(Steady{1'000}));
  pieces.erase(pieces.begin() + 1, pieces.end() - 1);  // the last one keeps the heap as large as it is
  CHECK(memory.bytes(Steady{11'000}) <= memory.most_bytes());
}

}  // namespace tandem::broker::test
