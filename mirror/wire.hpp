// Frames of the mirror link. Bytes and golden vectors: docs/formats-mirror.md. Every parser is bounded and takes
// hostile bytes: it fails as a whole or yields a frame within the limits below.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/batch.hpp"
#include "base/feature_level.hpp"
#include "mirror/history.hpp"
#include "mirror/pair.hpp"
#include "mirror/stream.hpp"

namespace tandem::mirror {

// First byte of every frame. Another value is another format: refused with a clear message.
inline constexpr std::uint8_t wire_version = 1;

// On the wire: never reuse a value.
enum class FrameKind : std::uint8_t {
  hello = 1,
  beat = 2,
  batch = 3,
  confirm = 4,
  join_ask = 5,
  offer = 6,
  fetch = 7,
  piece = 8,
  piece_ack = 9,
  sync_point = 10,
  release = 11,
  ask_release = 12,
  merge_ask = 13,
  digest = 14,
  tail = 15,
  tail_ack = 16,
  verify_ask = 17,
  verify_answer = 18,
  clients = 19,
};

inline constexpr std::size_t max_name_bytes = 255;
inline constexpr std::size_t max_info_bytes = 16 * 1024;
inline constexpr std::size_t max_digest_bytes = 64 * 1024;
inline constexpr std::size_t max_verify_bytes = 256 * 1024;
inline constexpr std::size_t max_rows_per_piece = 65'536;

struct FrameHeader {
  FrameKind kind = FrameKind::hello;
  StreamEnd from;
  StreamEnd to;
  std::uint64_t sequence = 0;  // of all frames of this life: a frame that was overtaken on the other path is recognised
};
// Bytes before a frame's own fields.
inline constexpr std::size_t frame_header_bytes = 1 + 1 + 12 + 12 + 8;

// State of a node, with every HELLO and every heartbeat.
struct Beat {
  Role role = Role::standby;
  Mode mode = Mode::unsure;
  Word word = Word::backup;
  bool empty = false;
  bool stale = false;
  bool may_hold_lease = false;  // HELLO: holds one; heartbeat: could still get one by an echo
  bool in_sync = false;         // standby: after S3; active: MIRRORED after S4
  bool unclean = false;
  bool stopping = false;
  std::uint8_t heard_paths = 0;   // bit i: I hear the peer on path i
  bool reaches_nobody = false;    // of the hosts on the LAN that it asks (takeover.reach)
  bool maintenance = false;       // does not take over
  bool wants_switchover = false;  // standby: an operator ordered there that it takes over
  bool wants_by_force = false;    // although it is not in sync
  Epoch epoch;
  Lsn lsn;  // end of the log in memory
  Lsn durable;
  Instant log_time;
  Lsn alone_from;
  // The mirror that this node is part of: whose join (boot of the standby, number of its join); 0: none.
  std::uint64_t mirror_boot = 0;
  std::uint64_t mirror_join = 0;
  // Standby in sync: a confirm. 0: none.
  std::uint64_t confirm = 0;
  Lsn confirm_memory;
  Lsn confirm_durable;
  std::uint64_t echo = 0;  // active: number of the last confirm received; 0: none
  std::optional<ByteBuffer> info;
};

struct Hello {
  bool up_with_you = false;  // the stream of these two ends is up here
  std::uint32_t features = feature_level;
  std::string product;  // version, for people
  std::string pair_id;
  std::string name;
  Beat beat;
};

struct BatchHead {  // the batch's bytes follow to the end of the frame
  Lsn first;
  std::uint32_t count = 0;
  Epoch epoch;
  Instant time;
};

struct Confirm {
  std::uint64_t join = 0;
  std::uint64_t number = 0;  // 0: still joining, grants nothing
  bool in_sync = false;
  bool gap = false;  // something between `memory` and what just arrived is missing: resend
  Lsn memory;
  Lsn durable;
};

struct JoinAsk {
  std::uint64_t join = 0;
};

// What a log is, for the one who joins or merges. Answers join_ask and merge_ask.
struct Offer {
  std::uint64_t join = 0;
  bool merge = false;  // a yielding standby answers, not an active
  bool stale = false;
  bool empty = false;
  bool unclean = false;
  Epoch epoch;
  Lsn last;
  Lsn alone_from;
  History history;
};

struct Fetch {
  std::uint64_t join = 0;
  std::uint64_t number = 0;  // of this fetch within the join: a repeated frame is not a new fetch
  Lsn after;
  bool with_rows = false;
};

struct Piece {
  std::uint64_t join = 0;
  std::uint64_t fetch = 0;
  std::uint64_t number = 0;  // 1, 2, ... within the fetch
  bool gap = false;          // the log no longer holds what was asked for: fetch with rows
  bool rows_end = false;
  Lsn rows_lsn;
  std::uint64_t rows_total_bytes = 0;
  ByteBuffer info;
  std::vector<Row> rows;
  std::vector<Batch> batches;
};

struct PieceAck {
  std::uint64_t join = 0;
  std::uint64_t fetch = 0;
  std::uint64_t received = 0;  // pieces up to this one are here
  std::uint64_t consumed = 0;  // and up to this one are worked off: the sender's window
};

struct SyncPoint {
  std::uint64_t join = 0;
  Lsn at;
};

struct Release {
  std::uint64_t join = 0;
  std::uint64_t last_confirm = 0;
};

// Facts of a loser's tail (RECONCILE).
struct TailFrame {
  std::uint64_t join = 0;
  std::uint64_t number = 0;  // 1, 2, ... within the join
  Lsn common;                // both logs hold the same records up to here
  bool end = false;          // the last one
  std::vector<TailItem> items;
};

struct TailAck {
  std::uint64_t join = 0;
  std::uint64_t received = 0;  // frames up to this one are here
  std::uint64_t merged = 0;    // and what frames up to this one brought is on the disk
};

struct Digest {
  Lsn at;
  ByteBuffer digest;
};

void put_epoch(ByteWriter& out, Epoch epoch);
Epoch get_epoch(ByteReader& in);
// Of a beat or an offer: the one epoch of which this box may have to take a higher one. Beyond the highest it is
// malformed: elections never get there, and whoever says so must not make ours wrap around.
inline constexpr std::uint64_t highest_claimed_epoch = std::uint64_t{1} << 62U;
Epoch get_claimed_epoch(ByteReader& in);

ByteBuffer start_frame(const FrameHeader& header);
// Reads the header; nothing if the version or the kind is unknown or the frame is too short. `version` is what was
// found.
std::optional<FrameHeader> read_header(ByteReader& in, std::uint8_t& version);

void put(ByteWriter& out, const Beat& beat);
void put(ByteWriter& out, const Hello& hello);
void put(ByteWriter& out, const BatchHead& head);
void put(ByteWriter& out, const Confirm& confirm);
void put(ByteWriter& out, const JoinAsk& ask);
void put(ByteWriter& out, const Offer& offer);
void put(ByteWriter& out, const Fetch& fetch);
void put(ByteWriter& out, const Piece& piece);
void put(ByteWriter& out, const PieceAck& ack);
void put(ByteWriter& out, const SyncPoint& point);
void put(ByteWriter& out, const Release& release);
void put(ByteWriter& out, const Digest& digest);
void put(ByteWriter& out, const TailFrame& frame);
void put(ByteWriter& out, const TailAck& ack);

// Each reads the rest of a frame behind its header; nothing if it is malformed or has bytes left over.
std::optional<Beat> get_beat(ByteReader in);
std::optional<Hello> get_hello(ByteReader in);
std::optional<Batch> get_batch(ByteReader in);
std::optional<Confirm> get_confirm(ByteReader in);
std::optional<JoinAsk> get_join_ask(ByteReader in);  // also merge_ask
std::optional<Offer> get_offer(ByteReader in);
std::optional<Fetch> get_fetch(ByteReader in);
std::optional<Piece> get_piece(ByteReader in);
std::optional<PieceAck> get_piece_ack(ByteReader in);
std::optional<SyncPoint> get_sync_point(ByteReader in);
std::optional<Release> get_release(ByteReader in);
std::optional<Digest> get_digest(ByteReader in);
std::optional<TailFrame> get_tail_frame(ByteReader in);
std::optional<TailAck> get_tail_ack(ByteReader in);

}  // namespace tandem::mirror
