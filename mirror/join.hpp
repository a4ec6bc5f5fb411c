// How a standby becomes one that is in sync (L1, L2, L3, S2, S3), and how a MERGE fetches what the peer has: the same
// steps, another end. Everything that waits for a disk is a step of its own. The order of the steps is what keeps the
// state on the disk honest: STALE is durable before the log is touched (R7); the history of the followed log is durable
// before its first record is appended.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "mirror/lease.hpp"
#include "mirror/local.hpp"
#include "mirror/post.hpp"
#include "mirror/tail_sender.hpp"

namespace tandem::mirror {

class Join {
 public:
  enum class Purpose : std::uint8_t { none, follow, merge };
  enum class Step : std::uint8_t {
    idle,
    asking,       // until the peer offers its log
    reconciling,  // L2: what only this log acknowledged goes to the active
    marking,      // STALE is being written
    rewinding,    // the own tail is being set aside
    wiping,       // everything is being set aside
    adopting,     // the history of the followed log is being written
    fetching,     // pieces, then the live stream
    loading,      // the image is being made the own state
    sealing,      // S3 is being written
    in_sync,
  };
  // How a MERGE ended.
  struct Merged {
    bool unclean = false;
    Lsn alone_base;  // first lsn that the peer may lack
    std::string why;
  };

  Join(Local& local, Post& post, Lease& lease, bool reconcile_auto, std::vector<Order>& orders)
      : local_(local), post_(post), lease_(lease), may_reconcile_(reconcile_auto), orders_(orders) {}

  Purpose purpose() const { return purpose_; }
  Step step() const { return step_; }
  bool in_sync() const { return step_ == Step::in_sync; }
  std::uint64_t number() const { return join_; }
  Epoch epoch() const { return offer_.epoch; }  // of the active that is followed
  // A Rewind, Wipe or image is under way: its answer must come before anything else touches the log.
  bool store_busy() const;
  bool image_open() const { return image_open_; }
  bool waits_for_commit() const { return sync_at_.has_value(); }
  double percent() const;
  std::uint64_t fetched_bytes() const { return fetched_bytes_; }

  // Begins anew unless already doing so. Drops the lease first.
  void begin(Purpose purpose);
  // Ends what can be ended at once; an answer still to come from the store is awaited in `idle`.
  void abandon();
  // Drops in_sync and the lease (yield, RELEASE, L1). The copy stays as it is.
  void drop_sync();
  // An operator wants the tail to be merged (reconcile = "ask").
  void allow_reconcile() { may_reconcile_ = true; }
  std::optional<OpenTail> pending_tail() const;
  // The next join loads everything anew.
  void force_image() { force_image_ = true; }

  void on_tick();
  void on_offer(const Offer& offer);
  void on_piece(Piece&& piece);
  void on_tail(TailPiece&& piece);
  void on_tail_ack(const TailAck& ack);
  void on_batch(Batch&& batch, Steady now);
  void on_sync_point(const SyncPoint& point);
  void on_progress();  // applied, durable or written_token has moved
  void on_rewound(bool state_rebuilt);
  void on_wiped();
  void on_image_loaded(Lsn at);
  // Sends what is due: one confirm, one piece acknowledgement.
  void flush(Steady now, bool confirm_anyway);

  std::optional<Merged> take_merged();
  std::optional<Instant> heard_batch_time() const { return batch_time_; }

 private:
  void plan();
  void plan_merge(Lsn common);
  void reconcile();
  void run_tail(Steady now);
  void mark_then_cut(bool wipe);
  void cut();
  void adopt();
  void fetch();
  void take_piece(Piece& piece);
  void take_rows(Piece& piece);
  bool take_batches(Piece& piece);
  void start_over(std::string_view why);
  void move_consumed();
  void seal_if_ready();
  void finish_merge_if_ready();
  std::string tail_note(Lsn common, bool may_hold_acked) const;
  void tell(Tell::Level level, std::string sentence) { orders_.push_back(Tell{level, std::move(sentence)}); }

  Local& local_;
  Post& post_;
  Lease& lease_;
  bool may_reconcile_;
  std::vector<Order>& orders_;
  TailSender tail_;

  Purpose purpose_ = Purpose::none;
  Step step_ = Step::idle;
  std::uint64_t join_ = 0;  // grows for the life of the process
  Offer offer_;
  Lsn common_;         // the own log is cut to this
  bool wipe_ = false;  // ... or dropped altogether
  bool force_image_ = false;
  bool image_open_ = false;  // rows have come in, the image is not complete
  bool tail_may_hold_acked_ = false;
  bool tail_merged_ = false;
  bool tail_unreadable_ = false;  // a part of it could not be read, so not all of it is merged
  std::uint64_t token_ = 0;       // of the write that the present step waits for
  std::uint64_t fetch_ = 0;
  bool fetch_answered_ = false;
  unsigned quiet_ticks_ = 0;    // fetching: heartbeats since anything of the fetch came
  std::uint64_t received_ = 0;  // pieces of this fetch
  std::uint64_t consumed_ = 0;
  struct Pending {
    std::uint64_t piece;
    Lsn last;
  };
  std::deque<Pending> pending_;  // received pieces whose batches are not applied yet
  std::deque<Piece> held_;       // pieces that came while the image is loading; at most the sender's window
  std::uint64_t rows_bytes_ = 0;
  std::uint64_t fetched_bytes_ = 0;  // rows and batches of this fetch
  std::uint64_t rows_total_ = 0;
  std::optional<Lsn> sync_at_;  // S2
  bool commit_asked_ = false;
  bool confirm_due_ = false;
  bool gap_seen_ = false;
  bool ack_due_ = false;
  std::optional<Merged> merged_;
  std::optional<Instant> batch_time_;
};

}  // namespace tandem::mirror
