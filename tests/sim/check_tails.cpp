// What a cut log takes with it.
#include "check_tails.hpp"

#include <algorithm>

#include "core/record_codec.hpp"

namespace sim {

namespace core = tandem::core;

void TailCheck::booted(int node, const Disk& disk) {
  Log& log = logs_[static_cast<std::size_t>(node)];
  log.pieces.clear();
  log.merged.clear();
  for (const StoredBatch& stored : disk.log) add(log, stored.batch);
  log.acked = std::min(log.acked, disk.log_last());
}

void TailCheck::appended(int node, const Batch& batch) {
  Log& log = logs_[static_cast<std::size_t>(node)];
  while (!log.pieces.empty() && log.pieces.back().last >= batch.first) log.pieces.pop_back();
  if (log.acked >= batch.first) log.acked = Lsn{batch.first.value - 1};
  add(log, batch);
}

void TailCheck::add(Log& log, const Batch& batch) {
  Piece piece{batch.first, batch.last(), batch.epoch, {}};
  tandem::ByteReader in(*batch.bytes);
  Lsn lsn = batch.first;
  for (std::uint32_t i = 0; i < batch.count; ++i, lsn = lsn.next()) {
    const tandem::Result<core::Record> record = core::decode_record(in);
    if (!record.ok()) return;  // a rotten one
    if (const auto* published = std::get_if<core::Published>(&record.value())) {
      if (published->message.qos != tandem::mqtt::Qos::at_most_once) piece.message = lsn;
    } else if (const auto* merged = std::get_if<core::Reconciled>(&record.value())) {
      log.merged.insert_or_assign(std::pair(merged->origin.epoch, merged->origin.lsn), lsn);
    }
  }
  log.pieces.push_back(piece);
}

void TailCheck::acknowledged(int node, Host& host) {
  if (!host.serving()) return;
  Log& log = logs_[static_cast<std::size_t>(node)];
  log.acked = std::max(log.acked, std::min(host.pair().safe(), host.node().last()));
}

bool TailCheck::has(const Log& log, Host& host, const Piece& piece) {
  if (host.pair().holds(piece.epoch, piece.message)) return true;
  const auto& merged = host.state().globals().merged;
  const auto mark = merged.find(piece.epoch);
  if (mark == merged.end() || mark->second < core::Merged{piece.message, 0}) return false;
  const auto record = log.merged.find({piece.epoch, piece.message});
  return record == log.merged.end() || record->second <= host.disk().log_last();
}

void TailCheck::cut(int node, Lsn to) {
  Log& log = logs_[static_cast<std::size_t>(node)];
  log.acked = {};
  while (!log.pieces.empty() && log.pieces.back().last > to) log.pieces.pop_back();
}

void TailCheck::check_cut(int node, Host& loser, Host& winner) {
  const Log& own = logs_[static_cast<std::size_t>(node)];
  const Lsn acked = own.acked;
  if (!winner.up()) return;
  for (const Piece& piece : own.pieces) {
    if (piece.message == Lsn{} || piece.message > acked) continue;
    if (has(logs_[static_cast<std::size_t>(1 - node)], winner, piece)) continue;
    broken_(loser.name() + " drops record " + std::to_string(piece.message.value) + " of epoch " +
            std::to_string(piece.epoch.number) + ", which was acknowledged (up to " + std::to_string(acked.value) +
            "), and " + winner.name() + " has neither it nor what it says on its disk");
    return;
  }
}

}  // namespace sim
