// Folding the write-ahead files; see fold.hpp.
#include "store/fold.hpp"

#include "base/thread.hpp"
#include "store/directory.hpp"
#include "store/progress.hpp"

namespace tandem::store {

namespace {

constexpr int rounds_max = 4;        // of one fold, while the writer goes on
constexpr int rest_bytes = 1 << 20;  // what the writer may be left to fold itself

}  // namespace

Status Fold::start(const std::string& directory) {
  for (std::size_t i = 0; i < sides_.size(); ++i) {
    Result<Database> database = Database::open(directory + "/" + (i == 0 ? log_file : state_file), Access::read);
    if (!database.ok()) return database.error();
    Side& side = sides_[i];
    side.database.emplace(database.take());
    Result<std::optional<std::int64_t>> page_bytes = side.database->first_integer("PRAGMA page_size");
    if (!page_bytes.ok()) return page_bytes.error();
    side.page_bytes = static_cast<int>(page_bytes.value().value_or(4096));
    side.fold_pages = static_cast<int>(fold_bytes_ / static_cast<std::size_t>(side.page_bytes));
    side.ask_at_pages = side.fold_pages;
  }
  thread_ = start_thread("store-fold", Urgency::background, [this] { run(); });
  return {};
}

void Fold::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  for (Side& side : sides_) side.database.reset();
}

void Fold::committed(File file, int wal_pages) {
  Side& side = sides_[static_cast<std::size_t>(file)];
  side.wal_pages.store(wal_pages, std::memory_order_relaxed);
  if (wal_pages < side.fold_pages) {
    side.ask_at_pages.store(side.fold_pages, std::memory_order_relaxed);
    return;
  }
  if (wal_pages < side.ask_at_pages.load(std::memory_order_relaxed)) return;
  // A fold that cannot finish (a reader holds an old state) is not asked for again until there is more to do.
  side.ask_at_pages.store(wal_pages + side.fold_pages / 4 + 1, std::memory_order_relaxed);
  {
    std::lock_guard lock(mutex_);
    side.asked = true;
  }
  changed_.notify_one();
}

void Fold::before_transaction(File file, Database& database) {
  Side& side = sides_[static_cast<std::size_t>(file)];
  if (!side.rest.load(std::memory_order_relaxed)) return;
  side.rest.store(false, std::memory_order_relaxed);
  // An error here comes again at the transaction that follows, or at the thread's next fold, and is reported there.
  [[maybe_unused]] const Result<Database::Folded> folded = database.fold();
}

void Fold::run() {
  ErrorReport report(events_);
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    Side* side = nullptr;
    for (Side& candidate : sides_) {
      if (candidate.asked) side = &candidate;
    }
    if (side == nullptr) {
      changed_.wait(lock);
      continue;
    }
    side->asked = false;
    lock.unlock();
    const bool done = fold(*side, report);
    lock.lock();
    if (done) continue;
    side->asked = true;
    changed_.wait_for(lock, retry_interval, [this] { return stopping_; });
  }
}

bool Fold::fold(Side& side, ErrorReport& report) {
  for (int round = 0; round < rounds_max; ++round) {
    // Behind the writer it gives nothing away: the file grows meanwhile.
    const Haste haste(side.wal_pages.load(std::memory_order_relaxed) > 2 * side.fold_pages);
    Result<Database::Folded> folded = side.database->fold();
    if (!folded.ok()) {
      report.failure(folded.error());
      return false;
    }
    report.success();
    const int rest = folded.value().wal_pages - folded.value().folded_pages;
    if (rest <= rest_bytes / side.page_bytes) {
      side.rest.store(true, std::memory_order_relaxed);  // even when it is 0: there may be a new one by then
      break;
    }
  }
  return true;
}

}  // namespace tandem::store
