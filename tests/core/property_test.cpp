// A pair's life at random from fixed seeds: clients connect, publish, subscribe, acknowledge, vanish; reigns begin;
// time passes; the active dies. After every step the boxes must agree, and every client gets what MQTT promises it
// (model.hpp).
#include "doctest.hpp"

#include "disk.hpp"
#include "model.hpp"

namespace tandem::core::test {

namespace {

const std::string topics[] = {"a", "a/b", "a/b/c", "a//c", "b", "b/c", "/a", "a/", "$x/y", "c/d/e/f", "a!", "ab"};
const std::string filters[] = {
    "a",    "a/b",     "#",     "+",       "a/#",     "+/b",          "a/+/c",      "/#",           "+/+",
    "$x/#", "$x/+",    "b/c",   "c/d/e/f", "a/b/c/#", "$share/g/a/#", "$share/g/#", "$share/h/a/#", "$share/g/b/+",
    "a//c", "$share/", "a/#/b", "ab/#"};

struct Manner {
  std::size_t clients = 6;
  bool long_queues = false;  // bursts of messages and of acks: queues of several segments
};

class Life {
 public:
  Life(std::uint64_t seed, const Manner& manner)
      : random_(seed), world_(manner.clients), model_(world_), long_queues_(manner.long_queues) {
    world_.policy.max_queue_messages = static_cast<std::uint32_t>(long_queues_ ? 2000 : 5 + random_.below(60));
    world_.policy.max_queue_bytes = !long_queues_ && random_.one_in(2) ? 3000 : 1'000'000;
    world_.policy.max_retained = 6;
    world_.policy.max_subscriptions_per_session = 6;
    world_.policy.v3_in_flight = static_cast<std::uint16_t>(1 + random_.below(10));
    world_.policy.will_grace_s = random_.one_in(2) ? 0 : 20;
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      model_.read_all();
      checkpoint(world_.active(), active_disk_);
      checkpoint(world_.standby(), standby_disk_);
      const bool thorough = random_.one_in(50);
      world_.check(thorough);
      if (!thorough) continue;
      model_.check_state(world_.active());
      for (const auto& [id, session] : world_.standby().sessions()) check_queue(*session);
    }
    model_.settle();
    world_.check();
    two_replays_agree();
  }

 private:
  void step() {
    Client& client = world_.client(random_.below(world_.client_count()));
    const std::uint64_t what = random_.below(1000);
    if (long_queues_ && client.connected() && random_.one_in(20)) {
      burst(client);
      return;
    }
    if (what < 4)
      take_over();
    else if (what < 6)
      begin_reign();
    else if (what < 60)
      advance();
    else if (!client.connected() || what < 90)
      model_.connect(client, some_options());
    else if (what < 130)
      model_.disconnect(client, random_.one_in(2), some_reason());
    else if (what < 230)
      model_.subscribe(client, random_.pick(filters, std::size(filters)), some_subscription());
    else if (what < 270)
      model_.unsubscribe(client, random_.pick(filters, std::size(filters)));
    else if (what < 300)
      release(client);
    else if (what < 600)
      model_.answer(client, random_);
    else
      publish(client);
  }

  void advance() {
    static constexpr std::int64_t steps_ms[] = {1, 400, 1000, 3000, 10'000, 61'000};
    world_.advance_ms(random_.pick(steps_ms, std::size(steps_ms)));
  }

  void burst(Client& client) {
    const std::uint64_t length = random_.below(900);
    const bool acks = random_.one_in(2);
    for (std::uint64_t i = 0; i < length; ++i) {
      if (acks)
        model_.answer(client, random_);
      else
        publish(client);
      model_.read_all();
      if (i % 64 == 0) checkpoint(world_.active(), active_disk_);
    }
  }

  static std::uint32_t expiry_of(std::uint64_t choice) {
    static constexpr std::uint32_t all[] = {0, 0, 5, 60, 3600, never_expires};
    return all[choice % std::size(all)];
  }

  ConnectOptions some_options() {
    ConnectOptions o;
    static constexpr mqtt::Version versions[] = {mqtt::Version::v31, mqtt::Version::v311, mqtt::Version::v5,
                                                 mqtt::Version::v5};
    o.version = random_.pick(versions, 4);
    o.clean_start = random_.one_in(4);
    o.expiry_s = expiry_of(random_.below(6));
    static constexpr std::uint16_t keep_alives[] = {0, 10, 60};
    o.keep_alive_s = random_.pick(keep_alives, 3);
    static constexpr std::uint16_t windows[] = {1, 2, 5, 100};
    if (random_.one_in(2)) o.receive_maximum = random_.pick(windows, 4);
    if (o.version == mqtt::Version::v5 && random_.one_in(6)) o.max_packet_bytes = 60;
    if (random_.one_in(3)) {
      static constexpr std::uint32_t delays[] = {0, 3, 100};
      WillOptions will;
      will.topic = topics[random_.below(std::size(topics))];
      will.payload = random_.one_in(8) ? "" : "will" + std::to_string(next_payload_++);
      will.qos = static_cast<unsigned>(random_.below(3));
      will.retain = random_.one_in(3);
      will.delay_s = random_.pick(delays, 3);
      if (will.payload.empty()) will.properties = tag();
      if (random_.one_in(4)) will.expiry_s = 10;
      o.will = will;
    }
    return o;
  }

  // Tells messages without a payload apart: a Content Type.
  std::string tag() {
    const std::string text = std::to_string(next_payload_++);
    std::string property("\x03\x00", 2);
    property.push_back(static_cast<char>(text.size()));
    return property + text;
  }

  mqtt::Reason some_reason() { return random_.one_in(3) ? mqtt::Reason::disconnect_with_will : mqtt::Reason::success; }

  SubscribeOptions some_subscription() {
    SubscribeOptions o;
    o.qos = static_cast<unsigned>(random_.below(3));
    o.no_local = random_.one_in(4);
    o.retain_as_published = random_.one_in(3);
    o.retain_handling = static_cast<mqtt::RetainHandling>(random_.below(3));
    if (random_.one_in(3)) o.identifier = static_cast<std::uint32_t>(1 + random_.below(300));
    return o;
  }

  void publish(Client& client) {
    ClientModel& model = model_.of(client);
    PublishOptions o;
    o.qos = static_cast<unsigned>(random_.below(3));
    if (!model.held.empty() && random_.one_in(4)) {  // the same QoS 2 message again
      auto at = model.held.begin();
      std::advance(at, static_cast<std::ptrdiff_t>(random_.below(model.held.size())));
      o.qos = 2;
      o.packet_id = at->first;
      model_.publish(client, at->second.first, at->second.second, o);
      return;
    }
    if (o.qos == 2 && model.held.size() > 20) return;
    if (o.qos == 2) {
      do o.packet_id = static_cast<std::uint16_t>(1 + random_.below(60));
      while (model.held.contains(o.packet_id));
    }
    o.retain = random_.one_in(6);
    if (random_.one_in(6)) o.expiry_s = static_cast<std::uint32_t>(1 + random_.below(20));
    std::string payload = o.retain && random_.one_in(4) ? "" : std::to_string(next_payload_++);
    if (payload.empty()) o.properties = tag();
    if (random_.one_in(10)) payload.append(200, 'x');
    model_.publish(client, random_.pick(topics, std::size(topics)), payload, o);
  }

  void release(Client& client) {
    ClientModel& model = model_.of(client);
    if (model.held.empty() || random_.one_in(10)) {
      const auto id = static_cast<std::uint16_t>(30'000 + random_.below(100));
      model_.release(client, id);
      return;
    }
    auto at = model.held.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_.below(model.held.size())));
    model_.release(client, at->first);
  }

  void begin_reign() {
    model_.everyone_lost();
    world_.begin_reign();
    world_.do_what_is_due();
  }

  void take_over() {
    model_.everyone_lost();
    world_.end_turn();
    active_disk_.abandon();
    std::unique_ptr<State> rebuilt;
    Disk rebuilt_disk;
    if (active_disk_.has_image() && random_.one_in(2)) {
      rebuilt = load_and_replay(active_disk_);
      rebuilt_disk = Disk();
      rebuilt_disk.take_rows(active_disk_);
    }
    active_disk_ = std::move(standby_disk_);
    standby_disk_ = std::move(rebuilt_disk);
    world_.take_over(std::move(rebuilt));
  }

  std::unique_ptr<State> load_and_replay(const Disk& disk) {
    auto state = disk.load();
    for (std::size_t i = disk.image_batches(); i < world_.log().size(); ++i) replay(*state, world_.log()[i]);
    return state;
  }

  void checkpoint(State& state, Disk& disk) {
    if (!disk.running()) {
      if (!random_.one_in(40)) return;
      world_.end_turn();
      disk.begin(state, world_.log().size());
      return;
    }
    if (!random_.one_in(3) || !disk.step(1 + random_.below(12))) return;
    const auto loaded = disk.load();
    REQUIRE_EQ(describe(*loaded), disk.described());
    REQUIRE(loaded->digest() == disk.digest());
    REQUIRE(recompute_digest(*loaded) == disk.digest());
    REQUIRE(loaded->due() == disk.due());
    world_.end_turn();
    const auto now = load_and_replay(disk);
    REQUIRE_EQ(describe(*now), describe(world_.standby()));
    REQUIRE(now->digest() == world_.standby().digest());
    REQUIRE(now->due() == world_.standby().due());
  }

  void two_replays_agree() {
    State one, two;
    for (const Batch& batch : world_.log()) replay(one, batch);
    for (const Batch& batch : world_.log()) replay(two, batch);
    REQUIRE(one.digest() == two.digest());
    REQUIRE(one.digest() == world_.active().digest());
    REQUIRE_EQ(describe(one), describe(two));
  }

  Random random_;
  World world_;
  Model model_;
  Disk active_disk_;
  Disk standby_disk_;
  std::uint64_t next_payload_ = 1;
  bool long_queues_;
};

}  // namespace

TEST_CASE("random lives of a pair: the boxes agree, images load, clients get what MQTT promises") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    Life(seed, {4 + seed % 6}).run(3000);
  }
}

TEST_CASE("random lives with queues of several segments") {
  for (std::uint64_t seed = 101; seed <= 104; ++seed) {
    INFO("seed " << seed);
    Life(seed, {4, true}).run(1200);
  }
}

}  // namespace tandem::core::test
