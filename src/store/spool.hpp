// A copy of the rows of an open checkpoint in a nameless temporary file. When the transaction that collects them is
// rolled back (disk full), they are played again from here; memory stays small however large an image is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/batch.hpp"
#include "base/result.hpp"

namespace tandem::store {

class Spool {
 public:
  Spool() = default;
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  ~Spool();

  // Empties it; the file is made by the first append().
  void clear();
  bool empty() const { return size_ == 0; }
  // All or nothing: after an Error the same rows may be given again. `full`: set when the disk is full.
  Status append(const std::string& directory, const std::vector<Row>& rows, bool& full);
  // Visits all rows in order; stops at the first Error.
  Status replay(const std::function<Status(const Row&)>& visit) const;

 private:
  Status make(const std::string& directory);
  Status read(std::uint64_t at, char* into, std::size_t size) const;

  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace tandem::store
