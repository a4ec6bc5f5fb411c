// Who gets a message, at which QoS, with which flags.
#include "doctest.hpp"
#include "mqtt/topic.hpp"
#include "random.hpp"
#include "tests/covers.hpp"
#include "world.hpp"

namespace tandem::core::test {

namespace {

// Everything twice: for transient and for durable subscribers.
struct Scene {
  World world;
  Client& subscriber = world.client(0);
  Client& publisher = world.client(1);

  explicit Scene(bool stored) {
    world.connect(subscriber, stored ? durable() : ConnectOptions{});
    world.connect(publisher);
  }
  Event only(const std::string& topic, const PublishOptions& options) {
    subscriber.take();
    world.publish(publisher, topic, "x", options);
    const auto events = subscriber.take_publishes();
    REQUIRE_EQ(events.size(), 1);
    if (events[0].qos == 1) world.ack(subscriber, mqtt::Type::puback, events[0].packet_id);
    return events[0];
  }
};

}  // namespace

TEST_CASE("MQTT5-3.3.4-2 MQTT5-3.3.4-4 T-26: overlapping subscriptions give one copy: highest QoS, all identifiers") {
  COVERS("MQTT311-3.3.5-1");
  for (const bool stored : {false, true}) {
    Scene s(stored);
    s.world.subscribe(s.subscriber, "a/b", {.qos = 0, .identifier = 7});
    s.world.subscribe(s.subscriber, "a/+", {.qos = 2, .identifier = 300});
    s.world.subscribe(s.subscriber, "#", {.qos = 1});
    s.world.subscribe(s.subscriber, "other", {.qos = 1, .identifier = 9});
    Event got = s.only("a/b", {.qos = 1});
    CHECK_EQ(got.qos, 1);
    std::sort(got.identifiers.begin(), got.identifiers.end());
    CHECK_EQ(got.identifiers, std::vector<std::uint32_t>{7, 300});
    got = s.only("a/b", {.qos = 2});
    CHECK_EQ(got.qos, 2);
    s.world.check();
  }
}

TEST_CASE("Identifiers stay with a queued message, one or several, across an image and a takeover") {
  World world;
  Client& a = world.client(0);
  world.connect(a, durable());
  world.subscribe(a, "one", {.identifier = 1});
  world.subscribe(a, "+", {.identifier = 2});
  world.subscribe(a, "deep/er", {.identifier = 0x0FFFFFFF});
  world.lose(a);
  world.connect(world.client(1));
  world.publish(world.client(1), "one", "a");
  world.publish(world.client(1), "deep/er", "b");
  world.publish(world.client(1), "two", "c");
  world.take_over();
  world.connect(a, durable());
  const auto events = a.take_publishes();
  REQUIRE_EQ(events.size(), 3);
  CHECK_EQ(events[0].identifiers.size(), 2);
  CHECK_EQ(events[1].identifiers, std::vector<std::uint32_t>{0x0FFFFFFF});
  CHECK_EQ(events[2].identifiers, std::vector<std::uint32_t>{2});
  world.check();
}

TEST_CASE("MQTT5-3.8.4-8 T-42: the delivery QoS is the lower of the two, never upgraded") {
  for (const bool stored : {false, true}) {
    for (unsigned granted = 0; granted <= 2; ++granted) {
      for (unsigned published = 0; published <= 2; ++published) {
        Scene s(stored);
        s.world.subscribe(s.subscriber, "t", {.qos = granted});
        CHECK_EQ(s.only("t", {.qos = published}).qos, std::min(granted, published));
      }
    }
  }
}

TEST_CASE("MQTT5-3.8.3-3: No Local keeps a client's own messages from it, other subscriptions do not") {
  for (const bool stored : {false, true}) {
    Scene s(stored);
    s.world.subscribe(s.subscriber, "t", {.no_local = true});
    s.subscriber.take();
    s.world.publish(s.subscriber, "t", "own");
    CHECK(s.subscriber.take_publishes().empty());
    CHECK_EQ(s.only("t", {}).payload, "x");
    s.world.subscribe(s.subscriber, "+", {.qos = 0});
    s.subscriber.take();
    s.world.publish(s.subscriber, "t", "own");
    const auto events = s.subscriber.take_publishes();
    REQUIRE_EQ(events.size(), 1);
    CHECK_EQ(events[0].qos, 0);
    s.world.check();
  }
}

TEST_CASE("MQTT5-3.8.3-4 T-25: No Local on a shared subscription is a protocol error") {
  Scene s(true);
  CHECK_EQ(s.world.subscribe(s.subscriber, "$share/g/t", {.no_local = true}).front(), mqtt::Reason::protocol_error);
}

TEST_CASE("MQTT5-3.3.1-12 MQTT5-3.3.1-13 MQTT311-3.3.1-9: RETAIN is kept only as published") {
  for (const bool stored : {false, true}) {
    Scene s(stored);
    s.world.subscribe(s.subscriber, "t");
    CHECK_FALSE(s.only("t", {.retain = true}).retain);
    s.world.subscribe(s.subscriber, "t", {.retain_as_published = true, .retain_handling = mqtt::RetainHandling::never});
    CHECK(s.only("t", {.retain = true}).retain);
    CHECK_FALSE(s.only("t", {.retain = false}).retain);
    s.world.check();
  }
}

TEST_CASE("MQTT5-3.8.4-3: the same filter again replaces the subscription") {
  Scene s(true);
  s.world.subscribe(s.subscriber, "t", {.qos = 2, .identifier = 1});
  const std::uint64_t joined = s.world.session(s.subscriber)->subscriptions.find("t")->second.joined;
  s.world.subscribe(s.subscriber, "t", {.qos = 0});
  CHECK_EQ(s.world.session(s.subscriber)->subscriptions.size(), 1);
  CHECK_EQ(s.world.session(s.subscriber)->subscriptions.find("t")->second.joined, joined);
  CHECK_EQ(s.world.active().routing().size(), 1);
  const Event got = s.only("t", {.qos = 2});
  CHECK_EQ(got.qos, 0);
  CHECK(got.identifiers.empty());
  s.world.check();
}

TEST_CASE("MQTT5-3.10.4-1..3: UNSUBSCRIBE removes exactly its filter; what was begun is finished") {
  COVERS("MQTT5-3.10.4-3");
  Scene s(true);
  s.world.subscribe(s.subscriber, "a/+");
  s.world.subscribe(s.subscriber, "a/b");
  s.world.publish(s.publisher, "a/b", "begun", {.qos = 2});
  CHECK_EQ(s.world.unsubscribe(s.subscriber, "a/#").front(), mqtt::Reason::no_subscription_existed);
  CHECK_EQ(s.world.unsubscribe(s.subscriber, "a/+").front(), mqtt::Reason::success);
  CHECK_EQ(s.world.unsubscribe(s.subscriber, "a/b").front(), mqtt::Reason::success);
  CHECK_EQ(s.world.unsubscribe(s.subscriber, "a/b").front(), mqtt::Reason::no_subscription_existed);
  s.world.publish(s.publisher, "a/b", "too late");
  CHECK_EQ(s.world.drain(s.subscriber), std::vector<std::string>{"begun"});
  CHECK_EQ(s.world.session(s.subscriber)->queue.size(), 0);
  s.world.check();
}

TEST_CASE("MQTT5-3.8.4-7: filters that are wrong or too many fail alone") {
  World world;
  world.policy.max_subscriptions_per_session = 2;
  Client& a = world.client(0);
  world.connect(a, durable());
  const auto reason = [&](const std::string& filter) { return world.subscribe(a, filter, {.qos = 1}).front(); };
  CHECK_EQ(reason("a/#/b"), mqtt::Reason::topic_filter_invalid);
  CHECK_EQ(reason("a+"), mqtt::Reason::topic_filter_invalid);
  CHECK_EQ(reason("$share/g"), mqtt::Reason::topic_filter_invalid);
  CHECK_EQ(reason("$share//f"), mqtt::Reason::topic_filter_invalid);
  CHECK_EQ(reason("$share/g/"), mqtt::Reason::topic_filter_invalid);
  CHECK_EQ(reason("$share/+/f"), mqtt::Reason::topic_filter_invalid);
  CHECK_EQ(reason("a"), mqtt::Reason::granted_qos1);
  CHECK_EQ(reason("b"), mqtt::Reason::granted_qos1);
  CHECK_EQ(reason("c"), mqtt::Reason::quota_exceeded);
  CHECK_EQ(reason("a"), mqtt::Reason::granted_qos1);
  world.check();
}

TEST_CASE("U-23: a publisher learns that nobody matched") {
  Scene s(false);
  s.publisher.take();
  s.world.publish(s.publisher, "t", "x");
  CHECK_EQ(s.publisher.take().front().reason, mqtt::Reason::no_matching_subscribers);
  s.world.subscribe(s.subscriber, "t");
  s.world.publish(s.publisher, "t", "x");
  CHECK_EQ(s.publisher.take().front().reason, mqtt::Reason::success);
}

TEST_CASE("Routing finds what topic_matches finds, in the order of sessions") {
  static const std::string levels[] = {"a", "b", "", "$x", "+", "#"};
  Random random(5);
  const auto some = [&](bool filter) {
    std::string text;
    const std::uint64_t depth = 1 + random.below(4);
    for (std::uint64_t i = 0; i < depth; ++i) {
      if (i != 0) text += '/';
      text += levels[random.below(filter ? 6 : 4)];
      if (text.ends_with('#')) break;
    }
    return text;
  };
  State state;
  std::vector<Session*> sessions;
  for (SessionId id = 1; id <= 5; ++id) sessions.push_back(&state.add_session(id, "c" + std::to_string(id), true));
  for (int step = 0; step < 3000; ++step) {
    Session& session = *random.of(sessions);
    const std::string filter = some(true);
    if (!mqtt::valid_topic_filter(filter)) continue;
    bool existed = false;
    if (random.one_in(3))
      state.remove_subscription(session, filter);
    else
      state.put_subscription(session, filter, {}, 0, existed);
    // Some of them were looked up before this change, and are remembered.
    for (int look = 0; look < 3; ++look) {
      const std::string topic = some(false);
      if (topic.empty()) continue;
      std::vector<std::pair<SessionId, std::size_t>> expected;
      for (const Session* each : sessions) {
        std::size_t count = 0;
        for (const auto& [f, sub] : each->subscriptions) count += mqtt::topic_matches(f, topic) ? 1U : 0U;
        if (count != 0) expected.emplace_back(each->id, count);
      }
      std::vector<std::pair<SessionId, std::size_t>> found;
      for (const Target& target : state.routing().match(topic).targets) {
        found.emplace_back(target.session->id, target.others_count + 1);
      }
      REQUIRE_EQ(found.size(), expected.size());
      REQUIRE((found == expected));
    }
  }
  for (Session* session : sessions) {
    while (!session->subscriptions.empty()) state.remove_subscription(*session, session->subscriptions.begin()->first);
  }
  CHECK_EQ(state.routing().size(), 0);
  CHECK(recompute_digest(state) == state.digest());
}

TEST_CASE("A look-up is not made anew for subscriptions that have nothing to do with its topic") {
  State state;
  Session& session = state.add_session(1, "c", true);
  bool existed = false;
  state.put_subscription(session, "plant/line/+", {}, 0, existed);
  const auto walks = [&](std::string_view filter) {
    state.routing().match("plant/line/7");
    const std::uint64_t before = state.routing().visited();
    if (!state.remove_subscription(session, filter)) state.put_subscription(session, filter, {}, 0, existed);
    CHECK_EQ(state.routing().match("plant/line/7").targets.size(), 1);
    return state.routing().visited() != before;
  };
  for (const char* filter :
       {"other/line/7", "plant/other/#", "plant/other", "$share/g/plant/other/+", "other/+", "x"}) {
    CAPTURE(filter);
    CHECK_FALSE(walks(filter));
    CHECK_FALSE(walks(filter));
  }
  for (const char* filter :
       {"plant/line/7", "plant/line/#", "plant/#", "plant/+/7", "+/line/7", "#", "$share/g/+/+/7"}) {
    CAPTURE(filter);
    CHECK(walks(filter));
    CHECK(walks(filter));
  }
}

TEST_CASE("Look-ups outlive a client that comes, unless its subscriptions are of another user now") {
  State state;
  Session& subscriber = state.add_session(1, "subscriber", true);
  bool existed = false;
  state.put_subscription(subscriber, "plant/line/+", {}, 0, existed);
  Session& other = state.add_session(2, "other", true);
  const auto walks = [&](Session& session, const char* username) {
    state.routing().match("plant/line/7");
    const std::uint64_t before = state.routing().visited();
    state.edit_session(session, [&](Session& s) { s.username = username; });
    CHECK_EQ(state.routing().match("plant/line/7").targets.size(), 1);
    return state.routing().visited() != before;
  };
  CHECK_FALSE(walks(other, "user"));
  CHECK(walks(subscriber, "user"));
  CHECK_FALSE(walks(subscriber, "user"));
}

TEST_CASE("The cache of look-ups is bounded and forgets the oldest topic, not the answer") {
  State state;
  Session& session = state.add_session(1, "c", true);
  bool existed = false;
  state.put_subscription(session, "t/#", {}, 0, existed);
  for (int i = 0; i < 150'000; ++i) REQUIRE_EQ(state.routing().match("t/" + std::to_string(i)).targets.size(), 1);
  state.remove_subscription(session, "t/#");
  for (int i = 0; i < 150'000; i += 1000) REQUIRE(state.routing().match("t/" + std::to_string(i)).targets.empty());
}

TEST_CASE("Topics that find the cache of look-ups full drive out others when they are asked for often, not by number") {
  State state;
  Session& session = state.add_session(1, "c", true);
  bool existed = false;
  state.put_subscription(session, "t/#", {}, 0, existed);
  const auto walks = [&](int number) {
    const std::uint64_t before = state.routing().visited();
    CHECK_EQ(state.routing().match("t/" + std::to_string(number)).targets.size(), 1);
    return state.routing().visited() != before;
  };
  for (int i = 0; i < 100'000; ++i) walks(i);
  int walked = 0;
  for (int i = 0; i < 100'000; ++i) walked += walks(i) ? 1 : 0;
  CHECK_GT(walked, 34'000);  // what there is no room for
  CHECK_LT(walked, 35'000);
  CHECK(walks(200'000));
  CHECK(walks(200'001));
  CHECK(walks(200'000));
  CHECK_FALSE(walks(200'000));
}

TEST_CASE("Long topics are bounded by their bytes, and the cache is of use again after them") {
  State state;
  Session& session = state.add_session(1, "c", true);
  bool existed = false;
  state.put_subscription(session, "t/#", {}, 0, existed);
  const std::string long_one = "t/" + std::string(60'000, 'x');
  for (int i = 0; i < 2'000; ++i) state.routing().match(long_one + std::to_string(i / 2));
  for (int i = 0; i < 2; ++i) {
    state.routing().match("t/short");
    state.routing().match("t/other");
  }
  const std::uint64_t before = state.routing().visited();
  CHECK_EQ(state.routing().match("t/short").targets.size(), 1);
  CHECK_EQ(state.routing().visited(), before);
}

TEST_CASE("What a publisher remembers of a topic that did not get into the cache is not taken for another's") {
  State state;
  Session& publisher = state.add_session(1, "p", true);
  Session& session = state.add_session(2, "c", true);
  bool existed = false;
  state.put_subscription(session, "a", {}, 0, existed);
  for (int i = 0; i < 70'000; ++i) state.routing().match("t/" + std::to_string(i));
  CHECK_EQ(state.routing().match("a", publisher.recent).targets.size(), 1);
  publisher.recent.write_asked_in = 7;
  CHECK_EQ(state.routing().match("a", publisher.recent).targets.size(), 1);
  CHECK_EQ(publisher.recent.write_asked_in, 7);
  CHECK(state.routing().match("b").targets.empty());
  CHECK(state.routing().match("b", publisher.recent).targets.empty());
  CHECK_EQ(publisher.recent.write_asked_in, 0);
  CHECK_EQ(state.routing().match("a", publisher.recent).targets.size(), 1);
}

TEST_CASE("The look-up that a publisher remembers follows its topic, changes of subscriptions and evictions") {
  State state;
  Session& publisher = state.add_session(1, "p", true);
  Session& session = state.add_session(2, "c", true);
  bool existed = false;
  const auto targets = [&](std::string_view topic) {
    return state.routing().match(topic, publisher.recent).targets.size();
  };
  CHECK_EQ(targets("a"), 0);
  state.put_subscription(session, "a", {}, 0, existed);
  CHECK_EQ(targets("a"), 1);
  CHECK_EQ(targets("b"), 0);
  state.put_subscription(session, "+", {}, 0, existed);
  CHECK_EQ(targets("b"), 1);
  state.remove_subscription(session, "a");
  CHECK_EQ(targets("a"), 1);
  for (int i = 0; i < 140'000; ++i) state.routing().match("t/" + std::to_string(i / 2));
  CHECK_EQ(targets("a"), 1);
  state.remove_session(session);
  CHECK_EQ(targets("a"), 0);
}

}  // namespace tandem::core::test
