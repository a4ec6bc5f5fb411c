// Written beside and moved into place. Not fsynced: it lies in /run, and a box that starts is worth nothing anyway.
#include "vip/weight_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace tandem::vip {

namespace {

bool write_all(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (file < 0) return false;
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  ::close(file);
  errno = error;
  return written;
}

}  // namespace

Status WeightFile::write(int weight) const {
  const std::string beside = path_ + ".new";
  if (write_all(beside, std::to_string(weight) + "\n") && std::rename(beside.c_str(), path_.c_str()) == 0) return {};
  const std::string why = std::strerror(errno);
  return Error{"keepalived cannot be told what this box is worth: " + path_ + " cannot be written (" + why +
               "). Check that its folder exists and belongs to the user of tandemd (systemd/tandem.tmpfiles)"};
}

}  // namespace tandem::vip
