// How the store's threads wait for each other.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace tandem::store {

// A failed write is tried again this often.
inline constexpr std::chrono::milliseconds retry_interval{250};
// A closing store goes on trying for this long, then gives up what cannot be written.
inline constexpr std::chrono::milliseconds closing_patience{2'000};

// How far the two writer threads have come: the number of the last command that each has finished. Both count only up,
// and a command waits only for commands that were issued before it, so there is no circle.
class Progress {
 public:
  void log_finished(std::uint64_t number);
  void state_finished(std::uint64_t number);

  // False: given up (the other side cannot finish any more).
  bool wait_log(std::uint64_t number);
  bool wait_state(std::uint64_t number);
  // True when both are there within `at_most`.
  bool wait_both(std::uint64_t log_number, std::uint64_t state_number, std::chrono::milliseconds at_most);
  void abandon();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t log_ = 0;
  std::uint64_t state_ = 0;
  int waiting_ = 0;
  bool abandoned_ = false;
};

}  // namespace tandem::store
