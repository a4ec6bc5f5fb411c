#include "base/thread.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/check.hpp"

namespace tandem {

namespace {
constexpr int background_niceness = 10;  // a tenth of the weight of a thread that somebody waits for
constexpr auto give_way_after = std::chrono::microseconds(500);
constexpr std::uint64_t time_slice_ns = 500'000;
constexpr std::size_t name_bytes = 15;  // Linux's own limit

thread_local bool in_haste = false;
thread_local bool has_short_slices = false;

// sched_setattr(2); glibc has it from 2.41 on.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0;  // of an ordinary thread the slice
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};
}  // namespace

void take_short_time_slices() {
  SchedulingAttributes own;
  if (::syscall(SYS_sched_getattr, 0, &own, sizeof own, 0) != 0) return;
  own.runtime_ns = time_slice_ns;
  has_short_slices = ::syscall(SYS_sched_setattr, 0, &own, 0) == 0;
}

Haste::Haste(bool awaited) : before_(in_haste) {
  in_haste = in_haste || awaited;
}

Haste::~Haste() {
  in_haste = before_;
}

void give_way() {
  if (!has_short_slices || in_haste) return;
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
    if (urgency == Urgency::background) {
      // Of this thread alone, on Linux. Where it is refused all of them compete as equals.
      static_cast<void>(::nice(background_niceness));
      take_short_time_slices();
    }
    body();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

}  // namespace tandem
