// The broker's whole work a message (codec, decide, log, apply, gate) over the number of connections: pairs of a
// publisher and its subscriber; in a turn each publisher sends ten messages, in the next their subscribers acknowledge.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "tests/bench/micro/curves.hpp"
#include "tests/broker/active_house.hpp"

namespace tandem::micro {

namespace {

constexpr std::uint16_t of_a_publisher = 10;

enum class Kind : std::uint8_t { clean_q0, clean_q1, durable_q1 };

class House {
 public:
  House(std::int64_t connections, Kind kind) : kind_(kind) {
    for (std::int64_t i = 0; i < connections / 2; ++i) {
      topics_.push_back("plant/line/" + std::to_string(1'000'000 + i) + "/temperature");  // all of one length
      subscribe(add(kind == Kind::durable_q1), topics_.back());
      add(false);
    }
    write_messages();
    house_.turn();
    written();
    for (int i = 0; i < 3; ++i) turn();  // buffers grow
  }

  std::uint64_t delivered() { return house_.active().delivered(); }

  void turn() {
    for (std::size_t pair = 0; pair < topics_.size(); ++pair) say(*clients_[2 * pair + 1], arrived(pair));
    house_.turn();
    if (kind_ != Kind::clean_q0) acknowledge();
    written();
  }

 private:
  mqtt::Qos qos() const { return kind_ == Kind::clean_q0 ? mqtt::Qos::at_most_once : mqtt::Qos::at_least_once; }

  test::FakeClient& add(bool durable) {
    const std::string id = "client-" + std::to_string(clients_.size());
    mqtt::Connect connect;
    connect.client_id = id;
    connect.clean_start = !durable;
    return *clients_.emplace_back(&house_.connect(connect));
  }
  void subscribe(test::FakeClient& client, std::string_view topic) {
    mqtt::Subscribe subscribe;
    subscribe.packet_id = 1;
    subscribe.requests.push_back({topic, {.qos = qos()}});
    CHECK(client.say(house_.active(), subscribe));
  }
  // What it may not send in this turn it sends in the next.
  void say(test::FakeClient& client, ByteView bytes) {
    while (!(bytes = client.send(house_.active(), bytes)).empty()) {
      CHECK(!client.closed());
      house_.turn();
    }
  }
  void written() {
    for (test::FakeClient* const client : clients_) client->written();
  }
  // What the publishers send, each in its turn, lies in one place, as what is read from sockets does.
  void write_messages() {
    const std::string payload(64, 'x');
    mqtt::PublishParts parts;
    parts.topic = topics_.front();
    parts.payload = payload;
    parts.qos = qos();
    for (std::uint16_t id = 1; id <= of_a_publisher; ++id) {
      parts.packet_id = kind_ == Kind::clean_q0 ? std::uint16_t{0} : id;
      mqtt::encode_publish(parts, mqtt::Version::v311, messages_);
    }
  }
  ByteView arrived(std::size_t pair) {
    const std::string& topic = topics_[pair];
    for (std::size_t at = 4; at < messages_.size(); at += message_bytes()) messages_.replace(at, topic.size(), topic);
    return messages_;
  }
  std::size_t message_bytes() const { return messages_.size() / of_a_publisher; }
  // Each subscriber acknowledges what it was sent: packets of one size, with the id behind the topic.
  void acknowledge() {
    for (std::size_t pair = 0; pair < topics_.size(); ++pair) {
      test::FakeClient& subscriber = *clients_[2 * pair];
      CHECK(subscriber.out().size() == messages_.size());
      acks_.clear();
      for (std::size_t at = 0; at < messages_.size(); at += message_bytes()) {
        acks_.append("\x40\x02", 2).append(subscriber.out(), at + 4 + topics_[pair].size(), 2);
      }
      say(subscriber, acks_);
    }
    house_.turn();
  }

  const Kind kind_;
  test::ActiveHouse house_;
  std::vector<test::FakeClient*> clients_;
  std::vector<std::string> topics_;
  ByteBuffer messages_;  // of one publisher
  ByteBuffer acks_;
};

void turns(benchmark::State& run, House& house) {
  const std::uint64_t before = house.delivered();
  for (auto _ : run) house.turn();
  run.SetItemsProcessed(static_cast<std::int64_t>(house.delivered() - before));
}

}  // namespace

void register_turn(Stage& stage) {
  constexpr std::pair<const char*, Kind> kinds[] = {
      {"QoS 0, clean", Kind::clean_q0}, {"QoS 1, clean", Kind::clean_q1}, {"QoS 1, durable", Kind::durable_q1}};
  for (const auto& [name, kind] : kinds) {
    auto* const curve = benchmark::RegisterBenchmark(
        (std::string("connections/") + name).c_str(),
        [&stage, kind = kind](benchmark::State& run) { turns(run, stage.scene<House>(run.range(0), kind)); });
    for (const int size : {10, 100, 1'000, 10'000}) curve->Arg(size);
  }
}

}  // namespace tandem::micro
