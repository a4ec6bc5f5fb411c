// What a session knows about itself.
#include "core/session.hpp"

#include <algorithm>

namespace tandem::core {

bool Session::holds(std::uint16_t packet_id) const {
  return std::binary_search(held_ids.begin(), held_ids.end(), packet_id);
}

}  // namespace tandem::core
