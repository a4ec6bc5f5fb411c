// What happens to a message for a session whose queue is full.
#pragma once

#include <cstdint>

namespace tandem::core {

// On disk and on the wire: never reuse a value.
enum class QueuePolicy : std::uint8_t {
  drop_newest = 0,  // the message is dropped
  drop_oldest = 1,  // the oldest that waits makes room; if that one was sent before, the message is dropped
  disconnect = 2,   // the message is dropped, and a client that is there is disconnected: it cannot keep up
};

}  // namespace tandem::core
