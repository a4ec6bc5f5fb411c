// Corpora of what does not come from MQTT clients. Records and rows are those of tests/golden.
#include "tests/fuzz/house_corpora.hpp"

#include <array>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "broker/node_info.hpp"
#include "mirror/wire.hpp"
#include "tests/mirror/frames.hpp"

namespace tandem::fuzz {

namespace {

ByteBuffer from_hex(std::string_view hex) {
  ByteBuffer bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16)));
  return bytes;
}

// Lines "name = hex".
std::vector<std::pair<std::string, ByteBuffer>> golden(const std::string& path) {
  std::vector<std::pair<std::string, ByteBuffer>> all;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t sign = line.find(" = ");
    if (line.starts_with('#') || sign == std::string::npos) continue;
    all.emplace_back(line.substr(0, sign), from_hex(std::string_view(line).substr(sign + 3)));
  }
  return all;
}

void add_row(ByteBuffer& to, const std::string& name, const ByteBuffer& value) {
  const std::size_t space = name.find(' ');
  const ByteBuffer key = from_hex(std::string_view(name).substr(space + 1));
  ByteWriter(to)
      .u8(static_cast<std::uint8_t>(std::stoi(name.substr(0, space))))
      .u8(static_cast<std::uint8_t>(key.size()));
  ByteWriter(to).bytes(key).u16_le(static_cast<std::uint16_t>(value.size())).bytes(value);
}

// As peer_input.cpp reads a frame of the peer: step, ends of the stream, length, body.
void add_frame(ByteBuffer& to, const ByteBuffer& frame, std::uint8_t ends) {
  const ByteView body = ByteView(frame).substr(mirror::frame_header_bytes);
  ByteWriter(to).u8(static_cast<std::uint8_t>(31 + static_cast<std::uint8_t>(frame[1]))).u8(ends);
  ByteWriter(to).u16_le(static_cast<std::uint16_t>(body.size())).bytes(body);
}

void states(const AddInput& add, const std::string& golden_folder) {
  ByteBuffer all;
  std::size_t number = 0;
  for (const auto& [name, bytes] : golden(golden_folder + "/core/records.txt")) {
    all += bytes;
    if (++number <= 12) add("records", name, bytes);
  }
  add("records", "all", all);

  ByteBuffer image;
  for (const auto& [name, value] : golden(golden_folder + "/core/rows.txt")) add_row(image, name, value);
  add("rows", "image", image);
  ByteBuffer some;
  for (const auto& [name, value] : golden(golden_folder + "/core/rows.txt"))
    if (name[0] <= '3') add_row(some, name, value);
  add("rows", "sessions", some);
}

// A peer's greeting on a fresh box and on one with a log, and what the two then say to each other.
void peers(const AddInput& add) {
  const auto examples = frames::examples();
  const auto story = [&](const std::string& name, char circumstances, std::initializer_list<const char*> said) {
    ByteBuffer input(1, circumstances);
    for (const char* one : said) {
      for (const frames::Example& example : examples) {
        if (example.name == one) add_frame(input, example.bytes, 0x05);
      }
      input += ByteBuffer("\x14\x05\0", 3);  // time, a beat
    }
    add("peer", name, input);
  };
  constexpr char with_log = 0x1F;
  constexpr char fresh = 0x1E;
  story("greets", with_log, {"hello", "beat of an active", "beat of an active"});
  story("follows", with_log, {"hello", "beat of an active", "offer", "piece of log", "batch", "sync_point", "digest"});
  story("image", fresh,
        {"hello", "beat of an active", "offer", "piece of rows", "piece of log", "batch", "sync_point"});
  story("gap", with_log, {"hello", "beat of an active", "offer", "piece: gap", "piece of rows"});
  story("joins", with_log, {"beat of a standby", "hello", "join_ask", "fetch", "piece_ack", "confirm", "confirm"});
  story("merges", with_log, {"hello", "merge_ask", "tail", "tail_ack", "tail"});
  story("releases", with_log, {"hello", "ask_release", "release"});
  story("passes on", with_log, {"hello", "verify_ask", "verify_answer", "clients"});
  ByteBuffer serves("\x1F\x01\x14\xFF\x14\xFF\x0D\x0D", 8);  // told MASTER, time, two batches
  for (const frames::Example& example : examples) {
    if (example.name == "hello" || example.name == "join_ask" || example.name == "fetch")
      add_frame(serves, example.bytes, 5);
  }
  add("peer", "serves", serves);
}

void strangers(const AddInput& add) {
  const auto question = [](const std::array<std::string, 7>& parts) {
    ByteBuffer input(1, '\0');
    for (const std::string& part : parts) ByteWriter(input).u8(static_cast<std::uint8_t>(part.size())).bytes(part);
    return input;
  };
  add("stranger", "welcome", question({"1.0", "1", "tandem", "127.0.0.1", "", "CURVE", std::string(32, 'k')}));
  add("stranger", "other key", question({"1.0", "1", "tandem", "127.0.0.1", "", "CURVE", std::string(32, 'x')}));
  add("stranger", "no key", question({"1.0", "1", "tandem", "127.0.0.1", "", "NULL", ""}));
  const ByteBuffer signature("\xFF\0\0\0\0\0\0\0\x01\x7F\x03\x01", 12);
  const auto greeting = [&](const std::string& mechanism) {
    return "\x01" + signature + mechanism + ByteBuffer(20 - mechanism.size() + 32, '\0');
  };
  add("stranger", "greets null",
      greeting("NULL") + ByteBuffer("\x04\x19\x05READY\x0BSocket-Type\0\0\0\x06"
                                    "DEALER",
                                    30));
  add("stranger", "greets curve", greeting("CURVE") + ByteBuffer("\x04\xC8\x05HELLO\x01", 9) + ByteBuffer(193, 'h'));
  add("stranger", "huge frame", greeting("CURVE") + ByteBuffer("\x06\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x05HELLO", 15));
  add("stranger", "http", "\x01GET / HTTP/1.1\r\n\r\n");
}

void texts(const AddInput& add) {
  const std::string key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
  const std::string node = "[node]\nname = \"boxa\"\n[[listener]]\naddress = \"::\"\nport = 1884\n";
  add("config", "single", node + "[security]\nallow_anonymous = true\n[limits]\nmax_packet_bytes = 1000\n");
  add("config", "pair",
      node +
          "[mirror]\nlisten = [\"10.78.0.1:7883\", \"[fd00::1]:7884\"]\npeer = [\"10.78.0.2:7883\", "
          "\"[fd00::2]:7884\"]\n"
          "key_file = \"/k\"\npeer_public_key = [\"" +
          key +
          "\"]\nsolo = \"refuse\"\n"
          "[takeover]\narbiter = \"keepalived\"\nvip = \"10.0.0.1/24\"\nafter_ms = 300\n");
  add("config", "websocket",
      node +
          "[[listener]]\naddress = \"::1\"\nport = 9001\nprotocol = \"websocket\"\n"
          "path = \"/\"\norigins = [\"https://a\"]\n[http]\nport = 1\n[control]\nsocket = \"/s\"\n");
  add("config", "wrong", "[node]\nname = 7\nname = \"x\"\n[[listner]]\n[store]\nlog_max_mb = -1\ncheckpoint_s = 1e9\n");
  add("config", "dates", "a = 1979-05-27T07:32:00Z\nb = [[1, 2], {c = '''\n'''}]\nd.\"e\".f = \"\\u00E9\\x41\"\n");

  const std::string salt = "c2FsdHNhbHRzYWx0";
  const std::string hash = std::string(86, 'A') + "==";
  add("passwords", "both", "# users\nplc:$7$101$" + salt + "$" + hash + "\r\nhmi : $6$" + salt + "$" + hash + "\n");
  add("passwords", "twice", "a:$6$" + salt + "$" + hash + "\na:$6$" + salt + "$" + hash);
  add("rules", "all", "topic read a\nuser bob\ntopic readwrite b/#\ntopic deny b/+/c\n\npattern write %u/%c/in\n# x\n");
  add("rules", "wrong", "topik a\ntopic grant a\nuser\npattern read $share/g/t\ntopic read a/#/b\n");
  add("rules", "sys", "topic read $SYS/#\ntopic read +/x/#\ntopic read #\ntopic deny +\n");
  add("scram", "bob", "n,,n=bob,r=abc\nc=biws,r=abcservernonce,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  add("scram", "nobody", "y,,n=a=2Cb,r=abc\nc=eSws,r=abcservernonce,p=AAAA");
  add("scram", "verifier", "SCRAM-SHA-256$1:c2FsdA==$AAAA:AAAA");
  add("passwords", "wrong", "no colon\n:$6$\nplain:secret\nb:$7$99999999999$" + salt + "$" + hash + "\nc:$6$x$y\n");
}

void infos(const AddInput& add) {
  broker::NodeInfo info;
  info.sessions = 300;
  info.version = "0.2.0";
  info.digest = "0123456789abcdef";
  info.config = {{"limits.max_sessions", "7"},
                 {"listener 2.path", "[\"/x\", \"/y\"]"},
                 {"listener 3.port", "1883"},
                 {"store.log_max_mb", "5 # \"\"\""},
                 {"node.name", "\"boxa\""}};
  add("info", "config", broker::encode(info));
  info.config = {{"limits.max_sessions", "[1,\n2]"}, {"limits]\n[control.x", "\"a\\\"\""}, {"control.socket", "'#'"}};
  info.config_push = {77, 78, true, "tandem.toml has now: limits.max_sessions = 7."};
  add("info", "push", broker::encode(info));
}

void admins(const AddInput& add) {
  add("control", "status", "\x40{\"command\":\"status\"}\n");
  add("control", "several",
      "\x03{\"command\":\"promote\",\"how\":\"first\"}\n{\"command\":\"events\",\"how\":\"last 5\"}\n\nx\n");
  add("control", "wrong", "\x07[]\n{\"command\":7}\n{\"command\":\"\\ud800\\u0000\"}\n{\"how\":1e999}\n");
  add("control", "replies",
      "\x40{\"ok\":true,\"message\":\"m\"}\n{\"ok\":false,\"error\":\"e\"}\n{\"ok\":true,\"events\":[{\"number\":1}]}"
      "\n");
  add("control", "event",
      "\x40{\"number\":1,\"wall_ms\":2,\"log_ms\":3,\"node\":\"a\",\"epoch\":4,\"level\":\"info\",\"text\":\"t\"}\n");
  add("control", "report",
      "\x40{\"protected\":true,\"why\":\"w\",\"sync_percent\":9.5,\"alarms\":[{\"kind\":\"disk\",\"text\":\"t\"}],"
      "\"paths\":[{\"address\":\"a\",\"up\":true}],\"self\":{\"name\":\"a\",\"lsn\":1},\"peer\":{\"name\":\"b\"}}\n");
  add("http", "get", "\x40GET /status?x=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer 0123456789abcdef\r\n\r\n");
  add("http", "head", "\x03HEAD /metrics HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\n\r\n");
  add("http", "body", "\x11POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc");
  add("http", "chunked", "\x40GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n");
  add("http", "wrong", "\x40GET / HTTP/9.9\r\n: x\r\n folded\r\n\r\n");
}

}  // namespace

void house_corpora(const AddInput& add, const std::string& golden_folder) {
  states(add, golden_folder);
  peers(add);
  strangers(add);
  texts(add);
  infos(add);
  admins(add);
}

}  // namespace tandem::fuzz
