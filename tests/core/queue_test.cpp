// The queue by itself, and its limits.
#include "core/queue.hpp"

#include "doctest.hpp"
#include "world.hpp"

namespace tandem::core::test {

namespace {

QueueEntry entry(unsigned qos = 1) {
  QueueEntry made;
  made.qos = static_cast<std::uint8_t>(qos);
  return made;
}

using Payloads = std::vector<std::string>;

}  // namespace

TEST_CASE("A queue gives ids by position and finds an entry by its id, also after many rounds") {
  Queue queue;
  queue.start_at(3 * 65'535ULL - 2);
  for (int i = 0; i < 5; ++i) queue.push(entry());
  for (int i = 0; i < 4; ++i) queue.mark_in_flight();
  Sequence found = 0;
  CHECK_EQ(Queue::packet_id(queue.head()), 65'534);
  CHECK_EQ(Queue::packet_id(queue.head() + 2), 1);
  CHECK(queue.find(65'534, found));
  CHECK_EQ(found, queue.head());
  CHECK(queue.find(2, found));
  CHECK_EQ(found, queue.head() + 3);
  CHECK_FALSE(queue.find(3, found));  // not sent yet
  CHECK_FALSE(queue.find(0, found));
  CHECK_FALSE(queue.find(4000, found));
}

TEST_CASE("The head moves over what is finished behind it, the cursor over what needs no sending again") {
  Queue queue;
  for (int i = 0; i < 6; ++i) queue.push(entry());
  for (int i = 0; i < 5; ++i) queue.mark_in_flight();
  queue.finish(1);
  queue.finish(2);
  queue.finish(3);
  CHECK_EQ(queue.head(), 0);
  CHECK_EQ(queue.in_flight(), 2);
  queue.rewind_cursor();
  CHECK_EQ(queue.cursor(), 0);
  CHECK_EQ(queue.after_cursor(), 4);
  queue.mark_in_flight();
  CHECK_EQ(queue.cursor(), 4);
  CHECK_EQ(queue.waiting(), 2);
  queue.finish(0);
  CHECK_EQ(queue.head(), 4);
  queue.skip_at_cursor();
  CHECK_EQ(queue.head(), 5);
  CHECK_EQ(queue.cursor(), 5);
}

TEST_CASE("An entry has no, one or several identifiers, and forgets them when it is finished") {
  Queue queue;
  const std::uint32_t several[] = {5, 6, 7};
  for (int i = 0; i < 3; ++i) queue.push(entry());
  queue.set_identifiers(1, std::span(several, 1));
  queue.set_identifiers(2, several);
  CHECK(queue.identifiers(0).empty());
  REQUIRE_EQ(queue.identifiers(1).size(), 1);
  CHECK_EQ(queue.identifiers(1)[0], 5);
  CHECK_EQ(queue.identifiers(2).size(), 3);
  for (int i = 0; i < 3; ++i) queue.mark_in_flight();
  queue.finish(1);
  queue.finish(2);
  CHECK(queue.identifiers(1).empty());
  CHECK(queue.identifiers(2).empty());
}

TEST_CASE("A loaded queue stands where the saved one stood") {
  Queue queue;
  queue.start_at(100);
  QueueEntry in_flight = entry();
  in_flight.in_flight = in_flight.sent = true;
  QueueEntry done = entry();
  done.done = true;
  queue.push_loaded(in_flight);
  queue.push_loaded(done);
  queue.push_loaded(in_flight);
  queue.push_loaded(entry());
  queue.settle_loaded();
  CHECK_EQ(queue.head(), 100);
  CHECK_EQ(queue.cursor(), 103);
  CHECK_EQ(queue.in_flight(), 2);
  CHECK_EQ(queue.tail(), 104);
}

TEST_CASE("A full queue drops the newest message: by count") {
  World world;
  world.policy.max_queue_messages = 3;
  Client& a = world.client(0);
  world.connect(a, durable());
  world.subscribe(a, "t");
  world.lose(a);
  world.connect(world.client(1));
  for (int i = 0; i < 5; ++i) world.publish(world.client(1), "t", std::to_string(i));
  CHECK_EQ(world.session(a)->dropped, 2);
  CHECK_EQ(world.active().dropped_messages(), 2);
  CHECK_EQ(world.active().queued_messages(), 3);
  CHECK_EQ(world.active().messages().count(), 3);
  world.connect(a, durable());
  CHECK_EQ(world.drain(a), Payloads{"0", "1", "2"});
  world.check();
}

TEST_CASE("A full queue drops the newest message: by bytes, but one message always fits") {
  World world;
  world.policy.max_queue_bytes = 100;
  Client& a = world.client(0);
  world.connect(a, durable());
  world.subscribe(a, "t");
  world.lose(a);
  world.connect(world.client(1));
  world.publish(world.client(1), "t", std::string(200, 'x'));
  world.publish(world.client(1), "t", "dropped");
  CHECK_EQ(world.session(a)->dropped, 1);
  world.connect(a, durable());
  CHECK_EQ(world.drain(a), Payloads{std::string(200, 'x')});
  world.check();
}

TEST_CASE("what is under way to a clean session counts in its queue's bytes, unless it is small; acks make room") {
  World world;
  world.policy.max_queue_bytes = 5'000;
  world.policy.queue_policy = QueuePolicy::disconnect;
  Client& a = world.client(0);
  ConnectOptions options;
  options.receive_maximum = 1'000;
  world.connect(a, options);
  world.subscribe(a, "t");
  world.connect(world.client(1));
  for (int i = 0; i < 6; ++i) world.publish(world.client(1), "t", std::string(1'500, static_cast<char>('0' + i)));
  for (int i = 0; i < 100; ++i) world.publish(world.client(1), "t", "small");
  CHECK_EQ(world.session(a)->dropped, 3);
  CHECK_EQ(world.overflowed, 3);
  CHECK_EQ(world.active().messages().count(), 0);  // none is recorded
  CHECK_EQ(world.drain(a).size(), 103);
  world.publish(world.client(1), "t", std::string(1'500, 'x'));
  CHECK_EQ(world.drain(a), Payloads{std::string(1'500, 'x')});
  CHECK_EQ(world.session(a)->dropped, 3);
  world.check();
}

TEST_CASE("drop_oldest: what waited longest makes room, by count and by bytes") {
  World world;
  world.policy.queue_policy = QueuePolicy::drop_oldest;
  world.policy.max_queue_messages = 3;
  world.policy.max_queue_bytes = 1000;
  Client& a = world.client(0);
  world.connect(a, durable());
  world.subscribe(a, "t");
  world.lose(a);
  world.connect(world.client(1));
  for (int i = 0; i < 5; ++i) world.publish(world.client(1), "t", std::to_string(i));
  CHECK_EQ(world.session(a)->dropped, 2);
  world.publish(world.client(1), "t", std::string(997, 'x'));  // beside "4" only
  CHECK_EQ(world.session(a)->dropped, 4);
  CHECK_EQ(world.active().queued_messages(), 2);
  CHECK_EQ(world.active().messages().count(), 2);
  world.check();
  world.take_over();
  world.connect(world.client(1));
  world.publish(world.client(1), "t", "y");
  world.connect(a, durable());
  CHECK_EQ(world.drain(a), Payloads{std::string(997, 'x'), "y"});
  world.check();
}

TEST_CASE("drop_oldest never takes what was sent and is not acknowledged") {
  World world;
  world.policy.queue_policy = QueuePolicy::drop_oldest;
  world.policy.max_queue_messages = 1;
  Client& a = world.client(0);
  ConnectOptions options = durable();
  options.receive_maximum = 2;
  world.connect(a, options);
  world.subscribe(a, "t");
  world.connect(world.client(1));
  for (int i = 0; i < 5; ++i) world.publish(world.client(1), "t", std::to_string(i));
  world.lose(a);
  options.receive_maximum = 1;  // of the two in flight one waits again
  world.connect(a, options);
  world.publish(world.client(1), "t", "new");
  CHECK_EQ(world.drain(a), Payloads{"0", "1", "4"});
  world.check();
}

TEST_CASE("disconnect: the message is dropped, and whoever is there is named") {
  World world;
  world.policy.queue_policy = QueuePolicy::disconnect;
  world.policy.max_queue_messages = 1;
  Client& a = world.client(0);
  ConnectOptions options = durable();
  options.receive_maximum = 1;
  world.connect(a, options);
  world.subscribe(a, "t");
  world.connect(world.client(1));
  for (int i = 0; i < 3; ++i) world.publish(world.client(1), "t", std::to_string(i));
  CHECK_EQ(world.overflowed, 1);
  world.lose(a);
  world.publish(world.client(1), "t", "3");
  CHECK_EQ(world.overflowed, 1);
  CHECK_EQ(world.session(a)->dropped, 2);
  world.connect(a, durable());
  CHECK_EQ(world.drain(a), Payloads{"0", "1"});
  world.check();
}

TEST_CASE("A policy that the peer cannot read is not recorded") {
  World world;
  world.policy.queue_policy = QueuePolicy::drop_oldest;
  world.policy.common_level = 1;
  world.connect(world.client(0), durable());
  CHECK_EQ(world.session(world.client(0))->queue_policy, QueuePolicy::drop_newest);
}

TEST_CASE("The limits in force when a client connected are the session's, on both boxes") {
  World world;
  world.policy.max_queue_messages = 2;
  Client& a = world.client(0);
  world.connect(a, durable());
  world.subscribe(a, "t");
  world.lose(a);
  world.policy.max_queue_messages = 1000;  // another configuration file after the takeover
  world.take_over();
  world.connect(world.client(1));
  for (int i = 0; i < 4; ++i) world.publish(world.client(1), "t", std::to_string(i));
  CHECK_EQ(world.session(a)->queue.size(), 2);
  world.check();
}

TEST_CASE("A transient session's queue is bounded as well") {
  World world;
  world.policy.max_queue_messages = 4;
  Client& a = world.client(0);
  world.connect(a, {.receive_maximum = 2});
  world.subscribe(a, "t");
  world.connect(world.client(1));
  for (int i = 0; i < 10; ++i) world.publish(world.client(1), "t", std::to_string(i));
  CHECK_EQ(world.drain(a), Payloads{"0", "1", "2", "3", "4", "5"});
  CHECK_EQ(world.active().queued_messages(), 0);
}

TEST_CASE("MQTT311-3.1.2-5: QoS 1 and 2 wait for an absent client, QoS 0 does not") {
  World world;
  Client& a = world.client(0);
  world.connect(a, v3(false));
  world.subscribe(a, "t");
  world.lose(a);
  world.connect(world.client(1));
  for (unsigned qos = 0; qos <= 2; ++qos) world.publish(world.client(1), "t", std::to_string(qos), {.qos = qos});
  world.take_over();
  world.connect(a, v3(false));
  CHECK_EQ(world.drain(a), Payloads{"1", "2"});
  world.check();
}

}  // namespace tandem::core::test
