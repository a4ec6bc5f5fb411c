// One simulated node: the owner of a Pair.
#include <algorithm>

#include "sim.hpp"

namespace sim {

namespace {

ByteBuffer bytes_of(const Ids& ids) {
  ByteBuffer bytes;
  ByteWriter out(bytes);
  for (const std::uint64_t id : ids) out.u64_le(id);
  return bytes;
}

Ids ids_of(ByteView bytes) {
  Ids ids;
  ByteReader in(bytes);
  while (in.ok() && !in.at_end()) ids.push_back(in.u64_le());
  return ids;
}

}  // namespace

Ids Disk::state() const {
  Ids ids = rows;
  for (const Batch& batch : log) {
    if (batch.last() <= checkpoint) continue;
    const Ids more = ids_of(*batch.bytes);
    ids.insert(ids.end(), more.begin(), more.end());
  }
  return ids;
}

void SimNode::boot() {
  paused_ = stopped_ = false;
  log_ = disk_.log;
  rebuild();
  last_commit_ = work_ends_ = world_.now;
  last_beat_ = clock().ms;
  PairOptions options;
  options.node_name = name_;
  options.has_peer = true;
  options.paths = world_.options.paths;
  options.pair_ids = {"pair"};
  options.durability = world_.options.durability;
  options.solo_allowed = world_.options.solo_allowed;
  options.heartbeat_arbiter = world_.options.heartbeat;
  options.promote_when_unsure = world_.options.promote_when_unsure;
  options.boot_wait_ms = world_.options.boot_wait_ms;
  options.reconcile_auto = world_.options.reconcile_auto;
  mirror::PairStart start;
  start.meta = disk_.meta;
  start.fresh = disk_.meta.empty();
  start.checkpoint = disk_.checkpoint;
  start.log_last = last_;
  start.store_id_if_fresh = world_.rng() | 1;
  start.boot_id = boot_ = world_.rng() | 1;
  pair_ = std::make_unique<Pair>(options, start, clock());
  world_.trace(name_ + " boots at record " + std::to_string(last_.value));
  carry_out();
}

Steady SimNode::clock() const {
  return world_.clock(index_);
}

void SimNode::crash() {
  if (!up()) return;
  world_.trace(name_ + " crashes");
  // The write under way may have reached the disk although nobody was told.
  if (!work_.empty() && world_.random(2) == 0) work_.front().done(false);
  pair_.reset();
  inbox_.clear();
  applying_.clear();
  work_.clear();
  log_.clear();
  state_.clear();
  members_.clear();
  unacked_.clear();
  reigning_ = image_open_ = catch_up_ = paused_ = merging_ = false;
  tail_.reset();
  world_.note_what_is_gone();
}

void SimNode::stop() {
  world_.trace(name_ + " is stopped in order");
  stopped_ = true;
  pair_->stop(clock());
  carry_out();
}

void SimNode::replace_disk() {
  world_.trace(name_ + " gets a fresh disk");
  disk_ = {};
}

void SimNode::add_held(std::set<std::uint64_t>& ids) const {
  ids.insert(members_.begin(), members_.end());
  const Ids on_disk = disk_.state();
  ids.insert(on_disk.begin(), on_disk.end());
  for (const Disk::Aside& aside : disk_.aside) ids.insert(aside.ids.begin(), aside.ids.end());
  for (const Batch& batch : log_) {
    const Ids more = ids_of(*batch.bytes);
    ids.insert(more.begin(), more.end());
  }
}

bool SimNode::holds(std::uint64_t id) const {
  if (members_.count(id) != 0) return true;
  const Ids on_disk = disk_.state();
  if (std::find(on_disk.begin(), on_disk.end(), id) != on_disk.end()) return true;
  for (const Disk::Aside& aside : disk_.aside) {
    if (std::find(aside.ids.begin(), aside.ids.end(), id) != aside.ids.end()) return true;
  }
  return false;
}

void SimNode::rebuild() {
  applying_.clear();  // what waits there is in the log already, or was set aside
  state_ = disk_.rows;
  for (const Batch& batch : log_) {
    if (batch.last() <= disk_.checkpoint) continue;
    const Ids more = ids_of(*batch.bytes);
    state_.insert(state_.end(), more.begin(), more.end());
  }
  members_ = std::set<std::uint64_t>(state_.begin(), state_.end());
  last_ = log_.empty() ? disk_.checkpoint : std::max(disk_.checkpoint, log_.back().last());
}

void SimNode::append(const Batch& batch) {
  if (batch.first != last_.next()) world_.broken(name_ + ": append is not contiguous");
  log_.push_back(batch);
  last_ = batch.last();
}

void SimNode::apply(const Batch& batch) {
  for (const std::uint64_t id : ids_of(*batch.bytes)) {
    if (!members_.insert(id).second) world_.broken(name_ + ": record " + std::to_string(id) + " applied twice");
    state_.push_back(id);
    if (!reigning_) world_.mirrored_once[index_].insert(id);
  }
}

// --- store ---------------------------------------------------------------------------------------------------------

void SimNode::work(std::function<void(bool)> done) {
  const auto ms = 1 + static_cast<std::int64_t>(world_.random(static_cast<std::uint64_t>(world_.options.fsync_ms_max)));
  const std::int64_t all_ms = ms + slower_disk_ms;
  if (work_.empty()) work_ends_ = world_.now + all_ms;
  work_.push_back({all_ms, std::move(done)});
}

void SimNode::run_store() {
  while (!work_.empty() && world_.now >= work_ends_) {
    Work done = std::move(work_.front());
    work_.pop_front();
    if (!work_.empty()) work_ends_ = world_.now + work_.front().ms;
    done.done(true);
    carry_out();
  }
  const bool pending = disk_.last() < last_ && !image_open_;
  const bool due = pair_->wants_urgent_commit() || world_.now - last_commit_ >= 50;
  if (pending && due && work_.empty()) {
    mirror::CommitNow commit;
    obey(commit);
  }
}

void SimNode::obey(mirror::CommitNow&) {
  last_commit_ = world_.now;
  const Lsn to = last_;
  work([this, to](bool answer) {
    for (const Batch& batch : log_) {
      if (batch.last() <= to && batch.first > disk_.last()) disk_.log.push_back(batch);
    }
    if (answer) pair_->on_durable(disk_.last(), clock());
  });
}

void SimNode::obey(mirror::WriteMeta& order) {
  const Lsn to = last_;
  work([this, to, bytes = order.bytes, token = order.token](bool answer) {
    for (const Batch& batch : log_) {
      if (batch.last() <= to && batch.first > disk_.last()) disk_.log.push_back(batch);
    }
    disk_.meta = bytes;
    if (answer) {
      pair_->on_durable(disk_.last(), clock());
      pair_->on_meta_written(token, clock());
    }
  });
}

void SimNode::set_aside_behind(Lsn to, const std::string& note) {
  Disk::Aside aside;
  aside.note = note;
  for (const Batch& batch : log_) {
    if (batch.last() <= to) continue;
    if (batch.first <= to) world_.broken(name_ + ": a fork inside a batch");
    const Ids more = ids_of(*batch.bytes);
    aside.ids.insert(aside.ids.end(), more.begin(), more.end());
  }
  if (aside.ids.empty()) return;
  if (note.ends_with("acknowledged records: yes")) {
    world_.reported.insert(aside.ids.begin(), aside.ids.end());
  }
  disk_.aside.push_back(aside);
}

void SimNode::obey(mirror::Rewind& order) {
  work([this, to = order.to, note = order.note](bool answer) {
    if (disk_.checkpoint > to) {
      if (answer) pair_->on_rewound(false, clock());
      return;
    }
    set_aside_behind(to, note);
    while (!disk_.log.empty() && disk_.log.back().last() > to) disk_.log.pop_back();
    while (!log_.empty() && log_.back().last() > to) log_.pop_back();
    if (disk_.log.size() < log_.size()) disk_.log = log_;
    rebuild();
    if (last_ != to) world_.broken(name_ + ": rewound to another record than asked");
    if (answer) pair_->on_rewound(true, clock());
  });
}

void SimNode::obey(mirror::Wipe& order) {
  work([this, keep = order.keep, note = order.note](bool answer) {
    set_aside_behind(keep, note);
    disk_.log.clear();
    log_.clear();
    disk_.checkpoint = Lsn{};
    disk_.rows.clear();
    disk_.wiped = true;
    image_open_ = false;
    ++wipes_;
    rebuild();
    if (answer) pair_->on_wiped(clock());
  });
}

void SimNode::obey(mirror::BeginImage& order) {
  image_open_ = true;
  image_at_ = order.at;
  image_.clear();
}

void SimNode::obey(mirror::ImageRows& order) {
  if (!image_open_) world_.broken(name_ + ": rows without an image");
  for (const Row& row : order.rows) {
    const Ids more = ids_of(row.value);
    image_.insert(image_.end(), more.begin(), more.end());
  }
}

void SimNode::obey(mirror::EndImage&) {
  if (!image_open_) world_.broken(name_ + ": end without an image");
  work([this](bool answer) {
    disk_.rows = image_;
    disk_.wiped = false;
    disk_.checkpoint = image_at_;
    disk_.log.clear();
    log_.clear();
    image_open_ = false;
    rebuild();
    for (const std::uint64_t id : state_) world_.mirrored_once[index_].insert(id);
    ++images_;
    if (answer) pair_->on_image_loaded(last_, clock());
  });
}

void SimNode::take_checkpoint(bool trim_hard) {
  if (!up() || image_open_) return;
  const bool may = reigning_ ? pair_->safe() >= disk_.last() : pair_->mode() == mirror::Mode::in_sync;
  if (!may || disk_.last().value == 0) return;
  disk_.rows = disk_.state();
  disk_.checkpoint = disk_.last();
  Lsn to = disk_.checkpoint;
  const Lsn keep = pair_->keep_log_from();
  if (!trim_hard) to = std::min(to, Lsn{keep.value - 1});
  for (const Batch& batch : disk_.log) {  // store.log_max_mb: such a tail cannot be read back
    if (batch.last() > to || batch.last() < keep) continue;
    const Ids lost = ids_of(*batch.bytes);
    world_.reported.insert(lost.begin(), lost.end());
  }
  while (!disk_.log.empty() && disk_.log.front().last() <= to) disk_.log.pop_front();
  while (!log_.empty() && log_.front().last() <= to) log_.pop_front();
}

void SimNode::obey(mirror::OpenCatchUp& order) {
  catch_up_ = true;
  ++catch_up_number_;
  catch_rows_ = order.with_rows;
  catch_after_ = order.after;
  catch_row_ = 0;
  catch_rows_at_ = disk_.checkpoint;  // a read transaction
  catch_image_ = disk_.rows;
}

void SimNode::obey(mirror::CloseCatchUp&) {
  catch_up_ = false;
  ++catch_up_number_;
}

mirror::CatchUpPiece SimNode::read_chunk() {
  mirror::CatchUpPiece piece;
  if (catch_rows_) {
    piece.rows_lsn = catch_rows_at_;
    piece.rows_total_bytes = catch_image_.size() * 8;
    const std::size_t end = std::min(catch_image_.size(), catch_row_ + 20);
    if (end > catch_row_) {
      Row row;
      row.kind = 1;
      row.key = std::to_string(catch_row_);
      row.value = bytes_of(Ids(catch_image_.begin() + static_cast<std::ptrdiff_t>(catch_row_),
                               catch_image_.begin() + static_cast<std::ptrdiff_t>(end)));
      piece.rows.push_back(row);
    }
    catch_row_ = end;
    if (end < catch_image_.size()) return piece;
    piece.rows_end = true;
    catch_rows_ = false;
    catch_after_ = catch_rows_at_;
    return piece;
  }
  if (catch_after_ >= disk_.last()) {
    piece.at_log_end = true;
    return piece;
  }
  if (disk_.log.empty() || disk_.log.front().first > catch_after_.next()) {
    piece.gap = true;
    return piece;
  }
  for (const Batch& batch : disk_.log) {
    if (batch.first <= catch_after_ || piece.batches.size() >= 8) continue;
    if (batch.first != catch_after_.next()) break;
    piece.batches.push_back(batch);
    catch_after_ = batch.last();
  }
  return piece;
}

void SimNode::obey(mirror::NextChunk&) {
  // The reader has its own thread, but a chunk may also wait for a busy disk.
  work([this, number = catch_up_number_](bool answer) {
    if (answer && catch_up_ && number == catch_up_number_) pair_->on_chunk(read_chunk(), clock());
  });
}

// --- roles ---------------------------------------------------------------------------------------------------------

void SimNode::obey(mirror::SendFrame& order) {
  if (order.body) order.bytes += *order.body;
  world_.send(index_, order.path, std::move(order.bytes));
}

// The promotion is decided here; what the other side of a split acknowledges from now on is its own.
void SimNode::obey(mirror::OpenListeners&) {
  acked_at_decision_ = world_.acked;
}

void SimNode::obey(mirror::Activate& order) {
  if (reigning_) world_.broken(name_ + ": activated twice");
  if (image_open_ || disk_.wiped) world_.broken(name_ + ": activated with a half loaded State");
  if (!applying_.empty()) {  // orders are carried out in order: what was to be applied is applied first
    for (const Applying& one : applying_) apply(one.batch);
    applying_.clear();
  }
  reigning_ = true;
  ++activations_;
  unclean_ = order.unclean;
  epoch_ = order.epoch;
  const auto [reign, fresh] = world_.reigns.emplace(order.epoch, index_);
  if (!fresh) world_.broken("epoch taken twice");
  world_.trace(name_ + " ACTIVE in epoch " + std::to_string(order.epoch.number) + (order.unclean ? " UNCLEAN" : ""));
  if (!order.unclean) world_.check_clean_promotion(*this, acked_at_decision_);
  write();  // EpochBegan
}

void SimNode::obey(mirror::NewEpoch& order) {
  const auto [reign, fresh] = world_.reigns.emplace(order.epoch, index_);
  if (!fresh) world_.broken("epoch taken twice");
  epoch_ = order.epoch;
  world_.trace(name_ + " takes epoch " + std::to_string(order.epoch.number));
}

void SimNode::obey(mirror::Demote& order) {
  world_.trace(name_ + " demoted: " + order.why);
  reigning_ = false;
  unacked_.clear();
}

void SimNode::obey(mirror::ApplyBatch& order) {
  if (reigning_) world_.broken(name_ + ": told to apply while ACTIVE");
  append(order.batch);
  disk_.wiped = false;
  applying_.push_back({world_.now + appended_delay_ms, order.batch});
}

void SimNode::obey(mirror::CompareDigest&) {}

// --- RECONCILE ------------------------------------------------------------------------------------------------------

void SimNode::obey(mirror::OpenTail& order) {
  if (disk_.last() < order.to) world_.broken(name_ + ": a tail is to be read that is not on the disk");
  if (tail_) world_.broken(name_ + ": a second tail");
  tail_ = order;
  tail_at_ = Lsn{order.from.value - 1};
  ++tail_number_;
}

void SimNode::obey(mirror::NextTail&) {
  work([this, number = tail_number_](bool answer) {
    if (!answer || !tail_ || number != tail_number_) return;
    mirror::TailPiece piece;
    for (const Batch& batch : disk_.log) {
      const Ids ids = ids_of(*batch.bytes);
      for (std::uint32_t i = 0; i < batch.count; ++i) {
        const Lsn lsn = batch.first.plus(i);
        if (lsn <= tail_at_ || lsn > tail_->to || piece.items.size() >= 10) continue;
        piece.items.push_back({lsn, 0, batch.epoch, batch.time, bytes_of({ids[i]})});
      }
    }
    if (!piece.items.empty()) tail_at_ = piece.items.back().lsn;
    piece.read_to = tail_at_;
    piece.end = piece.items.empty() || tail_at_ >= tail_->to;  // what was trimmed cannot be read
    pair_->on_tail(std::move(piece), clock());
  });
}

void SimNode::obey(mirror::CloseTail&) {
  tail_.reset();
}

void SimNode::obey(mirror::OpenMerge&) {
  if (merging_) world_.broken(name_ + ": a second merge");
  merging_ = true;
}

void SimNode::obey(mirror::MergeTail& order) {
  if (!reigning_ || !merging_) world_.broken(name_ + ": told to merge while not ACTIVE");
  Ids fresh;
  for (const mirror::TailItem& item : order.items) {
    const std::uint64_t id = ids_of(item.fact).front();
    if (members_.count(id) == 0) fresh.push_back(id);
  }
  merged_ += fresh.size();
  if (!fresh.empty()) append_as_active(fresh, false);
  pair_->on_merged(order.number, last_, clock());
}

void SimNode::obey(mirror::CloseMerge&) {
  merging_ = false;
}

void SimNode::obey(mirror::VerifyFrame&) {}
void SimNode::obey(mirror::PeerClients&) {}

void SimNode::obey(mirror::Tell& order) {
  told_ += order.sentence + "\n";
  world_.trace(name_ + ": " + order.sentence);
}

void SimNode::write() {
  Ids ids;
  const std::uint64_t count = 1 + world_.random(3);
  for (std::uint64_t i = 0; i < count; ++i) ids.push_back(world_.next_id++);
  append_as_active(ids, true);
}

void SimNode::append_as_active(const Ids& ids, bool acknowledged_here) {
  Batch batch;
  batch.first = last_.next();
  batch.count = static_cast<std::uint32_t>(ids.size());
  batch.epoch = epoch_;
  batch.time = Instant{world_.now};
  batch.bytes = std::make_shared<const ByteBuffer>(bytes_of(ids));
  append(batch);
  apply(batch);
  for (std::uint32_t i = 0; acknowledged_here && i < batch.count; ++i)
    unacked_.push_back({batch.first.plus(i), ids[i]});
  pair_->on_batch(batch, clock());
}

void SimNode::release_acks() {
  const Lsn safe = pair_->safe();
  while (!unacked_.empty() && unacked_.front().first <= safe) {
    const std::uint64_t id = unacked_.front().second;
    const bool own_disk = unacked_.front().first <= disk_.last();
    const bool at_peer = world_.mirrored_once[1 - index_].count(id) != 0;
    if (!own_disk && !at_peer) world_.broken(name_ + ": acked " + std::to_string(id) + " with one copy in memory");
    world_.acked.insert(id);
    unacked_.pop_front();
  }
}

void SimNode::carry_out() {
  for (auto orders = pair_->take_orders(); !orders.empty(); orders = pair_->take_orders()) {
    for (mirror::Order& order : orders) {
      std::visit([this](auto& one) { obey(one); }, order);
    }
  }
}

void SimNode::step() {
  if (!up() || paused_) return;
  const Steady now = clock();
  const bool beat = now.ms / 50 != last_beat_ / 50;
  const bool writes = reigning_ && !writes_blocked && world_.options.write_every_ms > 0 &&
                      world_.now % world_.options.write_every_ms == 0;
  const bool store = !work_.empty() && world_.now >= work_ends_;
  const bool apply_due = !applying_.empty() && applying_.front().at <= world_.now;
  const bool commit_due = disk_.last() < last_ && work_.empty();
  if (!beat && !writes && !store && !apply_due && !commit_due && inbox_.empty()) return;
  pair_->on_turn(now);
  carry_out();
  run_store();
  while (!applying_.empty() && applying_.front().at <= world_.now) {
    const Batch batch = applying_.front().batch;
    applying_.pop_front();
    apply(batch);
    pair_->on_applied(batch.last(), now);
    carry_out();
  }
  while (!inbox_.empty()) {
    auto [path, frame] = std::move(inbox_.front());
    inbox_.pop_front();
    pair_->on_frame(path, frame, now);
    carry_out();
  }
  if (!world_.options.heartbeat) pair_->on_word(word_, now);
  if (reigning_ && writes && !pair_->slow_publishers() && !pair_->hold_publishers()) write();
  carry_out();
  if (beat) {
    last_beat_ = now.ms;
    pair_->set_log_time(Instant{world_.now}, now);
    pair_->on_beat(now);
    carry_out();
  }
  if (reigning_) release_acks();
}

}  // namespace sim
