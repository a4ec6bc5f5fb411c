// One example of every frame and of the metadata record, with fixed values: the golden vectors and the mutation test.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace frames {

struct Example {
  std::string name;
  tandem::ByteBuffer bytes;
};

std::vector<Example> examples();
std::string hex(tandem::ByteView bytes);

}  // namespace frames
