// Splits at random from fixed seeds: two actives with a common past, clients that wander between them, then the merging
// of one log into the other, interrupted and repeated, while clients go on. What was acknowledged must reach its
// durable subscribers, and who had acknowledged a message does not get it again.
#include <set>

#include "disk.hpp"
#include "doctest.hpp"
#include "random.hpp"
#include "split.hpp"

namespace tandem::core::test {

namespace {

using Copy = std::pair<std::string, std::string>;  // client id, payload

// Notes who is owed what, as messages are distributed on a side.
class Ledger final : public Observer {
 public:
  explicit Ledger(World& world) : world_(world) { world.observer = this; }
  ~Ledger() override { world_.observer = nullptr; }

  void before_message(const MessageView& message, SessionId publisher, const std::vector<SharedPick>& picks) override {
    const std::string payload(message.payload);
    if (message.qos == mqtt::Qos::at_most_once || payload.empty()) return;
    taken.insert(payload);
    const Match& match = world_.active().routing().match(message.topic);
    for (const Target& target : match.targets) {
      if (!target.session->durable || !wants(target, match, publisher)) continue;
      owed.insert({target.session->client_id, payload});
    }
    for (const SharedPick& pick : picks) {
      if ((pick.session & transient_bit) == 0) owed_to_group.insert({std::string(pick.filter), payload});
    }
  }
  void after_message(const MessageView&, SessionId, const std::vector<SharedPick>&) override {}
  void on_due(const Record&) override {}

  std::set<Copy> owed;
  std::set<Copy> owed_to_group;
  std::set<std::string> taken;

 private:
  static bool wants(const Target& target, const Match& match, SessionId publisher) {
    for (std::uint32_t i = 0; i <= target.others_count; ++i) {
      const Subscription& s = i == 0 ? *target.first : *match.others[target.others_begin + i - 1];
      if (s.options.qos != mqtt::Qos::at_most_once && !(s.options.no_local && target.session->id == publisher))
        return true;
    }
    return false;
  }
  World& world_;
};

// One side's clients in action.
struct Side {
  explicit Side(World& w) : world(w), ledger(w) {}
  World& world;
  Ledger ledger;
  std::set<Copy> received;      // any PUBLISH
  std::set<Copy> acknowledged;  // PUBACK or PUBREC was sent
  std::set<std::string> visited;
};

// A client's QoS 2 publishes that wait for their PUBREL, whichever side has them.
struct Outbound {
  std::string topic;
  std::string payload;
  bool taken = false;  // PUBREC came: never sent as PUBLISH again
};

struct Manner {
  bool trimmed = false;  // the loser's log does not reach back to the fork: its State speaks for the rest
  bool chaos = false;    // sessions end, filters go, wills: only agreement and "once" are checked
};

class SplitLife {
 public:
  SplitLife(std::uint64_t seed, const Manner& manner) : random_(seed), manner_(manner), pair_(clients) {}

  void run() {
    World& w = *pair_.winner;
    w.policy.max_queue_messages = 10'000;
    w.policy.v3_in_flight = 8;
    for (std::size_t i = 0; i + 2 < clients; ++i) {  // two more come and go without a session
      w.connect(w.client(i), durable(never_expires));
      subscribe(w, w.client(i), i);
    }
    {
      Side common(w);
      for (int i = 0; i < 60; ++i) act(common);
      keep(common);
    }
    pair_.split();
    common_payloads_ = next_payload_;
    if (random_.one_in(2)) w.begin_reign();
    const std::string at_fork = describe(pair_.loser->active());
    {
      Side winner(w);
      Side loser(*pair_.loser);
      const std::uint64_t steps = random_.below(250);
      for (std::uint64_t i = 0; i < steps; ++i) act(random_.one_in(2) ? winner : loser);
      loser_ = {loser.received, loser.acknowledged};
      taken_by_loser_ = loser.ledger.taken;
      keep(winner);
      loser_owed_ = loser.ledger.owed;
      loser_owed_to_group_ = loser.ledger.owed_to_group;
      loser.ledger.owed.clear();
      loser.ledger.owed_to_group.clear();
      keep(loser);
    }
    merge();
    for (const Copy& copy : loser_owed_) {
      if (!taken_by_both_.contains(copy.second)) owed_.insert(copy);
    }
    for (const Copy& copy : loser_owed_to_group_) {
      if (!taken_by_both_.contains(copy.second)) owed_to_group_.insert(copy);
    }
    settle();
    if (failed_) MESSAGE(story_);
  }

 private:
  static constexpr std::size_t clients = 7;

  void fail(const std::string& what) {
    failed_ = true;
    story_ += what + "\n";
    FAIL_CHECK(what);
  }

  void tell(const World& world, const Client& client, const std::string& what) {
    story_ += (&world == pair_.winner.get() ? "winner " : "loser ") + std::to_string(world.last_lsn()) + " " +
              client.id + " " + what + "\n";
  }

  std::vector<std::string> topics = {"a", "a/b", "b", "c"};
  std::vector<std::string> filters = {"a", "a/#", "+/b", "b", "#", "c"};
  std::vector<std::string> shared_filters = {"$share/g/a/#", "$share/h/b"};

  void keep(Side& side) {
    if (&side.world == pair_.winner.get()) {
      for (const std::string& payload : side.ledger.taken) {
        if (taken_by_loser_.contains(payload)) taken_by_both_.insert(payload);
      }
      if (pair_.loser) visited_winner_.insert(side.visited.begin(), side.visited.end());
    }
    owed_.insert(side.ledger.owed.begin(), side.ledger.owed.end());
    owed_to_group_.insert(side.ledger.owed_to_group.begin(), side.ledger.owed_to_group.end());
    received_.insert(side.received.begin(), side.received.end());
    acknowledged_.insert(side.acknowledged.begin(), side.acknowledged.end());
    side.world.end_turn();
  }

  SubscribeOptions some_subscription() {
    SubscribeOptions o;
    o.qos = static_cast<unsigned>(manner_.chaos ? random_.below(3) : 1 + random_.below(2));
    o.no_local = manner_.chaos && random_.one_in(6);
    o.retain_handling = mqtt::RetainHandling::never;
    if (random_.one_in(3)) o.identifier = static_cast<std::uint32_t>(1 + random_.below(9));
    return o;
  }

  ConnectOptions some_options(std::size_t client) {
    ConnectOptions o = durable(never_expires);
    if (client + 2 >= clients) o = ConnectOptions{};
    if (manner_.chaos) {
      static constexpr std::uint32_t expiries[] = {0, 5, 60, never_expires};
      o.expiry_s = random_.pick(expiries, 4);
      o.clean_start = random_.one_in(4);
      if (random_.one_in(3)) {
        static constexpr std::uint32_t delays[] = {0, 3, 100};
        o.will = WillOptions{random_.of(topics), "will" + std::to_string(next_payload_++), 1, random_.one_in(3),
                             random_.pick(delays, 3)};
      }
    }
    if (random_.one_in(3)) o.receive_maximum = static_cast<std::uint16_t>(1 + random_.below(5));
    return o;
  }

  void act(Side& side) {
    if (random_.one_in(2)) pair_.advance_ms(static_cast<std::int64_t>(1 + random_.below(manner_.chaos ? 4000 : 20)));
    const std::size_t index = random_.below(clients);
    Client& client = side.world.client(index);
    const std::uint64_t what = random_.below(100);
    if (!client.connected()) {
      if (what < 30) arrive(side, index);
    } else if (what < 10) {
      leave(side, client);
    } else if (what < 20) {
      if (index + 2 < clients) subscribe(side.world, client, index);
    } else if (what < 65) {
      read(side, client);
    } else {
      publish(side, client, index);
    }
    if (random_.one_in(3)) side.world.end_turn();
  }

  void leave(Side& side, Client& client) {
    tell(side.world, client, "leaves");
    if (random_.one_in(2))
      side.world.lose(client);
    else
      side.world.disconnect(client);
  }

  // Some clients have plain subscriptions, the others shared ones that do not overlap: so none is owed a message twice.
  void subscribe(World& world, Client& client, std::size_t index) {
    const std::string filter = index < 3 ? random_.of(filters) : random_.of(shared_filters);
    SubscribeOptions options = some_subscription();
    if (index >= 3) options.no_local = false;
    const bool off = manner_.chaos && random_.one_in(3);
    tell(world, client, (off ? "unsubscribes " : "subscribes ") + filter);
    if (off)
      world.unsubscribe(client, filter);
    else
      world.subscribe(client, filter, options);
  }

  // A client is at one side at a time; the other may not have noticed that it left.
  void arrive(Side& side, std::size_t index) {
    for (World* world : {pair_.winner.get(), pair_.loser.get()}) {
      if (world == nullptr || world == &side.world || !world->client(index).connected()) continue;
      world->client(index).events.clear();
      world->lose(world->client(index));
    }
    Client& client = side.world.client(index);
    tell(side.world, client, "connects");
    const ConnectOptions options = some_options(index);
    const bool may_end = options.clean_start || options.expiry_s != never_expires;
    if (&side.world == pair_.loser.get() && may_end) ended_at_loser_.insert(client.id);
    side.world.connect(client, options);
    side.visited.insert(client.id);
    if (manner_.chaos || index + 2 >= clients) {
      outbound_[index].clear();
      return;
    }
    std::erase_if(outbound_[index], [](const auto& flow) { return flow.second.payload.empty(); });
    for (auto& [id, message] : outbound_[index]) resend(side, client, id, message);
  }

  void resend(Side& side, Client& client, std::uint16_t id, Outbound& message) {
    tell(side.world, client,
         (message.taken ? "releases " : "repeats ") + message.payload + " id " + std::to_string(id));
    if (message.taken) {
      side.world.pubrel(client, id);
      message.payload.clear();
      return;
    }
    PublishOptions o;
    o.qos = 2;
    o.packet_id = id;
    side.world.publish(client, message.topic, message.payload, o);
  }

  void publish(Side& side, Client& client, std::size_t index) {
    PublishOptions o;
    o.qos = static_cast<unsigned>(random_.below(3));
    o.retain = o.qos != 2 && random_.one_in(5);
    const std::string topic = random_.of(topics);
    const std::string payload = o.retain && random_.one_in(5) ? "" : "m" + std::to_string(next_payload_++);
    if (o.qos == 2) {
      std::map<std::uint16_t, Outbound>& open = outbound_[index];
      o.packet_id = static_cast<std::uint16_t>(1 + random_.below(12));
      const auto known = open.find(o.packet_id);
      if (known != open.end() && !known->second.payload.empty()) {  // goes on with that one
        if (random_.one_in(2)) known->second.taken = true;
        resend(side, client, o.packet_id, known->second);
        return;
      }
      open[o.packet_id] = {topic, payload, random_.one_in(2)};
    }
    tell(side.world, client,
         "publishes " + payload + " on " + topic + " qos " + std::to_string(o.qos) + " id " +
             std::to_string(o.packet_id));
    note_retained(side, topic, payload, o, side.world.publish(client, topic, payload, o));
  }

  void note_retained(Side& side, const std::string& topic, const std::string& payload, const PublishOptions& o,
                     const Published1& result) {
    if (!o.retain || result.refusal != mqtt::Reason::success) return;
    const bool at_winner = &side.world == pair_.winner.get();
    auto& [time, ours, value] = retained_[topic];
    const Instant now = side.world.now();
    if (now > time || (now == time && (at_winner || !ours))) {
      time = now;
      ours = at_winner;
      value = payload;
    }
  }

  // Some of what came is read; some of that is acknowledged.
  void read(Side& side, Client& client) {
    for (const Event& event : client.take()) {
      if (event.kind == EffectKind::publish) {
        got(side, client, event);
        if (event.qos == 0 || random_.one_in(4)) continue;
        side.acknowledged.insert({client.id, event.payload});
        tell(side.world, client, "acknowledges " + event.payload);
        side.world.ack(client, event.qos == 1 ? mqtt::Type::puback : mqtt::Type::pubrec, event.packet_id);
      } else if (event.kind == EffectKind::ack && event.ack == mqtt::Type::pubrel && !random_.one_in(4)) {
        side.world.ack(client, mqtt::Type::pubcomp, event.packet_id);
      }
    }
  }

  // What the client had acknowledged to the loser, the winner must not give it again. (What its publisher sent to both
  // sides, both gave: the duplicate that a split permits. Of the common past it may, if
  // both sides had it in the queue and the client was at both.)
  void got(Side& side, const Client& client, const Event& event) {
    side.received.insert({client.id, event.payload});
    tell(side.world, client, "gets " + event.payload);
    if (!merged_ || event.payload.empty() || taken_by_both_.contains(event.payload)) return;
    const bool common = number_of(event.payload) < common_payloads_;
    const bool forgotten = ended_at_loser_.contains(client.id);  // with its subscriptions: nobody knows who had what
    if (!event.dup && !forgotten && loser_.second.contains({client.id, event.payload}) &&
        !(common && visited_winner_.contains(client.id))) {
      fail(client.id + " gets " + event.payload + " again");
    }
    if (acknowledged_after_.contains({client.id, event.payload}) && !manner_.chaos) {
      fail(client.id + " gets " + event.payload + " twice from the winner");
    }
    acknowledged_after_.insert({client.id, event.payload});
  }

  static std::uint64_t number_of(const std::string& payload) {
    return std::stoull(payload.substr(payload.starts_with("will") ? 4 : 1));
  }

  void merge() {
    World& w = *pair_.winner;
    const std::vector<TailFact> facts = tail();
    story_ += "merge\n";
    const std::uint64_t rounds = random_.below(4);
    MergeReport report;
    for (std::uint64_t round = 0; round < rounds; ++round) {
      some_facts(facts, random_.below(facts.size() + 1), report);
      if (random_.one_in(3)) {
        w.take_over(random_.one_in(2) ? from_image(w) : nullptr);
      } else if (random_.one_in(3)) {
        w.begin_reign();
      }
      Side meanwhile(w);  // the winner's clients go on
      for (std::uint64_t i = random_.below(40); i != 0; --i) act(meanwhile);
      keep(meanwhile);
    }
    some_facts(facts, facts.size(), report);
    if (!facts.empty()) CHECK(report.complete);
    CHECK_EQ(report.refused, 0);
    MergeReport repeated;
    const std::string before = describe(w.active());
    some_facts(facts, facts.size(), repeated);
    CHECK_EQ(repeated.already, facts.size());
    CHECK_EQ(describe(w.active()), before);
    w.check();
    const auto image = from_image(w);
    CHECK_EQ(describe(*image), describe(w.active()));
    CHECK(image->digest() == w.active().digest());
    CHECK(image->due() == w.active().due());
    State replayed;
    for (const Batch& batch : w.log()) replay(replayed, batch);
    CHECK(replayed.digest() == w.active().digest());
    if (!manner_.chaos) check_retained();
    merged_ = true;
  }

  std::vector<TailFact> tail() {
    World& l = *pair_.loser;
    l.end_turn();
    const std::uint64_t length = l.last_lsn() - pair_.common.value;
    if (!manner_.trimmed || length == 0) return tail_of(l, pair_.common, pair_.common.next());
    const Lsn cut{pair_.common.value + 1 + random_.below(length)};
    story_ += "cut at " + std::to_string(cut.value) + "\n";
    return trimmed_tail_of(l, pair_.common, cut);
  }

  void some_facts(const std::vector<TailFact>& facts, std::size_t count, MergeReport& report) {
    World& w = *pair_.winner;
    ForkIndex fork = index_of(w, pair_.common);
    for (std::size_t i = 0; i < count; ++i) {
      w.merge(fork, facts[i], report);
      if (random_.one_in(6)) w.end_turn();
    }
    w.end_turn();
  }

  static std::unique_ptr<State> from_image(World& world) {
    world.end_turn();
    State copy;  // a checkpoint can be taken once of each State
    for (const Batch& batch : world.log()) replay(copy, batch);
    Disk disk;
    disk.begin(copy, world.log().size());
    while (!disk.step(7)) {
    }
    return disk.load();
  }

  void check_retained() {
    for (const auto& [topic, newest] : retained_) {
      const auto found = pair_.winner->active().retained().find(topic);
      const std::string value =
          found == pair_.winner->active().retained().end() ? "" : std::string(found->second.message->view().payload);
      const auto& [time, ours, expected] = newest;
      if (manner_.trimmed && !ours && expected.empty()) continue;  // State does not know what it has lost
      CHECK_EQ(value, expected);
    }
  }

  void settle() {
    World& w = *pair_.winner;
    Side after(w);
    for (std::size_t i = 0; i + 2 < clients; ++i) {
      Client& client = w.client(i);
      ConnectOptions options = durable(never_expires);
      options.receive_maximum = std::nullopt;
      if (manner_.chaos && random_.one_in(2)) continue;
      w.connect(client, options);
      for (int idle = 0; idle < 200 && !client.events.empty(); ++idle) {
        for (const Event& event : client.take()) {
          if (event.kind == EffectKind::publish) {
            got(after, client, event);
            if (event.qos == 1) w.ack(client, mqtt::Type::puback, event.packet_id);
            if (event.qos == 2) w.ack(client, mqtt::Type::pubrec, event.packet_id);
          } else if (event.kind == EffectKind::ack && event.ack == mqtt::Type::pubrel) {
            w.ack(client, mqtt::Type::pubcomp, event.packet_id);
          }
        }
      }
    }
    w.check();
    received_.insert(after.received.begin(), after.received.end());
    if (manner_.chaos) return;
    for (const Copy& copy : owed_) {
      if (!received_.contains(copy)) fail(copy.first + " never gets " + copy.second);
    }
    for (const auto& [group, payload] : owed_to_group_) {
      bool any = false;
      for (std::size_t i = 0; i < clients; ++i) any = any || received_.contains({w.client(i).id, payload});
      if (!any) fail("nobody of " + group + " gets " + payload);
    }
  }

  std::string story_;
  bool failed_ = false;
  Random random_;
  Manner manner_;
  Split pair_;
  std::uint64_t next_payload_ = 1;
  std::uint64_t common_payloads_ = 0;
  bool merged_ = false;
  std::map<std::uint16_t, Outbound> outbound_[clients];
  std::map<std::string, std::tuple<Instant, bool, std::string>> retained_;
  std::set<Copy> owed_, owed_to_group_, received_, acknowledged_, acknowledged_after_;
  std::pair<std::set<Copy>, std::set<Copy>> loser_;  // received, acknowledged there
  std::set<std::string> visited_winner_;
  std::set<std::string> ended_at_loser_;
  std::set<std::string> taken_by_loser_;
  std::set<Copy> loser_owed_, loser_owed_to_group_;
  std::set<std::string> taken_by_both_;  // QoS 2 messages that their publisher sent to either side
};

}  // namespace

TEST_CASE("random splits: what was acknowledged arrives, once; a merge that is repeated changes nothing") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    SplitLife(seed, {}).run();
  }
}

TEST_CASE("random splits with sessions that end, filters that go, wills: the winner's boxes agree") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    SplitLife(seed, {false, true}).run();
  }
}

TEST_CASE("random splits, the loser's log trimmed: what still waited there arrives, once; repeated, nothing changes") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    SplitLife(seed, {true, false}).run();
  }
}

TEST_CASE("random splits with everything, the loser's log trimmed: the winner's boxes agree") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    SplitLife(seed, {true, true}).run();
  }
}

}  // namespace tandem::core::test
