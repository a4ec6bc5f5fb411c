// Reading a small file whole.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem {

// What came of reading a file. Who read it says in its own words what that means.
struct FileText {
  std::string text;
  bool larger = false;  // it holds more than max_bytes: `text` is the beginning
  mode_t mode = 0;      // its kind and who may do what with it, as stat(2) has them
  int error = 0;        // errno of what failed; 0: nothing
  bool opened = false;  // what failed, if anything, came later

  bool ok() const { return error == 0; }
  std::string reason() const;  // of the error: "No such file or directory"
};

// Never more than max_bytes, whatever the file claims to be. A regular file's bytes are in one place of memory only, so
// that who reads a secret can wipe it.
FileText read_file(const std::string& path, std::size_t max_bytes);

// `what` is how the error calls it ("the password file"). Error: it cannot be read, or is larger than max_bytes.
Result<std::string> read_text_file(std::string_view what, const std::string& path, std::size_t max_bytes);

}  // namespace tandem
