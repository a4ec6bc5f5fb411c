// Threads beside the core's that share the items of a job with it, or do them while it does something else. One job at
// a time: so many items, each done once, by whoever is free. Items must not touch each other; what they touch belongs
// to them until finish() has returned. A job is handed over with one atomic and taken item by item without a lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace tandem::edge {

class EdgeThreads {
 public:
  using Work = std::function<void(std::uint32_t item)>;

  explicit EdgeThreads(std::size_t count);
  ~EdgeThreads();  // after finish()
  EdgeThreads(const EdgeThreads&) = delete;
  EdgeThreads& operator=(const EdgeThreads&) = delete;

  std::size_t count() const { return threads_.size(); }

  // Wakes at most `wake` threads for items 0 to items - 1; `work` lives until finish(). Not while a job runs.
  void start(std::uint32_t items, const Work& work, std::size_t wake);
  // Does what nobody has begun yet, then waits for the others. From the thread of start() only; without a job it
  // returns at once.
  void finish();

 private:
  // The items of the job in the upper half, the first that nobody has taken in the lower.
  using Claim = std::uint64_t;
  static constexpr Claim the_end = 1;  // no items, and no job is like it: the last value, for the threads to end
  static std::uint32_t items_of(Claim claim) { return static_cast<std::uint32_t>(claim >> 32); }
  static std::uint32_t next_of(Claim claim) { return static_cast<std::uint32_t>(claim); }

  void run();
  // Does one item, if there is one. `claim` is what was last seen.
  bool do_one(Claim& claim);

  std::atomic<Claim> claim_ = 0;
  std::atomic<std::uint32_t> done_ = 0;  // items of the job
  // Written before claim_ says that there are items; read by whoever has taken one. As long as that one is not done
  // there is no other job.
  const Work* work_ = nullptr;
  std::uint32_t items_ = 0;  // of the job; the starter's own
  std::vector<std::thread> threads_;
};

}  // namespace tandem::edge
