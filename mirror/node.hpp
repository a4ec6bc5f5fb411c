// The inside of Pair: the parts and what ties them together. Which file holds what:
//   node.cpp       start, inputs, asking the role table after each input
//   frames.cpp     frames to parts, heartbeats out
//   active.cpp     the active's side of a joining and of a mirrored standby (offer, catch-up, S1, S2, S4, let go)
//   safe.cpp       `safe` and what follows from it
//   standby.cpp    following, yielding, releasing
//   promotion.cpp  PROMOTING, ACTIVE, demotion, higher epoch, SOLO
//   switchover.cpp planned: switchover, maintenance
//   operator.cpp   promote --first / --force, resync, stop
//   passing.cpp    frames that are passed through: `tandemctl verify`, whom the active serves
//   status.cpp, explain.cpp  what people see
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mirror/address_claim.hpp"
#include "mirror/feeder.hpp"
#include "mirror/heartbeat.hpp"
#include "mirror/join.hpp"
#include "mirror/lease.hpp"
#include "mirror/local.hpp"
#include "mirror/pair.hpp"
#include "mirror/post.hpp"
#include "mirror/role.hpp"
#include "mirror/sender.hpp"
#include "mirror/switchover.hpp"
#include "mirror/tail_taker.hpp"

namespace tandem::mirror {

// What is known of the peer: its last HELLO or heartbeat, by its own order of sending.
struct PeerView {
  bool known = false;  // heard since our start
  std::string name;
  Beat beat;
  std::uint64_t boot = 0;
  std::uint64_t sequence = 0;  // of the latest frame of that life
  Steady heard_at;
  std::optional<Steady> served_at;  // heard_at, if it said then that it is ACTIVE and told MASTER
  ByteBuffer info;
  // Up to here its log is the own one and on its disk, by what it said last while it followed this log; 0: not known.
  Lsn shared_durable;
};

// The active's view of the one standby that joins or follows.
struct Follower {
  enum class Step : std::uint8_t {
    none,
    asked,  // wants to join; we are not SOLO with solo_ok yet
    offered,
    feeding,   // pieces from the store
    live,      // the stream, not in sync yet
    syncing,   // S1 and S2 done
    mirrored,  // S4 done
    broken,    // was syncing or mirrored; the stream is lost or it was let go
  };
  Step step = Step::none;
  std::uint64_t boot = 0;
  std::uint64_t join = 0;
  std::uint64_t lowest_join = 0;  // of this boot: older questions are echoes
  std::uint64_t fetch = 0;        // number of the fetch that is served
  Lsn sync_at;                    // S2
  Steady since;                   // of the step: live, syncing (S1), or resumed (L0)
  std::uint64_t echo = 0;         // number of the last confirm received
  bool sealed = false;            // S4 came in this mirror
  bool let_go = false;
};

struct Pair::Impl {
  Impl(const PairOptions& options_in, const PairStart& start, Steady now);

  // node.cpp
  void on_turn(Steady now);
  void on_beat(Steady now);
  void on_batch(const Batch& batch, Steady now);
  void on_applied(Lsn last, Steady now);
  void on_durable(Lsn durable, Steady now);
  void on_meta_written(std::uint64_t token, Steady now);
  void step(Steady now);
  void tell_row(Steady now);
  bool act(const RoleRow& row, Steady now);
  RoleState role_state(Steady now) const;
  RoleFacts facts(Steady now) const;
  Rank own_rank() const;
  Rank peer_rank() const;
  Word word() const;
  void on_stream_up(const Hello& hello, Steady now);
  void on_stream_lost(std::string_view why);
  bool linked() const { return post.stream().up(); }
  void tell(Tell::Level level, std::string sentence) { orders.push_back(Tell{level, std::move(sentence)}); }

  // frames.cpp
  void on_frame(std::size_t path, ByteView frame, Steady now);
  void on_hello(std::size_t path, const FrameHeader& header, const Hello& hello, Steady now);
  void on_peer_beat(std::size_t path, const FrameHeader& header, Beat beat, Steady now);
  bool overtaken(const FrameHeader& header) const;
  bool take_peer_state(const FrameHeader& header, Beat&& beat, Steady now);
  void take_echo(const Beat& beat);
  void on_stream_frame(const FrameHeader& header, ByteReader in, Steady now);
  void on_join_frame(const FrameHeader& header, ByteReader in, Steady now);
  bool acceptable(const Hello& hello);
  Beat own_beat(Steady now) const;
  void send_hello(std::size_t path, StreamEnd echo, bool up, Steady now);
  bool refuse(std::string why);
  void send_beats(Steady now);

  // active.cpp
  void on_join_ask(const JoinAsk& ask, Steady now);
  void on_merge_ask(const JoinAsk& ask, Steady now);
  void on_fetch(const Fetch& fetch, Steady now);
  void on_chunk(CatchUpPiece&& piece, Steady now);
  void on_confirm(const Confirm& confirm, Steady now);
  void on_sync_confirm(std::uint64_t number, Lsn memory, Lsn durable, Steady now);
  void on_release(const Release& release, Steady now);
  void on_digest(Lsn at, ByteView digest);
  void on_tail_frame(TailFrame&& frame);
  void ack_tail(bool anyway);
  void send_offer(bool merge);
  void run_follower(Steady now);
  void run_feeder(Steady now);
  void enter_sync(Steady now);
  void watch_confirms(Steady now);
  void let_go(std::string why, Steady now);
  void ship(Steady now);
  void resend(Steady now);
  void forget_follower();

  // safe.cpp
  void update_safe(Steady now);
  void update_slow(Steady now);
  Lsn keep_log_from() const;
  bool wants_urgent_commit() const;

  // standby.cpp
  void follow(Steady now);
  bool run_merge(Steady now);
  void yield_to_peer();
  void release(Steady now);
  bool mirrored_with_me() const;

  // promotion.cpp
  void start_promotion(bool unclean, Lsn alone_base, std::string_view why);
  bool finish_promotion(Steady now);
  void demote(std::string_view why, Tell::Level level);
  bool bump_epoch(Steady now);
  bool run_bump();
  bool bumping() const { return bump_token != 0 || bump_history_token != 0; }
  bool leave_mirror(Steady now);
  bool prepare_solo(Steady now);
  bool run_solo(Steady now);
  Epoch next_epoch();

  // operator.cpp
  Result<std::string> promote_first(Steady now);
  Result<std::string> promote_force(Steady now);
  Result<std::string> resync(Steady now);
  Result<std::string> reconcile(Steady now);
  void stop(Steady now);

  // switchover.cpp
  bool gives_way() const { return stopping || switchover.moving(); }  // the other box is to serve now
  bool unwilling() const { return gives_way() || maintenance_on; }    // to be given the address, or the word
  bool standby_whole() const;                                         // ACTIVE: it follows, and holds everything
  bool standby_cut_off(Steady now) const;
  bool standby_out_of_service(Steady now) const;  // in maintenance, or cut off
  std::string switchover_obstacle(bool force) const;
  Result<std::string> order_switchover(bool force, Steady now);
  Result<std::string> set_maintenance(bool on, Steady now);
  void take_wish(bool wished_before, Steady now);
  void run_switchover(Steady now);
  void end_switchover(Tell::Level level, std::string outcome);

  // passing.cpp
  bool send_clients(const ByteBuffer& bytes);
  void on_clients(ByteReader in);
  void send_verify(bool answer, ByteBuffer bytes);
  void on_verify_frame(bool answer, ByteReader in);

  // status.cpp, explain.cpp
  Mode mode(Steady now) const;
  bool acked_alone_at_most() const;  // derived from alone_from, not counted
  PairStatus status(Steady now) const;
  std::string explain_why(Steady now) const;
  std::string explain_hint(Steady now) const;

  PairOptions options;
  std::vector<Order> orders;
  Local local;
  Heartbeat beats;
  Lease lease;
  SoloWait solo;
  Post post;
  Join join;
  Sender sender;
  Feeder feeder;
  TailTaker taker;
  PeerView peer;
  Follower follower;

  Steady started;
  AddressClaim claim;
  Steady now_seen;
  Role role = Role::standby;
  const RoleRow* row = nullptr;  // why we are what we are
  Steady row_since;
  const RoleRow* told_row = nullptr;
  bool stopping = false;
  bool maintenance_on = false;
  Switchover switchover;             // at the box that serves, or served a moment ago
  std::optional<Steady> wish_until;  // standby: the active is asked to hand over
  bool wish_forced = false;

  // PROMOTING
  std::uint64_t promotion_token = 0;
  bool promotion_by_operator = false;
  std::optional<Steady> grace_until;  // operator promotion: BACKUP does not demote before the first MASTER
  // ACTIVE
  Epoch reign_epoch;      // of the batches now made: behind meta.epoch while a higher one is being written (A6)
  bool mirrored = false;  // MIRRORED from S1 on
  bool solo_ok = false;
  std::uint64_t solo_token = 0;          // A3: alone_from is being written
  std::optional<Lsn> solo_fsync;         // A3: the log must be durable up to here
  std::uint64_t bump_token = 0;          // A6, first write: the epoch
  std::uint64_t bump_history_token = 0;  // A6, second write: where it begins
  Lsn confirmed_memory;  // by the standby in sync, in this mirror (kept after it is lost: A3 starts behind it)
  Lsn confirmed_durable;
  Lsn safe;
  Lsn reign_from;  // log end when the reign began
  std::uint64_t acked_alone = 0;
  Lsn alone_from_at_start;  // as found on the disk: acked_alone was derived from it, not counted
  bool publishers_slowed = false;
  bool slow_told = false;
  std::optional<Steady> no_offer_before;  // after a slow standby was let go

  std::uint64_t max_epoch_number = 0;  // highest heard from anybody
  std::optional<HeardTime> heard_time;
  Instant log_time;
  Steady log_time_at;
  ByteBuffer info;
  unsigned beats_until_info = 0;
  std::vector<Batch> scratch;
  bool damaged = false;                        // until the peer's copy is here
  std::optional<std::uint32_t> peer_features;  // of the last HELLO that was accepted
  std::string refusal;                         // why the peer's HELLO was refused; empty: not refused
};

}  // namespace tandem::mirror
