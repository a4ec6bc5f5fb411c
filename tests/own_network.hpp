// A test in a network namespace of its own: addresses and interfaces as it likes, nothing of the machine's is touched.
#pragma once

#include <sched.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>
#include <thread>

namespace tandem::test {

// On a thread of its own: only that one, and what it starts, are in the namespace. `set_up`: false if `ip` does not
// work here. Skipped with a word, which names the test, where that or the namespace is not allowed.
inline void in_own_network(const std::string& name, const std::function<bool()>& set_up,
                           const std::function<void()>& test) {
  std::string skipped;
  std::exception_ptr failed;
  std::thread inside([&] {
    if (::unshare(CLONE_NEWNET) != 0) {
      skipped = "no right to make a network namespace (root has it)";
    } else if (!set_up()) {
      skipped = "no `ip` program, or it does not work here";
    } else {
      try {
        test();
      } catch (...) {
        failed = std::current_exception();
      }
    }
  });
  inside.join();
  if (!skipped.empty()) std::printf("skipped: %s: %s\n", skipped.c_str(), name.c_str());
  if (failed) std::rethrow_exception(failed);
}

inline bool ip(const std::string& arguments) {
  return std::system(("ip " + arguments + " 2>/dev/null").c_str()) == 0;
}

// With `lo` up.
inline void in_own_network(const std::string& name, const std::function<void()>& test) {
  in_own_network(
      name, [] { return ip("link set lo up"); }, test);
}

}  // namespace tandem::test
