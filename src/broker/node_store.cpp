// What the store has done: durable positions, finished calls, chunks of catch-ups.
#include <optional>
#include <utility>

#include "base/journal.hpp"
#include "broker/node.hpp"

namespace tandem::broker {

void Node::on_store_events() {
  store::Events events = parts_.store.take_events();
  for (const Error& error : events.errors) parts_.events.event(Level::error, "store", error.message);
  input([&](Steady now) {
    durable_ = events.durable;
    disk_full_ = events.disk_full;
    disk_lag_.durable(durable_, now);
    pair_->on_durable(durable_, now);
    if (unconfirmed_ && !disk_lag_.too_far()) pair_->on_applied(*std::exchange(unconfirmed_, std::nullopt), now);
    // Before the tokens: a wipe's says that nothing of an earlier checkpoint is left.
    if (events.checkpoint) {
      checkpointer_.on_committed(*events.checkpoint, pair_->keep_log_from());
      trim_log();
    }
    for (const std::uint64_t token : events.tokens) on_token(token, now);
    for (store::Chunk& chunk : events.chunks) on_chunk(std::move(chunk), now);
  });
}

// The log is kept for a peer that is away, up to store.log_max_mb. Beyond that it goes, and the peer gets an image.
void Node::trim_log() {
  const std::uint64_t at_most = static_cast<std::uint64_t>(config_.store.log_max_mb) * limits::mib;
  if (parts_.store.log_bytes() <= at_most) return;
  if (pair_->keep_log_from() > checkpointer_.committed()) return;  // the ordinary trim does it
  parts_.store.trim(checkpointer_.committed());
}

void Node::on_token(std::uint64_t token, Steady now) {
  const auto own = waiting_.find(token);
  if (own == waiting_.end()) {
    if (token < own_tokens) pair_->on_meta_written(token, now);
    return;
  }
  const auto done = std::move(own->second);
  waiting_.erase(own);
  if (done) done(now);
}

void Node::on_chunk(store::Chunk&& chunk, Steady now) {
  if (tail_source_.owns(chunk.catch_up)) {
    if (std::optional<mirror::TailPiece> piece = tail_source_.on_chunk(std::move(chunk))) {
      pair_->on_tail(std::move(*piece), now);
    }
    return;
  }
  if (tail_merger_.owns(chunk.catch_up)) {
    tail_merger_.on_chunk(replica_.state(), std::move(chunk));
    return;
  }
  if (chunk.catch_up != catch_up_) return;  // of one that was closed
  if (chunk.error) {
    // State in memory is whole: rows of a checkpoint behind the damage do without that part of the log.
    parts_.events.event(Level::error, "store",
                        "the peer cannot be brought up to date from the log on this disk and gets the whole State: " +
                            chunk.error->message);
    parts_.store.close_catch_up(std::exchange(catch_up_, 0));
    checkpointer_.ask();
    mirror::CatchUpPiece nothing;
    nothing.gap = true;
    return pair_->on_chunk(std::move(nothing), now);
  }
  mirror::CatchUpPiece piece;
  piece.rows_lsn = chunk.rows_lsn;
  piece.info = std::move(chunk.checkpoint_info);
  piece.rows = std::move(chunk.rows);
  piece.rows_end = chunk.rows_end;
  piece.rows_total_bytes = chunk.rows_total_bytes;
  piece.batches = std::move(chunk.batches);
  piece.at_log_end = chunk.at_log_end;
  piece.gap = chunk.gap;
  pair_->on_chunk(std::move(piece), now);
}

}  // namespace tandem::broker
