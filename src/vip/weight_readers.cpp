// inotify on the folder: the file itself is another one after each write.
#include "vip/weight_readers.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <cstring>

namespace tandem::vip {

WeightReaders::WeightReaders(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  folder_ = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  name_ = slash == std::string::npos ? path : path.substr(slash + 1);
  fd_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  begin();
}

WeightReaders::~WeightReaders() {
  if (fd_ >= 0) ::close(fd_);
}

void WeightReaders::begin() {
  if (fd_ >= 0) watch_ = ::inotify_add_watch(fd_, folder_.c_str(), IN_OPEN | IN_ONLYDIR);
}

bool WeightReaders::looked_at() {
  if (watch_ < 0) begin();  // the folder may be there now
  bool found = false;
  alignas(inotify_event) char buffer[4096];
  for (ssize_t size = ::read(fd_, buffer, sizeof buffer); size > 0; size = ::read(fd_, buffer, sizeof buffer)) {
    for (ssize_t at = 0; at < size;) {
      inotify_event event{};
      std::memcpy(&event, buffer + at, sizeof event);
      const char* const name = buffer + at + sizeof event;  // padded with zeros
      if ((event.mask & IN_OPEN) != 0 && event.len > 0 && name_ == name) found = true;
      if ((event.mask & IN_IGNORED) != 0) watch_ = -1;  // the folder was removed
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
  return found;
}

}  // namespace tandem::vip
