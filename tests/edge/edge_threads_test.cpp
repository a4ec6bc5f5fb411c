// Jobs for the edge's threads: each item once, whoever does it, one job behind the other without a mix.
#include "edge/edge_threads.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <numeric>
#include <vector>

namespace tandem::edge {

TEST_CASE("each item of each job is done once, by whoever is free") {
  for (const std::size_t count : {0U, 1U, 3U}) {
    CAPTURE(count);
    EdgeThreads threads(count);
    std::vector<std::uint32_t> done(100);  // of its own item only: no atomics needed
    std::uint32_t jobs = 0;
    const EdgeThreads::Work work = [&](std::uint32_t item) { done[item] += item + jobs; };
    std::vector<std::uint32_t> expected(done.size());
    for (jobs = 0; jobs < 2'000; ++jobs) {
      const std::uint32_t items = 1 + jobs * 7 % 100;
      for (std::uint32_t item = 0; item < items; ++item) expected[item] += item + jobs;
      threads.start(items, work, jobs % 5);
      threads.finish();
    }
    CHECK(done == expected);
  }
}

TEST_CASE("threads end, whatever of a job that is over they saw last") {
  std::atomic<std::uint32_t> done = 0;
  const EdgeThreads::Work work = [&](std::uint32_t) { ++done; };
  constexpr std::uint32_t rounds = 5'000;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    EdgeThreads threads(2);
    threads.start(3, work, 2);
    threads.finish();
  }
  CHECK(done == 3 * rounds);
}

TEST_CASE("a job is finished when finish() returns, even if nobody else helps") {
  EdgeThreads threads(2);
  std::atomic<int> done = 0;
  const EdgeThreads::Work work = [&](std::uint32_t) { ++done; };
  threads.start(50, work, 0);
  threads.finish();
  CHECK(done == 50);
  threads.finish();  // there is none
  CHECK(done == 50);
}

TEST_CASE("threads that wait for a job end with their owner") {
  for (int round = 0; round < 50; ++round) EdgeThreads(3);
}

}  // namespace tandem::edge
