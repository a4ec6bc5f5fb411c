// Two production nodes on simulated disks and cables, for tests of what a pair does over minutes: a test says what
// happens and how far time goes. No chaos here; that is tests/sim.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/node.hpp"
#include "tests/broker/fake_client.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/sim_store.hpp"

namespace tandem::test {

class Box final : broker::Doors, broker::Clocks, broker::Events {
 public:
  Box(int index, const Config& config, sim::Network& network, const std::int64_t& now);
  ~Box();

  void boot();
  void crash();
  void step();  // whatever is due by now

  bool up() const { return node_ != nullptr; }
  broker::Node& node() { return *node_; }
  sim::Disk& disk() { return disk_; }
  store::Store& store() { return *store_; }
  admin::StatusReport status() { return node_->status(); }
  // A retained message with QoS 1 from a client of its own (the box serves).
  void retain(std::string_view topic, std::string_view payload);
  // Empty: there is none.
  std::string retained(const std::string& topic) const;
  // Changes this box's copy behind everybody's back.
  void corrupt(std::string_view topic, std::string_view payload);
  std::size_t told(std::string_view part) const;  // events that hold this text, since the first boot
  std::string tandemctl(std::string_view command, std::string_view how);

 private:
  // broker::Doors
  edge::Connections& connections() override { return open_; }
  Status open_listeners() override {
    listening_ = true;
    return {};
  }
  bool listening() const override { return listening_; }
  Status hold_virtual_ips() override { return {}; }
  void accept_clients() override {}
  void close_listeners() override { listening_ = false; }
  void close_all_connections() override;
  void tick(Steady) override {}
  void flush() override;
  // broker::Clocks
  Steady steady() const override { return Steady{now_}; }
  Instant wall() const override { return Instant{1'790'000'000'000 + now_}; }
  std::int64_t work_us() const override { return now_ * 1000; }
  // broker::Events
  void event(broker::Level level, std::string_view kind, std::string_view sentence) override;

  const int index_;
  const Config config_;
  sim::Network& network_;
  const std::int64_t& now_;
  sim::Disk disk_;
  std::vector<std::string> events_;
  std::uint64_t dice_ = 0;
  edge::Connections open_;
  std::unique_ptr<FakeClient> client_;  // sends and does not read
  std::uint32_t generation_ = 0;
  std::unique_ptr<sim::SimStore> store_;
  std::unique_ptr<sim::SimLink> link_;
  std::unique_ptr<broker::Node> node_;
  bool listening_ = false;
  std::int64_t next_beat_ = 0;
};

class Boxes {
 public:
  // Both booted and in sync; `a` serves.
  explicit Boxes(const std::function<void(Config&)>& edit = {});

  Box& a() { return *boxes_[0]; }
  Box& b() { return *boxes_[1]; }
  void run(std::int64_t ms);
  // False: not within that time.
  bool until(const std::function<bool()>& done, std::int64_t within_ms);
  bool until_protected() {
    return until([this] { return a().status().is_protected && b().status().is_protected; }, 60'000);
  }
  bool equal() { return a().node().state().digest() == b().node().state().digest(); }

 private:
  std::int64_t now_ = 1'000'000;
  sim::Network network_{7, 1};
  std::array<std::unique_ptr<Box>, 2> boxes_;
};

}  // namespace tandem::test
