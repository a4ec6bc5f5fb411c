// Whether this box is in maintenance, kept over restarts: a file of that name beside the store.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/replace_file.hpp"
#include "base/result.hpp"

namespace tandem::broker {

class MaintenanceFile {
 public:
  explicit MaintenanceFile(const std::string& data_dir) : path_(data_dir + "/maintenance") {}

  bool on() const {
    struct stat found {};
    return ::stat(path_.c_str(), &found) == 0;
  }
  Status keep(bool on) const {
    if (on)
      return replace_file(path_, "This box does not take over until `tandemctl maintenance off`.\n", 0640, Sync::yes);
    if (::unlink(path_.c_str()) == 0 || errno == ENOENT) return {};
    return Error{"cannot remove " + path_ + ": " + std::strerror(errno)};
  }

 private:
  std::string path_;
};

}  // namespace tandem::broker
