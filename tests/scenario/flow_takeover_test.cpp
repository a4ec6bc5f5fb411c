// What was in flight when the active died: QoS 2 in each of its states, both receive windows, order and DUP.
#include <doctest/doctest.h>

#include <array>

#include "tests/covers.hpp"
#include "tests/scenario/stage.hpp"

using namespace tandem::test;

namespace {

constexpr std::uint8_t versions[] = {3, 4, 5};

void for_each_way(const std::function<void(Standby, std::uint8_t)>& test) {
  for (Standby standby : all_standbys) {
    for (std::uint8_t version : versions) {
      CAPTURE(name_of(standby));
      CAPTURE(version);
      test(standby, version);
    }
  }
}

// A subscriber of "t" with QoS 2, and one who publishes "first" to it; the PUBLISH has come and is not answered yet.
struct Outbound {
  Outbound(Standby standby, std::uint8_t version)
      : stage(standby), subscriber(stage, durable("sub", version)), publisher(stage, durable("pub")) {
    subscriber.connect();
    subscriber.subscribe({{"t", 2}});
    publisher.connect();
    publisher.publish(message("t", "first", 2));
    first = subscriber.expect_publish("first");
    CHECK_FALSE(first.dup());
  }

  // A message goes all the way, with an id that is not taken.
  void goes_on() {
    publisher.connect();
    publisher.publish(message("t", "second", 2));
    CHECK_FALSE(subscriber.receive("second").dup());
    subscriber.expect_nothing();
  }

  Stage stage;
  Remote subscriber;
  Remote publisher;
  Packet first;
};

// One who publishes "first" to "t" with the id 7, and a subscriber.
struct Inbound {
  Inbound(Standby standby, std::uint8_t version)
      : stage(standby), publisher(stage, durable("pub", version)), subscriber(stage, durable("sub")) {
    subscriber.connect();
    subscriber.subscribe({{"t", 2}});
    publisher.connect();
    publisher.send_publish(message("t", "first", 2, 7));
    CHECK(publisher.expect(Type::pubrec, 7).code() == 0);
  }

  void publish_again(const std::string& payload, bool dup) {
    Publish again = message("t", payload, 2, 7);
    again.dup = dup;
    publisher.send_publish(again);
    CHECK(publisher.expect(Type::pubrec, 7).code() == 0);
  }

  Packet release() {
    publisher.send_ack(Type::pubrel, 7);
    return publisher.expect(Type::pubcomp, 7);
  }

  Stage stage;
  Remote publisher;
  Remote subscriber;
};

}  // namespace

TEST_CASE("takeover: QoS 2 that was sent and not answered is sent again with DUP=1 and its id") {
  COVERS("MQTT5-4.4.0-1", "MQTT5-3.3.1-1", "MQTT5-4.3.3-3", "T-38");
  for_each_way([](Standby standby, std::uint8_t version) {
    Outbound out(standby, version);
    out.stage.take_over();
    CHECK(out.subscriber.connect().session_present == (version > 3));
    const Packet again = out.subscriber.receive("first");
    CHECK(again.dup());
    CHECK(again.pid == out.first.pid);
    out.goes_on();
  });
}

TEST_CASE("takeover: QoS 2 with PUBREC and without PUBCOMP goes on with PUBREL, never with PUBLISH") {
  COVERS("MQTT5-4.4.0-1", "MQTT5-4.3.3-5", "MQTT5-4.3.3-6");
  for_each_way([](Standby standby, std::uint8_t version) {
    Outbound out(standby, version);
    out.subscriber.send_ack(Type::pubrec, out.first.pid);
    out.subscriber.expect(Type::pubrel, out.first.pid);
    out.stage.take_over();
    out.subscriber.connect();
    CHECK(out.subscriber.expect(Type::pubrel, out.first.pid).code() == 0);
    out.subscriber.send_ack(Type::pubcomp, out.first.pid);
    out.subscriber.expect_nothing();
    out.goes_on();
  });
}

TEST_CASE("takeover: QoS 2 whose PUBCOMP came is over") {
  for_each_way([](Standby standby, std::uint8_t version) {
    Outbound out(standby, version);
    out.subscriber.send_ack(Type::pubrec, out.first.pid);
    out.subscriber.expect(Type::pubrel, out.first.pid);
    out.subscriber.send_ack(Type::pubcomp, out.first.pid);
    out.subscriber.expect_nothing();  // it was taken
    out.stage.take_over();
    out.subscriber.connect();
    out.subscriber.expect_nothing();
    out.goes_on();
  });
}

TEST_CASE("takeover: a QoS 2 PUBLISH with PUBREC is known: sent again it is no second message") {
  COVERS("MQTT5-4.3.3-10", "T-08");
  for_each_way([](Standby standby, std::uint8_t version) {
    Inbound in(standby, version);
    in.stage.take_over();
    in.publisher.connect();
    in.publish_again("first", true);
    in.publish_again("first", true);
    CHECK(in.release().code() == 0);
    in.subscriber.connect();
    in.subscriber.receive("first");
    in.subscriber.expect_nothing();
  });
}

TEST_CASE("takeover: a QoS 2 PUBLISH with PUBREC is released by PUBREL alone") {
  COVERS("MQTT5-4.3.3-11");
  for_each_way([](Standby standby, std::uint8_t version) {
    Inbound in(standby, version);
    in.stage.take_over();
    in.publisher.connect();
    CHECK(in.release().code() == 0);
    in.subscriber.connect();
    in.subscriber.receive("first");
    in.subscriber.expect_nothing();
  });
}

TEST_CASE("takeover: after its PUBCOMP the id of a QoS 2 PUBLISH is free, and PUBREL is answered once more") {
  COVERS("MQTT5-4.3.3-12", "U-21");
  for_each_way([](Standby standby, std::uint8_t version) {
    Inbound in(standby, version);
    CHECK(in.release().code() == 0);
    in.stage.take_over();
    in.publisher.connect();
    CHECK(in.release().code() == (version == 5 ? 0x92 : 0));  // its PUBCOMP may have been lost
    in.publish_again("another", false);
    CHECK(in.release().code() == 0);
    in.subscriber.connect();
    in.subscriber.receive("first");
    in.subscriber.receive("another");
    in.subscriber.expect_nothing();
  });
}

TEST_CASE("takeover: what is unacknowledged comes in order with DUP=1, at most the new receive maximum at once") {
  COVERS("MQTT5-4.6.0-1", "MQTT5-4.9.0-1", "MQTT5-3.3.4-9", "T-12");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Remote subscriber(stage, durable("sub"));
    subscriber.options().properties.number(prop::receive_maximum, 4);
    subscriber.connect();
    subscriber.subscribe({{"t/#", 2}});
    Remote publisher(stage, durable("pub"));
    publisher.connect();
    const auto qos_of = [](int number) { return static_cast<std::uint8_t>(number % 3 == 0 ? 2 : 1); };
    for (int i = 1; i <= 9; ++i) publisher.publish(message("t/" + std::to_string(i % 2), std::to_string(i), qos_of(i)));
    std::vector<Packet> sent;
    for (int i = 1; i <= 4; ++i) sent.push_back(subscriber.expect_publish(std::to_string(i)));
    subscriber.send_ack(Type::puback, sent[0].pid);
    sent.push_back(subscriber.expect_publish("5"));
    subscriber.expect_nothing();
    stage.take_over();
    subscriber.options().properties = {};
    subscriber.options().properties.number(prop::receive_maximum, 2);
    subscriber.connect();
    std::vector<Packet> in_flight;
    for (int i = 2; i <= 9; ++i) {
      CAPTURE(i);
      in_flight.push_back(subscriber.expect_publish(std::to_string(i)));
      CHECK(in_flight.back().dup() == (i <= 5));
      CHECK(in_flight.back().qos() == qos_of(i));
      if (i <= 5) CHECK(in_flight.back().pid == sent[static_cast<std::size_t>(i - 1)].pid);
      if (in_flight.size() < 2) continue;
      subscriber.expect_nothing();  // the window is full
      const Packet& oldest = in_flight.front();
      if (oldest.qos() == 1) {
        subscriber.send_ack(Type::puback, oldest.pid);
      } else {
        subscriber.send_ack(Type::pubrec, oldest.pid);
        subscriber.expect(Type::pubrel, oldest.pid);
        subscriber.expect_nothing();  // until PUBCOMP
        subscriber.send_ack(Type::pubcomp, oldest.pid);
      }
      in_flight.erase(in_flight.begin());
    }
  }
}

TEST_CASE("takeover: PUBRELs that are under way count in the receive window, too") {
  COVERS("MQTT5-4.9.0-1", "MQTT5-4.9.0-2");
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby);
    Remote subscriber(stage, durable("sub"));
    subscriber.options().properties.number(prop::receive_maximum, 2);
    subscriber.connect();
    subscriber.subscribe({{"t", 2}});
    Remote publisher(stage, durable("pub"));
    publisher.connect();
    for (const char* payload : {"first", "second", "third"}) publisher.publish(message("t", payload, 2));
    const Packet first = subscriber.expect_publish("first");
    const Packet second = subscriber.expect_publish("second");
    subscriber.send_ack(Type::pubrec, first.pid);
    subscriber.expect(Type::pubrel, first.pid);
    stage.take_over();
    subscriber.connect();
    subscriber.expect(Type::pubrel, first.pid);
    CHECK(subscriber.expect_publish("second").dup());
    subscriber.expect_nothing();
    subscriber.send_ack(Type::pubcomp, first.pid);
    CHECK_FALSE(subscriber.expect_publish("third").dup());
    subscriber.expect_nothing();
  }
}

TEST_CASE("takeover: our receive maximum begins anew with the connection, and what is held beside it stays known") {
  COVERS("MQTT5-3.3.4-7", "MQTT5-4.9.0-1", "T-09", "T-11");
  constexpr std::uint16_t receive_maximum = 3;
  for (Standby standby : all_standbys) {
    CAPTURE(name_of(standby));
    Stage stage(standby, StageLimits{.receive_maximum = receive_maximum});
    Remote subscriber(stage, durable("sub"));
    subscriber.connect();
    subscriber.subscribe({{"t", 2}});
    Remote publisher(stage, durable("pub"));
    const auto hold_window_of = [&](std::uint16_t first) {
      CHECK(publisher.connect().properties.number(prop::receive_maximum) == receive_maximum);
      for (std::uint16_t pid = first; pid < first + receive_maximum; ++pid) {
        publisher.send_publish(message("t", std::to_string(pid), 2, pid));
        CHECK(publisher.expect(Type::pubrec, pid).code() == 0);
      }
    };
    hold_window_of(1);
    stage.take_over();
    hold_window_of(4);
    publisher.send_publish(message("t", "one too many", 2, 7));
    CHECK(publisher.expect(Type::disconnect).code() == 0x93);
    publisher.expect_closed();
    publisher.connect();
    subscriber.connect();
    for (std::uint16_t pid = 1; pid <= 2 * receive_maximum; ++pid) {
      publisher.send_ack(Type::pubrel, pid);
      CHECK(publisher.expect(Type::pubcomp, pid).code() == 0);
      subscriber.receive(std::to_string(pid));
    }
    subscriber.expect_nothing();
  }
}

TEST_CASE("takeover: a full queue holds what it held, and its limit and policy go on") {
  for (Standby standby : all_standbys) {
    for (bool drops_oldest : {false, true}) {
      CAPTURE(name_of(standby));
      CAPTURE(drops_oldest);
      Stage stage(standby, StageLimits{.max_queue_messages = 3, .drops_oldest = drops_oldest});
      Remote subscriber(stage, durable("sub"));
      subscriber.connect();
      subscriber.subscribe({{"t", 1}});
      subscriber.cut();
      Remote publisher(stage, durable("pub"));
      publisher.connect();
      for (int i = 1; i <= 5; ++i) publisher.publish(message("t", std::to_string(i), 1));
      stage.take_over();
      publisher.connect();
      publisher.publish(message("t", "6", 1));
      subscriber.connect();
      for (const char* payload : drops_oldest ? std::array{"4", "5", "6"} : std::array{"1", "2", "3"}) {
        subscriber.receive(payload);
      }
      subscriber.expect_nothing();
    }
  }
}
