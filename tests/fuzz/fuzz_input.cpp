// libFuzzer entry of one function of inputs.hpp: CMake says which.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/inputs.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tandem::fuzz::TANDEM_EXAMINE({reinterpret_cast<const char*>(data), size});
  return 0;
}
