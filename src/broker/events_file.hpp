// The events of a node, kept across crashes: data_dir/events.log, JSON lines, two generations (admin/events.hpp). A
// line is written at once (it survives the death of the process) and synced by a thread of its own (it survives a power
// cut a moment later), so the core thread waits for no disk.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "admin/events.hpp"
#include "base/ids.hpp"
#include "broker/parts.hpp"

namespace tandem::broker {

class EventsFile final : public Events {
 public:
  // Where the node is in its life; asked at each event.
  struct Place {
    std::uint64_t epoch = 0;
    Instant log_time;
  };

  EventsFile(std::string directory, std::string node, const Clocks& clocks);
  ~EventsFile() override;
  EventsFile(const EventsFile&) = delete;
  EventsFile& operator=(const EventsFile&) = delete;

  // Reads what earlier processes wrote, then goes on behind it. Nothing is thrown away when it cannot be written: the
  // journal has every event, and the next one tries again.
  void open();
  void ask_place(std::function<Place()> place) { place_ = std::move(place); }

  void event(Level level, std::string_view kind, std::string_view sentence) override;

  // The answer to a request "events".
  std::string answer(std::string_view how) const;

 private:
  void keep(std::string line);
  void write(const std::string& line);
  void rotate();
  void run();

  const std::string directory_;
  const std::string node_;
  const Clocks& clocks_;
  std::function<Place()> place_;
  std::uint64_t next_number_ = 1;
  struct Line {
    std::uint64_t number;
    std::string text;
  };
  std::deque<Line> newest_;  // at most admin::events_at_most
  int descriptor_ = -1;
  std::size_t bytes_ = 0;  // of the present file

  std::mutex mutex_;
  std::condition_variable changed_;
  bool sync_asked_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tandem::broker
