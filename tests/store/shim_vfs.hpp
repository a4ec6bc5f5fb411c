// SQLite's default file layer with a tap on it: counts syncs, plays a full disk, and knows what a power cut would
// leave.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace tandem::store::testing {

// Is SQLite's default while it lives. One at a time; no store is open when it begins or ends.
class ShimVfs {
 public:
  ShimVfs();
  ShimVfs(const ShimVfs&) = delete;
  ShimVfs& operator=(const ShimVfs&) = delete;
  ~ShimVfs();

  // While `full`, every write fails as on a full disk.
  void set_full(bool full);
  // Writes fail as on a full disk once this many more bytes were written; -1: never.
  void set_room(std::int64_t bytes);
  // Syncs of files whose name ends so.
  int syncs(const std::string& suffix);
  // Writes into `to` what a power cut at this moment could leave of the files in `from`: what was synced, and of each
  // later write some sectors or none, drawn from `seed`.
  void power_cut(const std::string& from, const std::string& to, std::uint64_t seed);

  // What the tap calls.
  bool may_write(std::int64_t bytes);
  void wrote(const std::string& path, std::int64_t at, const void* bytes, int size);
  void truncated(const std::string& path, std::int64_t size);
  void synced(const std::string& path);
  void deleted(const std::string& path);

 private:
  struct Change {
    std::int64_t at = 0;
    std::string bytes;
    bool truncates = false;
  };
  struct Image {
    std::string synced;
    std::vector<Change> later;
    int syncs = 0;
  };
  static void apply(std::string& content, const Change& change);

  std::mutex mutex_;
  std::map<std::string, Image> images_;
  std::int64_t room_ = -1;
};

}  // namespace tandem::store::testing
