#include "broker/events_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "admin/protocol.hpp"
#include "base/limits.hpp"
#include "base/printable.hpp"
#include "base/thread.hpp"

namespace tandem::broker {

namespace {

constexpr std::size_t reply_bytes = limits::control_reply_bytes / 2;

const char* level_text(Level level) {
  switch (level) {
    case Level::debug:
    case Level::info:
      return "info";
    case Level::warn:
      return "warning";
    case Level::error:
      return "error";
  }
  return "error";
}

bool ends_torn(const std::string& path, std::size_t size) {
  if (size == 0) return false;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char last = '\n';
  if (fd >= 0 && ::pread(fd, &last, 1, static_cast<off_t>(size - 1)) != 1) last = '\n';
  if (fd >= 0) ::close(fd);
  return last != '\n';
}

}  // namespace

EventsFile::EventsFile(std::string directory, std::string node, const Clocks& clocks)
    : directory_(std::move(directory)), node_(std::move(node)), clocks_(clocks) {}

EventsFile::~EventsFile() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  if (descriptor_ >= 0) ::close(descriptor_);
}

void EventsFile::open() {
  std::error_code ignored;
  std::filesystem::create_directories(directory_, ignored);
  for (std::string& line : admin::last_event_lines(directory_, admin::events_at_most)) keep(std::move(line));
  if (!newest_.empty()) next_number_ = newest_.back().number + 1;
  const std::string path = directory_ + "/" + admin::events_file;
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  struct stat found {};
  if (descriptor_ >= 0 && ::fstat(descriptor_, &found) == 0) bytes_ = static_cast<std::size_t>(found.st_size);
  if (descriptor_ >= 0 && ends_torn(path, bytes_)) write("");  // a crash tore the last line: end it
  thread_ = start_thread("events", Urgency::awaited, [this] { run(); });
}

void EventsFile::event(Level level, std::string_view kind, std::string_view sentence) {
  journal::write(level, sentence);
  const Place place = place_ ? place_() : Place{};
  admin::Event event;
  event.number = next_number_++;
  event.wall_ms = clocks_.wall().ms;
  event.log_ms = place.log_time.ms;
  event.node = node_;
  event.epoch = place.epoch;
  event.level = level_text(level);
  event.kind = kind;
  event.text = printable(sentence);  // may hold what clients are named
  std::string line = admin::to_line(event);
  write(line);
  keep(std::move(line));
}

void EventsFile::keep(std::string line) {
  const Result<admin::Event> event = admin::event_from_line(line);
  if (!event.ok()) return;
  newest_.push_back({event.value().number, std::move(line)});
  if (newest_.size() > admin::events_at_most) newest_.pop_front();
}

void EventsFile::write(const std::string& line) {
  if (bytes_ + line.size() >= admin::events_file_bytes) rotate();
  if (descriptor_ < 0) return;
  const std::string text = line + "\n";
  const ssize_t written = ::write(descriptor_, text.data(), text.size());
  if (written > 0) bytes_ += static_cast<std::size_t>(written);
  {
    const std::lock_guard lock(mutex_);
    sync_asked_ = true;
  }
  changed_.notify_one();
}

void EventsFile::rotate() {
  const std::string path = directory_ + "/" + admin::events_file;
  if (std::rename(path.c_str(), (directory_ + "/" + admin::older_events_file).c_str()) != 0) return;
  const int fresh = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  const std::lock_guard lock(mutex_);  // the other thread may be syncing the old one
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = fresh;
  bytes_ = 0;
}

void EventsFile::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_ || sync_asked_) {
    if (!sync_asked_) {
      changed_.wait(lock);
      continue;
    }
    sync_asked_ = false;
    const int copy = descriptor_ < 0 ? -1 : ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
    lock.unlock();
    if (copy >= 0) {
      ::fdatasync(copy);
      ::close(copy);
    }
    lock.lock();
  }
}

std::string EventsFile::answer(std::string_view how) const {
  const Result<admin::EventsWanted> wanted = admin::parse_wanted(how);
  if (!wanted.ok()) return admin::reply_error(wanted.error().message);
  std::vector<std::string> lines;
  std::size_t bytes = 0;
  for (auto line = newest_.rbegin(); line != newest_.rend() && lines.size() < wanted.value().last; ++line) {
    if (wanted.value().by_number && line->number <= wanted.value().after) break;
    bytes += line->text.size() + 1;
    if (bytes > reply_bytes) break;
    lines.push_back(line->text);
  }
  return admin::reply_events({lines.rbegin(), lines.rend()});
}

}  // namespace tandem::broker
