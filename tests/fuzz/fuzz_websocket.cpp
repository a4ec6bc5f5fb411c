// libFuzzer entry of a WebSocket's upgrade and frames.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/websocket_input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tandem::fuzz::examine_websocket({reinterpret_cast<const char*>(data), size});
  return 0;
}
