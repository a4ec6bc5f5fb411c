// The bytes of a packet that was cut by the end of a read, kept until the rest of it comes. Owns no memory
// while empty.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/bytes.hpp"

namespace tandem::edge {

class RestBytes {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  ByteView view() const { return {data_.get(), size_}; }

  // `whole`: expected size of all of it, if known. Growth is geometric up to `whole`, so that the bytes of
  // one packet are copied a constant number of times however they are cut, and a packet that was only
  // announced takes no memory.
  void append(ByteView bytes, std::size_t whole) {
    if (bytes.empty()) return;
    if (size_ + bytes.size() > capacity_) {
      grow(std::max(size_ + bytes.size(), std::min<std::size_t>(std::size_t{2} * capacity_, whole)));
    }
    std::memcpy(data_.get() + size_, bytes.data(), bytes.size());
    size_ += static_cast<std::uint32_t>(bytes.size());
  }

  void remove_front(std::size_t count) {
    if (count == size_) {
      data_.reset();
      size_ = capacity_ = 0;
    } else if (count > 0) {
      size_ -= static_cast<std::uint32_t>(count);
      std::memmove(data_.get(), data_.get() + count, size_);
    }
  }

 private:
  void grow(std::size_t capacity) {
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ > 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = static_cast<std::uint32_t>(capacity);
  }

  std::unique_ptr<char[]> data_;
  std::uint32_t size_ = 0;  // a packet has at most 256 MiB
  std::uint32_t capacity_ = 0;
};

}  // namespace tandem::edge
