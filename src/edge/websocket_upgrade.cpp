#include "edge/websocket_upgrade.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <string>
#include <string_view>

#include "base/limits.hpp"

namespace tandem::edge {

namespace {

namespace http = boost::beast::http;
using Request = http::request<http::empty_body>;

constexpr std::size_t key_bytes = 16;
constexpr std::size_t key_text_bytes = 24;
// Old clients know only the second name (T-50).
constexpr std::string_view subprotocols[] = {"mqtt", "mqttv3.1"};

UpgradeAnswer refusal(http::status status, std::string_view why, std::string_view more_headers = {}) {
  const auto reason = http::obsolete_reason(status);
  std::string text = "HTTP/1.1 " + std::to_string(static_cast<unsigned>(status)) + " ";
  text.append(reason.data(), reason.size()).append("\r\n").append(more_headers);
  text += "Content-Type: text/plain; charset=utf-8\r\nContent-Length: " + std::to_string(why.size() + 1) +
          "\r\nConnection: close\r\n\r\n";
  return {false, text.append(why).append("\n")};
}

std::string_view value_of(const Request& request, http::field field) {
  const auto value = request[field];
  return {value.data(), value.size()};
}

bool has_token(const Request& request, http::field field, std::string_view token) {
  const auto lines = request.equal_range(field);
  return std::any_of(lines.first, lines.second, [&](const auto& line) {
    return http::token_list{line.value()}.exists({token.data(), token.size()});
  });
}

bool same_origin(std::string_view one, std::string_view other) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

// Only browsers name an origin, and they cannot be made to name a wrong one.
bool is_allowed_origin(const Request& request, const WebSocketOptions& options) {
  const std::string_view origin = value_of(request, http::field::origin);
  return origin.empty() || options.origins.empty() ||
         std::any_of(options.origins.begin(), options.origins.end(),
                     [&](const std::string& allowed) { return same_origin(allowed, origin); });
}

bool is_path(const Request& request, const WebSocketOptions& options) {
  std::string_view path(request.target().data(), request.target().size());
  path = path.substr(0, path.find('?'));
  return std::find(options.paths.begin(), options.paths.end(), path) != options.paths.end();
}

// The one that we would take of those that the client offers; empty: none.
std::string_view subprotocol_of(const Request& request) {
  for (const std::string_view name : subprotocols) {
    if (has_token(request, http::field::sec_websocket_protocol, name)) return name;
  }
  return {};
}

bool is_key(std::string_view text) {
  if (text.size() != key_text_bytes || text.find('=') != key_text_bytes - 2 || text.back() != '=') return false;
  std::array<unsigned char, key_bytes + 2> key{};
  return EVP_DecodeBlock(key.data(), reinterpret_cast<const unsigned char*>(text.data()), key_text_bytes) >= 0;
}

// What proves to the client that we know WebSocket (RFC 6455, 4.2.2): the SHA-1 of its key and this text.
std::string accept_of(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 4 * (SHA_DIGEST_LENGTH + 2) / 3 + 1> base64{};
  const int size = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(digest.size()));
  return {reinterpret_cast<const char*>(base64.data()), static_cast<std::size_t>(size)};
}

UpgradeAnswer answer(const Request& request, const WebSocketOptions& options) {
  if (request.version() < 11 || !has_token(request, http::field::upgrade, "websocket") ||
      !has_token(request, http::field::connection, "upgrade")) {
    return refusal(http::status::upgrade_required, "This is MQTT over WebSocket: a WebSocket client is needed.",
                   "Upgrade: websocket\r\n");
  }
  if (value_of(request, http::field::sec_websocket_version) != "13") {
    return refusal(http::status::upgrade_required, "Only version 13 of WebSocket (RFC 6455) is spoken here.",
                   "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
  }
  const std::string_view key = value_of(request, http::field::sec_websocket_key);
  if (!is_key(key)) {
    return refusal(http::status::bad_request, "Sec-WebSocket-Key is not 16 bytes in base64.");
  }
  if (!is_path(request, options)) {
    return refusal(http::status::not_found, "No MQTT at this path: it is another one (listener.path).");
  }
  if (!is_allowed_origin(request, options)) {
    return refusal(http::status::forbidden, "Pages of this Origin may not connect (listener.origins).");
  }
  const std::string_view subprotocol = subprotocol_of(request);
  if (subprotocol.empty()) {
    return refusal(http::status::bad_request,
                   "Sec-WebSocket-Protocol does not offer the sub-protocol \"mqtt\" (or \"mqttv3.1\").");
  }
  std::string response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  response += "Sec-WebSocket-Accept: " + accept_of(key) + "\r\nSec-WebSocket-Protocol: ";
  return {true, response.append(subprotocol).append("\r\n\r\n")};
}

}  // namespace

UpgradeAnswer answer_upgrade(ByteView request, const WebSocketOptions& options) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(limits::websocket_request_bytes);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(request.data(), request.size()), error);
  if (error || !parser.is_header_done()) {
    return refusal(http::status::bad_request, "This is no HTTP request.");
  }
  if (parser.chunked() || parser.content_length().value_or(0) > 0) {
    return refusal(http::status::bad_request, "A request here has no body.");
  }
  return answer(parser.get(), options);
}

UpgradeAnswer refuse_other_protocol() {
  return refusal(http::status::bad_request,
                 "This is MQTT over WebSocket: it begins with an HTTP request, GET. Plain MQTT is at another port.");
}

UpgradeAnswer refuse_large_request() {
  return refusal(http::status::request_header_fields_too_large, "The request has more than 8 KiB.");
}

}  // namespace tandem::edge
