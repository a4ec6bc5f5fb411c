#include "base/thread.hpp"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/check.hpp"

namespace tandem {

namespace {
constexpr int background_niceness = 10;  // a tenth of the weight of a thread that somebody waits for
constexpr auto give_way_after = std::chrono::microseconds(100);
constexpr std::size_t name_bytes = 15;  // Linux's own limit

thread_local bool in_haste = false;
}  // namespace

Haste::Haste(bool awaited) : before_(in_haste) {
  in_haste = in_haste || awaited;
}

Haste::~Haste() {
  in_haste = before_;
}

void give_way() {
  if (in_haste) return;
  using Clock = std::chrono::steady_clock;
  thread_local Clock::time_point last;
  if (Clock::now() - last < give_way_after) return;
  ::sched_yield();
  last = Clock::now();
}

std::thread start_thread(const char* name, Urgency urgency, std::function<void()> body) {
  CHECK(std::strlen(name) <= name_bytes);
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

}  // namespace tandem
