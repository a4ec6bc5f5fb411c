// How the store's threads start, and how they wait for each other; see threads.hpp.
#include "store/threads.hpp"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace tandem::store {

namespace {
constexpr int background_niceness = 10;  // a tenth of the weight of a thread that somebody waits for
}

std::thread start_thread(const char* name, Urgency urgency, std::function<void()> body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread([urgency, body = std::move(body)] {
    // Of this thread alone, on Linux. Where it is refused all of them compete as equals.
    if (urgency == Urgency::background) static_cast<void>(::nice(background_niceness));
    body();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

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
