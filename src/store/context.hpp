// What the store's threads share.
#pragma once

#include <utility>

#include "store/ballast.hpp"
#include "store/event_queue.hpp"
#include "store/fold.hpp"
#include "store/progress.hpp"
#include "store/store.hpp"

namespace tandem::store {

struct Context {
  explicit Context(StoreOptions store_options)
      : options(std::move(store_options)), ballast(options.directory), fold(events, options.wal_fold_bytes) {}

  StoreOptions options;
  EventQueue events;
  Ballast ballast;
  Progress progress;
  Fold fold;

  // A writer found the disk full: frees the ballast and tells the core.
  void disk_is_full() {
    ballast.release();
    events.post([](Events& all) { all.disk_full = true; });
  }
  // A writer could write: the disk counts as full until there is room for the ballast again.
  void disk_has_room() {
    if (!ballast.present() && ballast.restore()) {
      events.post([](Events& all) { all.disk_full = false; });
    }
  }
};

}  // namespace tandem::store
