// Does anybody read the weight file? keepalived opens it each time it is written anew (inotify), so a file that nobody
// opens after a write says that keepalived does not run, hangs, or was told another name. Unlike a look at /proc this
// works without the right to see other users' processes.
#pragma once

#include <string>

namespace tandem::vip {

class WeightReaders {
 public:
  explicit WeightReaders(const std::string& path);
  ~WeightReaders();
  WeightReaders(const WeightReaders&) = delete;
  WeightReaders& operator=(const WeightReaders&) = delete;

  // Did anybody open it since the last look?
  bool looked_at();
  bool works() const { return watch_ >= 0; }  // false: not known, for there is no inotify

 private:
  void begin();

  std::string folder_;
  std::string name_;
  int fd_ = -1;
  int watch_ = -1;
};

}  // namespace tandem::vip
