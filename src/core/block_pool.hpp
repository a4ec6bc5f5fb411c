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

  void* take(std::size_t size) {
    const std::size_t kind = kind_of(size);
    if (kind < kinds && free_[kind] != nullptr) {
      kept_bytes_ -= kind * step;
      return std::exchange(free_[kind], free_[kind]->next);
    }
    void* const memory = std::malloc(kind < kinds ? kind * step : size);
    CHECK(memory != nullptr);
    return memory;
  }
  // `size`: as it was taken with.
  void give(void* memory, std::size_t size) {
    const std::size_t kind = kind_of(size);
    if (kind >= kinds || kept_bytes_ + kind * step > limits::kept_message_bytes) return std::free(memory);
    free_[kind] = new (memory) Free{free_[kind]};
    kept_bytes_ += kind * step;
  }
  std::size_t kept_bytes() const { return kept_bytes_; }

 private:
  struct Free {
    Free* next;
  };
  static constexpr std::size_t step = 32;
  static constexpr std::size_t kinds = 33;  // up to 1 KiB
  static std::size_t kind_of(std::size_t size) { return (size + step - 1) / step; }

  std::array<Free*, kinds> free_{};
  std::size_t kept_bytes_ = 0;
};

}  // namespace tandem::core
