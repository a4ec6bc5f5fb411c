#include "sim_remains.hpp"

namespace sim {

SimRemains::SimRemains(const Disk& disk) : disk_(disk) {
  if (disk.meta_rotten) {
    problem("log.db: table meta is damaged");
  } else {
    meta_ = disk.meta;
  }
  if (disk.note_rotten) {
    problem("state.db: table checkpoint is damaged");
  } else {
    checkpoint_ = disk.checkpoint;
    checkpoint_info_ = disk.checkpoint_info;
  }
  if (disk.log.empty()) return;
  log_begin_seen_ = disk.log.front().batch.first;
  log_end_seen_ = disk.log_last();
}

void SimRemains::read_rows(const std::function<void(Row&&)>& visit) {
  rows_reached_end_ = !disk_.note_rotten;
  if (!rows_reached_end_ || checkpoint_ == Lsn{}) return;
  for (const auto& [name, stored] : *disk_.rows) {
    if (stored.rotten) {
      problem("state.db: damaged: the row of kind " + std::to_string(name.first));
    } else {
      visit(Row{name.first, name.second, *stored.value, false});
    }
  }
}

void SimRemains::read_log(Lsn after, const std::function<void(Batch&&)>& visit) {
  Lsn expected = after.next();
  for (const StoredBatch& stored : disk_.log) {
    if (stored.batch.last() <= after) continue;
    if (stored.batch.first != expected || stored.rotten) {
      problem("log.db: the batch at record " + std::to_string(expected.value) + " is missing or damaged");
      return;
    }
    expected = stored.batch.last().next();
    visit(Batch(stored.batch));
  }
}

}  // namespace sim
