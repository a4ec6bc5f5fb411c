// Retained messages: kept, replaced, removed, expired, and sent to new subscriptions.
#include "core/retained_table.hpp"
#include "doctest.hpp"
#include "random.hpp"
#include "world.hpp"

namespace tandem::core::test {

namespace {

struct Scene {
  World world;
  Client& subscriber = world.client(0);
  Client& publisher = world.client(1);

  explicit Scene(bool stored = true) {
    world.connect(subscriber, stored ? durable() : ConnectOptions{});
    world.connect(publisher);
  }
  void keep(const std::string& topic, const std::string& payload, unsigned qos = 1,
            std::optional<std::uint32_t> expiry_s = std::nullopt) {
    world.publish(publisher, topic, payload, {.qos = qos, .retain = true, .expiry_s = expiry_s});
  }
  std::vector<Event> on_subscribe(const std::string& filter, const SubscribeOptions& options = {}) {
    subscriber.take();
    world.subscribe(subscriber, filter, options);
    REQUIRE_EQ(subscriber.events.front().kind, EffectKind::suback);
    return subscriber.take_publishes();
  }
};

std::vector<std::string> topics_of(const std::vector<Event>& events) {
  std::vector<std::string> topics;
  for (const Event& event : events) topics.push_back(event.topic);
  return topics;
}

}  // namespace

TEST_CASE("A retained message is found by its topic as long as it is there, whatever came and went") {
  Random random(1);
  RetainedTable table;
  std::map<std::string, std::uint32_t> expected;
  for (std::uint32_t i = 1; i <= 5'000; ++i) {
    const std::string topic = "t/" + std::to_string(random.below(300));
    if (table.find(topic) == nullptr) {
      table.add(topic).second.mark.changed_in = expected[topic] = i;
    } else {
      table.erase(topic);
      expected.erase(topic);
    }
    CHECK_EQ(table.find(topic) != nullptr, expected.contains(topic));
  }
  REQUIRE_EQ(table.ordered().size(), expected.size());
  for (const auto& [topic, number] : expected) {
    const RetainedTable::Entry* const found = table.find(topic);
    REQUIRE(found != nullptr);
    CHECK_EQ(found->first, topic);
    CHECK_EQ(found->second.mark.changed_in, number);
    CHECK_EQ(table.ordered().find(topic)->second.mark.changed_in, number);
  }
}

TEST_CASE("MQTT5-3.3.1-5..8: RETAIN stores, replaces and removes; without it the store is left alone") {
  Scene s;
  s.keep("t", "one", 0);
  s.keep("t", "two", 2);
  s.world.publish(s.publisher, "t", "live");
  const auto& retained = s.world.active().retained();
  REQUIRE_EQ(retained.size(), 1);
  CHECK_EQ(retained.begin()->second.message->view().payload, "two");
  s.world.check();
  s.keep("t", "");
  CHECK(retained.empty());
  s.keep("never there", "");
  CHECK(retained.empty());
  CHECK_EQ(s.world.active().messages().count(), 0);
  s.world.check();
}

TEST_CASE("U-16 T-20 MQTT311-3.3.1-8: retained messages for a new subscription carry RETAIN 1, live ones 0") {
  for (const bool stored : {false, true}) {
    Scene s(stored);
    s.keep("t", "kept");
    const auto events = s.on_subscribe("t", {.retain_as_published = false});
    REQUIRE_EQ(events.size(), 1);
    CHECK(events[0].retain);
    CHECK_FALSE(events[0].dup);
    s.keep("t", "live");
    CHECK_FALSE(s.subscriber.take_publishes().front().retain);
    s.world.check();
  }
}

TEST_CASE("The QoS of a retained message is the lower of its own and the granted one") {
  for (const bool stored : {false, true}) {
    for (unsigned kept = 0; kept <= 2; ++kept) {
      for (unsigned granted = 0; granted <= 2; ++granted) {
        Scene s(stored);
        s.keep("t", "x", kept);
        CHECK_EQ(s.on_subscribe("t", {.qos = granted}).front().qos, std::min(kept, granted));
        s.world.check();
      }
    }
  }
}

TEST_CASE("MQTT5-3.3.1-9..11 T-21: Retain Handling decides what a SUBSCRIBE brings") {
  Scene s(false);
  s.keep("t", "x");
  using mqtt::RetainHandling;
  CHECK_EQ(s.on_subscribe("t", {.retain_handling = RetainHandling::never}).size(), 0);
  CHECK_EQ(s.on_subscribe("t", {.retain_handling = RetainHandling::if_new}).size(), 0);
  CHECK_EQ(s.on_subscribe("t", {.retain_handling = RetainHandling::always}).size(), 1);
  CHECK_EQ(s.on_subscribe("t", {.retain_handling = RetainHandling::always}).size(), 1);
  s.world.unsubscribe(s.subscriber, "t");
  CHECK_EQ(s.on_subscribe("t", {.retain_handling = RetainHandling::if_new}).size(), 1);
}

TEST_CASE("U-15 T-19: a shared subscription gets no retained messages") {
  Scene s;
  s.keep("t", "x");
  CHECK(s.on_subscribe("$share/g/t").empty());
  CHECK(s.on_subscribe("$share/g/#").empty());
}

TEST_CASE("Retained messages match as live ones do, and come in the order of their topics") {
  Scene s(false);
  for (const char* topic : {"a", "a/b", "a/b/c", "a!", "ab", "b", "$x/a", "/a", "a/"}) s.keep(topic, "x", 0);
  const auto seen = [&](const char* filter) { return topics_of(s.on_subscribe(filter)); };
  using Topics = std::vector<std::string>;
  CHECK_EQ(seen("a"), Topics{"a"});
  CHECK_EQ(seen("a/b"), Topics{"a/b"});
  CHECK_EQ(seen("a/#"), Topics{"a", "a/", "a/b", "a/b/c"});
  CHECK_EQ(seen("a/+"), Topics{"a/", "a/b"});
  CHECK_EQ(seen("+"), Topics{"a", "a!", "ab", "b"});
  CHECK_EQ(seen("+/a"), Topics{"/a"});  // [MQTT5-4.7.2-1]
  CHECK_EQ(seen("#"), Topics{"/a", "a", "a!", "a/", "a/b", "a/b/c", "ab", "b"});
  CHECK_EQ(seen("$x/#"), Topics{"$x/a"});
  CHECK_EQ(seen("nothing"), Topics{});
}

TEST_CASE("MQTT5-3.3.2-5 MQTT5-3.3.2-6 T-17: retained messages age, and go when their time is over") {
  Scene s(false);
  s.keep("t", "x", 1, 10);
  s.world.advance_ms(4'999);
  CHECK_EQ(s.on_subscribe("t").front().expiry_s, 6);
  s.world.advance_ms(5'000);
  CHECK_EQ(s.on_subscribe("t").front().expiry_s, 1);
  s.world.advance_ms(1);
  CHECK(s.on_subscribe("t").empty());
  CHECK(s.world.active().retained().empty());
  s.world.check();
  s.keep("t", "short", 1, 10);
  s.keep("t", "for ever");
  s.world.advance_ms(60'000);
  CHECK_EQ(s.on_subscribe("t").size(), 1);
  CHECK_EQ(s.world.active().due().size(), 0);
  s.world.check();
}

TEST_CASE("U-39: retained messages outlive sessions and takeovers") {
  Scene s;
  s.keep("t", "x");
  s.world.lose(s.publisher);
  s.world.take_over();
  s.world.connect(s.subscriber, durable());
  CHECK_EQ(s.on_subscribe("t").size(), 1);
  s.world.check();
}

TEST_CASE("T-55: over the limit a retained message is refused, replacing and removing go on") {
  Scene s;
  s.world.policy.max_retained = 1;
  s.keep("a", "x");
  CHECK_EQ(s.world.publish(s.publisher, "b", "x", {.retain = true}).refusal, mqtt::Reason::quota_exceeded);
  CHECK_EQ(s.world.publish(s.publisher, "a", "y", {.retain = true}).refusal, mqtt::Reason::success);
  CHECK_EQ(s.world.publish(s.publisher, "b", "", {.retain = true}).refusal, mqtt::Reason::success);
  CHECK_EQ(s.world.active().retained().size(), 1);
  s.world.check();
}

TEST_CASE("T-55: over the limit of bytes a retained message is refused, a smaller one in its place is not") {
  Scene s;
  s.world.policy.max_retained_bytes = 20;
  s.keep("a", std::string(12, 'x'));
  CHECK_EQ(s.world.active().retained_bytes(), 13);
  CHECK_EQ(s.world.publish(s.publisher, "b", "1234567", {.retain = true}).refusal, mqtt::Reason::quota_exceeded);
  CHECK_EQ(s.world.publish(s.publisher, "b", "123456", {.retain = true}).refusal, mqtt::Reason::success);
  CHECK_EQ(s.world.publish(s.publisher, "a", std::string(13, 'x'), {.retain = true}).refusal,
           mqtt::Reason::quota_exceeded);
  CHECK_EQ(s.world.publish(s.publisher, "a", "x", {.retain = true}).refusal, mqtt::Reason::success);
  s.keep("b", "");
  CHECK_EQ(s.world.active().retained_bytes(), 2);
  s.world.take_over();
  CHECK_EQ(s.world.active().retained_bytes(), 2);
  s.world.check();
}

TEST_CASE("Without memory nothing more is kept, and what is there is served on") {
  Scene s;
  s.keep("a", "x");
  s.world.connect(s.subscriber, durable());
  s.world.subscribe(s.subscriber, "t");
  s.world.policy.memory_full = true;
  CHECK_EQ(s.world.publish(s.publisher, "t", "x").refusal, mqtt::Reason::quota_exceeded);
  CHECK_EQ(s.world.publish(s.publisher, "b", "x", {.retain = true}).refusal, mqtt::Reason::quota_exceeded);
  CHECK_EQ(s.world.publish(s.publisher, "t", "x", {.qos = 0}).refusal, mqtt::Reason::success);
  CHECK_EQ(s.world.publish(s.publisher, "a", "", {.retain = true}).refusal, mqtt::Reason::success);
  s.world.lose(s.subscriber);
  CHECK_EQ(s.world.connect(s.subscriber, durable()), mqtt::Reason::success);
  CHECK_EQ(s.world.connect(s.world.client(5)), mqtt::Reason::quota_exceeded);
  s.world.policy.memory_full = false;
  CHECK_EQ(s.world.publish(s.publisher, "t", "x").refusal, mqtt::Reason::success);
  s.world.check();
}

TEST_CASE("One message serves the retained store and all queues") {
  Scene s;
  s.world.subscribe(s.subscriber, "t");
  s.keep("t", "x");
  CHECK_EQ(s.world.active().messages().count(), 1);
  CHECK_EQ(s.on_subscribe("t").size(), 1);
  CHECK_EQ(s.world.active().messages().count(), 1);
  s.keep("t", "");
  CHECK_EQ(s.world.active().messages().count(), 2);  // the queues still hold both
  s.world.check();
}

}  // namespace tandem::core::test
