// The broker's own work a message, without sockets, threads, clock and disk: bytes of clients go through the codec,
// decide, apply and the gate into bytes for clients. The same input costs the same number of instructions each time, so
// a profiler that counts them (tests/bench/instructions.py) tells a slower hot path from a busy machine.
//
//   usage: tandem-hot-path CASE TURNS          prints how many messages were delivered
//   CASE: pairs-q0 pairs-q1 pairs-q2 pairs-v5 fanout-q0 fanout-q1 durable-q1 standby-q1 (durable-q1 and what its
//   standby
//         does beside it)
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "broker/active.hpp"
#include "broker/replica.hpp"
#include "mqtt/codec.hpp"
#include "tests/broker/fake_client.hpp"

namespace {

using namespace tandem;
using test::FakeClient;

constexpr std::uint16_t window = 50;  // messages of a publisher a turn

struct Case {
  std::string_view name;
  unsigned publishers;
  unsigned subscribers;  // of each topic
  mqtt::Qos qos;
  mqtt::Version version = mqtt::Version::v311;
  bool durable = false;
  bool standby = false;
};

constexpr Case cases[] = {
    {"pairs-q0", 50, 1, mqtt::Qos::at_most_once},
    {"pairs-q1", 50, 1, mqtt::Qos::at_least_once},
    {"pairs-q2", 50, 1, mqtt::Qos::exactly_once},
    {"pairs-v5", 50, 1, mqtt::Qos::at_least_once, mqtt::Version::v5},
    {"fanout-q0", 1, 100, mqtt::Qos::at_most_once},
    {"fanout-q1", 1, 100, mqtt::Qos::at_least_once},
    {"durable-q1", 50, 1, mqtt::Qos::at_least_once, mqtt::Version::v311, true},
    {"standby-q1", 50, 1, mqtt::Qos::at_least_once, mqtt::Version::v311, true, true},
};

class House {
 public:
  explicit House(const Case& of) : of_(of), active_(policy(), {}, nullptr) {
    active_.attach(connections_, [this] { return ++dice_; });
    active_.on_turn_begin([] { return true; });
    active_.begin(state_, Epoch{1, NodeId{1}, 1}, Lsn{}, Instant{1});
    for (unsigned topic = 0; topic < of.publishers; ++topic) {
      for (unsigned i = 0; i < of.subscribers; ++i) subscribe(add(of.durable), topic);
    }
    for (unsigned topic = 0; topic < of.publishers; ++topic) publishers_.push_back(&add(false));
    end_turn();
  }
  ~House() { active_.end(); }

  std::uint64_t delivered() const { return active_.delivered(); }

  void turn() {
    for (unsigned topic = 0; topic < publishers_.size(); ++topic) publish(topic);
    end_turn();
    // Answers until nobody says anything more.
    while (answer()) end_turn();
  }

 private:
  static core::Policy policy() {
    core::Policy policy;
    policy.allow_anonymous = true;
    policy.receive_maximum = policy.v3_in_flight = 2 * window;
    return policy;
  }
  static std::string topic_name(unsigned topic) { return "plant/line/" + std::to_string(topic) + "/temperature"; }

  FakeClient& add(bool durable) {
    auto& client = *clients_.emplace_back(
        std::make_unique<FakeClient>(ConnectionId{static_cast<std::uint32_t>(clients_.size()), 1}));
    connections_.add(client);
    const std::string id = "client-" + std::to_string(clients_.size());
    mqtt::Connect connect;
    connect.version = of_.version;
    connect.client_id = id;
    connect.clean_start = !durable;
    CHECK(client.say(active_, connect));
    return client;
  }
  void subscribe(FakeClient& client, unsigned topic) {
    const std::string name = topic_name(topic);
    mqtt::Subscribe subscribe;
    subscribe.packet_id = 1;
    subscribe.requests.push_back({name, {.qos = of_.qos}});
    CHECK(client.say(active_, subscribe));
  }
  // What a publisher may not send in this turn it sends in the next.
  void publish(unsigned topic) {
    FakeClient& publisher = *publishers_[topic];
    for (ByteView rest = publisher.send(active_, messages(topic)); !rest.empty();
         rest = publisher.send(active_, rest)) {
      end_turn();
      CHECK(!publisher.paused() && !publisher.closed());
    }
  }

  ByteView messages(unsigned topic) {
    bytes_.clear();
    const std::string name = topic_name(topic);
    const std::string payload(64, 'x');
    mqtt::PublishParts parts;
    parts.topic = name;
    parts.payload = payload;
    parts.qos = of_.qos;
    for (std::uint16_t id = 1; id <= window; ++id) {
      parts.packet_id = of_.qos == mqtt::Qos::at_most_once ? std::uint16_t{0} : id;
      mqtt::encode_publish(parts, of_.version, bytes_);
    }
    return bytes_;
  }

  [[gnu::noinline]] void end_turn() {
    for (const Batch& batch : active_.take_batches()) {
      if (of_.standby) CHECK(replica_.apply(batch).ok());
    }
    active_.end_turn();
    active_.release(active_.last());
  }

  // Each client acknowledges what it was sent. False: there was nothing to acknowledge.
  bool answer() {
    bool any = false;
    for (const auto& client : clients_) {
      sent_.swap(client->out());
      client->out().clear();
      acknowledge(sent_);
      sent_.clear();
      if (bytes_.empty()) continue;
      any = true;
      CHECK(client->send(active_, bytes_).empty());
    }
    return any;
  }
  void acknowledge(ByteView sent) {
    bytes_.clear();
    for (std::size_t size = 0; !sent.empty(); sent.remove_prefix(size)) {
      const auto first = static_cast<unsigned char>(sent[0]);
      CHECK(static_cast<unsigned char>(sent[1]) < 128);  // small packets
      size = std::size_t{2} + static_cast<unsigned char>(sent[1]);
      const unsigned qos = (first >> 1) & 3U;
      const std::size_t topic_size = static_cast<unsigned char>(sent[3]);
      if (first >> 4 == 3 && qos == 1) put_ack(0x40, sent.substr(4 + topic_size, 2));
      if (first >> 4 == 3 && qos == 2) put_ack(0x50, sent.substr(4 + topic_size, 2));
      if (first >> 4 == 5) put_ack(0x62, sent.substr(2, 2));
      if (first >> 4 == 6) put_ack(0x70, sent.substr(2, 2));
    }
  }
  void put_ack(char first, ByteView id) { bytes_.append({first, 2}).append(id); }

  const Case of_;
  core::State state_;
  edge::Connections connections_;
  broker::Active active_;
  broker::Replica replica_;
  std::vector<std::unique_ptr<FakeClient>> clients_;
  std::vector<FakeClient*> publishers_;
  ByteBuffer bytes_;
  ByteBuffer sent_;
  std::uint64_t dice_ = 0;
};

}  // namespace

int main(int count, char** words) {
  const std::string_view name = count == 3 ? words[1] : "";
  const auto* of =
      std::find_if(std::begin(cases), std::end(cases), [&](const Case& each) { return each.name == name; });
  if (of == std::end(cases)) {
    std::cerr << "usage: tandem-hot-path CASE TURNS; cases:";
    for (const Case& each : cases) std::cerr << ' ' << each.name;
    std::cerr << '\n';
    return 2;
  }
  House house(*of);
  for (int turn = std::atoi(words[2]); turn > 0; --turn) house.turn();
  std::cout << house.delivered() << '\n';
  return 0;
}
