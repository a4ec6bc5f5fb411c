// libFuzzer entry of the codec.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/codec_input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tandem::fuzz::examine_packets({reinterpret_cast<const char*>(data), size});
  return 0;
}
