#include "base/text_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tandem {

namespace {

struct Descriptor {
  int fd = -1;
  explicit Descriptor(int opened) : fd(opened) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

}  // namespace

Result<std::string> read_text_file(std::string_view what, const std::string& path, std::size_t max_bytes) {
  const auto unreadable = [&] {
    return Error{std::string(what) + " " + path + " cannot be read: " + std::strerror(errno)};
  };
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0) return unreadable();
  std::string text;
  char buffer[16'384];
  while (true) {
    const ssize_t size = ::read(file.fd, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return unreadable();
    if (size == 0) return text;
    text.append(buffer, static_cast<std::size_t>(size));
    if (text.size() > max_bytes) {
      return Error{std::string(what) + " " + path + " is larger than the " + std::to_string(max_bytes) +
                   " bytes that are read"};
    }
  }
}

}  // namespace tandem
