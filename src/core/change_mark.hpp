// Where an entity stands towards the checkpoints.
#pragma once

#include <cstdint>

namespace tandem::core {

// 0: its row in the last checkpoint is right; else the generation of changes in which it was first changed. Of the
// generation that a checkpoint is encoding (image.hpp): not encoded yet.
struct ChangeMark {
  std::uint32_t changed_in = 0;
};

}  // namespace tandem::core
