// The configuration file: what it gives, and that everything wrong is named with file, line, column, key and
// what is allowed.
#include "broker/config.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {
namespace {

const std::string key_a = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
const std::string key_b = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";

const std::string node_and_listener =
    "[node]\n"
    "name = \"boxa\"\n"
    "[[listener]]\n"
    "address = \"127.0.0.1\"\n";

const std::string mirror =
    "[mirror]\n"
    "listen = [\"10.78.0.1:7883\", \"[fd00::1]:7884\"]\n"
    "peer = [\"10.78.0.2:7883\", \"[fd00::2]:7884\"]\n"
    "key_file = \"/etc/tandem/mirror.key\"\n"
    "peer_public_key = \"" +
    key_a + "\"\n";

const std::string heartbeat = "[takeover]\narbiter = \"heartbeat\"\n";

// The config of a text that must be right.
Config right(const std::string& text) {
  Result<Config> result = parse_config(text, "t.toml");
  if (!result.ok()) FAIL(result.error().message);
  return result.take();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

// The problems of a text that must be wrong, one a line.
std::vector<std::string> problems(const std::string& text) {
  const Result<Config> result = parse_config(text, "t.toml");
  REQUIRE_FALSE(result.ok());
  return lines_of(result.error().message);
}

bool starts_with(const std::string& text, std::string_view start) {
  return text.rfind(start, 0) == 0;
}

// Exactly one problem, which starts with `start` and contains `allowed`.
void wrong(const std::string& text, std::string_view start, std::string_view allowed) {
  const std::vector<std::string> found = problems(text);
  CAPTURE(found.front());
  CAPTURE(start);
  CHECK(found.size() == 1);
  CHECK(starts_with(found.front(), start));
  CHECK(found.front().find("; allowed: ") != std::string::npos);
  CHECK(found.front().find(allowed) != std::string::npos);
}

TEST_CASE("the smallest file gives the defaults and no mirror") {
  const Config config = right(node_and_listener);
  CHECK(config.node.name == "boxa");
  CHECK(config.node.data_dir == "/var/lib/tandem");
  REQUIRE(config.listeners.size() == 1);
  CHECK(config.listeners[0].address == "127.0.0.1");
  CHECK(config.listeners[0].port == 1883);
  CHECK_FALSE(config.security.allow_anonymous);
  CHECK_FALSE(config.mirror.has_value());
  CHECK_FALSE(config.http.has_value());
  CHECK(config.takeover.after_ms == 300);
  CHECK(config.takeover.boot_wait_ms == 10'000);
  CHECK(config.takeover.weight_file == "/run/tandem/vrrp.weight");
  CHECK(config.takeover.notify_fifo == "/run/tandem/vrrp.fifo");
  CHECK(config.takeover.vrrp_instance == std::vector<std::string>{"TANDEM"});
  CHECK(config.takeover.will_grace_s == 60);
  CHECK(config.store.log_max_mb == 1024);
  CHECK(config.store.checkpoint_mb == 64);
  CHECK(config.store.checkpoint_s == 300);
  CHECK(config.store.group_commit_ms == 50);
  CHECK(config.limits.max_packet_bytes == 2'000'000);
  CHECK(config.control.socket == "/run/tandem/tandemd.sock");
}

TEST_CASE("a pair's tables are read") {
  const Config config =
      right(node_and_listener + mirror + "durability = \"peer+disk\"\nsolo = \"refuse\"\nreconcile = \"ask\"\n" +
            heartbeat + "unsure = \"wait\"\n");
  REQUIRE(config.mirror.has_value());
  CHECK(config.mirror->listen == std::vector<Endpoint>{{"10.78.0.1", 7883}, {"fd00::1", 7884}});
  CHECK(config.mirror->peer == std::vector<Endpoint>{{"10.78.0.2", 7883}, {"fd00::2", 7884}});
  CHECK(config.mirror->key_file == "/etc/tandem/mirror.key");
  CHECK(config.mirror->peer_public_keys == std::vector<std::string>{key_a});
  CHECK(config.mirror->durability == Durability::peer_and_disk);
  CHECK(config.mirror->solo == Solo::refuse);
  CHECK(config.mirror->reconcile == Reconcile::ask);
  CHECK(config.takeover.arbiter == Arbiter::heartbeat);
  CHECK(config.takeover.unsure == Unsure::wait);
}

TEST_CASE("what a file means is known key by key, defaults included, as TOML has it") {
  const Config config =
      right(node_and_listener + "[security]\nallow_anonymous = true\n[mqtt]\nresponse_prefix = \"a\\\"\\u0001\"\n");
  CHECK(config.values.at("node.name") == "\"boxa\"");
  CHECK(config.values.at("listener 1.port") == "1883");
  CHECK(config.values.at("listener 1.protocol") == "\"mqtt\"");
  CHECK(config.values.at("listener 1.path") == "[\"/mqtt\", \"/\"]");
  CHECK(config.values.at("security.allow_anonymous") == "true");
  CHECK(config.values.at("limits.max_retained") == "200000");
  CHECK(config.values.at("mqtt.response_prefix") == "\"a\\\"\\u0001\"");
  CHECK_FALSE(config.values.contains("http.port"));
}

TEST_CASE("every key of the other tables is read") {
  const Config config = right(
      "[node]\nname = \"b\"\ndata_dir = \"d\"\n"
      "[[listener]]\naddress = \"::\"\nport = 1884\n[[listener]]\naddress = \"0.0.0.0\"\n"
      "[security]\nallow_anonymous = true\n"
      "[takeover]\narbiter = \"keepalived\"\nheartbeat_ms = 20\nafter_ms = 100\nlease_ms = "
      "1200\nsolo_wait_ms = 1800\n"
      "boot_wait_ms = 2000\nwill_grace_s = 5\nvip = [\"192.0.2.10\", \"fd00::10\"]\n"
      "weight_file = \"/run/t/w\"\nnotify_fifo = \"/run/t/f\"\nvrrp_instance = [\"V4\", \"V6\"]\n"
      "[store]\nlog_max_mb = 10\ncheckpoint_mb = 5\ncheckpoint_s = 7\ngroup_commit_ms = 9\n"
      "[limits]\nmax_packet_bytes = 2000\nreceive_maximum = 11\nv3_in_flight = 12\ntopic_alias_maximum = 0\n"
      "max_connections = 14\nmax_connections_per_address = 26\nmax_sessions = 15\nmax_subscriptions_per_session = "
      "16\nmax_queue_messages = 17\n"
      "max_queue_bytes = 18000\nmax_retained = 19\nmax_retained_bytes = 20\nmax_connections_per_user = 24\nmemory_mb = "
      "25\nconnect_timeout_ms = 2001\nmax_keep_alive_s = 21\n"
      "max_connects_per_s = 22\nmax_publishes_per_s = 23\n"
      "[http]\naddress = \"::1\"\nport = 8080\n[control]\nsocket = \"s.sock\"\n");
  CHECK(config.node.data_dir == "d");
  CHECK(config.listeners.size() == 2);
  CHECK(config.listeners[0].port == 1884);
  CHECK(config.security.allow_anonymous);
  CHECK(config.takeover.heartbeat_ms == 20);
  CHECK(config.takeover.after_ms == 100);
  CHECK(config.takeover.lease_ms == 1200);
  CHECK(config.takeover.solo_wait_ms == 1800);
  CHECK(config.takeover.boot_wait_ms == 2000);
  CHECK(config.takeover.will_grace_s == 5);
  CHECK(config.takeover.vip == std::vector<std::string>{"192.0.2.10", "fd00::10"});
  CHECK(config.takeover.weight_file == "/run/t/w");
  CHECK(config.takeover.notify_fifo == "/run/t/f");
  CHECK(config.takeover.vrrp_instance == std::vector<std::string>{"V4", "V6"});
  CHECK(config.store.log_max_mb == 10);
  CHECK(config.store.checkpoint_mb == 5);
  CHECK(config.store.checkpoint_s == 7);
  CHECK(config.store.group_commit_ms == 9);
  CHECK(config.limits.max_packet_bytes == 2000);
  CHECK(config.limits.receive_maximum == 11);
  CHECK(config.limits.v3_in_flight == 12);
  CHECK(config.limits.topic_alias_maximum == 0);
  CHECK(config.limits.max_connections == 14);
  CHECK(config.limits.max_connections_per_address == 26);
  CHECK(config.limits.max_sessions == 15);
  CHECK(config.limits.max_subscriptions_per_session == 16);
  CHECK(config.limits.max_queue_messages == 17);
  CHECK(config.limits.max_queue_bytes == 18000);
  CHECK(config.limits.max_retained == 19);
  CHECK(config.limits.max_retained_bytes == 20);
  CHECK(config.limits.max_connections_per_user == 24);
  CHECK(config.limits.memory_mb == 25);
  CHECK(config.limits.connect_timeout_ms == 2001);
  CHECK(config.limits.max_keep_alive_s == 21);
  CHECK(config.limits.max_connects_per_s == 22);
  CHECK(config.limits.max_publishes_per_s == 23);
  REQUIRE(config.http.has_value());
  CHECK(config.http->address == "::1");
  CHECK(config.http->port == 8080);
  CHECK(config.control.socket == "s.sock");
}

TEST_CASE("solo_wait_ms and boot_wait_ms follow lease_ms when they are not given") {
  const Config config = right(node_and_listener + "[takeover]\nlease_ms = 20000\n");
  CHECK(config.takeover.solo_wait_ms == 20'500);
  CHECK(config.takeover.boot_wait_ms == 20'500);
}

TEST_CASE("peer_public_key may be a list while a key is replaced") {
  std::string text = node_and_listener + mirror + heartbeat;
  const std::string one = "\"" + key_a + "\"";
  text.replace(text.find(one), one.size(), "[\"" + key_a + "\", \"" + key_b + "\"]");
  CHECK(right(text).mirror->peer_public_keys == std::vector<std::string>{key_a, key_b});
}

TEST_CASE("text that is not TOML: the place of the fault") {
  const std::vector<std::string> found = problems("[node]\nname = boxa\n");
  CHECK(found.size() == 1);
  CHECK(starts_with(found.front(), "t.toml:2:8: not TOML: "));
}

TEST_CASE("text on which the parser asserts: the place all the same") {
  const std::vector<std::string> found = problems("[node]\nname = \"a\"\n [\x01]\n[x]\n");
  CHECK(found == std::vector<std::string>{"t.toml:3:3: not TOML: unexpected character"});
}

// toml++ 3.3 takes some letters for impossible (base/toml.hpp); the sanitizers see it if one is missed.
TEST_CASE("letters beyond ASCII where a key begins: the place of the fault") {
  for (const char* const letter :
       {"\xc3\xa9", "\xd2\x99", "\xe2\x98\x83", "\xe3\x80\x81", "\xef\xbb\xbe", "\xf0\x9f\x98\x80"}) {
    const std::vector<std::string> found = problems(std::string("[") + letter + "]\n");
    REQUIRE(found.size() == 1);
    CHECK(starts_with(found.front(), "t.toml:1:2: not TOML: "));
  }
}

TEST_CASE("a listener for WebSocket has paths and origins") {
  const std::string websocket = "[[listener]]\naddress = \"::\"\nport = 9001\nprotocol = \"websocket\"\n";
  const Config bare = right(node_and_listener + websocket);
  REQUIRE(bare.listeners.size() == 2);
  CHECK(bare.listeners[0].protocol == Protocol::mqtt);
  CHECK(bare.listeners[1].protocol == Protocol::websocket);
  CHECK(bare.listeners[1].paths == std::vector<std::string>{"/mqtt", "/"});
  CHECK(bare.listeners[1].origins.empty());
  const Config full =
      right(node_and_listener + websocket +
            "path = \"/ws\"\norigins = [\"https://hmi.example\", \"http://192.0.2.5:8080\", \"null\"]\n");
  CHECK(full.listeners[1].paths == std::vector<std::string>{"/ws"});
  CHECK(full.listeners[1].origins.size() == 3);

  wrong(node_and_listener + "protocol = \"ws\"\n", "t.toml:5:12: listener.protocol: \"ws\"", "\"mqtt\", \"websocket\"");
  wrong(node_and_listener + "path = \"/mqtt\"\n", "t.toml:5:8: listener.path: is of no use", "\"websocket\"");
  wrong(node_and_listener + "origins = \"null\"\n", "t.toml:5:11: listener.origins: is of no use", "\"websocket\"");
  wrong(node_and_listener + "[[listener]]\naddress = \"::\"\nprotocol = \"websocket\"\n",
        "t.toml:5:1: listener.port: missing", "9001");
  wrong(node_and_listener + websocket + "path = \"mqtt\"\n", "t.toml:9:8: listener.path: \"mqtt\"", "\"/mqtt\"");
  for (const std::string origin : {"hmi.example", "https://", "https://hmi.example/", "*"}) {
    wrong(node_and_listener + websocket + "origins = \"" + origin + "\"\n", "t.toml:9:11: listener.origins:", "scheme");
  }
}

TEST_CASE("a listener behind proxies names them, as addresses and networks") {
  CHECK(right(node_and_listener).listeners[0].trusted_proxies.empty());
  const auto proxies = [](const std::string& value) {
    return right(node_and_listener + "proxy_protocol = " + value + "\n").listeners[0].trusted_proxies;
  };
  CHECK(proxies("\"192.0.2.7\"") == std::vector<IpNetwork>{*parse_network("192.0.2.7/32")});
  CHECK(proxies("[\"192.0.2.0/24\", \"fd00:1::/64\"]") ==
        std::vector<IpNetwork>{*parse_network("192.0.2.0/24"), *parse_network("fd00:1::/64")});
  for (const std::string text : {"proxy.example", "192.0.2.7/24", "192.0.2.0/33", "0.0.0.0/0", "::/0"}) {
    wrong(node_and_listener + "proxy_protocol = \"" + text + "\"\n",
          "t.toml:5:18: listener.proxy_protocol: \"" + text + "\"", "192.0.2.0/24");
  }
  wrong(node_and_listener + "proxy_protocol = true\n", "t.toml:5:18: listener.proxy_protocol: is true or false",
        "list");
}

TEST_CASE("a listener may be a Unix socket, instead of an address and a port") {
  const std::string node = "[node]\nname = \"a\"\n[[listener]]\n";
  const std::string path = "socket = \"/run/tandem/mqtt.sock\"\n";
  const ListenerConfig listener = right(node + path).listeners[0];
  CHECK(listener.socket == "/run/tandem/mqtt.sock");
  CHECK(listener.socket_mode == 0666);
  CHECK(listener.address.empty());
  CHECK(right(node + path + "socket_mode = \"0660\"\n").listeners[0].socket_mode == 0660);
  CHECK(right(node + path + "socket_mode = \"600\"\n").listeners[0].socket_mode == 0600);
  CHECK(right(node + path + "protocol = \"websocket\"\n").listeners[0].protocol == Protocol::websocket);
  CHECK(right(node_and_listener + "[[listener]]\n" + path).listeners.size() == 2);
  for (const std::string mode : {"rw", "66", "0888", "1666", "00666", "-666", "0x66"}) {
    wrong(node + path + "socket_mode = \"" + mode + "\"\n", "t.toml:5:15: listener.socket_mode: \"" + mode + "\"",
          "0660");
  }
  wrong(node + "socket = \"mqtt.sock\"\n", "t.toml:4:10: listener.socket: \"mqtt.sock\"", "absolute");
  wrong(node + "socket = \"/" + std::string(107, 'x') + "\"\n", "t.toml:4:10: listener.socket: the path has 108 bytes",
        "107");
  wrong(node + path + "[[listener]]\n" + path, "t.toml:6:10: listener.socket: another listener", "once");
  wrong(node + path + "[control]\n" + path, "t.toml:6:10: control.socket: a listener has the same", "its own");
  wrong(node_and_listener + "socket_mode = \"0660\"\n", "t.toml:5:15: listener.socket_mode: is of no use", "socket");
  for (const std::string line : {"address = \"::\"", "port = 1883", "proxy_protocol = \"192.0.2.7\""}) {
    wrong(node + path + line + "\n", "t.toml:5:", "without socket");
  }
  const auto found = problems(node + path + "cert_file = \"/t/server.pem\"\nkey_file = \"/t/server.key\"\n");
  CHECK(found.size() == 2);
}

TEST_CASE("a listener with a certificate has TLS") {
  CHECK_FALSE(right(node_and_listener).listeners[0].tls.has_value());
  const std::string files = "cert_file = \"/t/server.pem\"\nkey_file = \"/t/server.key\"\n";
  const auto tls = [&](const std::string& more) { return *right(node_and_listener + files + more).listeners[0].tls; };
  CHECK(tls("").key_pairs == std::vector<edge::TlsKeyPair>{{"/t/server.pem", "/t/server.key"}});
  CHECK(tls("").client_certificate == edge::ClientCertificate::none);
  CHECK(tls("").min_version == edge::TlsVersion::v1_2);
  CHECK(tls("tls_min_version = \"1.3\"\n").min_version == edge::TlsVersion::v1_3);
  const std::string ca = "client_ca_file = \"/t/ca.pem\"\n";
  CHECK(tls(ca).client_certificate == edge::ClientCertificate::required);
  CHECK(tls(ca + "client_cert = \"optional\"\n").client_certificate == edge::ClientCertificate::optional);
  CHECK(tls(ca + "client_crl_file = \"/t/crl.pem\"\n").client_crl_file == "/t/crl.pem");
  CHECK(tls(ca).username_from == edge::UserNameFrom::connect);
  CHECK(tls(ca + "username_from = \"subject_cn\"\n").username_from == edge::UserNameFrom::subject_cn);
  CHECK(tls(ca + "username_from = \"san_uri\"\n").username_from == edge::UserNameFrom::san_uri);

  wrong(node_and_listener + "cert_file = \"/t/server.pem\"\n", "t.toml:3:1: listener.key_file: missing", "secret key");
  wrong(node_and_listener + "cert_file = \"server.pem\"\nkey_file = \"/k\"\n",
        "t.toml:5:13: listener.cert_file:", "absolute");
  for (const std::string key : {"key_file", "client_ca_file", "client_crl_file"}) {
    wrong(node_and_listener + key + " = \"/t/x\"\n", "t.toml:5:", "cert_file");
  }
  for (const std::string line :
       {"client_cert = \"optional\"\n", "client_crl_file = \"/t/crl.pem\"\n", "username_from = \"connect\"\n"}) {
    wrong(node_and_listener + files + line, "t.toml:7:", "client_ca_file");
  }
  wrong(node_and_listener + files + ca + "client_cert = \"none\"\nusername_from = \"san_dns\"\n",
        "t.toml:9:17: listener.username_from:", "required");
  wrong(node_and_listener + files + "tls_min_version = \"1.1\"\n", "t.toml:7:19: listener.tls_min_version: \"1.1\"",
        "\"1.2\", \"1.3\"");
}

TEST_CASE("a listener may have several certificates, each with its key") {
  const auto with = [](const std::string& certs, const std::string& keys) {
    return node_and_listener + "cert_file = " + certs + "\nkey_file = " + keys + "\n";
  };
  const Config config = right(with("[\"/t/a.pem\", \"/t/b.pem\"]", "[\"/t/a.key\", \"/t/b.key\"]"));
  CHECK(config.listeners[0].tls->key_pairs ==
        std::vector<edge::TlsKeyPair>{{"/t/a.pem", "/t/a.key"}, {"/t/b.pem", "/t/b.key"}});
  wrong(with("[\"/t/a.pem\", \"/t/b.pem\"]", "\"/t/a.key\""), "t.toml:6:12: listener.key_file: is for 1 of the 2",
        "same order");
  wrong(with("\"/t/a.pem\"", "[\"/t/a.key\", \"/t/b.key\"]"), "t.toml:6:12: listener.key_file: is for 2 of the 1",
        "same order");
  wrong(with("[\"/t/a.pem\", \"b.pem\"]", "[\"/t/a.key\", \"/t/b.key\"]"), "t.toml:5:13: listener.cert_file: \"b.pem\"",
        "absolute");
}

TEST_CASE("a key twice is an error") {
  CHECK(starts_with(problems("[node]\nname = \"a\"\nname = \"b\"\n").front(), "t.toml:3:"));
}

TEST_CASE("unknown keys and tables") {
  wrong(node_and_listener + "prot = 1\n", "t.toml:5:1: listener.prot: unknown key", "allowed: address, port");
  wrong(node_and_listener + "[mirorr]\nx = 1\n", "t.toml:5:2: mirorr: unknown table", "[mirror]");
  wrong("x = 1\n" + node_and_listener, "t.toml:1:1: x: unknown key outside any table", "[node]");
  wrong(node_and_listener + "[[bridge]]\n", "t.toml:5:", "[control]");
}

TEST_CASE("missing keys and tables") {
  wrong("[[listener]]\naddress = \"::\"\n", "t.toml: node.name: missing", "characters");
  wrong("[node]\ndata_dir = \"x\"\n[[listener]]\naddress = \"::\"\n", "t.toml:1:1: node.name: missing", "characters");
  wrong("[node]\nname = \"a\"\n", "t.toml: listener: missing", "[[listener]]");
  wrong("[node]\nname = \"a\"\n[[listener]]\n", "t.toml:3:1: listener.address: missing", "0.0.0.0");
  wrong(node_and_listener + mirror, "t.toml: takeover.arbiter: missing", "\"heartbeat\"");
  const std::vector<std::string> found = problems(node_and_listener + "[mirror]\n" + heartbeat);
  CHECK(found.size() == 4);
  for (const std::string& line : found) CHECK(starts_with(line, "t.toml:5:1: mirror."));
}

TEST_CASE("wrong types") {
  wrong("[node]\nname = 7\n[[listener]]\naddress = \"::\"\n", "t.toml:2:8: node.name: is a whole number", "text");
  wrong("[node]\nname = \"\"\n[[listener]]\naddress = \"::\"\n", "t.toml:2:8: node.name: is empty", "text");
  wrong(node_and_listener + "port = \"1883\"\n", "t.toml:5:8: listener.port: is text", "from 1 to 65535");
  wrong(node_and_listener + "port = 1883.0\n", "t.toml:5:8: listener.port: is a number with a fraction", "whole");
  wrong(node_and_listener + "[security]\nallow_anonymous = 1\n", "t.toml:6:19: security.allow_anonymous: is a whole",
        "true or false");
  wrong(node_and_listener + "[takeover]\narbiter = true\n", "t.toml:6:11: takeover.arbiter: is true or false",
        "\"keepalived\", \"heartbeat\"");
  wrong(node_and_listener + "[takeover]\nvip = 1979-05-27\n", "t.toml:6:7: takeover.vip: is a date", "list");
  wrong(node_and_listener + "[takeover]\nvip = [1]\n", "t.toml:6:8: takeover.vip: is a whole number", "list");
  wrong(node_and_listener + "[takeover]\nvip = []\n", "t.toml:6:7: takeover.vip: has 0 entries", "list");
  wrong(node_and_listener + "[takeover]\nvip = [\"\"]\n", "t.toml:6:7: takeover.vip: is empty", "list");
  wrong("[node]\nname = \"a\"\n[listener]\naddress = \"::\"\n", "t.toml:3:1: listener: is a table", "[[listener]]");
  wrong("listener = []\n[node]\nname = \"a\"\n", "t.toml:1:12: listener: is a list", "[[listener]]");
  wrong("store = 3\n" + node_and_listener, "t.toml:1:9: store: is a whole number", "[store]");
  wrong(node_and_listener + "[[store]]\n", "t.toml:5:", "one table [store]");
}

TEST_CASE("values that are not allowed") {
  wrong("[node]\nname = \"box a\"\n[[listener]]\naddress = \"::\"\n", "t.toml:2:8: node.name: \"box a\"", "A-Z");
  wrong("[node]\nname = \"" + std::string(65, 'x') + "\"\n[[listener]]\naddress = \"::\"\n",
        "t.toml:2:8: node.name:", "1 to 64");
  const std::string with_threads = "[node]\nname = \"a\"\nthreads = ";
  wrong(with_threads + "\"all\"\n[[listener]]\naddress = \"::\"\n", "t.toml:3:11: node.threads: \"all\"",
        "\"auto\", or a whole number from 0 to 16");
  wrong(with_threads + "17\n[[listener]]\naddress = \"::\"\n", "t.toml:3:11: node.threads: 17", "from 0 to 16");
  CHECK(right(with_threads + "3\n[[listener]]\naddress = \"::\"\n").node.threads == 3U);
  CHECK_FALSE(right(with_threads + "\"auto\"\n[[listener]]\naddress = \"::\"\n").node.threads.has_value());
  wrong(node_and_listener + "port = 0\n", "t.toml:5:8: listener.port: 0 is out of range", "from 1 to 65535");
  wrong(node_and_listener + "port = 65536\n", "t.toml:5:8: listener.port: 65536 is out of range", "65535");
  wrong("[node]\nname = \"a\"\n[[listener]]\naddress = \"localhost\"\n", "t.toml:4:11: listener.address: \"localhost\"",
        "0.0.0.0");
  wrong(node_and_listener + "[[listener]]\naddress = \"127.0.0.1\"\nport = 1883\n",
        "t.toml:7:8: listener.port: another", "once");
  wrong(node_and_listener + "[takeover]\narbiter = \"paxos\"\n", "t.toml:6:11: takeover.arbiter: \"paxos\" is unknown",
        "\"keepalived\", \"heartbeat\"");
  wrong(node_and_listener + "[takeover]\nvip = \"router\"\n", "t.toml:6:7: takeover.vip: \"router\"", "192.0.2.10");
  wrong(node_and_listener + "[http]\naddress = \"0.0.0.0\"\n", "t.toml:6:11: http.address: \"0.0.0.0\"",
        "http.token_file");
  wrong(node_and_listener + "[http]\ntoken_file = \"token\"\n", "t.toml:6:14: http.token_file: \"token\"", "absolute");
  CHECK(right(node_and_listener + "[http]\naddress = \"0.0.0.0\"\ntoken_file = \"/t\"\n").http->token_file == "/t");
  wrong(node_and_listener + "[control]\nsocket = \"/" + std::string(107, 's') + "\"\n",
        "t.toml:6:10: control.socket: the path has 108 bytes", "at most 107");
  wrong(node_and_listener + "[limits]\nmax_packet_bytes = 4000001\n",
        "t.toml:6:20: limits.max_packet_bytes:", "4000000");
}

TEST_CASE("mirror: addresses and keys") {
  const auto with = [](std::string_view from, std::string_view to) {
    std::string text = node_and_listener + mirror + heartbeat;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  wrong(with("\"10.78.0.1:7883\"", "\"10.78.0.1\""), "t.toml:6:10: mirror.listen: \"10.78.0.1\"", "192.0.2.1:7883");
  wrong(with("10.78.0.1:7883", "fd00::1:7883"), "t.toml:6:10: mirror.listen: \"fd00::1:7883\"", "[2001:db8::1]:7883");
  wrong(with("10.78.0.1:7883", "10.78.0.1:70000"), "t.toml:6:10: mirror.listen:", "192.0.2.1:7883");
  wrong(with("10.78.0.1:7883\"", "10.78.0.1:7883\", \"10.78.0.1:7883\""), "t.toml:6:10: mirror.listen: has 3",
        "1 to 2");
  wrong(with("\"10.78.0.2:7883\", ", ""), "t.toml:7:8: mirror.peer: has 1 paths, listen has 2", "as many");
  wrong(with("10.78.0.2:7883", "10.78.0.1:7883"), "t.toml:7:8: mirror.peer: 10.78.0.1 port 7883", "other box");
  wrong(with("10.78.0.2:7883", "0.0.0.0:7883"), "t.toml:7:8: mirror.peer: \"0.0.0.0\"", "its own address");
  wrong(with(key_a, "short"), "t.toml:9:19: mirror.peer_public_key: \"short\"", "40 characters");
  wrong(with(key_a, std::string(40, '~')), "t.toml:9:19: mirror.peer_public_key:", "tandemctl keygen");
  wrong(with("arbiter = \"heartbeat\"", "arbiter = \"keepalived\""), "t.toml:10:1: takeover.vip: missing",
        "192.0.2.10");
}

TEST_CASE("relations between keys") {
  const auto takeover = [](std::string_view keys) { return node_and_listener + "[takeover]\n" + std::string(keys); };
  wrong(takeover("after_ms = 249\n"), "t.toml:6:12: takeover.after_ms: 249 is too small",
        "at least 5 x heartbeat_ms = 250");
  wrong(takeover("heartbeat_ms = 100\n"), "t.toml:5:1: takeover.after_ms: 300 is too small",
        "at least 5 x heartbeat_ms = 500");
  wrong(takeover("lease_ms = 1299\n"), "t.toml:6:12: takeover.lease_ms: 1299", "at least after_ms + 1000 = 1300");
  wrong(takeover("solo_wait_ms = 2499\n"), "t.toml:6:16: takeover.solo_wait_ms: 2499",
        "at least lease_ms + 500 = 2500");
  wrong(takeover("boot_wait_ms = 2499\n"), "t.toml:6:16: takeover.boot_wait_ms: 2499", "at least solo_wait_ms = 2500");
  wrong(node_and_listener + "[store]\nlog_max_mb = 100\n", "t.toml:6:14: store.log_max_mb: log_max_mb is 100",
        "at least 2 x checkpoint_mb (128)");
  wrong(node_and_listener + "[limits]\nmax_queue_bytes = 1999999\n",
        "t.toml:6:19: limits.max_queue_bytes:", "at least max_packet_bytes (2000000)");
}

TEST_CASE("all problems are shown at once, in the order of the file") {
  const std::vector<std::string> found = problems(
      "[store]\ncheckpoint_s = 0\n"
      "[node]\nname = \"?\"\nnmae = 1\n"
      "[[listener]]\naddress = \"x\"\nport = -1\n");
  REQUIRE(found.size() == 5);
  CHECK(starts_with(found[0], "t.toml:2:16: store.checkpoint_s"));
  CHECK(starts_with(found[1], "t.toml:4:8: node.name"));
  CHECK(starts_with(found[2], "t.toml:5:1: node.nmae"));
  CHECK(starts_with(found[3], "t.toml:7:11: listener.address"));
  CHECK(starts_with(found[4], "t.toml:8:8: listener.port"));
}

TEST_CASE("files: missing, a folder, too large") {
  CHECK(load_config("no/such/file.toml").error().message.find("no/such/file.toml: cannot be opened: No such") == 0);
  const Result<Config> folder = load_config("/");
  REQUIRE_FALSE(folder.ok());
  CHECK(folder.error().message.find("/: cannot be read: Is a directory") == 0);
  const Result<Config> endless = load_config("/dev/zero");
  REQUIRE_FALSE(endless.ok());
  CHECK(endless.error().message.find("larger than 1 MiB") != std::string::npos);
}

TEST_CASE("any bytes give a config or an error, never a crash") {
  std::string text = node_and_listener + mirror + heartbeat;
  std::uint32_t random = 12345;
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = text;
    for (int change = 0; change < 3; ++change) {
      random = random * 1664525U + 1013904223U;
      damaged[(random >> 8) % damaged.size()] = static_cast<char>(random >> 24);
    }
    const Result<Config> result = parse_config(damaged, "t.toml");
    if (!result.ok()) CHECK_FALSE(result.error().message.empty());
  }
}

TEST_CASE("the sample file is right and shows the defaults") {
  const Result<Config> sample = load_config(SAMPLE_CONFIG);
  if (!sample.ok()) FAIL(sample.error().message);
  const Config& config = sample.value();
  CHECK(config.mirror.has_value());
  CHECK(config.takeover.after_ms == TakeoverConfig{}.after_ms);
  CHECK(config.store.log_max_mb == StoreConfig{}.log_max_mb);
}

}  // namespace
}  // namespace tandem
