// Frames to bytes, sans I/O: any cut of the stream gives the same; every rule that a client can break.
#include "edge/websocket_frames.hpp"

#include <doctest/doctest.h>

#include <random>

#include "tests/covers.hpp"
#include "websocket_client.hpp"

using namespace tandem;
using namespace tandem::edge;
using namespace tandem::edge::test;

namespace {

struct Read {
  std::string bytes;
  std::string pings;  // payloads, each in brackets
  bool ended = false;
  int code = 0;
  std::string violation;
  bool operator==(const Read&) const = default;
};

// What a reader makes of the stream when it comes in pieces of such sizes; each piece is looked at for a ping.
template <class Size>
Read read_in(std::string stream, Size next_size) {
  FrameReader reader;
  Read read;
  for (std::size_t at = 0; at < stream.size();) {
    const std::size_t size = std::min<std::size_t>(next_size(), stream.size() - at);
    const std::size_t count = reader.unframe(stream.data() + at, size);
    read.bytes.append(stream, at, count);
    if (const auto ping = reader.take_ping()) read.pings += "[" + *ping + "]";
    at += size;
  }
  read.ended = reader.ended();
  read.code = static_cast<int>(reader.close_code());
  if (reader.violation() != nullptr) read.violation = reader.violation();
  return read;
}

Read read_at_once(const std::string& stream) {
  return read_in(stream, [&] { return stream.size(); });
}

Read read_bytewise(const std::string& stream) {
  return read_in(stream, [] { return 1; });
}

}  // namespace

TEST_CASE("frames are read: several and empty ones, fragments with control frames between") {
  COVERS("MQTT5-6.0.0-2", "T-49");
  const std::string stream = binary("one") + binary("") + masked(binary_frame, "t") + ping_of("are you there") +
                             masked(continuation_frame, "") + masked(final_bit | pong_frame, "unasked") +
                             masked(final_bit | continuation_frame, "wo") + binary(std::string(126, 'a')) +
                             binary(std::string(65'536, 'b'));
  const Read all = read_at_once(stream);
  CHECK(all.bytes == "onetwo" + std::string(126, 'a') + std::string(65'536, 'b'));
  CHECK(all.pings == "[are you there]");
  CHECK_FALSE(all.ended);
  CHECK(read_bytewise(stream) == all);
}

TEST_CASE("of several pings in one piece the latest is answered") {
  CHECK(read_at_once(ping_of("1") + ping_of("2") + ping_of("")).pings == "[]");
  CHECK(read_bytewise(ping_of("1") + ping_of("2")).pings == "[1][2]");
}

TEST_CASE("random frames cut at random places give the bytes that were put in") {
  COVERS("MQTT5-6.0.0-2", "T-49");
  std::mt19937 random(6455);
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  for (int round = 0; round < 300; ++round) {
    std::string wanted;
    std::string stream;
    bool in_message = false;
    for (unsigned frame = 0; frame < 20; ++frame) {
      const unsigned sizes[] = {0, 1, below(200), below(70'000)};
      std::string payload(sizes[below(round % 10 == 0 ? 4 : 3)], '\0');
      for (char& c : payload) c = static_cast<char>(random());
      const bool is_final = below(2) == 0;
      stream += masked((is_final ? final_bit : 0) | (in_message ? continuation_frame : binary_frame), payload,
                       static_cast<std::uint32_t>(random()));
      if (below(4) == 0) stream += ping_of(payload.substr(0, 125));
      wanted += payload;
      in_message = !is_final;
    }
    if (in_message) stream += masked(final_bit | continuation_frame, "");
    const unsigned most = 1 + below(round % 2 == 0 ? 20 : 5'000);
    const Read read = read_in(stream + close_of(1001), [&] { return below(most + 1); });
    CHECK(read.bytes == wanted);
    CHECK(read.ended);
    CHECK(read.code == 1001);
    CHECK(read.violation.empty());
  }
}

TEST_CASE("a close frame ends the stream behind what came before it; its code is answered") {
  for (const std::uint16_t code : std::initializer_list<std::uint16_t>{1000, 1001, 1003, 1011, 3000, 4999}) {
    const Read read = read_bytewise(binary("last") + close_of(code) + binary("more"));
    CHECK(read.bytes == "last");
    CHECK(read.ended);
    CHECK(read.code == code);
    CHECK(read.violation.empty());
  }
  CHECK(read_at_once(masked(final_bit | close_frame, "")).code == 1000);
}

TEST_CASE("a rule that is broken ends the stream: what came before it counts") {
  COVERS("MQTT5-6.0.0-1", "T-49");
  const auto of_length = [](std::string_view length) { return std::string("\x82").append(length) + "mask"; };
  struct {
    std::string stream;
    int code;
    const char* violation;
  } const rules[] = {
      {masked(final_bit | text_frame, "hello"), 1003, "text frame"},
      {masked(text_frame, ""), 1003, "text frame"},
      {masked(final_bit | 0x40 | binary_frame, "x"), 1002, "extension"},
      {masked(final_bit | 3, "x"), 1002, "unknown kind"},
      {masked(final_bit | 11, ""), 1002, "unknown kind"},
      {plain(binary_frame, "x"), 1002, "not masked"},
      {masked(final_bit | continuation_frame, "x"), 1002, "continues nothing"},
      {masked(binary_frame, "") + binary("x"), 1002, "inside of another"},
      {masked(ping_frame, "x"), 1002, "in fragments"},
      {ping_of(std::string(126, 'x')), 1002, "125 bytes"},
      {masked(final_bit | close_frame, "x"), 1002, "valid code"},
      {close_of(999), 1002, "valid code"},
      {close_of(1005), 1002, "valid code"},
      {close_of(1006), 1002, "valid code"},
      {close_of(2999), 1002, "valid code"},
      {of_length({"\xFE\x00\x7D", 3}), 1002, "more bytes than it needs"},
      {of_length({"\xFF\x00\x00\x00\x00\x00\x00\xFF\xFF", 9}), 1002, "more bytes than it needs"},
      {of_length({"\xFF\x00\x00\x00\x00\x01\x00\x00\x01", 9}), 1009, "16 MiB"},
      {of_length({"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 9}), 1009, "16 MiB"},
  };
  for (const auto& rule : rules) {
    CAPTURE(rule.violation);
    const Read read = read_at_once(binary("before") + rule.stream + binary("after"));
    const bool begun = rule.stream.starts_with(std::string{'\x02'});
    CHECK(read.bytes == "before");
    CHECK(read.ended);
    CHECK(read.code == rule.code);
    CHECK(read.violation.find(rule.violation) != std::string::npos);
    CHECK((begun || read_bytewise(binary("before") + rule.stream) == read));
  }
}

TEST_CASE("what cannot become right is not waited for") {
  FrameReader text;
  std::string first = "\x81";
  CHECK(text.unframe(first.data(), 1) == 0);
  CHECK(text.ended());
  FrameReader plain_one;
  std::string two = "\x82\x05";
  CHECK(plain_one.unframe(two.data(), 2) == 0);
  CHECK(plain_one.ended());
}

TEST_CASE("our frames have the shortest head") {
  for (const std::size_t size : {0U, 125U, 126U, 65'535U, 65'536U}) {
    std::string head;
    append_frame_head(Opcode::binary, size, head);
    const std::string with_mask = binary(std::string(size, 'x'));
    const std::size_t bytes = with_mask.size() - size - 4;
    CHECK(head.size() == bytes);
    CHECK(head[0] == with_mask[0]);
    CHECK((head[1] | '\x80') == with_mask[1]);
    CHECK(head.substr(2) == with_mask.substr(2, bytes - 2));
  }
  std::string out;
  append_control_frame(Opcode::pong, "hi", out);
  append_close_frame(CloseCode::not_binary, out);
  CHECK(out == plain(pong_frame, "hi") + plain_close(1003));
}
