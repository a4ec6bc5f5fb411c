// Lines of the FIFO.
#include "vip/notify_fifo.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tandem::vip {

namespace {

constexpr std::size_t most_bytes_a_read =
    65'536;  // a full FIFO; whoever writes without end does not stop the core loop

}  // namespace

std::optional<Notice> parse_notice(std::string_view line) {
  constexpr std::string_view begin = "INSTANCE \"";
  if (line.substr(0, begin.size()) != begin) return {};
  line.remove_prefix(begin.size());
  const std::size_t quote = line.find("\" ");
  if (quote == std::string_view::npos) return {};
  const std::string_view instance = line.substr(0, quote);
  line.remove_prefix(quote + 2);
  const std::string_view state = line.substr(0, line.find(' '));
  if (state == "MASTER") return Notice{instance, true};
  if (state == "BACKUP" || state == "FAULT" || state == "STOP") return Notice{instance, false};
  return {};
}

void NoticeReader::take(std::string_view bytes, const std::function<void(const Notice&)>& on_notice) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (line_.size() + part.size() > most_line_bytes) skipping_ = true;
    if (!skipping_) line_.append(part);
    if (end == std::string_view::npos) return;
    const std::optional<Notice> notice = skipping_ ? std::nullopt : parse_notice(line_);
    if (notice) on_notice(*notice);
    line_.clear();
    skipping_ = false;
    bytes.remove_prefix(end + 1);
  }
}

Result<std::unique_ptr<NotifyFifo>> NotifyFifo::open(const std::string& path) {
  const auto failed = [&path](const std::string& why) {
    return Error{"keepalived's notices cannot be read from " + path + " (" + why +
                 "): tandemd learns of a lost virtual IP from the kernel only. Check that it is a FIFO and belongs to "
                 "the user of tandemd (systemd/tandem.tmpfiles), then restart tandemd"};
  };
  if (::mkfifo(path.c_str(), 0600) != 0 && errno != EEXIST) return failed(std::strerror(errno));
  const int fd = ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return failed(std::strerror(errno));
  std::unique_ptr<NotifyFifo> fifo(new NotifyFifo(fd));
  struct stat what {};
  if (::fstat(fd, &what) != 0 || !S_ISFIFO(what.st_mode)) return failed("not a FIFO");
  fifo->read([](const Notice&) {});
  return fifo;
}

NotifyFifo::~NotifyFifo() {
  ::close(fd_);
}

void NotifyFifo::read(const std::function<void(const Notice&)>& on_notice) {
  char buffer[4096];
  for (std::size_t taken = 0; taken < most_bytes_a_read;) {
    const ssize_t size = ::read(fd_, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    taken += static_cast<std::size_t>(size);
    reader_.take({buffer, static_cast<std::size_t>(size)}, on_notice);
  }
}

}  // namespace tandem::vip
