// Sequence numbers from a client's own packets: crafted ones, and a real kernel's in a network namespace of the test's
// own.
#include "vip/sequence_samples.hpp"

#include "tests/vip/doctest.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "tests/own_network.hpp"

using namespace tandem;

namespace {

constexpr std::uint16_t port = 1883;
constexpr std::uint8_t ack = 0x10;
constexpr std::uint8_t syn = 0x02;

ByteBuffer segment(std::uint8_t flags, ByteView data) {
  ByteBuffer tcp;
  ByteWriter(tcp).u16_be(40'000).u16_be(port).u32_be(1'000).u32_be(2'000);
  ByteWriter(tcp).u8(6U << 4U).u8(flags).u16_be(100).u16_be(0).u16_be(0).u32_be(0x01010101);  // 4 bytes of options
  return tcp += data;
}

ByteBuffer ipv4(const ByteBuffer& tcp, std::uint16_t fragment = 0) {
  ByteBuffer packet;
  ByteWriter(packet).u8(0x46).u8(0).u16_be(static_cast<std::uint16_t>(24 + tcp.size())).u16_be(7).u16_be(fragment);
  ByteWriter(packet).u8(64).u8(6).u16_be(0).u32_be(0x0A000007).u32_be(0x0A000001).u32_be(0x01010101);
  return packet += tcp;
}

ByteBuffer ipv6(const ByteBuffer& tcp) {
  ByteBuffer packet;
  ByteWriter(packet).u32_be(6U << 28U).u16_be(static_cast<std::uint16_t>(tcp.size())).u8(6).u8(64);
  packet += parse_address("fd00::7")->view();
  packet += parse_address("fd00::1")->view();
  return packet += tcp;
}

const ByteView pingreq("\xC0\x00", 2);
const ByteView connect_begins("\x10\x0C\x00\x04MQTT", 8);

}  // namespace

TEST_CASE("sample: CONNECT and PINGREQ tell where both sides are") {
  const auto v4 = vip::sample_of(ipv4(segment(ack, pingreq)));
  REQUIRE(v4.has_value());
  CHECK(v4->flow == Flow{*parse_address("10.0.0.7"), *parse_address("10.0.0.1"), 40'000, port});
  CHECK(v4->at == Sequences{2'000, 1'002});
  const auto v6 = vip::sample_of(ipv6(segment(ack, connect_begins)));
  REQUIRE(v6.has_value());
  CHECK(v6->flow == Flow{*parse_address("fd00::7"), *parse_address("fd00::1"), 40'000, port});
  CHECK(v6->at == Sequences{2'000, 1'008});
}

TEST_CASE("sample: a link's padding is no data; fragments, other flags and other data tell nothing") {
  CHECK_FALSE(vip::sample_of(ipv4(segment(ack, "")) + ByteBuffer(pingreq)).has_value());
  CHECK_FALSE(vip::sample_of(ipv4(segment(ack, pingreq), 0x2000)).has_value());
  CHECK_FALSE(vip::sample_of(ipv4(segment(ack | syn, pingreq))).has_value());
  CHECK_FALSE(vip::sample_of(ipv4(segment(ack, "\x40\x02"))).has_value());
}

TEST_CASE("sample: a packet that is cut anywhere tells nothing") {
  for (const ByteBuffer& whole : {ipv4(segment(ack, pingreq)), ipv6(segment(ack, pingreq))}) {
    for (std::size_t size = 0; size + 2 <= whole.size(); ++size) {
      CHECK_FALSE(vip::sample_of(ByteView(whole).substr(0, size)).has_value());
    }
  }
}

namespace {

sockaddr_in here() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

// The kernel's own opinion (TCP_REPAIR).
Sequences of_kernel(int accepted) {
  const auto option = [&](int name, int value) {
    REQUIRE(::setsockopt(accepted, IPPROTO_TCP, name, &value, sizeof value) == 0);
  };
  const auto sequence = [&](int queue) {
    option(TCP_REPAIR_QUEUE, queue);
    std::uint32_t value = 0;
    socklen_t size = sizeof value;
    REQUIRE(::getsockopt(accepted, IPPROTO_TCP, TCP_QUEUE_SEQ, &value, &size) == 0);
    return value;
  };
  option(TCP_REPAIR, 1);
  constexpr int receive_queue = 1;
  constexpr int send_queue = 2;
  return {sequence(send_queue), sequence(receive_queue)};
}

void learn() {
  auto opened = vip::SequenceSamples::open({port});
  REQUIRE(opened.ok());
  const auto samples = opened.take();
  const sockaddr_in address = here();
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE(::bind(listener, generic, sizeof address) == 0);
  REQUIRE(::listen(listener, 1) == 0);
  const int client = ::socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE(::connect(client, generic, sizeof address) == 0);
  const int accepted = ::accept(listener, nullptr, nullptr);
  REQUIRE(::send(client, connect_begins.data(), connect_begins.size(), 0) == 8);
  char bytes[16];
  REQUIRE(::recv(accepted, bytes, sizeof bytes, 0) == 8);
  const Flow flow{*parse_address("127.0.0.1"), *parse_address("127.0.0.1"), port_of(client), port};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!samples->of(flow) && std::chrono::steady_clock::now() < deadline) samples->read(Steady{1'000});
  REQUIRE(samples->of(flow).has_value());
  CHECK(*samples->of(flow) == of_kernel(accepted));
  samples->keep({flow}, Steady{100'000});
  CHECK(samples->of(flow).has_value());
  samples->keep({}, Steady{11'000});  // not accepted yet, perhaps
  CHECK(samples->of(flow).has_value());
  samples->keep({}, Steady{11'001});
  CHECK_FALSE(samples->of(flow).has_value());
  for (const int fd : {listener, client, accepted}) ::close(fd);
}

}  // namespace

TEST_CASE("sample: what is learned is what the kernel has; it is forgotten with its connection") {
  test::in_own_network("sequence samples", learn);
}
