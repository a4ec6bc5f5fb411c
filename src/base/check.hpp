// CHECK: an invariant of our own. It stays on in release; a broken one prints where and aborts (systemd restarts us
// and the peer takes over, which beats going on with a wrong State).
#pragma once

#include <cstdio>
#include <cstdlib>

namespace tandem {

[[noreturn]] inline void check_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, what);
  std::abort();
}

}  // namespace tandem

// A macro because it must print the expression and the caller's place.
#define CHECK(condition)                                      \
  do {                                                        \
    if (!(condition)) [[unlikely]] {                          \
      ::tandem::check_failed(#condition, __FILE__, __LINE__); \
    }                                                         \
  } while (false)
