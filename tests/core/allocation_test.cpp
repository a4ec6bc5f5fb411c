// Matching and delivery allocate nothing once warm: a message takes the block that another one has left. Every call of
// malloc from the core and from operator new is counted (the linker sends malloc to __wrap_malloc in this program).
#include <cstdlib>
#include <new>

#include "doctest.hpp"

#include "core/apply.hpp"
#include "core/decide.hpp"
#include "core/record_codec.hpp"

namespace {
std::size_t allocations = 0;
}

extern "C" void* __real_malloc(std::size_t size);
extern "C" void* __wrap_malloc(std::size_t size) {
  ++allocations;
  return __real_malloc(size);
}

void* operator new(std::size_t size) {
  if (void* const block = std::malloc(size == 0 ? 1 : size)) return block;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
// Not inlined: GCC would see free() called for what came from operator new, and warn.
[[gnu::noinline]] void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete[](void* block) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  std::free(block);
}

namespace tandem::core::test {

namespace {

struct Setting {
  bool durable = false;  // subscribers
  unsigned qos = 1;
  std::size_t subscribers = 1;
  std::uint32_t identifier = 0;
  bool shared = false;
};

// One publisher and its subscribers, as a broker's turn drives them.
class Traffic {
 public:
  explicit Traffic(const Setting& setting) : setting_(setting) {
    policy_.allow_anonymous = true;
    log_.reserve(1 << 20);
    publisher_ = connect("publisher", 0, false);
    for (std::size_t i = 0; i < setting.subscribers; ++i) {
      Session* session = connect("subscriber" + std::to_string(i), static_cast<std::uint32_t>(i + 1), setting.durable);
      subscribers_.push_back(session);
      const std::string filter = (setting.shared ? "$share/group/" : "") + std::string(topic);
      mqtt::Subscribe packet;
      packet.packet_id = 1;
      if (setting.identifier != 0) packet.properties.subscription_identifier = setting.identifier;
      packet.requests.push_back({filter, {static_cast<mqtt::Qos>(setting.qos), false, false, {}}});
      const SubscribeVerdict verdict = decide_subscribe(state_.access(), policy_, *session, packet);
      Applying to{state_, setting.durable ? ++lsn_ : 0, now_, effects_};
      apply(to, verdict.record, 1, verdict.reasons);
      effects_.clear();
    }
  }

  // Publishes, and acknowledges everything that comes of it.
  void message() {
    mqtt::Publish packet;
    packet.topic = topic;
    packet.payload = "a payload that does not fit into a small string";
    packet.qos = static_cast<mqtt::Qos>(setting_.qos);
    packet.packet_id = setting_.qos == 0 ? std::uint16_t{0} : std::uint16_t{7};
    decide_publish(state_, policy_, *publisher_, topic, packet, verdict_);
    const std::uint64_t lsn = append(verdict_.recorded, verdict_.record);
    Applying to{state_, lsn, now_, effects_};
    apply(to, verdict_.record, packet.packet_id);
    take_ids();
    if (setting_.qos == 2) {
      Released record{publisher_->id, 7, publisher_};
      Applying then{state_, append(publisher_->durable, record), now_, effects_};
      apply(then, record);
      effects_.clear();
      acknowledge(mqtt::Type::pubrec);
      acknowledge(mqtt::Type::pubcomp);
    } else if (setting_.qos == 1) {
      acknowledge(mqtt::Type::puback);
    }
    delivered += ids_.size();
    log_.clear();
  }

  std::size_t delivered = 0;
  std::size_t messages() const { return state_.messages().count(); }

 private:
  static constexpr std::string_view topic = "a/topic/longer/than/a/small/string";

  Session* connect(const std::string& id, std::uint32_t slot, bool stored) {
    mqtt::Connect packet;
    packet.version = mqtt::Version::v5;
    packet.client_id = id;
    packet.clean_start = !stored;
    if (stored) packet.properties.session_expiry_s = 3600;
    ConnectVerdict verdict;
    decide_connect(state_, policy_, packet, "", Instant{}, verdict);
    Applying to{state_, verdict.recorded ? ++lsn_ : 0, now_, effects_};
    apply(to, verdict.record, ConnectionId{slot, 1});
    effects_.clear();
    return state_.session_of(id);
  }

  template <class R>
  std::uint64_t append(bool recorded, const R& record) {
    if (!recorded) return 0;
    encode_record(record, log_);
    return ++lsn_;
  }

  void take_ids() {
    ids_.clear();
    for (const Effect& effect : effects_.list) {
      if (effect.kind != EffectKind::publish) continue;
      if (setting_.identifier != 0) REQUIRE_EQ(effects_.identifiers[effect.list_begin], setting_.identifier);
      ids_.emplace_back(effect.to.slot - 1, effect.packet_id);
    }
    effects_.clear();
  }

  void acknowledge(mqtt::Type type) {
    for (const auto& [slot, id] : ids_) {
      Session* session = subscribers_[slot];
      mqtt::Ack packet;
      packet.type = type;
      packet.packet_id = id;
      Sequence at = 0;
      REQUIRE_EQ(decide_ack(*session, packet, at), AckMeaning::progress);
      const Acked record{session->id, id, type, false, session, at};
      Applying to{state_, append(session->durable, record), now_, effects_};
      apply(to, record);
      effects_.clear();
    }
  }

  Setting setting_;
  State state_;
  Policy policy_;
  Effects effects_;
  ByteBuffer log_;
  std::uint64_t lsn_ = 0;
  Instant now_{1'700'000'000'000};
  Session* publisher_ = nullptr;
  std::vector<Session*> subscribers_;
  std::vector<std::pair<std::uint32_t, std::uint16_t>> ids_;
  PublishVerdict verdict_;
};

// Of 400 messages inside one segment of every queue: a new segment (512 entries) is noted for the next checkpoint.
std::size_t allocations_of_400(const Setting& setting) {
  constexpr std::size_t warm_up = 2 * limits::queue_segment_entries + 10;
  static_assert(warm_up + 400 < 3 * limits::queue_segment_entries);
  Traffic traffic(setting);
  for (std::size_t i = 0; i < warm_up; ++i) traffic.message();
  traffic.delivered = 0;
  const std::size_t before = allocations;
  for (int i = 0; i < 400; ++i) traffic.message();
  const std::size_t made = allocations - before;
  REQUIRE_EQ(traffic.delivered, setting.shared ? 400 : 400 * setting.subscribers);
  REQUIRE_EQ(traffic.messages(), 0);
  return made;
}

}  // namespace

TEST_CASE("The counter counts") {
  const std::size_t before = allocations;
  const auto owned = std::make_unique<int>(1);
  CHECK_EQ(allocations - before, 1);
}

TEST_CASE("Clean sessions: no allocation a message, at any QoS, for one or many subscribers") {
  for (unsigned qos = 0; qos <= 2; ++qos) {
    INFO(qos);
    CHECK_EQ(allocations_of_400({.qos = qos}), 0);
    CHECK_EQ(allocations_of_400({.qos = qos, .subscribers = 20}), 0);
    CHECK_EQ(allocations_of_400({.qos = qos, .subscribers = 3, .identifier = 9}), 0);
    CHECK_EQ(allocations_of_400({.qos = qos, .subscribers = 3, .shared = true}), 0);
  }
}

TEST_CASE("Durable sessions: no allocation a message, however many queues hold it") {
  for (unsigned qos = 1; qos <= 2; ++qos) {
    INFO(qos);
    CHECK_EQ(allocations_of_400({.durable = true, .qos = qos}), 0);
    CHECK_EQ(allocations_of_400({.durable = true, .qos = qos, .subscribers = 20}), 0);
    CHECK_EQ(allocations_of_400({.durable = true, .qos = qos, .subscribers = 3, .identifier = 9}), 0);
    CHECK_EQ(allocations_of_400({.durable = true, .qos = qos, .subscribers = 3, .shared = true}), 0);
  }
  CHECK_EQ(allocations_of_400({.durable = true, .qos = 0}), 0);
}

}  // namespace tandem::core::test
