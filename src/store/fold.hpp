// Folding: copying the write-ahead files back into log.db and state.db, on a thread with connections of its own, so
// that no commit waits for it. A write-ahead file starts over from its beginning only when all of it has been folded at
// the moment when a writer begins; a busy writer therefore folds the small rest itself, between two transactions.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/result.hpp"
#include "store/event_queue.hpp"
#include "store/sqlite.hpp"

namespace tandem::store {

class Fold {
 public:
  enum class File : std::size_t { log = 0, state = 1 };

  Fold(EventQueue& events, std::size_t fold_bytes) : events_(events), fold_bytes_(fold_bytes) {}
  ~Fold() { stop(); }

  // Opens its connections (the files are there) and starts the thread.
  Status start(const std::string& directory);
  void stop();

  // For a writer, after each commit: asks for a fold when the write-ahead file has grown to fold_bytes.
  void committed(File file, int wal_pages);
  // For a writer, before a transaction: folds the rest itself if the thread has left it a small one.
  void before_transaction(File file, Database& database);

 private:
  struct Side {
    std::optional<Database> database;
    int page_bytes = 0;
    int fold_pages = 0;
    std::atomic<int> wal_pages{0};  // after the last commit
    std::atomic<int> ask_at_pages{0};
    std::atomic<bool> rest{false};
    bool asked = false;
  };
  void run();
  // True: everything is done or left to the writer; false: failed, to be tried again later.
  bool fold(Side& side, ErrorReport& report);

  EventQueue& events_;
  std::size_t fold_bytes_;
  std::array<Side, 2> sides_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tandem::store
