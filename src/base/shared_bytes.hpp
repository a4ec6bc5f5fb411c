// Bytes that lie with somebody else, so that what many are sent is not copied for each of them. Made and dropped by the
// core thread alone; others may read the bytes meanwhile.
#pragma once

#include <utility>

#include "base/bytes.hpp"

namespace tandem {

class SharedBytes {
 public:
  using Release = void (*)(void* keeper);

  // `keeper` keeps them in place until it is released, once.
  SharedBytes(ByteView bytes, void* keeper, Release release) : bytes_(bytes), keeper_(keeper), release_(release) {}
  // Nobody keeps them: they are there until the turn's end.
  static SharedBytes of_this_turn(ByteView bytes) { return {bytes, nullptr, nullptr}; }
  SharedBytes(SharedBytes&& other) noexcept
      : bytes_(other.bytes_), keeper_(std::exchange(other.keeper_, nullptr)), release_(other.release_) {}
  SharedBytes& operator=(SharedBytes&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(keeper_, other.keeper_);
    std::swap(release_, other.release_);
    return *this;
  }
  ~SharedBytes() {
    if (keeper_ != nullptr) release_(keeper_);
  }

  ByteView view() const { return bytes_; }
  bool kept() const { return keeper_ != nullptr; }

 private:
  ByteView bytes_;
  void* keeper_;
  Release release_;
};

}  // namespace tandem
