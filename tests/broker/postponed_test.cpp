// A client that reads slowly: what it is sent waits as messages that are shared, not as bytes of its own; nothing of it
// is lost but QoS 0 that is not retained, and its order is kept.
#include "broker/postponed.hpp"

#include <array>
#include <set>
#include <string>
#include <vector>

#include "tests/broker/sent_packets.hpp"

namespace tandem::broker {

namespace {

constexpr std::size_t large = 150'000;  // bytes of a payload; more than a client may have in the log that is not safe
constexpr std::size_t many = 30;        // of these: far more than may be unsent
constexpr std::size_t most = limits::max_unsent_bytes + large + 10'000;  // the last one may go beyond

struct Got {
  std::string topic;
  std::string begin;  // of the payload
  std::uint16_t packet_id;
  bool dup;
};

class House : public test::ActiveHouse {
 public:
  test::FakeClient& client(std::string_view id, bool clean_start = true) {
    mqtt::Connect packet;
    packet.version = mqtt::Version::v311;
    packet.client_id = id;
    packet.clean_start = clean_start;
    return connect(packet);
  }
  void subscribe(test::FakeClient& client, mqtt::Qos qos) {
    mqtt::Subscribe packet;
    packet.packet_id = 1;
    packet.requests.push_back({"t/#", {.qos = qos}});
    REQUIRE(client.say(active(), packet));
    turn();
  }
  // "t/NUMBER": "NUMBER" and much more, or a short word.
  void publish(test::FakeClient& from, std::size_t number, mqtt::Qos qos, bool retain = false, const char* word = "") {
    const std::string topic = "t/" + std::to_string(number);
    std::string payload = *word != 0 ? word : std::to_string(number) + " ";
    if (*word == 0) payload.resize(large);
    mqtt::Publish packet;
    packet.topic = topic;
    packet.payload = payload;
    packet.qos = qos;
    packet.retain = retain;
    packet.packet_id = qos == mqtt::Qos::at_most_once ? std::uint16_t{0} : std::uint16_t{9};
    REQUIRE(from.say(active(), packet));
    if (qos == mqtt::Qos::exactly_once) {
      turn();
      REQUIRE(from.say(active(), mqtt::Ack{mqtt::Type::pubrel, 9, mqtt::Reason::success, {}}));
    }
    from.written();
  }
  // The publisher is heard again: nothing of it is under way.
  void publish_safely(test::FakeClient& from, std::size_t number, mqtt::Qos qos, bool retain = false) {
    publish(from, number, qos, retain);
    turn();
  }
  // As a socket that takes what it is given, a turn at a time, until nothing more comes.
  std::vector<Got> read_all(test::FakeClient& client, bool suback_first = false) {
    std::vector<Got> all;
    std::size_t before = 0;
    do {
      before = all.size();
      turn();
      CHECK(client.output().size() <= most);
      const auto see = [&](const mqtt::Publish& packet) {
        const std::string payload(packet.payload);
        all.push_back({std::string(packet.topic), payload.substr(0, payload.find(' ')), packet.packet_id, packet.dup});
      };
      test::each_sent<mqtt::Publish>(client, see, std::exchange(suback_first, false));
    } while (all.size() != before);
    return all;
  }
};

}  // namespace

namespace {

struct Kind {
  mqtt::Qos qos = mqtt::Qos::at_least_once;
  bool durable = false;
};

// Of the subscription of a test, which is run with each.
Kind each_acknowledged_kind() {
  Kind kind;
  SUBCASE("QoS 1, clean session") {}
  SUBCASE("QoS 1, durable") {
    kind.durable = true;
  }
  SUBCASE("QoS 2, clean session") {
    kind.qos = mqtt::Qos::exactly_once;
  }
  SUBCASE("QoS 2, durable") {
    kind = {mqtt::Qos::exactly_once, true};
  }
  return kind;
}

}  // namespace

TEST_CASE("MQTT5-4.6.0-5: a client that reads late is given 1 MiB; the rest waits and comes in order, each once") {
  House house;
  const auto [qos, durable] = each_acknowledged_kind();
  test::FakeClient& slow = house.client("slow", !durable);
  test::FakeClient& publisher = house.client("publisher");
  house.subscribe(slow, qos);
  slow.written();
  for (std::size_t i = 0; i < many; ++i) {
    house.publish_safely(publisher, i, qos);
    CHECK(slow.output().size() + house.active().gate().held_bytes() <= most);
  }
  const std::vector<Got> got = house.read_all(slow);
  REQUIRE(got.size() == many);
  for (std::size_t i = 0; i < many; ++i) {
    CHECK(got[i].begin == std::to_string(i));
    CHECK(got[i].packet_id == i + 1);
    CHECK_FALSE(got[i].dup);
  }
}

TEST_CASE("MQTT5-4.4.0-1: what had to wait when the client left comes again on its next connection, in order") {
  House house;
  test::FakeClient& before = house.client("slow", false);
  test::FakeClient& publisher = house.client("publisher");
  house.subscribe(before, mqtt::Qos::at_least_once);
  for (std::size_t i = 0; i < many; ++i) house.publish_safely(publisher, i, mqtt::Qos::at_least_once);
  house.leave(before);
  house.turn();
  mqtt::Connect packet;
  packet.version = mqtt::Version::v311;
  packet.client_id = "slow";
  packet.clean_start = false;
  test::FakeClient& slow = house.connect(packet);  // takes the CONNACK, and what came with it
  const std::vector<Got> got = house.read_all(slow);
  REQUIRE(got.size() > many / 2);
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i].begin == std::to_string(many - got.size() + i));
    CHECK(got[i].dup);
  }
}

TEST_CASE("what a client acknowledges before it was sent is not kept for it, and not sent behind its PUBREL") {
  House house;
  const auto [qos, durable] = each_acknowledged_kind();
  test::FakeClient& hasty = house.client("hasty", !durable);
  test::FakeClient& publisher = house.client("publisher");
  house.subscribe(hasty, qos);
  hasty.written();
  for (std::size_t i = 0; i < many; ++i) {
    house.publish_safely(publisher, i, qos);
    const mqtt::Type type = qos == mqtt::Qos::exactly_once ? mqtt::Type::pubrec : mqtt::Type::puback;
    REQUIRE(hasty.say(house.active(), mqtt::Ack{type, static_cast<std::uint16_t>(i + 1), mqtt::Reason::success, {}}));
    house.turn();
  }
  constexpr std::size_t at_once = limits::max_unsent_bytes / large + 2;
  std::size_t came = 0;
  std::vector<bool> released(many + 1);
  const auto see = [&](const mqtt::Packet& packet) {
    if (const auto* const ack = std::get_if<mqtt::Ack>(&packet)) {
      released[ack->packet_id] = true;
    } else {
      ++came;
      CHECK_FALSE(released[std::get<mqtt::Publish>(packet).packet_id]);
    }
  };
  for (std::size_t turn = 0; turn < many; ++turn) {
    test::each_packet(hasty, see);
    house.turn();
  }
  CHECK(came > 0);
  CHECK(came <= at_once);
}

TEST_CASE("nothing of it leaves before its record is safe") {
  House house;
  test::FakeClient& slow = house.client("slow", false);
  std::vector<test::FakeClient*> publishers;  // each may have only so much in the log that is not safe
  for (std::size_t i = 0; i < many; ++i) publishers.push_back(&house.client("publisher " + std::to_string(i)));
  house.subscribe(slow, mqtt::Qos::at_least_once);
  slow.written();
  const Lsn before = house.active().last();
  for (std::size_t i = 0; i < many; ++i) house.publish(*publishers[i], i, mqtt::Qos::at_least_once);
  house.active().take_batches();
  house.active().end_turn();
  const Lsn half{before.value + many / 2};
  std::size_t came = 0;
  for (std::size_t turn = 0; turn < many; ++turn) {
    house.active().release(half);
    test::each_sent<mqtt::Publish>(slow, [&](const mqtt::Publish&) { ++came; });
  }
  CHECK(came <= many / 2);
  CHECK(came + house.read_all(slow).size() == many);
}

TEST_CASE("MQTT5-3.3.1-9: who subscribes at QoS 0 gets all retained messages, however slowly, the newest value last") {
  House house;
  test::FakeClient& publisher = house.client("publisher");
  for (std::size_t i = 0; i < many; ++i) house.publish_safely(publisher, i, mqtt::Qos::at_least_once, true);
  test::FakeClient& slow = house.client("slow");
  mqtt::Subscribe packet;
  packet.packet_id = 1;
  packet.requests.push_back({"t/#", {.qos = mqtt::Qos::at_most_once}});
  REQUIRE(slow.say(house.active(), packet));
  CHECK(slow.output().size() <= most);
  house.publish(publisher, many - 1, mqtt::Qos::at_most_once, false, "newer");
  std::map<std::string, std::string> last;
  for (const Got& got : house.read_all(slow, true)) last[got.topic] = got.begin;
  CHECK(last.size() == many);
  CHECK(last["t/" + std::to_string(many - 1)] == "newer");
  CHECK(house.active().dropped_qos0() == 0);
}

TEST_CASE("what waits for a slow reader counts in State, and in its digest, only as long as State holds it") {
  House house;
  test::FakeClient& publisher = house.client("publisher");
  for (std::size_t i = 0; i < many; ++i) house.publish_safely(publisher, i, mqtt::Qos::at_least_once, true);
  test::FakeClient& slow = house.client("slow");
  house.subscribe(slow, mqtt::Qos::at_most_once);
  for (std::size_t i = 0; i < many; ++i) house.publish(publisher, i, mqtt::Qos::at_most_once, true, "newer");
  CHECK(house.state().messages().count() == many);
  CHECK(house.state().digest() == core::recompute_digest(house.state()));
  std::map<std::string, std::string> last;
  for (const Got& got : house.read_all(slow, true)) last[got.topic] = got.begin;
  CHECK(last.size() == many);
  for (const auto& [topic, begin] : last) CHECK(begin == "newer");
  CHECK(house.state().digest() == core::recompute_digest(house.state()));
}

TEST_CASE("MQTT5-3.3.2-5: a QoS 0 message that expires while it waits is not sent") {
  House house;
  test::FakeClient& publisher = house.client("publisher");
  for (std::size_t i = 0; i < many; ++i) house.publish_safely(publisher, i, mqtt::Qos::at_least_once, true);
  mqtt::Connect connect;
  connect.version = mqtt::Version::v5;
  connect.client_id = "publisher of what expires";
  connect.clean_start = true;
  test::FakeClient& of_expiring = house.connect(connect);
  mqtt::Publish packet;
  packet.topic = "t/soon stale";
  packet.payload = "stale";
  packet.message_expiry_s = 5;
  test::FakeClient& slow = house.client("slow");
  house.subscribe(slow, mqtt::Qos::at_most_once);
  REQUIRE(of_expiring.say(house.active(), packet));
  house.active().set_time(Instant{10'000}, Steady{});
  slow.written();
  std::size_t stale = 0;
  for (const Got& got : house.read_all(slow)) stale += got.begin == "stale" ? 1 : 0;
  CHECK(stale == 0);
  CHECK(house.active().dropped_qos0() == 1);
}

TEST_CASE("other QoS 0 is dropped when the client has as much to read as it may, and when memory is full") {
  House house;
  test::FakeClient& publisher = house.client("publisher");
  test::FakeClient& slow = house.client("slow");
  house.subscribe(slow, mqtt::Qos::at_most_once);
  slow.written();
  SUBCASE("nothing retained waits") {
    for (std::size_t i = 0; i < many; ++i) house.publish_safely(publisher, i, mqtt::Qos::at_most_once);
  }
  SUBCASE("behind retained messages 1 MiB waits") {
    for (std::size_t i = 0; i < many; ++i) house.publish_safely(publisher, i, mqtt::Qos::at_least_once, true);
    slow.written();
    house.subscribe(slow, mqtt::Qos::at_most_once);
    const std::uint64_t before = house.active().dropped_qos0();
    for (std::size_t i = 0; i < many; ++i) house.publish_safely(publisher, i, mqtt::Qos::at_most_once);
    CHECK(house.active().dropped_qos0() - before >= many - 11);
  }
  SUBCASE("memory is full: retained messages do not wait either") {
    for (std::size_t i = 0; i < many; ++i) house.publish_safely(publisher, i, mqtt::Qos::at_least_once, true);
    slow.written();
    house.active().set_memory_full(true);
    house.subscribe(slow, mqtt::Qos::at_most_once);
  }
  CHECK(house.active().dropped_qos0() >= many / 2);
  slow.written();
}

TEST_CASE("a large message for many is not written to all of them in one turn; one after the other gets it") {
  constexpr std::size_t subscribers = 100;
  House house;
  mqtt::Qos qos = mqtt::Qos::at_most_once;
  SUBCASE("QoS 0") {}
  bool durable = false;
  bool copies = false;
  SUBCASE("QoS 1") {
    qos = mqtt::Qos::at_least_once;
  }
  SUBCASE("QoS 1, durable") {
    qos = mqtt::Qos::at_least_once;
    durable = true;
  }
  SUBCASE("QoS 1, to clients that have it copied") {
    qos = mqtt::Qos::at_least_once;
    copies = true;
  }
  std::vector<test::FakeClient*> clients;
  for (std::size_t i = 0; i < subscribers; ++i) {
    clients.push_back(&house.client("client " + std::to_string(i), !durable));
    house.subscribe(*clients.back(), qos);
    clients.back()->written();
  }
  if (copies) {
    for (test::FakeClient* const client : clients) client->copies();
  }
  test::FakeClient& publisher = house.client("publisher");
  house.publish(publisher, 1, qos);
  CHECK(publisher.paused());
  std::size_t came = 0;
  std::size_t turns = 0;
  for (bool more = true; more; ++turns) {
    house.turn();
    more = house.active().wants_turn();
    CHECK(publisher.paused() == more);  // no more of it meanwhile
    std::size_t bytes = 0;
    for (test::FakeClient* const client : clients) {
      bytes += client->output().size();
      CHECK((copies || client->out().size() < 20));  // its own: the payload is one for all
      test::each_sent<mqtt::Publish>(*client, [&](const mqtt::Publish&) { ++came; });
    }
    CHECK(bytes <= 2 * limits::turn_large_bytes + 2 * large + 10'000);
  }
  CHECK(came == subscribers);
  CHECK(turns >= 9);
  CHECK(house.active().dropped_qos0() == 0);
}

TEST_CASE("a large message lies in memory once, also for those who have to wait, and where State has it") {
  constexpr std::size_t subscribers = 20;
  House house;
  bool durable = false;
  bool retain = false;
  SUBCASE("nobody keeps it") {}
  SUBCASE("queues keep it") {
    durable = true;
  }
  SUBCASE("it is retained") {
    retain = true;
  }
  std::vector<test::FakeClient*> clients;
  for (std::size_t i = 0; i < subscribers; ++i) {
    clients.push_back(&house.client("client " + std::to_string(i), !durable));
    house.subscribe(*clients.back(), durable ? mqtt::Qos::at_least_once : mqtt::Qos::at_most_once);
    clients.back()->written();
  }
  house.publish(house.client("publisher"), 1, mqtt::Qos::at_least_once, retain);
  std::set<const void*> places;
  if (retain) places.insert(house.state().retained_at("t/1")->second.message->view().payload.data());
  if (durable) {
    const core::Queue& queue = house.state().session_of("client 0")->queue;
    places.insert(queue.at(queue.head()).message->view().payload.data());
  }
  std::size_t came = 0;
  do {
    house.turn();
    for (test::FakeClient* const client : clients) {
      std::array<iovec, 2> parts;
      edge::Output::Cursor at = client->output().begin();
      if (client->output().gather(at, parts) == 2) places.insert(parts[1].iov_base);
      test::each_sent<mqtt::Publish>(*client, [&](const mqtt::Publish&) { ++came; });
    }
  } while (house.active().wants_turn());
  CHECK(came == subscribers);
  CHECK(places.size() == 1);
}

TEST_CASE("retained messages wait for one client up to what may be retained, however often it subscribes") {
  core::BlockPool memory;
  core::TransientMessages owner(memory);
  core::SharedMessages messages;
  const std::string payload(1'000, 'p');
  core::MessageView view;
  view.payload = payload;
  Postponed postponed(10'000);
  const ConnectionId id{3, 1};
  std::size_t taken = 0;
  for (int i = 0; i < 100; ++i) {
    PostponedPublish packet;
    packet.message = messages.share(*core::Message::create(view, 0, owner));
    if (postponed.add_qos0(id, std::move(packet))) ++taken;
  }
  CHECK(taken == 10);
  CHECK(messages.count() == 10);
  PostponedPublish live;
  live.message = messages.share(*core::Message::create(view, 0, owner));
  live.live = true;
  CHECK(postponed.add_qos0(id, std::move(live)));
  postponed.clear();
  CHECK(messages.count() == 0);
}

TEST_CASE("a connection gets nothing that waited for the one before it in its place") {
  PostponedPublish waiting;
  waiting.qos = mqtt::Qos::at_least_once;
  waiting.packet_id = 1;
  Postponed postponed;
  edge::Connections connections;
  test::FakeClient before{ConnectionId{3, 1}};
  connections.add(before);
  postponed.add(before.id(), waiting);
  REQUIRE(postponed.any(before.id()));
  connections.remove(before.id());
  test::FakeClient after{ConnectionId{3, 2}};
  connections.add(after);
  CHECK_FALSE(postponed.any(after.id()));
  std::size_t left = 0;
  const auto write = [&](edge::Connection&, const PostponedPublish&) { return ++left != 0; };
  const auto room = [](const edge::Connection&) { return true; };
  SUBCASE("and has nothing of its own") {
    postponed.leave(connections, Lsn{}, room, write);
    CHECK(left == 0);
  }
  SUBCASE("but what is its own") {
    postponed.add(after.id(), waiting);
    postponed.leave(connections, Lsn{}, room, write);
    CHECK(left == 1);
  }
  CHECK_FALSE(postponed.any(after.id()));
}

}  // namespace tandem::broker
