#include "base/text_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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

constexpr std::size_t step_bytes = 16'384;  // of what has no size, or grows meanwhile

}  // namespace

std::string FileText::reason() const {
  return std::strerror(error);
}

FileText read_file(const std::string& path, std::size_t max_bytes) {
  FileText file;
  const auto failed = [&file] {
    file.error = errno;
    file.text.clear();
    return file;
  };
  const Descriptor open_file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (open_file.fd < 0) return failed();
  file.opened = true;
  struct stat found {};
  if (::fstat(open_file.fd, &found) != 0) return failed();
  file.mode = found.st_mode;
  const std::size_t most = max_bytes + 1;  // one more tells that it is larger
  const std::size_t told = S_ISREG(found.st_mode) ? static_cast<std::size_t>(found.st_size) + 1 : step_bytes;
  file.text.resize(std::min(told, most));
  std::size_t size = 0;
  for (;;) {
    if (size == file.text.size()) file.text.resize(std::min(size + step_bytes, most));
    const ssize_t count = ::read(open_file.fd, file.text.data() + size, file.text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed();
    size += static_cast<std::size_t>(count);
    file.larger = size > max_bytes;
    if (count == 0 || file.larger) break;
  }
  file.text.resize(std::min(size, max_bytes));
  return file;
}

Result<std::string> read_text_file(std::string_view what, const std::string& path, std::size_t max_bytes) {
  FileText file = read_file(path, max_bytes);
  if (!file.ok()) return Error{std::string(what) + " " + path + " cannot be read: " + file.reason()};
  if (file.larger) {
    return Error{std::string(what) + " " + path + " is larger than the " + std::to_string(max_bytes) +
                 " bytes that are read"};
  }
  return std::move(file.text);
}

}  // namespace tandem
