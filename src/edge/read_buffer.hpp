// Where the connections of an edge are read to. What a read brought is gone with the next one, unless somebody wants it
// to stay until the turn's end.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/bytes.hpp"
#include "base/limits.hpp"

namespace tandem::edge {

class ReadBuffer {
 public:
  // For limits::turn_bytes_per_connection bytes; then came(). What the read before brought is gone, unless it stays.
  char* space() {
    if (stays_) at_ += came_ + (line_bytes - came_ % line_bytes);
    stays_ = false;
    came_ = 0;
    return memory_.get() + at_;
  }
  void came(std::size_t bytes) { came_ = bytes; }
  // `bytes` stay where they are until the turn's end. False: they are not of the last read, or there is no room for
  // the next one then.
  bool keep(ByteView bytes) {
    const char* const begin = memory_.get() + at_;
    const std::less<const char*> before;
    if (before(bytes.data(), begin) || before(begin + came_, bytes.data() + bytes.size())) return false;
    if (at_ + came_ + line_bytes + limits::turn_bytes_per_connection > size) return false;
    return stays_ = true;
  }
  void new_turn() {
    at_ = came_ = 0;
    stays_ = false;
  }

 private:
  static constexpr std::size_t size = limits::turn_bytes + 2 * limits::turn_bytes_per_connection;
  static constexpr std::size_t line_bytes = 64;

  std::unique_ptr<char[]> memory_ = std::make_unique_for_overwrite<char[]>(size);
  std::size_t at_ = 0;    // of the last read
  std::size_t came_ = 0;  // by it
  bool stays_ = false;
};

}  // namespace tandem::edge
