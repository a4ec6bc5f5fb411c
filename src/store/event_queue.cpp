// What the store's threads have to tell the core; see event_queue.hpp.
#include "store/event_queue.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "base/check.hpp"

namespace tandem::store {

EventQueue::EventQueue() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK(fd_ >= 0);
}

EventQueue::~EventQueue() {
  ::close(fd_);
}

Events EventQueue::take() {
  std::lock_guard lock(mutex_);
  if (signalled_) {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(fd_, &count, sizeof count);  // never blocks: it was signalled
    signalled_ = false;
  }
  Events taken = std::move(events_);
  events_ = Events{};
  events_.durable = taken.durable;
  events_.disk_full = taken.disk_full;
  return taken;
}

void EventQueue::signal() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = ::write(fd_, &one, sizeof one);  // a counter far from its end
  signalled_ = true;
}

void ErrorReport::failure(const Error& error) {
  if (error.message == last_) return;
  last_ = error.message;
  events_.post([&](Events& events) { events.errors.push_back(error); });
}

}  // namespace tandem::store
