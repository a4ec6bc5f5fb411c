// The brokers that the wire tests talk to: single nodes, started once for the program. One has the
// default limits, the others small ones.
#pragma once

#include <string>

#include "tests/client/client.hpp"
#include "tests/pair/node.hpp"

namespace tandem::test {

// Limits of small_broker(); the test beside each says what it means.
namespace small {
inline constexpr uint32_t max_packet_bytes = 2'048;
inline constexpr uint16_t receive_maximum = 5;
inline constexpr uint16_t v3_in_flight = 3;
inline constexpr uint16_t topic_alias_maximum = 2;
inline constexpr uint32_t max_queue_messages = 10;
inline constexpr uint32_t max_subscriptions = 4;
inline constexpr uint32_t max_retained = 3;
inline constexpr Millis connect_timeout{1'000};
}  // namespace small

// Of paced_broker().
namespace paced {
inline constexpr uint16_t max_keep_alive_s = 1;
inline constexpr uint32_t max_connects_per_s = 40;
inline constexpr uint32_t max_publishes_per_s = 50;
}  // namespace paced

// Of words_broker().
inline constexpr Millis words_connect_timeout{1'500};

Node& broker();
Node& small_broker();
Node& bare_broker();       // with nothing that may be switched off
Node& impatient_broker();  // disconnects whose queue of 10 is full
Node& paced_broker();      // with limits that are off by default
Node& words_broker();      // knows a method of enhanced authentication (words_broker.cpp)

inline constexpr uint8_t all_versions[] = {3, 4, 5};

// A new name at each call, so that tests do not meet on a shared broker: "a", then a number.
std::string unique(const std::string& name);

// A client of a broker, not yet connected.
Client client_of(const Node& node, uint8_t version, const std::string& id = unique("client"));
// A client of broker(), connected with a clean session.
Client connected(uint8_t version, const std::string& id = unique("client"));
// As above, with a session that outlives the connection.
Client connected_durable(uint8_t version, const std::string& id);
void make_durable(Client& client);

Publish message_to(const std::string& topic, const std::string& payload, uint8_t qos);

// The node answers a client of its own: a message of QoS 1 goes through it.
void check_serves(const Node& node);

// What its process has in memory.
uint64_t resident_kib(Node& node);

// The reason of the DISCONNECT (MQTT 5) among what came before the broker closed the connection; 0 without
// one.
uint8_t closed_with(Client& client);

}  // namespace tandem::test
