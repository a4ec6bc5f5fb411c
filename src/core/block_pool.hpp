// Memory of messages. They come and go a hundred thousand times a second in a few sizes: what one leaves the next one
// of its size takes. Only so much is kept; larger blocks, and what is beyond, are malloc's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

#include "base/check.hpp"
#include "base/limits.hpp"

namespace tandem::core {

class BlockPool {
 public:
  BlockPool() = default;
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;
  ~BlockPool() {
    for (Free* first : free_) {
      while (first != nullptr) std::free(std::exchange(first, first->next));
    }
  }

  // `size`: more than 8; that of a Free at least.
  void* take(std::size_t size) {
    const std::size_t kind = kind_of(size);
    if (kind < kinds && free_[kind] != nullptr) {
      kept_bytes_ -= size_of(kind);
      return std::exchange(free_[kind], free_[kind]->next);
    }
    void* const memory = std::malloc(kind < kinds ? size_of(kind) : size);
    CHECK(memory != nullptr);
    return memory;
  }
  // `size`: as it was taken with.
  void give(void* memory, std::size_t size) {
    const std::size_t kind = kind_of(size);
    if (kind >= kinds || kept_bytes_ + size_of(kind) > limits::kept_message_bytes) return std::free(memory);
    free_[kind] = new (memory) Free{free_[kind]};
    kept_bytes_ += size_of(kind);
  }
  std::size_t kept_bytes() const { return kept_bytes_; }

 private:
  struct Free {
    Free* next;
  };
  // What malloc gives is a multiple of 16 bytes, of which it takes 8 for itself: other sizes would be rounded up to
  // these.
  static constexpr std::size_t step = 16;
  static constexpr std::size_t head = 8;
  static constexpr std::size_t kinds = 65;  // up to 1 KiB
  static std::size_t kind_of(std::size_t size) { return (size - head + step - 1) / step; }
  static std::size_t size_of(std::size_t kind) { return kind * step + head; }

  std::array<Free*, kinds> free_{};
  std::size_t kept_bytes_ = 0;
};

}  // namespace tandem::core
