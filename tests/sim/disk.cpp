// The simulated store.
#include "disk.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace sim {

SimStore::SimStore(Disk& disk, std::uint64_t seed, int fsync_ms_max, std::int64_t now_ms)
    : disk_(disk), rng_(seed), fsync_ms_max_(fsync_ms_max), now_(now_ms) {
  if (disk_.log.empty() || disk_.log_end < disk_.checkpoint) {  // an image came, its log had not begun
    if (disk_.log_end < disk_.checkpoint) disk_.log.clear();
    disk_.log_end = std::max(disk_.log_end, disk_.checkpoint);
  }
  found_.fresh = !disk_.written;
  found_.meta = disk_.meta;
  found_.checkpoint = disk_.checkpoint;
  found_.checkpoint_info = disk_.checkpoint_info;
  if (!disk_.log.empty()) {
    found_.log_first = disk_.log.front().first;
    found_.log_last = disk_.log.back().last();
  }
  end_ = disk_.log_end;
  events_.durable = end_;
}

void SimStore::crash() {
  for (Queue* queue : {&log_, &state_}) {
    const bool may = !queue->work.empty() && queue->begun && (!queue->work.front().may || queue->work.front().may());
    if (may && !disk_.full && rng_() % 2 == 0) queue->work.front().done();
  }
}

// --- time

void SimStore::log_work(std::function<void()> done, std::function<bool()> may, bool is_commit) {
  log_.work.push_back({std::move(done), std::move(may), is_commit});
}

bool SimStore::run(Queue& queue) {
  bool did = false;
  while (!queue.work.empty() && !disk_.full) {
    if (queue.work.front().may && !queue.work.front().may()) break;
    if (!queue.begun) {
      queue.begun = true;
      queue.ends = now_ + static_cast<std::int64_t>(rng_() % static_cast<unsigned>(fsync_ms_max_)) + disk_.slower_ms;
    }
    if (now_ < queue.ends) break;
    const Work work = std::move(queue.work.front());
    queue.work.pop_front();
    queue.begun = false;
    work.done();
    did = true;
  }
  return did;
}

bool SimStore::advance(std::int64_t now_ms) {
  now_ = now_ms;
  if (!pending_.empty() && !commit_asked_ && now_ - pending_since_ >= 50) commit_now();
  if (!log_.work.empty()) news_ |= run(log_);
  if (!state_.work.empty()) news_ |= run(state_);
  if (disk_.full != events_.disk_full) {
    events_.disk_full = disk_.full;
    news_ = true;
  }
  for (auto& [number, reading] : readings_) {
    if (reading.asked == 0 || reading.due > now_) continue;
    --reading.asked;
    events_.chunks.push_back(read(number, reading));
    news_ = true;
  }
  return news_;
}

store::Events SimStore::take_events() {
  news_ = false;
  store::Events out = std::move(events_);
  events_ = {};
  events_.durable = out.durable;
  events_.disk_full = out.disk_full;
  return out;
}

void SimStore::tell(std::uint64_t token) {
  events_.tokens.push_back(token);
}

// --- the log

void SimStore::append(Batch batch, bool urgent) {
  CHECK(batch.first == end_.next());
  if (on_append) on_append(batch);
  end_ = batch.last();
  if (pending_.empty()) pending_since_ = now_;
  pending_.push_back(std::move(batch));
  if (urgent) commit_now();
}

void SimStore::write_pending(Lsn to) {
  while (!pending_.empty() && pending_.front().last() <= to) {
    disk_.log_end = pending_.front().last();
    disk_.log.push_back(std::move(pending_.front()));
    pending_.pop_front();
    disk_.written = true;
  }
  pending_since_ = now_;
  events_.durable = disk_.log_end;
}

void SimStore::commit_now() {
  if (commit_asked_ || pending_.empty()) return;
  commit_asked_ = true;
  log_work(
      [this] {
        commit_asked_ = false;
        write_pending(end_);
      },
      {}, true);
}

void SimStore::write_meta(ByteBuffer meta, std::uint64_t token) {
  log_work([this, to = end_, meta = std::move(meta), token] {
    write_pending(to);
    disk_.meta = meta;
    disk_.written = true;
    tell(token);
  });
}

void SimStore::set_aside(Lsn behind, std::string note) {
  std::vector<Batch> batches;
  for (const Batch& batch : disk_.log) {
    if (batch.last() <= behind) continue;
    CHECK(batch.first > behind);
    batches.push_back(batch);
  }
  if (!batches.empty()) disk_.aside.emplace_back(std::move(note), std::move(batches));
}

void SimStore::rewind(Lsn to, std::string note, std::uint64_t token) {
  if (on_cut) on_cut();
  CHECK(disk_.checkpoint <= to);
  if (open_ && open_->at > to) open_.reset();
  log_work([this, was = end_, to, note = std::move(note), token]() mutable {
    write_pending(was);
    set_aside(to, std::move(note));
    while (!disk_.log.empty() && disk_.log.back().last() > to) disk_.log.pop_back();
    disk_.log_end = events_.durable = to;
    tell(token);
  });
  end_ = to;
}

void SimStore::wipe(Lsn keep, std::string note, std::uint64_t token) {
  if (on_cut) on_cut();
  open_.reset();
  const std::uint64_t images = images_asked_;
  log_work(
      [this, was = end_, keep, note = std::move(note), token]() mutable {
        write_pending(was);
        set_aside(keep, std::move(note));
        disk_.log.clear();
        disk_.rows = std::make_shared<Rows>();
        disk_.checkpoint = disk_.log_end = events_.durable = Lsn{};
        disk_.checkpoint_info.clear();
        tell(token);
      },
      [this, images] { return images_done_ >= images; });
  end_ = Lsn{};
}

void SimStore::restart_log(Lsn at) {
  CHECK(!open_);
  const std::uint64_t images = images_asked_;
  log_work(
      [this, at] {
        disk_.log.clear();
        disk_.log_end = events_.durable = at;
      },
      [this, images] { return images_done_ >= images; });
  end_ = at;
}

void SimStore::trim(Lsn up_to) {
  log_work([this, up_to] {
    const Lsn most = std::min(up_to, disk_.checkpoint);
    while (!disk_.log.empty() && disk_.log.front().last() <= most) disk_.log.pop_front();
    events_.trimmed_to = most;
  });
}

std::uint64_t SimStore::log_bytes() const {
  std::uint64_t bytes = 0;
  for (const Batch& batch : disk_.log) bytes += batch.bytes->size();
  for (const Batch& batch : pending_) bytes += batch.bytes->size();
  return bytes;
}

Lsn SimStore::log_first() const {
  if (!disk_.log.empty()) return disk_.log.front().first;
  if (!pending_.empty()) return pending_.front().first;
  return end_.next();
}

Status SimStore::load_log(Lsn after, const store::BatchVisitor& visit) {
  Lsn last = after;
  for (const Batch& batch : disk_.log) {
    if (batch.last() <= after) continue;
    if (batch.first != last.next()) return Error{"log.db: a gap before record " + std::to_string(batch.first.value)};
    last = batch.last();
    if (Status visited = visit(Batch(batch)); !visited.ok()) return visited;
  }
  return {};
}

// --- rows

Status SimStore::load_rows(const store::RowVisitor& visit) {
  for (const auto& [name, value] : *disk_.rows) {
    Row row;
    row.kind = name.first;
    row.key = name.second;
    row.value = value;
    if (Status visited = visit(std::move(row)); !visited.ok()) return visited;
  }
  return {};
}

void SimStore::begin_checkpoint(Lsn at, ByteBuffer info, bool replace_all) {
  CHECK(!open_);
  open_ = std::make_unique<Checkpoint>();
  open_->at = at;
  open_->info = std::move(info);
  open_->replace_all = replace_all;
}

void SimStore::put_rows(std::vector<Row> rows) {
  CHECK(open_ != nullptr);
  for (Row& row : rows) open_->rows.push_back(std::move(row));
}

void SimStore::abort_checkpoint() {
  open_.reset();
}

void SimStore::commit_checkpoint(std::uint64_t token) {
  CHECK(open_ != nullptr);
  ++images_asked_;
  std::shared_ptr<Checkpoint> checkpoint(std::move(open_));
  state_.work.push_back({[this, checkpoint, token] {
                           finish_checkpoint(std::move(*checkpoint));
                           tell(token);
                         },
                         {},
                         false});
}

void SimStore::finish_checkpoint(Checkpoint&& checkpoint) {
  auto rows = checkpoint.replace_all ? std::make_shared<Rows>() : std::make_shared<Rows>(*disk_.rows);
  for (Row& row : checkpoint.rows) {
    std::pair<std::uint8_t, ByteBuffer> name{row.kind, std::move(row.key)};
    if (row.erased)
      rows->erase(name);
    else
      (*rows)[std::move(name)] = std::move(row.value);
  }
  disk_.rows = std::move(rows);
  disk_.checkpoint = checkpoint.at;
  disk_.checkpoint_info = std::move(checkpoint.info);
  disk_.written = true;
  events_.checkpoint = checkpoint.at;
  ++images_done_;
}

// --- catch-up

std::uint64_t SimStore::open_catch_up(Lsn after, bool with_rows) {
  Reading& reading = readings_[++last_reading_];
  reading.after = after;
  reading.with_rows = with_rows;
  reading.rows = disk_.rows;
  reading.next_row = reading.rows->begin();
  reading.rows_lsn = disk_.checkpoint;
  reading.info = disk_.checkpoint_info;
  return last_reading_;
}

void SimStore::next_chunk(std::uint64_t number, std::size_t max_bytes) {
  const auto found = readings_.find(number);
  if (found == readings_.end()) return;
  ++found->second.asked;
  found->second.max_bytes = max_bytes;
  found->second.due = now_ + 1 + static_cast<std::int64_t>(rng_() % 3) + disk_.slower_ms;
}

void SimStore::close_catch_up(std::uint64_t number) {
  readings_.erase(number);
}

store::Chunk SimStore::read(std::uint64_t number, Reading& reading) {
  constexpr std::size_t rows_a_chunk = 40;
  constexpr std::size_t batches_a_chunk = 30;
  store::Chunk chunk;
  chunk.catch_up = number;
  if (reading.with_rows) {
    chunk.rows_lsn = reading.rows_lsn;
    chunk.checkpoint_info = reading.info;
    while (reading.next_row != reading.rows->end() && chunk.rows.size() < rows_a_chunk) {
      Row row;
      row.kind = reading.next_row->first.first;
      row.key = reading.next_row->first.second;
      row.value = reading.next_row->second;
      chunk.rows.push_back(std::move(row));
      ++reading.next_row;
    }
    if (reading.next_row != reading.rows->end()) return chunk;
    chunk.rows_end = true;
    reading.with_rows = false;
    reading.after = reading.rows_lsn;
    return chunk;
  }
  if (reading.after >= disk_.log_end) {
    chunk.at_log_end = true;
    return chunk;
  }
  if (disk_.log.empty() || disk_.log.front().first > reading.after.next()) {
    chunk.gap = true;
    return chunk;
  }
  auto at = std::partition_point(disk_.log.begin(), disk_.log.end(),
                                 [&](const Batch& batch) { return batch.first <= reading.after; });
  for (; at != disk_.log.end() && chunk.batches.size() < batches_a_chunk; ++at) {
    chunk.batches.push_back(*at);
    reading.after = at->last();
  }
  return chunk;
}

}  // namespace sim
