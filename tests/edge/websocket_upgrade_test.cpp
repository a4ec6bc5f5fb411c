// The request that begins a WebSocket: what is answered to it.
#include "edge/websocket_upgrade.hpp"

#include "edge/websocket.hpp"

#include <doctest/doctest.h>

#include "tests/covers.hpp"
#include "websocket_client.hpp"

using namespace tandem;
using namespace tandem::edge;
using namespace tandem::edge::test;

namespace {

const WebSocketOptions options{{"/mqtt", "/"}, {}};
const WebSocketOptions hmi_only{{"/mqtt"}, {"https://hmi.example", "http://192.0.2.5:8080"}};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string accepted(const std::string& request, const WebSocketOptions& by = options) {
  const UpgradeAnswer answer = answer_upgrade(request, by);
  CAPTURE(answer.response);
  CHECK(answer.accepted);
  CHECK(answer.response.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
  CHECK(answer.response.ends_with("\r\n\r\n"));
  return answer.response;
}

void refused(const std::string& request, std::string_view status, std::string_view why,
             const WebSocketOptions& by = options) {
  const UpgradeAnswer answer = answer_upgrade(request, by);
  CAPTURE(answer.response);
  CHECK_FALSE(answer.accepted);
  CHECK(answer.response.starts_with("HTTP/1.1 " + std::string(status)));
  CHECK(has(answer.response, "\r\nConnection: close\r\n"));
  CHECK(has(answer.response.substr(answer.response.find("\r\n\r\n")), why));
}

std::string without(std::string text, const std::string& line_start) {
  const std::size_t at = text.find("\r\n" + line_start);
  REQUIRE(at != std::string::npos);
  return text.erase(at, text.find("\r\n", at + 2) - at);
}

std::string changed(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("the example of RFC 6455 is accepted; the sub-protocol is said") {
  COVERS("MQTT5-6.0.0-4");
  const std::string response = accepted(upgrade_request());
  CHECK(has(response, "\r\nUpgrade: websocket\r\n"));
  CHECK(has(response, "\r\nConnection: Upgrade\r\n"));
  CHECK(has(response, "\r\nSec-WebSocket-Accept: " + std::string(example_accept) + "\r\n"));
  CHECK(has(response, "\r\nSec-WebSocket-Protocol: mqtt\r\n"));
  CHECK_FALSE(has(response, "Sec-WebSocket-Extensions"));
  const std::string deflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
  CHECK_FALSE(has(accepted(upgrade_request("/mqtt", "mqtt", deflate)), "Sec-WebSocket-Extensions"));
}

TEST_CASE("mqtt is chosen where it is offered, mqttv3.1 for clients that know no other") {
  COVERS("MQTT5-6.0.0-3", "MQTT5-6.0.0-4", "T-50");
  CHECK(has(accepted(upgrade_request("/mqtt", "mqttv3.1")), "\r\nSec-WebSocket-Protocol: mqttv3.1\r\n"));
  CHECK(has(accepted(upgrade_request("/mqtt", "mqttv3.1, mqtt")), "\r\nSec-WebSocket-Protocol: mqtt\r\n"));
  CHECK(has(accepted(upgrade_request("/mqtt", "chat, mqtt")), "\r\nSec-WebSocket-Protocol: mqtt\r\n"));
  const std::string two_lines = upgrade_request("/mqtt", "chat", "Sec-WebSocket-Protocol: mqtt\r\n");
  CHECK(has(accepted(two_lines), "\r\nSec-WebSocket-Protocol: mqtt\r\n"));
  refused(upgrade_request("/mqtt", ""), "400 ", "sub-protocol \"mqtt\"");
  refused(upgrade_request("/mqtt", "chat"), "400 ", "sub-protocol \"mqtt\"");
  refused(upgrade_request("/mqtt", "mqttv5"), "400 ", "sub-protocol \"mqtt\"");
}

TEST_CASE("the path must be one of the listener's; what follows a question mark does not count") {
  accepted(upgrade_request("/"));
  accepted(upgrade_request("/mqtt?token=1"));
  refused(upgrade_request("/mqtt/"), "404 ", "listener.path");
  refused(upgrade_request("/other"), "404 ", "listener.path");
  refused(upgrade_request("/"), "404 ", "listener.path", hmi_only);
}

TEST_CASE("a page of another origin is refused; who is no browser names none") {
  accepted(upgrade_request(), hmi_only);
  accepted(upgrade_request("/mqtt", "mqtt", "Origin: https://anywhere.example\r\n"), options);
  accepted(upgrade_request("/mqtt", "mqtt", "Origin: https://HMI.example\r\n"), hmi_only);
  accepted(upgrade_request("/mqtt", "mqtt", "Origin: http://192.0.2.5:8080\r\n"), hmi_only);
  for (const std::string origin :
       {"http://hmi.example", "https://hmi.example.net", "https://hmi.example:444", "null"}) {
    refused(upgrade_request("/mqtt", "mqtt", "Origin: " + origin + "\r\n"), "403 ", "listener.origins", hmi_only);
  }
}

TEST_CASE("what is no request for a WebSocket is refused with what is needed") {
  const std::string good = upgrade_request();
  refused("GET /mqtt HTTP/1.1\r\nHost: broker\r\n\r\n", "426 ", "a WebSocket client is needed");
  refused(without(good, "Connection"), "426 ", "a WebSocket client is needed");
  refused(changed(good, "HTTP/1.1", "HTTP/1.0"), "426 ", "a WebSocket client is needed");
  refused(changed(good, "Version: 13", "Version: 8"), "426 ", "version 13");
  CHECK(has(answer_upgrade(changed(good, "Version: 13", "Version: 8"), options).response,
            "\r\nSec-WebSocket-Version: 13\r\n"));
  refused(without(good, "Sec-WebSocket-Key"), "400 ", "Sec-WebSocket-Key");
  refused(changed(good, "dGhl", "dG!l"), "400 ", "Sec-WebSocket-Key");
  refused(changed(good, "dGhl", ""), "400 ", "Sec-WebSocket-Key");
  refused(upgrade_request("/mqtt", "mqtt", "Content-Length: 5\r\n"), "400 ", "body");
  refused(upgrade_request("/mqtt", "mqtt", "Transfer-Encoding: chunked\r\n"), "400 ", "body");
  refused(upgrade_request("/mqtt", "mqtt", "no header\r\n"), "400 ", "no HTTP request");
  refused("GET  HTTP/1.1\r\n\r\n", "400 ", "no HTTP request");
}

TEST_CASE("a request may be cut anywhere; frames may follow it at once") {
  COVERS("MQTT5-6.0.0-2");
  const std::string request = upgrade_request();
  for (std::size_t cut = 1; cut <= request.size(); ++cut) {
    WebSocket websocket(options);
    std::string first = request.substr(0, cut);
    std::string second = request.substr(cut) + binary("packet");
    CHECK(websocket.receive(first.data(), first.size()).empty());
    CHECK(websocket.receive(second.data(), second.size()) == "packet");
    std::string out = "answer";
    CHECK(websocket.has_to_say());
    websocket.frame(out, true);
    CHECK(out == accepted(request) + plain(binary_frame, "answer") + plain_close(1000));
    CHECK_FALSE(websocket.has_to_say());
  }
}

TEST_CASE("much at once is sent in frames of 1 MiB, behind what went before") {
  WebSocket websocket(options);
  std::string request = upgrade_request() + ping_of("p");
  websocket.receive(request.data(), request.size());
  std::string out;
  websocket.frame(out, false);
  std::string before = out;
  const std::string mebibyte(1'048'576, 'm');
  const std::string head("\x82\x7F\0\0\0\0\0\x10\0\0", 10);
  out += mebibyte;
  websocket.frame(out, false);
  CHECK((out == before + head + mebibyte));
  before = out;
  out += mebibyte + mebibyte + "rest";
  std::string ping = ping_of("q");
  websocket.receive(ping.data(), ping.size());
  websocket.frame(out, true);
  CHECK((out == before + plain(pong_frame, "q") + head + mebibyte + head + mebibyte + plain(binary_frame, "rest") +
                    plain_close(1000)));
}

TEST_CASE("what is no HTTP is refused at its first byte, a request without an end at 8 KiB") {
  const auto end_of = [](std::string bytes, std::string_view status) {
    WebSocket websocket(options);
    CHECK(websocket.receive(bytes.data(), bytes.size()).empty());
    std::string out;
    websocket.frame(out, true);
    CHECK(out.starts_with("HTTP/1.1 " + std::string(status)));
    return websocket.end();
  };
  CHECK(end_of("\x10", "400 ") == WebSocket::End::refused);
  CHECK(end_of("POST / HTTP/1.1\r\n", "400 ") == WebSocket::End::refused);
  CHECK(end_of("GET /" + std::string(8'188, 'a'), "431 ") == WebSocket::End::refused);

  WebSocket waits(options);
  std::string most = "GET /" + std::string(8'186, 'a');
  CHECK(waits.receive(most.data(), most.size()).empty());
  CHECK(waits.end() == WebSocket::End::none);
  CHECK_FALSE(waits.has_to_say());
}
