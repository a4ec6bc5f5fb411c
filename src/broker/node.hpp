// One node: State, log, clients and the role that ties them. It turns facts (packets, frames, fsyncs, time) into inputs
// of mirror::Pair and carries out its orders. It stands on Parts and does nothing by itself: whoever owns it
// (process.cpp, or the simulation) calls it from one thread, and end_turn() at the end of each pass.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/status.hpp"
#include "broker/active.hpp"
#include "broker/alarms.hpp"
#include "broker/checkpointer.hpp"
#include "broker/clocks.hpp"
#include "broker/config.hpp"
#include "broker/config_drift.hpp"
#include "broker/config_push.hpp"
#include "broker/disk_lag.hpp"
#include "broker/followed_files.hpp"
#include "broker/parts.hpp"
#include "broker/replica.hpp"
#include "broker/sync_meter.hpp"
#include "broker/tail_merger.hpp"
#include "broker/tail_source.hpp"
#include "broker/verifier.hpp"
#include "mirror/pair.hpp"

namespace tandem::broker {

class Node {
 public:
  Node(const Config& config, const Parts& parts);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Rebuilds State from the store; from here on the doors are used. Error: what is wrong and what to do.
  Status start();

  edge::PacketSink& sink() { return active_; }
  void on_beat();  // every heartbeat_ms
  void on_password_checked(ConnectionId id, bool right);
  void follow(FollowedFiles files);  // they were read, anew
  void on_store_events();
  void on_vrrp();  // Parts::vrrp may have another word
  void drain_link();
  void try_listen();  // now and then while wants_to_listen()
  // There is work for another turn, whatever else happens: do not wait.
  bool wants_turn() const {
    return active_.wants_turn() || (checkpointer_.wants_turn() && checkpoint_may_reach().has_value());
  }
  bool wants_to_listen() const { return want_listeners_ && !parts_.doors.listening(); }
  void end_turn();
  void stop();                                         // in order: the standby is told
  void change_pair_ids(std::vector<std::string> ids);  // keys of the link were replaced
  // One line in, one line out: the control socket's requests.
  std::string answer(std::string_view request);
  admin::StatusReport status();
  // Why the node cannot go on; nothing: it goes on.
  const std::optional<Error>& failure() const { return failure_; }

  bool has_pair() const { return pair_ != nullptr; }  // from start() on
  const mirror::Pair& pair() const { return *pair_; }
  const core::State& state() const { return replica_.state(); }
  Lsn last() const { return replica_.last(); }  // State holds every record up to here
  bool reigning() const { return active_.reigning(); }
  Instant log_time() const { return active_.reigning() ? log_clock_.now(steady_now()) : replica_.last_time(); }
  Alarms& alarms() { return alarms_; }

 private:
  // node.cpp
  mirror::PairOptions pair_options() const;
  void make_pair();
  bool begin_turn();                                    // true: still the role that the caller relies on
  void ship();                                          // the turn's batches go to store and peer
  void input(const std::function<void(Steady)>& give);  // gives the pair a fact, carries out its orders
  // Never past what is safe (active) or what this box has on disk; nothing: none is worked on, as an image is coming or
  // State is ahead of what the pair agreed on.
  std::optional<Lsn> checkpoint_may_reach() const;
  void checkpoint(Steady now);
  void ship_digest(Steady now);
  void tell_link_troubles();
  Steady steady_now() const { return parts_.clocks.steady(); }

  // node_store.cpp
  void on_token(std::uint64_t token, Steady now);
  void on_chunk(store::Chunk&& chunk, Steady now);
  void trim_log();

  // node_merge.cpp
  void run_merge();
  void merge_one(const TailMerger::Step& step);
  void tell_merged();
  std::string reconcile(bool dry_run);

  // node_clients.cpp
  void tell_clients(Steady now);
  void tell_lan();

  // node_verify.cpp
  void run_verify(Steady now);
  std::string verify(std::string_view how);
  std::string resync();

  // node_access.cpp
  std::string user(const std::string& how, const std::string& data);
  std::string acl(const std::string& how, const std::string& data);
  std::string confirmed(std::string_view how);
  std::string why_no_access_change(const std::string& file, const char* what) const;
  std::string changed(const Status& done, const std::string& what);
  void follow_files();

  // node_vrrp.cpp
  void take_word(Steady now);
  void take_word_before_acks(Steady now);
  void tell_weight(Steady now);
  void watch_reach(Steady now);
  void hold_virtual_ips(Steady now);

  // node_alarms.cpp
  void watch_alarms(Steady now);
  void watch_disk(Steady now);
  void watch_both_active();
  void watch_certificates();
  void watch_memory();
  void watch_users();

  // node_orders.cpp
  void carry_out();
  void fit_doors();
  void tell_listen_error(const std::string& error);
  void obey(mirror::SendFrame& order);
  void obey(mirror::WriteMeta& order);
  void obey(mirror::CommitNow& order);
  void obey(mirror::OpenListeners& order);
  void obey(mirror::Activate& order);
  void obey(mirror::NewEpoch& order);
  void obey(mirror::Demote& order);
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
  void drop_open_image();         // an image that will not be completed
  void fail(const Error& error);  // cannot go on: run() returns it
  std::uint64_t token(std::function<void(Steady)> when_done);

  // node_status.cpp
  Durability durability() const;
  admin::Counters counters() const;
  std::string promote(std::string_view how);

  // node_config.cpp
  void watch_config();
  void take_push(const ConfigPushInfo& peer, const ConfigValues& there);
  std::string config(std::string_view how);

  // node_sys.cpp
  void tell_sys(Steady now);
  std::vector<std::pair<std::string, std::string>> sys_facts(Steady now) const;
  // node_switchover.cpp
  std::string switchover(std::string_view how);
  void redirect_clients();
  std::string maintenance(std::string_view how);
  Result<std::string> set_maintenance(bool on, Steady now);
  // What an operator orders of the pair; the reply.
  std::string ordered(const std::function<Result<std::string>(Steady)>& order);
  ByteBuffer own_info() const;
  std::string promise_in_force() const;

  Config config_;
  const ConfigValues shared_config_;  // what the other box is to have as well
  Parts parts_;
  Checkpointer checkpointer_;
  Replica replica_;
  Active active_;
  std::unique_ptr<mirror::Pair> pair_;
  TailSource tail_source_;
  TailMerger tail_merger_;
  std::vector<std::uint64_t> merged_frames_;  // merged in this turn, not told yet
  LogClock log_clock_;
  std::map<std::uint64_t, std::function<void(Steady)>> waiting_;  // store tokens of our own
  // Tokens for the store: the pair's own are small numbers, ours lie far apart from them.
  static constexpr std::uint64_t own_tokens = std::uint64_t{1} << 62;
  static constexpr std::uint64_t checkpoint_token = own_tokens;  // its end comes as an event
  std::uint64_t next_token_ = own_tokens + 1;
  Lsn durable_;
  bool in_turn_ = false;
  bool carrying_out_ = false;
  bool want_listeners_ = false;
  bool only_loopback_ = false;
  bool image_open_ = false;      // between BeginImage and its commit
  bool image_complete_ = false;  // its rows are all with the store; the commit is on its way
  std::uint64_t image_number_ = 0;
  Lsn image_at_;
  Instant image_time_;
  Lsn digest_lsn_;
  Steady digest_at_;
  Steady info_at_;
  Steady started_;
  Steady last_tick_;
  std::string listen_error_;
  std::vector<std::string> link_troubles_;  // as last told
  std::uint64_t catch_up_ = 0;              // the store's number of the one that is open; 0: none
  FollowedFiles followed_;
  bool followed_pending_ = false;  // not in force yet
  Alarms alarms_;
  ConfigPush config_push_;
  Verifier verifier_;
  VerifyAnswers verify_answers_;
  const std::vector<IpAddress> vips_;
  bool holds_vips_ = false;                // as a standby that is SURE
  std::optional<Steady> sys_at_;           // $SYS was told last, in this reign
  bool redirected_ = false;                // of this switchover
  bool lan_told_ = false;                  // of this reign
  std::vector<SampledFlow> peer_clients_;  // whom the active serves, while this box is the standby
  Steady clients_told_;
  std::uint64_t clients_told_changes_ = 0;
  std::optional<Steady> heal_asked_at_;  // after a digest mismatch, until it has been dealt with
  std::optional<Steady> healed_at_;
  std::uint64_t digest_mismatches_ = 0;
  SyncMeter sync_meter_;
  std::string promise_;  // as last seen, and since when (wall clock)
  Instant promise_since_;
  std::optional<int> weight_;                 // as last told
  mirror::Word word_ = mirror::Word::backup;  // as the pair knows it (arbiter "keepalived")
  DiskLag disk_lag_;
  std::optional<Lsn> unconfirmed_;  // standby: applied, but not confirmed while the disk is too far behind
  bool disk_full_ = false;
  bool both_active_ = false;
  bool tail_compacted_ = false;
  std::optional<Error> failure_;
};

}  // namespace tandem::broker
