// Shared subscriptions: one member gets each message, and both boxes know which.
#include "doctest.hpp"
#include "shared_scene.hpp"

namespace tandem::core::test {

TEST_CASE("Members of a group take turns, whether durable or not") {
  SharedScene s;
  Client& a = s.member(0);
  Client& b = s.member(1, {});
  Client& c = s.member(2);
  s.publish(1, 6);
  CHECK_EQ(s.world.drain(a), Payloads{"1", "4"});
  CHECK_EQ(s.world.drain(c), Payloads{"2", "5"});  // transient members come after durable ones
  CHECK_EQ(s.world.drain(b), Payloads{"3", "6"});
  s.world.check();
}

TEST_CASE("QoS 0 as well, and a pick for a transient member is in no record") {
  SharedScene s;
  Client& a = s.member(0, {});
  Client& b = s.member(1, {});
  const std::uint64_t before = s.world.last_lsn();
  s.publish(1, 4, 0);
  s.publish(5, 6, 1);
  CHECK_EQ(s.world.drain(a), Payloads{"1", "3", "5"});
  CHECK_EQ(s.world.drain(b), Payloads{"2", "4", "6"});
  CHECK_EQ(s.world.last_lsn(), before);
}

TEST_CASE("The pick is in the record: the standby's own round robin does not matter") {
  SharedScene s;
  Client& a = s.member(0);
  Client& b = s.member(1);
  s.publish(1, 3);
  s.world.check();
  s.world.take_over();  // its cursor stands at the first member again
  s.world.connect(s.publisher);
  s.world.connect(a, durable());
  s.world.connect(b, durable());
  s.publish(4, 7);
  s.world.check();
  CHECK_EQ(s.world.drain(a), Payloads{"1", "3", "4", "6"});
  CHECK_EQ(s.world.drain(b), Payloads{"2", "5", "7"});
}

TEST_CASE("Connected members with room go first, then connected ones, then any (T-28)") {
  SharedScene s;
  ConnectOptions narrow = durable();
  narrow.receive_maximum = 1;
  Client& a = s.member(0, narrow);
  Client& b = s.member(1, narrow);
  s.world.lose(b);
  s.publish(1, 3);
  CHECK_EQ(s.world.session(b)->queue.size(), 0);
  CHECK_EQ(s.world.session(a)->queue.size(), 3);
  s.world.connect(b, narrow);
  s.publish(4, 4);
  CHECK_EQ(s.world.drain(b), Payloads{"4"});
  s.world.lose(a);
  s.world.lose(b);
  s.publish(5, 6);
  CHECK_EQ(s.world.session(a)->queue.size() + s.world.session(b)->queue.size(), 5);
  s.world.check();
}

TEST_CASE("U-30 T-27: a plain and a shared subscription of one session give a copy each") {
  SharedScene s;
  Client& a = s.member(0);
  s.world.subscribe(a, "t", {.identifier = 9});
  a.take();
  s.publish(1, 1);
  const auto events = a.take_publishes();
  REQUIRE_EQ(events.size(), 2);
  CHECK_EQ(events[0].identifiers, std::vector<std::uint32_t>{9});
  CHECK(events[1].identifiers.empty());
  s.world.check();
}

TEST_CASE("U-32: each group and filter is its own") {
  SharedScene s;
  Client& a = s.member(0, durable(), "$share/g/t");
  Client& b = s.member(1, durable(), "$share/h/t");
  Client& c = s.member(2, durable(), "$share/g/+");
  s.publish(1, 2);
  for (Client* client : {&a, &b, &c}) CHECK_EQ(s.world.drain(*client), Payloads{"1", "2"});
  s.world.check();
}

TEST_CASE("U-33 T-29: $share/g/t and t are different subscriptions") {
  SharedScene s;
  Client& a = s.member(0);
  CHECK_EQ(s.world.unsubscribe(a, "t").front(), mqtt::Reason::no_subscription_existed);
  CHECK_EQ(s.world.unsubscribe(a, "$share/g/t").front(), mqtt::Reason::success);
  s.publish(1, 1);
  CHECK(s.world.drain(a).empty());
  CHECK_EQ(s.world.active().routing().size(), 0);
  s.world.check();
}

TEST_CASE("MQTT5-4.8.2-3: each member has its own QoS") {
  SharedScene s;
  Client& a = s.world.client(0);
  Client& b = s.world.client(1);
  s.world.connect(a, durable());
  s.world.connect(b, durable());
  s.world.subscribe(a, "$share/g/t", {.qos = 0});
  s.world.subscribe(b, "$share/g/t", {.qos = 2});
  a.take();
  b.take();
  s.publish(1, 2, 2);
  CHECK_EQ(a.take_publishes().front().qos, 0);
  CHECK_EQ(b.take_publishes().front().qos, 2);
  s.world.check();
}

TEST_CASE("MQTT5-4.8.2-4 MQTT5-4.8.2-6: a message belongs to the member that it was given, whatever that answers") {
  SharedScene s;
  Client& a = s.member(0);
  Client& b = s.member(1);
  s.publish(1, 1, 2);
  s.world.lose(a);
  s.world.connect(a, durable());
  s.publish(2, 2);
  CHECK_EQ(s.world.drain(b), Payloads{"2"});
  const auto events = a.take_publishes();
  REQUIRE_EQ(events.size(), 1);
  CHECK_EQ(events[0].payload, "1");
  s.world.ack(a, mqtt::Type::pubrec, events[0].packet_id, true);
  CHECK(s.world.drain(a).empty());
  CHECK(s.world.drain(b).empty());
  s.world.check();
}

TEST_CASE("A group without a pick delivers to nobody; a pick of a member that is gone, neither") {
  SharedScene s;
  Client& a = s.member(0);
  s.world.end_turn();
  Effects effects;
  Applying to{s.world.active(), 900, s.world.now(), effects};
  Published record;
  record.message.topic = "t";
  record.message.qos = mqtt::Qos::at_least_once;
  apply(to, record, 0);
  record.picks = {{a.session, "$share/g/other"}, {999, "$share/g/t"}};
  apply(to, record, 0);
  CHECK(effects.empty());
  CHECK_EQ(s.world.session(a)->queue.size(), 0);
}

}  // namespace tandem::core::test
