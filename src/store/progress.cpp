#include "store/progress.hpp"

namespace tandem::store {

void Progress::log_finished(std::uint64_t number) {
  std::lock_guard lock(mutex_);
  log_ = number;
  if (waiting_ > 0) changed_.notify_all();
}

void Progress::state_finished(std::uint64_t number) {
  std::lock_guard lock(mutex_);
  state_ = number;
  if (waiting_ > 0) changed_.notify_all();
}

bool Progress::wait_log(std::uint64_t number) {
  std::unique_lock lock(mutex_);
  ++waiting_;
  changed_.wait(lock, [&] { return log_ >= number || abandoned_; });
  --waiting_;
  return log_ >= number;
}

bool Progress::wait_state(std::uint64_t number) {
  std::unique_lock lock(mutex_);
  ++waiting_;
  changed_.wait(lock, [&] { return state_ >= number || abandoned_; });
  --waiting_;
  return state_ >= number;
}

bool Progress::wait_both(std::uint64_t log_number, std::uint64_t state_number, std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  ++waiting_;
  const bool done = changed_.wait_for(lock, at_most, [&] { return log_ >= log_number && state_ >= state_number; });
  --waiting_;
  return done;
}

void Progress::abandon() {
  std::lock_guard lock(mutex_);
  abandoned_ = true;
  changed_.notify_all();
}

}  // namespace tandem::store
