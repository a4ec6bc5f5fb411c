// What all micro-benchmarks share. Google Benchmark calls a benchmark several times a size (to find how many iterations
// it takes, and once a repetition): what it runs in is built once a size, and only one such scene is there at a time,
// so that memory is bounded by the largest of them.
#pragma once

#include <malloc.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <typeinfo>

#include "base/check.hpp"

namespace tandem::micro {

class Stage {
 public:
  // The scene of that kind and size; the one before is taken down first, and what it held is given back.
  template <class Scene, class... Size>
  Scene& scene(Size... size) {
    std::string key = typeid(Scene).name();
    ((key += ' ', key += std::to_string(static_cast<std::int64_t>(size))), ...);
    if (key != key_) {
      clear();
      scene_ = std::make_shared<Scene>(size...);
      key_ = key;
    }
    return *static_cast<Scene*>(scene_.get());
  }
  void clear() {
    scene_.reset();
    key_.clear();
    malloc_trim(0);
  }

 private:
  std::string key_;
  std::shared_ptr<void> scene_;
};

// Which of `of` (below 2^32) comes next: all of them, as if by chance, for one addition, and the same each time.
// Neither the order of building nor the processor's guess of what comes next helps. It is kept with its scene: a run
// goes on where the one before ended, or only so many of a large scene would ever be met.
class Scattered {
 public:
  explicit Scattered(std::uint64_t of) : of_(of) { CHECK(of != 0); }
  std::uint64_t next() {
    x_ += 0x9e3779b97f4a7c15ULL;  // the golden ratio: every part of the range is met equally often
    return ((x_ >> 32) * of_) >> 32;
  }

 private:
  std::uint64_t of_;
  std::uint64_t x_ = 0;
};

}  // namespace tandem::micro
