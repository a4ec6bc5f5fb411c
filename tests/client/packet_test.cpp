// The test client's reading of the specification: exact bytes for what it writes, refusal of what no broker
// may send.
#include "tests/client/packet.hpp"

#include <doctest/doctest.h>

using namespace tandem::test;

namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (int value : values) out += static_cast<char>(value);
  return out;
}

std::optional<Packet> parse(std::string_view in, uint8_t version) {
  return take_packet(in, version);
}

}  // namespace

TEST_CASE("CONNECT bytes of each version") {
  Connect connect;
  connect.client_id = "ab";
  connect.version = 3;
  CHECK(encode_connect(connect) == bytes({0x10, 16, 0, 6, 'M', 'Q', 'I', 's', 'd', 'p', 3, 2, 0, 60, 0, 2, 'a', 'b'}));
  connect.version = 4;
  connect.username = "u";
  connect.password = "p";
  CHECK(encode_connect(connect) ==
        bytes({0x10, 20, 0, 4, 'M', 'Q', 'T', 'T', 4, 0xC2, 0, 60, 0, 2, 'a', 'b', 0, 1, 'u', 0, 1, 'p'}));
  connect = {};
  connect.version = 5;
  connect.session_expiry_s = 258;
  connect.will = Will{"w", "x", 1, true, 5, {}};
  CHECK(encode_connect(connect) == bytes({0x10, 30, 0, 4, 'M', 'Q',  'T', 'T', 5, 0x2E, 0, 60, 5,   0x11, 0, 0,
                                          1,    2,  0, 0, 5,   0x18, 0,   0,   0, 5,    0, 1,  'w', 0,    1, 'x'}));
}

TEST_CASE("a packet is taken only when it is whole, and leaves the rest") {
  Publish publish{"t", std::string(200, 'x'), 1, true, true, 258, {}};
  std::string wire = encode_publish(publish, 4);
  for (size_t cut = 0; cut < wire.size(); ++cut) CHECK_FALSE(parse(wire.substr(0, cut), 4));
  wire += encode_ack(Type::puback, 3, 4);
  std::string_view rest = wire;
  std::optional<Packet> packet = take_packet(rest, 4);
  REQUIRE(packet);
  CHECK(packet->payload == publish.payload);
  CHECK((packet->pid == 258 && packet->qos() == 1 && packet->retain() && packet->dup()));
  CHECK(take_packet(rest, 4)->type == Type::puback);
  CHECK(rest.empty());
}

TEST_CASE("bytes that no broker may send are refused") {
  for (const std::string& wire : {
           bytes({0x36, 5, 0, 1, 't', 0, 1}),      // QoS 3
           bytes({0x38, 3, 0, 1, 't'}),            // DUP at QoS 0
           bytes({0x30, 3, 0, 1, '#'}),            // wildcard topic
           bytes({0x32, 5, 0, 1, 't', 0, 0}),      // packet id 0
           bytes({0x30, 2, 0, 0}),                 // empty topic
           bytes({0x40, 3, 0, 1, 0}),              // PUBACK too long for 3.1.1
           bytes({0x60, 2, 0, 1}),                 // PUBREL without its reserved flags
           bytes({0x20, 2, 1, 5}),                 // session present with a refusal
           bytes({0xE0, 0}),                       // DISCONNECT from a 3.1.1 server
           bytes({0x30, 0x83, 0x00, 0, 1, 't'}),   // length not minimal
           bytes({0x30, 0xFF, 0xFF, 0xFF, 0xFF}),  // length over 4 bytes
           bytes({0x10, 0}),                       // CONNECT from a server
       }) {
    CAPTURE(wire);
    CHECK_THROWS_AS(parse(wire, 4), ClientError);
  }
  CHECK_THROWS_AS(parse(bytes({0x30, 6, 0, 1, 't', 2, 0x7F, 0}), 5), ClientError);  // unknown property
}
