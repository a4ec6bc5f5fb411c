// Topics of a plant: number i is "plant/area7/line3/machine5", ten machines a line, a hundred lines an area.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tandem::micro {

struct Plant {
  static std::string area(std::uint64_t i) { return "plant/area" + std::to_string(i / 1'000); }
  static std::string line(std::uint64_t i) { return area(i) + "/line" + std::to_string(i / 10 % 100); }
  static std::string topic(std::uint64_t i) { return line(i) + "/machine" + std::to_string(i % 10); }
  static std::vector<std::string> topics(std::uint64_t count) {
    std::vector<std::string> all;
    all.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) all.push_back(topic(i));
    return all;
  }
};

}  // namespace tandem::micro
