// The thread that reads for joining peers: rows of the last checkpoint from a read transaction that lasts until all are
// given, then batches, in a short read transaction a chunk. Its connections are its own; it delays no commit.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/result.hpp"
#include "store/event_queue.hpp"
#include "store/log_reader.hpp"
#include "store/sqlite.hpp"
#include "store/state_reader.hpp"
#include "store/store.hpp"

namespace tandem::store {

class CatchUps {
 public:
  CatchUps(EventQueue& events, std::string directory) : events_(events), directory_(std::move(directory)) {}
  ~CatchUps() { stop(); }

  void start();
  void stop();

  // For the core thread.
  std::uint64_t open(Lsn after, bool with_rows);
  void next(std::uint64_t id, std::size_t max_bytes);
  void close(std::uint64_t id);

 private:
  struct Command {
    enum class Kind : std::uint8_t { open, next, close };
    Kind kind;
    std::uint64_t id;
    Lsn after;
    bool with_rows = false;
    std::size_t max_bytes = 0;
  };
  // One reading of the rows; the reader's statements go before the database.
  struct Rows {
    Database database;
    StateReader reader;
    CheckpointNote note;
    std::uint64_t total_bytes;
  };
  struct Reading {
    Lsn position;  // batches behind it come next
    bool with_rows = false;
    std::unique_ptr<Rows> rows;
    std::optional<Error> error;
  };

  void push(Command command);
  void run();
  void perform(const Command& command);
  Result<std::unique_ptr<Rows>> open_rows();
  Status fill(Reading& reading, Chunk& chunk, std::size_t max_bytes);
  Status fill_rows(Reading& reading, Chunk& chunk, std::size_t& room);
  Status fill_batches(Reading& reading, Chunk& chunk, std::size_t room);
  Status read_batches(Reading& reading, Chunk& chunk, std::size_t room);

  EventQueue& events_;
  std::string directory_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Command> queue_;
  bool stopping_ = false;
  std::uint64_t last_id_ = 0;  // core thread only

  // The thread's own.
  std::map<std::uint64_t, Reading> readings_;
  std::optional<Database> log_;
  std::optional<LogReader> log_reader_;
  std::thread thread_;
};

}  // namespace tandem::store
