// Files that a command makes together: all of them, or none.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "mirror/link.hpp"

namespace tandem::cli {

struct NewFile {
  std::string path;
  std::function<Status(const std::string& path)> write;  // makes it, with its mode; nothing is there
  bool of_tandemd = false;                               // belongs to the user that tandemd runs as
};

NewFile text_file(std::string path, std::string text, mode_t mode);
// A key file, which tandemd reads.
NewFile key_file(std::string path, mirror::KeyPair keys);

// Those that are there already.
std::vector<std::string> existing(const std::vector<NewFile>& files);

// Each is written beside its place, and moved there once all are written and on the disk. Without `replace` a file that
// is there stays, and is an error.
Status write_all(const std::vector<NewFile>& files, bool replace);

}  // namespace tandem::cli
