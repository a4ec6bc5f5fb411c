// Text that can neither be guessed nor comes twice.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace tandem::broker {

// 128 random bits in hex: 32 characters. `random`: 64 bits a call.
inline std::string random_text(const std::function<std::uint64_t()>& random) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (int half = 0; half < 2; ++half) {
    std::uint64_t bits = random();
    for (int i = 0; i < 16; ++i, bits >>= 4) text.push_back(digits[bits & 15U]);
  }
  return text;
}

}  // namespace tandem::broker
