// One node's half of the pair, pure: facts and time in, orders out. It owns the role (roles.md), the word of the
// heartbeat arbiter, the stream to the peer (window, resend, confirms), the lease, the join of a standby, and `safe`.
// It does no I/O, reads no clock, knows no MQTT and no SQLite: src/broker carries out the orders. The simulation runs
// two of these.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/batch.hpp"
#include "base/ids.hpp"
#include "base/journal.hpp"
#include "base/result.hpp"

namespace tandem::mirror {

enum class Role : std::uint8_t { standby, promoting, active };
enum class Mode : std::uint8_t { mirrored, solo, solo_wait, single, in_sync, syncing, unsure, stale, empty };
enum class Durability : std::uint8_t { peer, disk, peer_disk };
enum class Word : std::uint8_t { backup, master };

std::string_view role_name(Role role);  // "active" ... as in status JSON
std::string_view mode_name(Mode mode);  // "mirrored", "solo_wait" ...

struct PairOptions {
  std::string node_name;
  bool has_peer = false;  // false: no [mirror] table, mode "single"
  std::size_t paths = 0;  // 1 or 2
  // Both nodes derive the same from their public keys. The first is how this node calls the pair; while a key is
  // replaced the peer may call it by any. None without a peer.
  std::vector<std::string> pair_ids;
  Durability durability = Durability::peer;
  bool solo_allowed = true;         // solo = "allow"
  bool heartbeat_arbiter = true;    // false: keepalived gives the word by on_word()
  bool promote_when_unsure = true;  // takeover.unsure
  bool reconcile_auto = true;       // mirror.reconcile; false: an operator says when
  std::int64_t heartbeat_ms = 50;
  std::int64_t after_ms = 300;
  std::int64_t lease_ms = 2'000;
  std::int64_t solo_wait_ms = 2'500;
  std::int64_t boot_wait_ms = 10'000;
};

// Facts about the local store and State at the start.
struct PairStart {
  ByteBuffer meta;  // last WriteMeta, empty for a fresh store
  bool fresh = false;
  Lsn checkpoint;  // rows of the local store
  Lsn log_first;
  Lsn log_last;                         // State has been rebuilt up to here
  std::uint64_t store_id_if_fresh = 0;  // random
  std::uint64_t boot_id = 0;            // random per process start
  bool damaged = false;                 // STALE because a part of the store could not be read (docs/roles.md, as built)
};

// Orders: carried out by the owner in the given order. Those marked (answer) are answered by the input named there.
// The frame is `bytes` followed by `*body` (if set): batch bytes are copied once, into the link's own message.
struct SendFrame {
  std::size_t path;
  ByteBuffer bytes;
  std::shared_ptr<const ByteBuffer> body;
};
struct WriteMeta {
  ByteBuffer bytes;
  std::uint64_t token;
};                        // (answer: on_meta_written) log first, then this
struct CommitNow {};      // fsync the log at once (answer: on_durable)
struct OpenListeners {};  // PROMOTING: bind, do not accept
struct Activate {
  Epoch epoch;
  bool unclean;
};  // ACTIVE: append EpochBegan, accept clients
struct Demote {
  std::string why;
};  // close clients and listeners, drop the gate, stop deciding (also ends PROMOTING)
struct NewEpoch {
  Epoch epoch;
};  // ACTIVE goes on (A6): stamp all later batches with this epoch; no EpochBegan
// Standby: set aside and forget the log behind `to`, rebuild State from the own rows and log. (answer: on_rewound)
struct Rewind {
  Lsn to;
  std::string note;
};
// Standby: set aside the log behind `keep`, drop everything; an image follows. (answer: on_wiped)
struct Wipe {
  Lsn keep;
  std::string note;
};
struct BeginImage {
  Lsn at;
  ByteBuffer info;
};
struct ImageRows {
  std::vector<Row> rows;
};
struct EndImage {};  // (answer: on_image_loaded, when durable and State is built)
struct ApplyBatch {
  Batch batch;
};  // standby: append to the own log, apply
struct OpenCatchUp {
  Lsn after;
  bool with_rows;
};  // active: read for the joining peer
struct NextChunk {
  std::size_t max_bytes;
};  // (answer: on_chunk)
struct CloseCatchUp {};
struct CompareDigest {
  Lsn at;
  ByteBuffer digest;
};  // standby: compare if State is at `at`
// RECONCILE. One fact of a loser's tail; what it says is the owner's business. (epoch, lsn, index) names where it was
// first recorded: a record that came from a still older tail keeps its name.
struct TailItem {
  Lsn lsn;
  std::uint32_t index = 0;  // of the facts that come from one record
  Epoch epoch;
  Instant time;  // log time of that record
  ByteBuffer fact;
};
// Loser: read the own log behind `common` up to `to`; its records from `from` on become facts.
struct OpenTail {
  Lsn common;
  Lsn from;
  Lsn to;
};
struct NextTail {
  std::size_t max_bytes;
};  // (answer: on_tail)
struct CloseTail {};
// Winner: facts of a log that left the own one behind `common` follow.
struct OpenMerge {
  Lsn common;
  std::string peer;
};
struct MergeTail {
  std::uint64_t number;
  std::vector<TailItem> items;
  bool end;
};  // (answer: on_merged, in order)
struct CloseMerge {};
// `tandemctl verify`: a frame of the peer's; what it says is the owner's business.
struct VerifyFrame {
  bool answer;
  ByteBuffer bytes;
};
inline constexpr std::size_t max_clients_bytes = 256 * 1024;
// Whom the active serves, as it said last; a hint: not a part of the log, and it may be a little old.
struct PeerClients {
  ByteBuffer bytes;
};
struct Tell {
  using Level = journal::Level;
  Level level;
  std::string sentence;
};  // journal and events
using Order =
    std::variant<SendFrame, WriteMeta, CommitNow, OpenListeners, Activate, Demote, NewEpoch, Rewind, Wipe, BeginImage,
                 ImageRows, EndImage, ApplyBatch, OpenCatchUp, NextChunk, CloseCatchUp, CompareDigest, OpenTail,
                 NextTail, CloseTail, OpenMerge, MergeTail, CloseMerge, VerifyFrame, PeerClients, Tell>;

// A catch-up piece that the store read (same meaning as store::Chunk, which this floor cannot see).
struct CatchUpPiece {
  Lsn rows_lsn;
  ByteBuffer info;
  std::vector<Row> rows;
  bool rows_end = false;
  std::uint64_t rows_total_bytes = 0;
  std::vector<Batch> batches;
  bool at_log_end = false;
  bool gap = false;
};

struct TailPiece {
  std::vector<TailItem> items;
  Lsn read_to;  // of the own log
  bool end = false;
  std::string error;  // not empty: what follows of the own log cannot be read; then `end`
};

struct NodeView {  // one node as status shows it
  std::string name;
  Role role = Role::standby;
  Mode mode = Mode::unsure;
  Epoch epoch;
  Lsn lsn;  // end of its log in memory
  Lsn durable;
  Lsn confirmed;  // active: what the peer confirmed; standby: what it confirmed
  bool unclean = false;
  bool reachable = true;
  std::int64_t heard_ms_ago = 0;  // peer only
  ByteBuffer info;                // opaque, from set_info() of that node
};

struct PairStatus {
  bool is_protected = false;
  NodeView self;
  NodeView peer;  // name empty: never heard
  Word word = Word::backup;
  std::uint64_t lag_records = 0;
  std::uint64_t in_flight_bytes = 0;
  std::uint64_t acked_alone = 0;     // records made safe with one copy since alone_from was set
  bool acked_alone_at_most = false;  // the process restarted meanwhile: at most so many
  Lsn alone_from;                    // 0: none
  std::vector<bool> path_up;
  double sync_percent = -1;      // while a standby is loading
  std::uint64_t sync_bytes = 0;  // fetched or sent of it so far
  std::string why;               // one sentence: why this role and mode
  std::string hint;              // what a technician could do now; empty if nothing
  bool maintenance = false;      // this box; or
  bool peer_maintenance = false;
  std::string switchover;  // "under way", or what came of the last one at this box; empty: none
};

class Pair {
 public:
  Pair(const PairOptions& options, const PairStart& start, Steady now);
  ~Pair();
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  // Inputs. `now` never goes back.
  void on_turn(Steady now);  // start of every turn of the core loop: A0 and all deadlines
  void on_beat(Steady now);  // every heartbeat_ms of own ticks, from the core loop
  void on_frame(std::size_t path, ByteView frame, Steady now);
  void on_word(Word word, Steady now);            // arbiter keepalived
  void on_reach(bool somebody, Steady now);       // arbiter keepalived with takeover.reach: each beat
  void on_batch(const Batch& batch, Steady now);  // active: appended and applied here; ship it
  void on_applied(Lsn last, Steady now);          // standby: ApplyBatch was carried out
  void on_durable(Lsn durable, Steady now);
  void on_meta_written(std::uint64_t token, Steady now);
  void on_rewound(bool state_rebuilt, Steady now);  // false: the own rows could not be used; a Wipe follows
  void on_wiped(Steady now);
  void on_image_loaded(Lsn at, Steady now);
  void on_chunk(CatchUpPiece piece, Steady now);
  void on_digest(Lsn at, ByteView digest,
                 Steady now);  // active: State's digest at the end of the batch that ends with `at`

  void on_tail(TailPiece piece, Steady now);                   // standby: answer to NextTail
  void on_merged(std::uint64_t number, Lsn last, Steady now);  // active: the log ends with `last` now
  // Is this record (of another lineage's name) a part of the own log?
  bool holds(Epoch epoch, Lsn lsn) const;
  // Of a record of the own log; a zero epoch if unknown.
  Epoch epoch_at(Lsn lsn) const;

  // Operator. The text tells what was done or why not.
  Result<std::string> promote_first(Steady now);
  Result<std::string> promote_force(Steady now);
  Result<std::string> resync(Steady now);     // standby: throw the own copy away (set aside) and fetch it all again
  Result<std::string> reconcile(Steady now);  // standby: merge the own acknowledged tail now (reconcile = "ask")
  // Planned: the other box (at the active) or this one (at the standby) is to serve; what comes of it is in status.
  Result<std::string> switchover(bool force, Steady now);
  // On: this standby does not take over, whatever happens. The owner keeps it over restarts.
  Result<std::string> set_maintenance(bool on, Steady now);
  bool clients_may_go() const;  // switchover: all is at the other box, and those that can be told may go there
  // The tail that would be merged, or is being merged: behind `common`, from `from` on, up to `to`.
  std::optional<OpenTail> pending_tail() const;
  // Sends one, at most max_verify_bytes; nothing happens without a link.
  void send_verify(bool answer, ByteBuffer bytes);
  // Active: whom it serves, at most max_clients_bytes. False: not linked, nothing was sent.
  bool send_clients(const ByteBuffer& bytes);
  // Keys were replaced: PairOptions::pair_ids.
  void change_pair_ids(std::vector<std::string> ids);
  void stop(Steady now);  // orderly stop: RELEASE and the like; no promotion after it

  std::vector<Order> take_orders();

  // The lsn up to which the configured promise holds; only an active's. Never goes down within a reign.
  Lsn safe() const;
  // Back-pressure: the peer lags (in flight above 6 MiB until below 4, or confirms late).
  bool slow_publishers() const;
  // A switchover needs silence: clients that record something are read no further, what is pending waits.
  bool hold_publishers() const;
  // May records up to log end be trimmed? Lowest lsn that must stay in the log (alone_from, peer's confirmed).
  Lsn keep_log_from() const;
  bool wants_urgent_commit() const;  // acks wait for the own disk
  // The feature level that both boxes can read. The one rule: nothing of a higher level is written to log, rows or
  // frames.
  std::uint32_t common_level() const;
  Role role() const;
  Mode mode() const;
  Epoch epoch() const;
  int vrrp_weight(Steady now) const;  // mirror/weight.hpp
  bool cut_off(Steady now) const;     // reaches nobody on the LAN, and that is not so of the peer
  bool can_be_spared() const;         // the other box holds everything: it takes over, or serves already
  bool both_active() const;           // this box and the peer serve, each for itself
  bool sure(Steady now) const;        // SURE (docs/roles.md): told MASTER, this standby promotes itself at once, clean
  // Log time as last heard from an active peer, and when.
  struct HeardTime {
    Instant log_time;
    Steady at;
  };
  std::optional<HeardTime> heard_time() const;
  void set_log_time(Instant log_time, Steady now);  // active: goes out with each heartbeat
  void set_info(ByteBuffer info);                   // goes to the peer about once a second
  PairStatus status(Steady now) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::mirror
