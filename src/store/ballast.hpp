// A file of 1 MB that is given up when the disk is full: deleting and folding need space too, so without it a full
// disk could not be helped by trimming. It is made again when there is room.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

namespace tandem::store {

// Used by both writer threads.
class Ballast {
 public:
  static constexpr long long bytes = 1'000'000;
  static constexpr long long room_bytes = 4 * bytes;  // free space that must be there before it is made again

  explicit Ballast(const std::string& directory);

  bool present();
  // True: it was there and its space is free now.
  bool release();
  // Makes it again if there is room, looking at most once a second. True: it is there.
  bool restore();

 private:
  bool make();

  std::mutex mutex_;
  std::string directory_;
  std::string path_;
  bool present_ = false;
  std::chrono::steady_clock::time_point next_look_{};
};

}  // namespace tandem::store
