// How threads start, and how they share the cores.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>

namespace tandem {

// Does somebody wait for what the thread does? Background threads yield the cores to those that are awaited.
enum class Urgency : std::uint8_t { awaited, background };

// This thread has the core for 0.5 ms at a time, as every background thread does. Linux before 6.12 knows one length of
// a time slice only, and pays no heed.
void take_short_time_slices();

// In the midst of long work of such a thread, as often as it likes: about every 0.5 ms a thread that is ready gets this
// core. The kernel alone need not take it away before the next tick of its clock, up to 4 ms later, even for a thread
// of better niceness. Nothing in a thread without short time slices: Linux 6.18 charges the rest of the slice to
// whoever gives way, so that it would get nearly nothing beside others.
void give_way();

// While one of these lives, its thread does not give way: somebody waits for what it does now.
class Haste {
 public:
  explicit Haste(bool awaited);
  ~Haste();
  Haste(const Haste&) = delete;
  Haste& operator=(const Haste&) = delete;

 private:
  const bool before_;
};

// A thread that takes no signals: those belong to the main thread. `name`: what ps and debuggers show, at most 15
// characters.
std::thread start_thread(const char* name, Urgency urgency, std::function<void()> body);

}  // namespace tandem
