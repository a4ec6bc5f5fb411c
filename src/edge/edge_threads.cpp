#include "edge/edge_threads.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/thread.hpp"

namespace tandem::edge {

EdgeThreads::EdgeThreads(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    threads_.push_back(start_thread("edge", Urgency::awaited, [this] { run(); }));
  }
}

EdgeThreads::~EdgeThreads() {
  CHECK(items_ == 0);
  claim_.store(the_end);
  claim_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void EdgeThreads::start(std::uint32_t items, const Work& work, std::size_t wake) {
  CHECK(items_ == 0 && items > 0);
  items_ = items;
  work_ = &work;
  done_.store(0, std::memory_order_relaxed);
  claim_.store(Claim{items} << 32, std::memory_order_release);
  for (std::size_t i = 0; i < std::min(wake, threads_.size()); ++i) claim_.notify_one();
}

// A claim that succeeds is one of the job that runs now, even if `claim` was seen before it began: equal is equal.
bool EdgeThreads::do_one(Claim& claim) {
  while (next_of(claim) < items_of(claim)) {
    const Claim seen = claim;
    if (!claim_.compare_exchange_weak(claim, seen + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    claim = seen + 1;
    (*work_)(next_of(seen));
    if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == items_of(seen)) done_.notify_one();
    return true;
  }
  return false;
}

void EdgeThreads::finish() {
  if (items_ == 0) return;
  Claim claim = claim_.load(std::memory_order_acquire);
  while (do_one(claim)) {
  }
  for (std::uint32_t done = done_.load(std::memory_order_acquire); done != items_;
       done = done_.load(std::memory_order_acquire)) {
    done_.wait(done, std::memory_order_acquire);
  }
  items_ = 0;
}

void EdgeThreads::run() {
  Claim claim = claim_.load(std::memory_order_acquire);
  while (claim != the_end) {
    // What do_one() has seen meanwhile may be the end, which never changes again.
    if (!do_one(claim) && claim != the_end) claim_.wait(claim, std::memory_order_acquire);
    claim = claim_.load(std::memory_order_acquire);
  }
}

}  // namespace tandem::edge
