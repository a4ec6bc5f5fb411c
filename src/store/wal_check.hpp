// Looks for silent loss in a write-ahead file before SQLite opens it. SQLite stops at the first frame whose checksum is
// wrong and forgets what follows, without a word: right for a commit that a power cut tore, wrong for a flipped bit.
#pragma once

#include <string>

#include "base/result.hpp"

namespace tandem::store {

// Each commit is synced before the next one is written. So when frames follow a whole commit that SQLite would not
// read, that commit was durable and has been damaged: an Error. A torn last commit is fine, and so is a missing file.
Status check_write_ahead_file(const std::string& path);

}  // namespace tandem::store
