// Whole connections, cut where the input's hash says.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "tests/fuzz/inputs.hpp"
#include "tests/fuzz/whole_connection.hpp"

namespace tandem::fuzz {

void examine_connection(ByteView input) {
  const std::string broken = examine(input, std::hash<ByteView>{}(input));
  if (broken.empty()) return;
  std::fprintf(stderr, "broken: %s\n", broken.c_str());
  std::abort();
}

}  // namespace tandem::fuzz
