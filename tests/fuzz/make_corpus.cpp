// Writes the corpora that tests/fuzz keeps, mostly from valid packets: fuzz_corpus TESTS_FUZZ_FOLDER. A file that is
// there already is written again; what a fuzzer has found is added by hand.
#include <cctype>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iostream>
#include <map>
#include <string>

#include "mqtt/codec.hpp"
#include "tests/edge/proxy_headers.hpp"
#include "tests/edge/websocket_client.hpp"
#include "tests/fuzz/house_corpora.hpp"
#include "tests/fuzz/script.hpp"
#include "tests/mqtt/vectors.hpp"

namespace tandem::fuzz {

namespace {

using namespace mqtt;

const Header v3{.first_connects = true, .first_stays = true, .reader = true};
const Header v5{.first_connects = true, .first_is_v5 = true, .first_stays = true, .reader = true};

// One client's packets in a row, and then the reader's.
class Story {
 public:
  Story(const Header& header, Version version) : writer_(header), version_(version) {}
  explicit Story(const Header& header) : Story(header, header.first_is_v5 ? Version::v5 : Version::v311) {}

  Story& says(std::initializer_list<Packet> packets) { return says(0, version_, packets); }
  Story& reader_says(std::initializer_list<Packet> packets) { return says(1, Version::v5, packets); }
  Story& ends() {
    writer_.end(0);
    return *this;
  }
  Story& comes_back(const Connect& connect) {
    writer_.reconnect(0);
    return says({connect});
  }
  Story& waits(std::int64_t ms) {
    writer_.wait(ms);
    return *this;
  }
  const ByteBuffer& input() const { return writer_.input(); }

 private:
  Story& says(std::size_t client, Version version, std::initializer_list<Packet> packets) {
    ByteBuffer bytes;
    for (const Packet& packet : packets) encode(packet, version, bytes);
    writer_.bytes(client, bytes);
    return *this;
  }

  ScriptWriter writer_;
  Version version_;
};

Connect connect_of(Version version, std::string_view id, bool clean) {
  Connect connect;
  connect.version = version;
  connect.client_id = id;
  connect.clean_start = clean;
  connect.keep_alive_s = 1;
  if (version == Version::v5 && !clean) connect.properties.session_expiry_s = 10;
  return connect;
}

Connect with_will(Connect connect, std::uint32_t delay_s) {
  Will will;
  will.topic = "w";
  will.payload = "gone";
  will.qos = Qos::exactly_once;
  will.retain = true;
  will.delay_s = delay_s;
  connect.will = will;
  return connect;
}

Publish publish(std::string_view topic, Qos qos, std::uint16_t packet_id, bool retain = false) {
  Publish packet;
  packet.topic = topic;
  packet.payload = "hello";
  packet.qos = qos;
  packet.packet_id = packet_id;
  packet.retain = retain;
  return packet;
}

Publish aliased(std::string_view topic, std::uint16_t alias) {
  Publish packet = publish(topic, Qos::at_most_once, 0);
  packet.topic_alias = alias;
  return packet;
}

Subscribe subscribe(std::initializer_list<std::string_view> filters, Qos qos) {
  Subscribe packet;
  packet.packet_id = 9;
  for (const std::string_view filter : filters) packet.requests.push_back({filter, {.qos = qos}});
  return packet;
}

Unsubscribe unsubscribe(std::string_view filter) {
  return {.packet_id = 10, .filters = {filter}, .properties = {}};
}

Ack ack(Type type, std::uint16_t packet_id) {
  return {.type = type, .packet_id = packet_id, .reason = Reason::success, .properties = {}};
}

Header held(Header header) {
  header.holds = true;
  return header;
}

class Folder {
 public:
  explicit Folder(const std::filesystem::path& path) : path_(path) { std::filesystem::create_directories(path); }
  void add(const std::string& name, const ByteBuffer& input) {
    std::ofstream(path_ / name, std::ios::binary).write(input.data(), static_cast<std::streamsize>(input.size()));
  }

 private:
  std::filesystem::path path_;
};

void connections_of(Folder& to, const std::string& version, const Header& header) {
  constexpr Qos qos0 = Qos::at_most_once;
  constexpr Qos qos1 = Qos::at_least_once;
  constexpr Qos qos2 = Qos::exactly_once;
  const Version v = header.first_is_v5 ? Version::v5 : Version::v311;
  const auto story = [&](const Header& with) { return Story(with, v); };
  const Header unconnected{.reader = true};

  to.add(version + "-publish", story(header)
                                   .says({publish("a/b", qos0, 0), publish("a/b", qos1, 1), publish("a", qos2, 2),
                                          publish("a", qos2, 2), ack(Type::pubrel, 2), Pingreq{}, Disconnect{}})
                                   .reader_says({ack(Type::puback, 1), ack(Type::pubrec, 1), ack(Type::pubcomp, 1)})
                                   .input());
  to.add(version + "-publish-held",
         story(held(header))
             .says({publish("a/b", qos1, 1), publish("a", qos2, 2), Pingreq{}, publish("x", qos0, 0)})
             .says({ack(Type::pubrel, 2)})
             .says({Pingreq{}})
             .input());
  to.add(version + "-own-subscription",
         story(header)
             .says({subscribe({"a/+", "#", "$share/g/a/#", "$SYS/#"}, qos2), publish("a/b", qos2, 3)})
             .says({ack(Type::pubrec, 1), ack(Type::pubcomp, 1), unsubscribe("#"), publish("a/b", qos1, 4)})
             .input());
  to.add(version + "-retained", story(header)
                                    .says({publish("r", qos1, 1, true), subscribe({"r", "+"}, qos1)})
                                    .says({publish("r", qos0, 0, true), Disconnect{}})
                                    .input());
  to.add(version + "-window",
         story(header)
             .reader_says({})
             .says({publish("a", qos1, 1), publish("a", qos1, 2), publish("a", qos2, 3), publish("a", qos2, 4),
                    publish("a", qos1, 5), publish("a", qos1, 6), publish("a", qos2, 7)})
             .input());
  to.add(version + "-comes-back", story(header)
                                      .says({subscribe({"a"}, qos2)})
                                      .ends()
                                      .comes_back(connect_of(v, "other", true))
                                      .says({publish("a", qos2, 1), ack(Type::pubrel, 1), publish("a", qos1, 2)})
                                      .ends()
                                      .comes_back(connect_of(v, "first", false))
                                      .says({ack(Type::pubrec, 1), ack(Type::puback, 2), ack(Type::pubcomp, 1)})
                                      .input());
  to.add(version + "-will",
         story(unconnected).says({with_will(connect_of(v, "w", false), 1)}).ends().waits(2'000).input());
  to.add(version + "-will-keep-alive",
         story(unconnected).says({with_will(connect_of(v, "w", false), 0), Pingreq{}}).waits(4'000).input());
  to.add(
      version + "-takes-over",
      story(unconnected).says({connect_of(v, "reader", false), subscribe({"a"}, qos1), publish("a", qos1, 1)}).input());
  to.add(version + "-connects-twice", story(header).says({connect_of(v, "first", true)}).input());
  to.add(version + "-no-connect", story(unconnected).says({publish("a", qos1, 1)}).input());
}

void connections(Folder& to) {
  connections_of(to, "v311", v3);
  connections_of(to, "v5", v5);
  to.add("v5-aliases",
         Story(v5)
             .says({aliased("long/topic/of/a/press", 1), aliased("", 1), aliased("other", 1), aliased("", 1)})
             .says({aliased("", 3)})
             .input());
  to.add("v5-expires",
         Story(v5).ends().waits(6'000).waits(6'000).comes_back(connect_of(Version::v5, "first", false)).input());
  Disconnect with_will_kept{.reason = Reason::disconnect_with_will, .properties = {}};
  to.add("v5-disconnect-with-will", Story({.reader = true}, Version::v5)
                                        .says({with_will(connect_of(Version::v5, "w", false), 0), with_will_kept})
                                        .input());
}

// The largest of each type, version and sender.
void packets(Folder& to) {
  std::map<std::string, ByteBuffer> richest;
  for (const test::Vector& vector : test::vectors()) {
    if (!vector.accepted || vector.bytes.size() > 200) continue;
    const auto version = static_cast<unsigned>(vector.version);
    std::string name = vector.description.substr(0, vector.description.find(' '));
    for (char& letter : name) letter = static_cast<char>(std::tolower(letter));
    ByteBuffer& input = richest[name + "-" + std::to_string(version) + (vector.from_client ? "c" : "s")];
    if (vector.bytes.size() < input.size()) continue;
    input = static_cast<char>((version - 3U) | (vector.from_client ? 0U : 0x80U)) + vector.bytes;
  }
  for (const auto& [name, input] : richest) to.add(name, input);
}

// Upgrades, good and bad, and frames as websocket_input.hpp reads them.
void websockets(Folder& to) {
  using namespace edge::test;
  const auto raw = [&](const std::string& name, const std::string& bytes) {
    to.add(name, std::string(2, '\0') + bytes);
  };
  const auto framed = [&](const std::string& name, const std::string& bytes) { to.add(name, "\x01\x06" + bytes); };
  const std::string ping("\xC0\x00", 2);
  raw("upgrade", upgrade_request());
  raw("upgrade-mqttv31", upgrade_request("/mqtt", "mqttv3.1") + binary(ping));
  raw("upgrade-other-path", upgrade_request("/"));
  raw("upgrade-no-subprotocol", upgrade_request("/mqtt", ""));
  raw("upgrade-origin", upgrade_request("/mqtt", "mqtt", "Origin: https://hmi.example\r\n"));
  raw("upgrade-wrong-origin", upgrade_request("/mqtt", "mqtt", "Origin: https://evil.example\r\n"));
  raw("upgrade-plain-mqtt", std::string("\x10\x0C\x00\x04MQTT\x04\x02\x00\x3C\x00\x00", 14));
  framed("frames-one", binary(ping) + binary(ping));
  framed("frames-fragments", masked(binary_frame, "\xC0") + ping_of("x") + masked(continuation_frame, "") +
                                 masked(final_bit | continuation_frame, std::string(1, '\0')));
  framed("frames-empty", binary("") + binary(ping) + binary(""));
  framed("frames-long", binary(std::string(130, '\0')) + binary(std::string(300, 'x')));
  framed("frames-pings", ping_of("") + ping_of(std::string(125, 'p')) + masked(final_bit | pong_frame, "q"));
  framed("frames-close", binary(ping) + close_of(1000) + binary(ping));
  framed("frames-close-bad-code", close_of(1005));
  framed("frames-text", masked(final_bit | text_frame, "hello"));
  framed("frames-not-masked", plain(binary_frame, ping));
  framed("frames-long-ping", ping_of(std::string(126, 'p')));
  framed("frames-huge", std::string("\x82\xFF\x00\x00\x00\x00\x7F\xFF\xFF\xFFmask", 14));
}

// Headers of proxies, good and bad, with a packet behind them.
void proxies(Folder& to) {
  using namespace edge::test;
  const auto add = [&](const std::string& name, const std::string& header) {
    to.add(name, std::string("\x02", 1) + header + std::string("\xC0\x00", 2));
  };
  add("line-tcp4", proxy_line("TCP4 192.0.2.1 192.0.2.10 4660 1883"));
  add("line-tcp6", proxy_line("TCP6 fd00::1 fd00::2 4660 1883"));
  add("line-mapped", proxy_line("TCP6 ::ffff:192.0.2.1 ::1 1 2"));
  add("line-unknown", proxy_line("UNKNOWN fd00::1 fd00::2 4660 1883"));
  add("line-short", proxy_line("TCP4 192.0.2.1 192.0.2.10 4660"));
  add("line-long", proxy_line("UNKNOWN " + std::string(120, 'f')));
  add("block-ipv4", proxy_block(0x21, 0x11, ipv4_ends));
  add("block-ipv4-tlvs", proxy_block(0x21, 0x11, ipv4_ends + tlvs));
  add("block-ipv6-tlvs", proxy_block(0x21, 0x21, ipv6_ends + tlvs));
  add("block-local", proxy_block(0x20, 0x00, tlvs));
  add("block-unix", proxy_block(0x21, 0x31, std::string(216, 'u')));
  add("block-short", proxy_block(0x21, 0x21, ipv4_ends));
  add("none", "");
}

}  // namespace
}  // namespace tandem::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: fuzz_corpus TESTS_FUZZ_FOLDER\n";
    return 2;
  }
  const std::filesystem::path folder(argv[1]);
  tandem::fuzz::Folder codec(folder / "corpus-codec");
  tandem::fuzz::Folder connection(folder / "corpus-connection");
  tandem::fuzz::packets(codec);
  tandem::fuzz::connections(connection);
  tandem::fuzz::Folder websocket(folder / "corpus-websocket");
  tandem::fuzz::websockets(websocket);
  tandem::fuzz::Folder proxy(folder / "corpus-proxy");
  tandem::fuzz::proxies(proxy);
  tandem::fuzz::house_corpora(
      [&](const std::string& fuzzer, const std::string& name, const tandem::ByteBuffer& input) {
        tandem::fuzz::Folder(folder / ("corpus-" + fuzzer)).add(name, input);
      },
      TANDEM_GOLDEN_DIR);
}
