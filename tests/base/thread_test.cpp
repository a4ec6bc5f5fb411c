// How threads start: without signals, with a name, and with the niceness of their urgency.
#include "base/thread.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <future>
#include <string>

#include <doctest/doctest.h>

namespace tandem {

namespace {

struct Found {
  bool takes_signals = true;
  int niceness = 0;
};

int own_niceness() {
  return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()));
}

bool takes_signals() {
  sigset_t blocked;
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  return sigismember(&blocked, SIGTERM) == 0 || sigismember(&blocked, SIGHUP) == 0;
}

Found in_thread(Urgency urgency) {
  Found found;
  start_thread("of-a-test", urgency, [&found] { found = {takes_signals(), own_niceness()}; }).join();
  return found;
}

constexpr int niceness_max = 19;

}  // namespace

TEST_CASE("a thread takes no signals, and its maker goes on taking them") {
  CHECK_FALSE(in_thread(Urgency::awaited).takes_signals);
  CHECK(takes_signals());
}

TEST_CASE("a background thread is nicer than the others, and it alone") {
  const int before = own_niceness();
  CHECK(in_thread(Urgency::background).niceness == std::min(before + 10, niceness_max));
  CHECK(in_thread(Urgency::awaited).niceness == before);
  CHECK(own_niceness() == before);
}

TEST_CASE("short time slices leave a thread's niceness alone, and giving way ends, in haste or not") {
  const int before = own_niceness();
  int after = before + 1;
  start_thread("of-a-test", Urgency::awaited, [&after] {
    take_short_time_slices();
    after = own_niceness();
    for (int i = 0; i < 1'000; ++i) give_way();
    const Haste haste(true);
    give_way();
  }).join();
  CHECK(after == before);
}

TEST_CASE("a thread has its name") {
  std::promise<void> looked;
  std::thread thread = start_thread("fifteen-letters", Urgency::awaited, [&looked] { looked.get_future().wait(); });
  char name[16] = {};
  CHECK(pthread_getname_np(thread.native_handle(), name, sizeof name) == 0);
  CHECK(std::string(name) == "fifteen-letters");
  looked.set_value();
  thread.join();
}

}  // namespace tandem
