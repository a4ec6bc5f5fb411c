// The file that keepalived's track_file reads: how much this box deserves the virtual IP.
#pragma once

#include <string>

#include "base/result.hpp"

namespace tandem::vip {

class WeightFile {
 public:
  explicit WeightFile(std::string path) : path_(std::move(path)) {}

  // A reader finds the old number or the new one, never half of one. Error: what to do; the old number stays.
  Status write(int weight) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace tandem::vip
