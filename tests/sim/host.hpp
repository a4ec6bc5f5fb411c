// One box: a production broker::Node on a simulated disk, network, clock and clients' side.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "broker/node.hpp"
#include "client.hpp"
#include "mirror/weight.hpp"
#include "network.hpp"
#include "sim_store.hpp"

namespace sim {

class Host;

// A client's connection to a box: bytes under way in both directions.
class SimConnection final : public edge::Connection {
 public:
  SimConnection(Host& host, ConnectionId id);

  void authenticating() override {}
  void established(mqtt::Version version, std::uint16_t keep_alive_s, std::uint32_t max_packet_bytes_out) override;
  void close_after_flush() override;
  void close_now() override;
  void pause_reading() override { paused_ = true; }
  void resume_reading() override { paused_ = false; }
  bool can_write_from(ByteView) override { return false; }

  bool open() const { return !closing_ && !dead_; }

  std::deque<std::pair<std::int64_t, ByteBuffer>> up;    // due, bytes: to the box
  std::deque<std::pair<std::int64_t, ByteBuffer>> down;  // to the client
  bool client_gone = false;
  bool server_gone = false;

 private:
  friend class Host;
  void queue_write() override { write_queued_ = true; }

  Host& host_;
  ByteBuffer rest_;
  mqtt::DecodeOptions options_;
  std::int64_t since_ = 0;
  std::int64_t keep_alive_ms_ = 0;
  bool paused_ = false;
  bool closing_ = false;  // after the flush
  bool dead_ = false;
};

struct HostOptions {
  Config config;
  int fsync_ms_max = 4;
  int lan_ms_max = 2;
  std::size_t paths = 1;
};

// What the world is told.
class Witness {
 public:
  virtual ~Witness() = default;
  virtual void told(int node, broker::Level level, std::string_view sentence) = 0;
  virtual void broken(const std::string& what) = 0;
  virtual void appended(int node, const Batch& batch) = 0;  // the node's store was given it
  virtual void cut(int node, Lsn to) = 0;                   // log or rows are cut, to be replaced by the peer's
  virtual void booted(int node) = 0;
  virtual void resumed(int node, Steady since) = 0;  // after it stood still; by its own clock
  virtual void checkpointed(int node, Lsn at) = 0;   // rows as of that record are being committed
};

class Host final : broker::Doors, broker::Clocks, broker::Events, broker::Vrrp {
 public:
  Host(int index, const HostOptions& options, std::uint64_t seed, Network& network, const std::int64_t& now,
       Witness& witness);
  ~Host();

  void boot();
  void crash();         // what is not on the disk is gone
  void replace_disk();  // while down
  // While down: something on the disk rots. At its next start the store is set aside, as src/broker/salvage does.
  std::string rot(std::uint64_t dice) { return disk_.rot(dice); }
  void stop();                             // in order; crash() ends the process afterwards
  void order(const std::string& request);  // as tandemctl does
  void pause();
  void resume();
  void step();
  void give_address(bool here) { address_ = here; }
  void step_wall_clock(std::int64_t ms) { wall_offset_ += ms; }
  void set_skew(int permille) { skew_permille_ = permille; }

  bool up() const { return node_ != nullptr; }
  Steady clock() const { return steady(); }
  bool paused() const { return paused_; }
  bool stopped() const { return stopped_; }
  bool serving() const { return up() && node_->reigning(); }
  bool accepts() const { return serving() && !paused_ && accepting_; }
  bool lan = true;  // clients reach this box
  bool has_address() const { return address_; }
  int weight() const { return weight_; }  // its track file
  broker::Node& node() { return *node_; }
  const mirror::Pair& pair() const { return node_->pair(); }
  const core::State& state() const { return node_->state(); }
  Disk& disk() { return disk_; }
  const std::string& name() const { return options_.config.node.name; }
  const Config& config() const { return options_.config; }
  Server server() const { return {index_, serving() ? node_->pair().epoch().number : 0}; }

  std::shared_ptr<SimConnection> connect();
  void drop_connections();  // as a demotion does

 private:
  friend class SimConnection;
  // broker::Doors
  edge::Connections& connections() override { return open_; }
  Status open_listeners() override {
    listening_ = true;
    return {};
  }
  bool listening() const override { return listening_; }
  void accept_clients() override { accepting_ = true; }
  void close_listeners() override { listening_ = accepting_ = false; }
  void close_all_connections() override { drop_connections(); }
  Status hold_virtual_ips() override { return {}; }
  void tick(Steady now) override;
  void flush() override;
  // broker::Clocks
  Steady steady() const override;
  Instant wall() const override { return Instant{1'790'000'000'000 + now_ + wall_offset_}; }
  std::int64_t work_us() const override { return now_ * 1000; }
  // broker::Events
  void event(broker::Level level, std::string_view kind, std::string_view sentence) override;

  // broker::Vrrp
  bool master() override { return address_; }
  bool reaches_somebody() override { return true; }
  void set_weight(int weight) override { weight_ = weight; }
  std::map<std::string, std::string> troubles() override { return {}; }

  Status start();
  Status salvage();
  bool read_clients();
  void read(SimConnection& connection);

  int index_;
  HostOptions options_;
  std::mt19937_64 rng_;
  Network& network_;
  const std::int64_t& now_;
  Witness& witness_;
  Disk disk_;
  edge::Connections open_;
  std::vector<std::shared_ptr<SimConnection>> list_;
  std::vector<std::uint32_t> generations_;
  std::unique_ptr<SimStore> store_;
  std::unique_ptr<SimLink> link_;
  std::unique_ptr<broker::Node> node_;
  std::string missing_;  // of a damaged store, until the peer's copy is here
  bool listening_ = false;
  bool accepting_ = false;
  bool paused_ = false;
  Steady paused_since_;
  bool stopped_ = false;
  bool address_ = false;  // the virtual IP
  int weight_ = mirror::weight_fault;
  std::int64_t next_beat_ = 0;
  std::int64_t next_turn_ = 0;
  std::int64_t wall_offset_ = 0;
  int skew_permille_ = 0;
};

}  // namespace sim
