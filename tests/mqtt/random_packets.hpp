// Random valid packets of every type and version, for the round trip and the writers' tests.
#pragma once

#include <deque>
#include <random>
#include <string>

#include "mqtt/packet.hpp"

namespace tandem::mqtt::test {

// Makes packets that MQTT allows for one version and sender. The packets borrow from the maker, until
// clear().
class PacketMaker {
 public:
  explicit PacketMaker(std::uint64_t seed) : random_(seed) {}

  // `type` must be one that this side may send in this version.
  Packet make(Type type, Version version, bool from_client);
  void clear() { texts_.clear(); }

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool chance() { return below(2) == 0; }

 private:
  std::string_view keep(std::string text);
  std::string_view text(std::size_t most_letters);
  std::string_view topic();
  ByteView bytes(std::size_t most);
  std::uint32_t u32();
  std::uint16_t u16_not_zero();
  Qos qos() { return static_cast<Qos>(below(3)); }
  Reason reason(Type type, Version version, bool from_client);
  std::vector<UserProperty> user_properties();
  ByteView message_properties();
  Properties reason_properties(Version version);

  Packet connect(Version version);
  Packet connack(Version version);
  Packet publish(Version version, bool from_client);
  Packet ack(Type type, Version version, bool from_client);
  Packet subscribe(Version version);
  Packet suback(Type type, Version version);
  Packet unsubscribe(Version version);
  Packet disconnect(Version version, bool from_client);
  Packet auth(bool from_client);

  std::mt19937_64 random_;
  std::deque<std::string> texts_;  // a deque: its strings stay where they are
};

// May this side send the type in this version?
bool sends(Type type, Version version, bool from_client);

}  // namespace tandem::mqtt::test
