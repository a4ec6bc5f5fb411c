// keepalived's notify FIFO: one line a change of state, `INSTANCE "TANDEM" FAULT 100`.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem::vip {

struct Notice {
  std::string_view instance;  // of the line
  bool master = false;        // else FAULT, BACKUP or STOP
};

// Nothing: a line that is not of an instance, or not one of these states.
std::optional<Notice> parse_notice(std::string_view line);

// Bytes to lines. A line that is too long to be one of keepalived's is skipped, so memory is bounded.
class NoticeReader {
 public:
  void take(std::string_view bytes, const std::function<void(const Notice&)>& on_notice);

 private:
  static constexpr std::size_t most_line_bytes = 512;
  std::string line_;
  bool skipping_ = false;
};

class NotifyFifo {
 public:
  // Makes it (mode 0600) if it is missing. What lies in it from before is dropped. Error: what to do.
  static Result<std::unique_ptr<NotifyFifo>> open(const std::string& path);
  ~NotifyFifo();
  NotifyFifo(const NotifyFifo&) = delete;
  NotifyFifo& operator=(const NotifyFifo&) = delete;

  int fd() const { return fd_; }
  void read(const std::function<void(const Notice&)>& on_notice);

 private:
  explicit NotifyFifo(int fd) : fd_(fd) {}
  int fd_;  // for reading and writing: so it never ends, whoever opens and closes it
  NoticeReader reader_;
};

}  // namespace tandem::vip
