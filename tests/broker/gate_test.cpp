// The gate's order: what may pass by passes what waits, but never something of its own kind.
#include "broker/gate.hpp"

#include <string>

#include "base/limits.hpp"
#include "broker/effect_writer.hpp"
#include "tests/broker/fake_client.hpp"

#undef CHECK  // base/check.hpp's; in tests it is doctest's
#include <doctest/doctest.h>

namespace tandem::broker {

namespace {

struct Scene {
  Scene() { connections.add(client); }
  void put(ByteBuffer& out, const char* bytes) {
    out.append(bytes);
    gate.appended(client);
  }
  void recorded(const char* bytes, std::uint64_t lsn) { put(gate.output(client, Lsn{lsn}), bytes); }
  void passing(const char* bytes) { put(gate.passing(client), bytes); }
  void connack(std::uint64_t lsn) {
    recorded("C", lsn);
    gate.holds_connack();
  }

  test::FakeClient client{ConnectionId{0, 1}};
  edge::Connections connections;
  Gate gate{connections};
};

}  // namespace

TEST_CASE("MQTT5-3.2.0-1: nothing passes a CONNACK that waits; behind it QoS 0 passes what waits") {
  Scene s;
  s.connack(1);
  s.passing("a");
  CHECK(s.client.out().empty());
  s.gate.end_turn();
  s.gate.release(Lsn{1});
  s.recorded("B", 2);
  s.passing("b");
  CHECK(s.client.out() == "Cab");
  s.gate.release(Lsn{2});
  CHECK(s.client.out() == "CabB");
}

TEST_CASE("MQTT5-4.6.0-5: QoS 0 does not pass QoS 0 that came before the CONNACK was out") {
  Scene s;
  s.connack(1);
  s.gate.end_turn();
  s.recorded("B", 2);
  s.passing("a");  // waits for C, not for B
  s.gate.end_turn();
  CHECK(s.gate.held_bytes() == 3);
  s.gate.release(Lsn{1});
  s.passing("b");
  s.gate.release(Lsn{2});
  CHECK(s.gate.held_bytes() == 0);
  CHECK(s.client.out() == "CabB");
}

namespace {

enum class End : std::uint8_t { released, client_gone, reign_over };

void check_shared(bool copies, End end) {
  std::string payload = "<shared>";
  int shared = 0;
  const auto share = [&] {
    ++shared;
    return SharedBytes(payload, &shared, [](void* count) { --*static_cast<int*>(count); });
  };
  Scene s;
  if (copies) s.client.copies();
  const auto record = [&](const char* head, std::uint64_t lsn) {
    s.gate.output(s.client, Lsn{lsn}).append(head);
    s.gate.share(s.client, share());
    s.gate.appended(s.client);
    s.gate.end_turn();
  };
  record("[1]", 1);
  record("[2]", 2);
  s.recorded("[3]", 2);
  s.gate.end_turn();
  record("[4]", 4);
  CHECK(s.gate.held_bytes() == 4 * 3 + 3 * payload.size());
  CHECK(s.gate.held_bytes(s.client) == s.gate.held_bytes());
  CHECK(s.client.sent().empty());
  CHECK(shared == (copies ? 0 : 3));
  s.gate.release(Lsn{1});
  CHECK(s.client.sent() == "[1]<shared>");
  CHECK(shared == (copies ? 0 : 3));
  s.gate.release(Lsn{3});
  CHECK(s.client.sent() == "[1]<shared>[2]<shared>[3]");
  CHECK(s.gate.held_bytes() == 3 + payload.size());
  s.client.written();
  CHECK(shared == (copies ? 0 : 1));
  if (end == End::client_gone) s.gate.forget(s.client.id());
  if (end == End::reign_over) s.gate.drop_all();
  if (end == End::released) {
    s.gate.release(Lsn{4});
    CHECK(s.client.sent() == "[4]<shared>");
    s.gate.output(s.client, Lsn{}).append("[5]");
    s.gate.share(s.client, share());
    s.gate.appended(s.client);
    CHECK(s.client.sent() == "[4]<shared>[5]<shared>");
    s.client.written();
  }
  CHECK(s.gate.held_bytes() == 0);
  CHECK(shared == 0);
}

}  // namespace

TEST_CASE("what is shared waits in its place, is counted, and leaves with its record; the rest stays") {
  for (const bool copies : {false, true}) {
    for (const End end : {End::released, End::client_gone, End::reign_over}) check_shared(copies, end);
  }
}

TEST_CASE("what waits for the CONNACK alone is a copy") {
  std::string payload = "<shared>";
  Scene s;
  s.connack(1);
  s.gate.passing(s.client).append("[0]");
  s.gate.share(s.client, SharedBytes::of_this_turn(payload));
  s.gate.appended(s.client);
  payload = "????????";
  s.gate.end_turn();
  s.gate.release(Lsn{1});
  CHECK(s.client.sent() == "C[0]<shared>");
}

// [MQTT5-3.2.0-1] lets nothing pass; what a flood of QoS 0 may occupy meanwhile is bounded as at a full socket.
TEST_CASE("QoS 0 that waits for a CONNACK is dropped beyond what may wait for a socket") {
  Scene s;
  EffectWriter writer(s.connections, s.gate, limits::max_retained_bytes);
  writer.begin(s.client.id(), {});
  s.connack(1);
  const std::string payload(10'000, 'x');
  core::Effects effects;
  core::Effect effect;
  effect.kind = core::EffectKind::publish;
  effect.to = s.client.id();
  effects.current.topic = "t";
  effects.current.payload = payload;
  effects.list.push_back(effect);
  constexpr std::size_t sent = 1'000;
  for (std::size_t i = 0; i < sent; ++i) writer.write(effects, Lsn{}, nullptr);
  CHECK(s.gate.held_bytes() < limits::max_unsent_bytes + 2 * payload.size());
  CHECK(writer.dropped_qos0() + writer.delivered() == sent);
  CHECK(writer.delivered() > 50);
  s.gate.end_turn();
  s.gate.release(Lsn{1});
  CHECK(s.gate.held_bytes() == 0);
  s.client.written();
  writer.write(effects, Lsn{}, nullptr);
  CHECK(s.client.sent().size() > payload.size());
}

}  // namespace tandem::broker
