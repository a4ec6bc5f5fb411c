// What the store's threads have to tell the core: gathered under a mutex, announced by an eventfd.
#pragma once

#include <mutex>
#include <utility>

#include "base/result.hpp"
#include "store/store.hpp"

namespace tandem::store {

class EventQueue {
 public:
  EventQueue();
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;
  ~EventQueue();

  int fd() const { return fd_; }
  Events take();

  // `change(events)` adds to what the next take() gives. `durable` and `disk_full` are kept from one take to the next.
  template <class Change>
  void post(Change&& change) {
    std::lock_guard lock(mutex_);
    change(events_);
    if (!signalled_) signal();
  }

 private:
  void signal();

  std::mutex mutex_;
  Events events_;
  int fd_;
  bool signalled_ = false;
};

// Reports an error once, not at each retry: again only after success() or when the text changes.
class ErrorReport {
 public:
  explicit ErrorReport(EventQueue& events) : events_(events) {}
  void failure(const Error& error);
  void success() { last_.clear(); }

 private:
  EventQueue& events_;
  std::string last_;
};

}  // namespace tandem::store
