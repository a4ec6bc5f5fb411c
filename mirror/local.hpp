// The own log and the durable fields, as far as the pair logic needs them: positions, metadata and its writes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "mirror/meta.hpp"
#include "mirror/pair.hpp"

namespace tandem::mirror {

struct Local {
  Meta meta;     // as last ordered to be written: decisions use it, promises wait for written()
  Lsn log_last;  // end of the log, including what is ordered to be appended
  Lsn applied;   // standby: applied and so confirmed; active: equal to log_last
  Lsn durable;

  // Orders the present `meta` to be written (log first). The token is done when written(token).
  std::uint64_t write_meta(std::vector<Order>& orders) {
    orders.push_back(WriteMeta{encode_meta(meta), ++last_token});
    return last_token;
  }
  bool written(std::uint64_t token) const { return token != 0 && token <= written_token; }
  bool all_written() const { return written_token == last_token; }

  // The log now ends at `last` (after a Rewind, Wipe or image).
  void log_ends_at(Lsn last) {
    log_last = applied = last;
    durable = std::min(durable, last);
  }

  std::uint64_t last_token = 0;
  std::uint64_t written_token = 0;
};

}  // namespace tandem::mirror
