// The header of the PROXY protocol: what is read from it, cut anywhere, and what is refused.
#include "edge/proxy_header.hpp"

#include <doctest/doctest.h>

#include "base/limits.hpp"
#include "base/socket_address.hpp"
#include "proxy_headers.hpp"

using namespace tandem;
using namespace tandem::edge;
using namespace tandem::edge::test;
using State = ProxyHeader::State;

namespace {

struct Read {
  State state = State::incomplete;
  std::string client;  // "address:port"; empty: the connection's own
  std::size_t used = 0;
  std::string problem;
  bool operator==(const Read&) const = default;
};

Read read(const std::string& bytes, std::size_t piece_bytes) {
  ProxyHeader header;
  Read result;
  for (std::size_t at = 0; at < bytes.size() && header.state() == State::incomplete; at += piece_bytes) {
    result.used += header.take(ByteView(bytes).substr(at, piece_bytes));
  }
  result.state = header.state();
  if (header.client()) result.client = to_text(header.client()->address, header.client()->port);
  result.problem = header.problem();
  return result;
}

// Whole, and in pieces of each size.
Read read(const std::string& bytes) {
  const Read whole = read(bytes, bytes.size());
  for (std::size_t piece_bytes = 1; piece_bytes < bytes.size(); ++piece_bytes) {
    CAPTURE(piece_bytes);
    CHECK(read(bytes, piece_bytes) == whole);
  }
  return whole;
}

// Whole, with nothing of the client's bytes behind it taken.
std::string client(const std::string& header) {
  const Read result = read(header + "\x10 and more");
  CHECK(result.state == State::whole);
  CHECK(result.used == header.size());
  for (std::size_t cut = 0; cut < header.size(); ++cut) {
    CHECK(read(header.substr(0, cut), header.size()).state == State::incomplete);
  }
  return result.client;
}

std::string problem(const std::string& bytes) {
  CAPTURE(bytes);
  const Read result = read(bytes);
  CHECK(result.state == State::malformed);
  CHECK(result.client.empty());
  return result.problem;
}

const std::string no_header = "it does not begin with a PROXY header";

}  // namespace

TEST_CASE("PROXY version 1: the client of a line, however it is cut") {
  CHECK(client(proxy_line("TCP4 192.0.2.1 192.0.2.10 4660 1883")) == "192.0.2.1:4660");
  CHECK(client(proxy_line("TCP4 0.0.0.0 255.255.255.255 0 65535")) == "0.0.0.0:0");
  CHECK(client(proxy_line("TCP6 fd00::1 fd00::2 4660 1883")) == "[fd00::1]:4660");
  CHECK(client(proxy_line("TCP6 FFFF:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
                          "65535")) == "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
  // The same host as over IPv4: its limits are the same.
  CHECK(client(proxy_line("TCP6 ::ffff:192.0.2.1 ::1 1 2")) == "192.0.2.1:1");
}

TEST_CASE("PROXY version 1: UNKNOWN is the connection itself, whatever follows it") {
  CHECK(client(proxy_line("UNKNOWN")) == "");
  CHECK(client(proxy_line("UNKNOWN ")) == "");
  CHECK(client(proxy_line("UNKNOWN 192.0.2.1 x y")) == "");
  CHECK(client(proxy_line("UNKNOWN " + std::string(107 - 16, 'f'))) == "");  // 107 bytes: the longest line
  CHECK(problem(proxy_line("UNKNOWN " + std::string(107 - 15, 'f'))) ==
        "the line of version 1 does not end within 107 bytes");
}

TEST_CASE("PROXY version 1: what does not match exactly is malformed") {
  for (const std::string line : {"",
                                 "TCP4",
                                 "TCP4 ",
                                 "TCP5 1.1.1.1 2.2.2.2 1 2",
                                 "tcp4 1.1.1.1 2.2.2.2 1 2",
                                 "UNKNOWNX",
                                 "UDP4 1.1.1.1 2.2.2.2 1 2",
                                 "TCP4 1.1.1.1",
                                 "TCP4 1.1.1.1 2.2.2.2",
                                 "TCP4 1.1.1.1 2.2.2.2 1",
                                 "TCP4 1.1.1.1 2.2.2.2 1 ",
                                 "TCP4 1.1.1.1 2.2.2.2 1 2 ",
                                 "TCP4 1.1.1.1 2.2.2.2 1 2 3",
                                 "TCP4  1.1.1.1 2.2.2.2 1 2",
                                 "TCP4 1.1.1.1  2.2.2.2 1 2",
                                 " TCP4 1.1.1.1 2.2.2.2 1 2",
                                 "TCP4 1.1.1.1 2.2.2.2 01 2",
                                 "TCP4 1.1.1.1 2.2.2.2 1 00",
                                 "TCP4 1.1.1.1 2.2.2.2 65536 2",
                                 "TCP4 1.1.1.1 2.2.2.2 -1 2",
                                 "TCP4 1.1.1.1 2.2.2.2 +1 2",
                                 "TCP4 1.1.1.1 2.2.2.2 1 x",
                                 "TCP4 1.1.1.1 2.2.2.2 0x1 2",
                                 "TCP4 1.1.1 2.2.2.2 1 2",
                                 "TCP4 1.1.1.256 2.2.2.2 1 2",
                                 "TCP4 1.1.1.01 2.2.2.2 1 2",
                                 "TCP4 1.1.1.1 x 1 2",
                                 "TCP4 fd00::1 fd00::2 1 2",
                                 "TCP6 1.1.1.1 2.2.2.2 1 2",
                                 "TCP6 fd00::1 2.2.2.2 1 2",
                                 "TCP6 fd00:::1 fd00::2 1 2",
                                 "TCP6 fd00::1%eth0 fd00::2 1 2",
                                 "TCP4 1.1.1.1\r 2.2.2.2 1 2",
                                 "TCP4\t1.1.1.1 2.2.2.2 1 2"}) {
    problem(proxy_line(line));
  }
  problem(proxy_line(std::string("TCP4 1.1.1.1\0 2.2.2.2 1 2", 25)));
  CHECK(problem("PROXY UNKNOWN\n") == "the line of version 1 does not end with CR and LF");
  CHECK(problem("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n") == "the line of version 1 does not end with CR and LF");
  CHECK(problem("PROXY TCP4 " + std::string(200, ' ')) == "the line of version 1 does not end within 107 bytes");
}

TEST_CASE("PROXY version 2: the client of a block; what follows the addresses does not count") {
  CHECK(client(proxy_block(0x21, 0x11, ipv4_ends)) == "192.0.2.1:4660");
  CHECK(client(proxy_block(0x21, 0x11, ipv4_ends + tlvs)) == "192.0.2.1:4660");
  CHECK(client(proxy_block(0x21, 0x21, ipv6_ends)) == "[fd00::1]:4660");
  CHECK(client(proxy_block(0x21, 0x21, ipv6_ends + tlvs)) == "[fd00::1]:4660");
  std::string mapped = std::string(10, '\0') + "\xFF\xFF" + ipv4_ends.substr(0, 4) + ipv6_ends.substr(16);
  CHECK(client(proxy_block(0x21, 0x21, mapped)) == "192.0.2.1:4660");
}

TEST_CASE("PROXY version 2: LOCAL, UNSPEC and what is not TCP over IP is the connection itself") {
  CHECK(client(proxy_block(0x20, 0x00, "")) == "");
  CHECK(client(proxy_block(0x20, 0x11, ipv4_ends + tlvs)) == "");
  CHECK(client(proxy_block(0x20, 0xFF, "whatever")) == "");
  CHECK(client(proxy_block(0x20, 0x11, "")) == "");
  CHECK(client(proxy_block(0x21, 0x00, "")) == "");
  for (const unsigned family : {0x00U, 0x01U, 0x02U, 0x10U, 0x12U, 0x20U, 0x22U, 0x30U, 0x31U, 0x32U}) {
    CAPTURE(family);
    CHECK(client(proxy_block(0x21, family, std::string(216, 'u'))) == "");
  }
}

TEST_CASE("PROXY version 2: another version, command, family or length is malformed") {
  for (const unsigned version_and_command : {0x00U, 0x01U, 0x11U, 0x22U, 0x2FU, 0x31U, 0xA1U}) {
    CAPTURE(version_and_command);
    CHECK(problem(proxy_block(version_and_command, 0x11, ipv4_ends)) == "a version or a command that is unknown");
  }
  for (const unsigned family : {0x03U, 0x13U, 0x1FU, 0x40U, 0x41U, 0xF1U}) {
    CAPTURE(family);
    CHECK(problem(proxy_block(0x21, family, ipv4_ends)) == "a family or a protocol that is unknown");
  }
  CHECK(problem(proxy_block(0x21, 0x11, "")) == "a header too short for its addresses");
  CHECK(problem(proxy_block(0x21, 0x11, ipv4_ends.substr(1))) == "a header too short for its addresses");
  CHECK(problem(proxy_block(0x21, 0x21, ipv6_ends.substr(1))) == "a header too short for its addresses");
  const std::size_t most = limits::max_proxy_header_bytes - 16;
  CHECK(read(proxy_block(0x21, 0x11, ipv4_ends + std::string(most - 12, 't')), 100).client == "192.0.2.1:4660");
  CHECK(read(proxy_block(0x21, 0x11, ipv4_ends + std::string(most - 11, 't')), 100).problem ==
        "a header longer than 4 KiB");
  CHECK(read(proxy_block(0x20, 0x00, std::string(0xFFFF, 't')), 100).problem == "a header longer than 4 KiB");
}

TEST_CASE("PROXY: other protocols are known for what they are at the first byte that differs") {
  CHECK(problem(std::string("\x10\x0C\x00\x04MQTT", 8)) == no_header);
  CHECK(read(std::string("\x10\x0C", 2), 2).used == 1);
  CHECK(problem("GET / HTTP/1.1\r\n") == no_header);
  CHECK(problem("\x16\x03\x01") == no_header);
  CHECK(problem("PROXX TCP4 1.1.1.1 2.2.2.2 1 2\r\n") == no_header);
  CHECK(problem("PROXYTCP4 1.1.1.1 2.2.2.2 1 2\r\n") == no_header);
  CHECK(problem(std::string("\r\n\r\n\0\r\nQUIT!", 12)) == no_header);
  CHECK(problem("\r\n\r\nGET") == no_header);
  CHECK(problem(std::string(1, '\0')) == no_header);
}
