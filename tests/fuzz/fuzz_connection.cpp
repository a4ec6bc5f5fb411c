// libFuzzer entry of whole connections: an input is a script of two clients. Where it is cut follows from it.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "tests/fuzz/whole_connection.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tandem::ByteView input(reinterpret_cast<const char*>(data), size);
  const std::string broken = tandem::fuzz::examine(input, std::hash<tandem::ByteView>{}(input));
  if (!broken.empty()) {
    std::fprintf(stderr, "broken: %s\n", broken.c_str());
    std::abort();
  }
  return 0;
}
