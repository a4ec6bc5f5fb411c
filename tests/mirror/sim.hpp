// Two Pairs in one process under a simulated clock, network and disk. Deterministic: everything follows from the seed.
// State is a list of record numbers; a batch's bytes are the numbers of its records. The owner's part (src/broker) is
// played by SimNode: it carries out orders in order, as the contract in mirror/pair.hpp says.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "mirror/pair.hpp"

namespace sim {

using namespace tandem;
using mirror::Pair;
using mirror::PairOptions;

using Ids = std::vector<std::uint64_t>;

struct Options {
  std::uint64_t seed = 1;
  std::size_t paths = 1;
  mirror::Durability durability = mirror::Durability::peer;
  bool solo_allowed = true;
  bool heartbeat = true;  // false: words come from set_word()
  bool promote_when_unsure = true;
  bool reconcile_auto = true;
  std::int64_t boot_wait_ms = 3'000;
  int write_every_ms = 10;  // how often clients write; 0: never
  int fsync_ms_max = 5;
  int latency_ms_max = 3;      // one way, a frame
  int clock_skew_percent = 0;  // between the two clocks
  int chaos_permille = 0;      // frames duplicated, or lost together with what is under way (a reconnect)
  bool trace = false;
};

// What survives a crash.
struct Disk {
  ByteBuffer meta;
  std::deque<Batch> log;  // contiguous
  Lsn checkpoint;         // State at exactly this lsn, as rows
  Ids rows;
  struct Aside {
    std::string note;
    Ids ids;
  };
  std::vector<Aside> aside;
  bool wiped = false;  // and nothing loaded since

  Lsn last() const { return log.empty() ? checkpoint : log.back().last(); }
  Ids state() const;  // rows and the log behind them
};

class World;

class SimNode {
 public:
  SimNode(World& world, int index, std::string name) : world_(world), index_(index), name_(std::move(name)) {}

  void boot();
  void crash();         // what is not on the disk is gone
  void replace_disk();  // a fresh store (the node must be down)
  void pause() { paused_ = true; }
  void resume() { paused_ = false; }
  void step();  // one millisecond
  void deliver(std::size_t path, ByteBuffer frame) { inbox_.push_back({path, std::move(frame)}); }
  void set_word(mirror::Word word) { word_ = word; }
  void take_checkpoint(bool trim_hard);
  void stop();  // orderly, as on SIGTERM; crash() ends the process afterwards

  Steady clock() const;  // its own; runs a little faster or slower than the other's
  bool up() const { return pair_ != nullptr; }
  bool paused() const { return paused_; }
  bool stopped() const { return stopped_; }
  Pair& pair() { return *pair_; }
  const std::string& name() const { return name_; }
  bool active() const { return up() && pair_->role() == mirror::Role::active; }
  void add_held(std::set<std::uint64_t>& ids) const;  // everything that it holds
  bool holds(std::uint64_t id) const;                 // in memory or on the disk, also set aside
  bool serves(std::uint64_t id) const { return members_.count(id) != 0; }
  const Ids& state() const { return state_; }
  const Disk& disk() const { return disk_; }
  Lsn last() const { return last_; }
  std::string told() const { return told_; }
  std::size_t merged() const { return merged_; }  // records that came from a peer's tail
  std::size_t images_loaded() const { return images_; }
  std::size_t wipes() const { return wipes_; }
  std::size_t activations() const { return activations_; }
  bool activated_unclean() const { return unclean_; }
  int appended_delay_ms = 0;    // standby: applies late (a slow core)
  int slower_disk_ms = 0;       // each piece of the store\'s work takes this much longer
  bool writes_blocked = false;  // clients of this node write nothing

 private:
  struct Work {  // of the store's thread, in order
    std::int64_t ms;
    std::function<void(bool answer)> done;  // answer false: it reached the disk, but the process died first
  };
  struct Applying {
    std::int64_t at;
    Batch batch;
  };

  void carry_out();
  void obey(mirror::SendFrame& order);
  void obey(mirror::WriteMeta& order);
  void obey(mirror::CommitNow& order);
  void obey(mirror::OpenListeners& order);
  void obey(mirror::Activate& order);
  void obey(mirror::Demote& order);
  void obey(mirror::NewEpoch& order);
  void obey(mirror::Rewind& order);
  void obey(mirror::Wipe& order);
  void obey(mirror::BeginImage& order);
  void obey(mirror::ImageRows& order);
  void obey(mirror::EndImage& order);
  void obey(mirror::ApplyBatch& order);
  void obey(mirror::OpenCatchUp& order);
  void obey(mirror::NextChunk& order);
  void obey(mirror::CloseCatchUp& order);
  void obey(mirror::CompareDigest& order);
  void obey(mirror::OpenTail& order);
  void obey(mirror::NextTail& order);
  void obey(mirror::CloseTail& order);
  void obey(mirror::OpenMerge& order);
  void obey(mirror::MergeTail& order);
  void obey(mirror::CloseMerge& order);
  void obey(mirror::VerifyFrame& order);
  void obey(mirror::PeerClients& order);
  void obey(mirror::Tell& order);

  void append(const Batch& batch);  // to memory and, later, to the disk
  void apply(const Batch& batch);
  void set_aside_behind(Lsn to, const std::string& note);
  void rebuild();
  void work(std::function<void(bool)> done);
  void run_store();
  void write();
  void append_as_active(const Ids& ids, bool acknowledged_here);
  void release_acks();
  mirror::CatchUpPiece read_chunk();

  World& world_;
  int index_;
  std::string name_;
  Disk disk_;
  std::unique_ptr<Pair> pair_;
  bool paused_ = false;
  bool stopped_ = false;
  mirror::Word word_ = mirror::Word::backup;

  // Memory
  std::deque<Batch> log_;  // what the own log holds (disk and not yet on disk)
  Lsn last_;
  Ids state_;
  std::set<std::uint64_t> members_;
  std::deque<std::pair<std::size_t, ByteBuffer>> inbox_;
  std::deque<Applying> applying_;
  std::deque<Work> work_;
  std::int64_t work_ends_ = 0;
  std::int64_t last_commit_ = 0;
  std::int64_t last_beat_ = 0;
  bool reigning_ = false;
  Epoch epoch_;
  std::deque<std::pair<Lsn, std::uint64_t>> unacked_;
  bool image_open_ = false;
  Lsn image_at_;
  Ids image_;
  bool catch_up_ = false;
  std::uint64_t catch_up_number_ = 0;
  bool catch_rows_ = false;
  Lsn catch_after_;
  std::size_t catch_row_ = 0;
  Lsn catch_rows_at_;
  Ids catch_image_;
  std::optional<mirror::OpenTail> tail_;
  Lsn tail_at_;  // behind this the next piece begins
  std::uint64_t tail_number_ = 0;
  bool merging_ = false;
  std::string told_;
  std::set<std::uint64_t> acked_at_decision_;
  std::size_t images_ = 0;
  std::size_t merged_ = 0;
  std::size_t wipes_ = 0;
  std::size_t activations_ = 0;
  bool unclean_ = false;
  std::uint64_t boot_ = 0;
};

class World {
 public:
  explicit World(const Options& options);

  void run(std::int64_t ms);
  // Runs until the condition holds. False if it does not within the time.
  bool run_until(const std::function<bool()>& condition, std::int64_t within_ms);
  // One ACTIVE that is protected and one standby in sync with the same State.
  bool settled();
  SimNode* active();
  SimNode* standby();

  void cut(int from, std::size_t path, bool is_cut);  // one direction of a path
  void cut_all(bool is_cut);
  void send(int from, std::size_t path, ByteBuffer frame);
  void trace(const std::string& text);

  Steady clock(int index) const;
  std::uint64_t random(std::uint64_t below) { return below == 0 ? 0 : rng() % below; }
  void broken(const std::string& what);  // a rule was violated
  void check_clean_promotion(SimNode& node, const std::set<std::uint64_t>& acked_before);
  void check_nothing_lost();  // at the end, settled
  // After a crash: what was acknowledged and is in no memory and on no disk any more (two memories lost at once).
  void note_what_is_gone();
  std::string story() const;

  Options options;
  std::mt19937_64 rng;
  std::int64_t now = 1'000'000;
  std::vector<std::unique_ptr<SimNode>> nodes;
  std::uint64_t next_id = 1;
  std::set<std::uint64_t> acked;
  std::set<std::uint64_t> reported;          // set aside with an error told, because they may hold acked records
  std::set<std::uint64_t> mirrored_once[2];  // ids that node [i] has applied as standby
  std::set<std::uint64_t> gone;              // acknowledged, and lost by a double fault that nothing can survive
  std::map<Epoch, int> reigns;
  std::function<void(int from, std::size_t path, const ByteBuffer& frame)> spy;  // sees every frame that is sent
  std::vector<std::string> violations;
  std::deque<std::string> traced;

 private:
  struct Wire {  // one direction of one path
    bool is_cut = false;
    std::deque<std::pair<std::int64_t, ByteBuffer>> frames;  // due, frame; in order
    std::int64_t last_due = 0;
  };
  void step();
  std::vector<Wire> wires_[2];
};

}  // namespace sim
