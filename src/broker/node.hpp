// One node: State, store, mirror link, edge and the role that ties them. It turns facts (packets, frames, fsyncs, time)
// into inputs of mirror::Pair and carries out its orders. One thread, one loop; see turn() for the order of things in a
// pass.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "broker/active.hpp"
#include "broker/checkpointer.hpp"
#include "broker/clocks.hpp"
#include "broker/config.hpp"
#include "broker/replica.hpp"
#include "mirror/link.hpp"
#include "mirror/pair.hpp"
#include "store/store.hpp"

namespace tandem::broker {

class Node {
 public:
  explicit Node(const Config& config);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Opens the store, rebuilds State, opens link and control socket. Error: what is wrong and what to do.
  Status start();
  // Serves until stop is asked for (SIGTERM, SIGINT). Error: why the node could not go on.
  Status run();

 private:
  struct Loop;  // the asio parts (node_loop.cpp)

  // node.cpp
  Status open_store();
  Status open_mirror();
  mirror::PairOptions pair_options() const;
  bool begin_turn();  // true: still the role that the caller relies on
  void end_turn();
  void ship();                                          // the turn's batches go to store and peer
  void input(const std::function<void(Steady)>& give);  // gives the pair a fact, carries out its orders
  void on_beat();
  void on_store_events();
  void drain_link();
  void watch_vip(Steady now);
  void checkpoint(Steady now);
  void ship_digest(Steady now);

  // node_orders.cpp
  void carry_out();
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
  void obey(mirror::Tell& order);
  void try_listen();
  void drop_open_image();         // an image that will not be completed
  void fail(const Error& error);  // cannot go on: run() returns it
  std::uint64_t token(std::function<void(Steady)> when_done);

  // node_status.cpp
  std::string answer(std::string_view request);
  std::string status_json();
  std::string promote(std::string_view how);
  ByteBuffer own_info() const;

  Config config_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Checkpointer> checkpointer_;
  Replica replica_;
  Active active_;
  std::unique_ptr<mirror::Link> link_;  // null in mode "single"
  std::unique_ptr<mirror::Pair> pair_;
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
  Lsn digest_compared_at_;
  bool digest_agrees_ = true;
  bool stopping_ = false;
  std::optional<Error> failure_;
};

}  // namespace tandem::broker
