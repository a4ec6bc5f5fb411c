// See config_address.hpp.
#include "broker/config_address.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace tandem::config_detail {

namespace {

bool is_v4(const std::string& text, in_addr& address) {
  return inet_pton(AF_INET, text.c_str(), &address) == 1;
}
bool is_v6(const std::string& text, in6_addr& address) {
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

}  // namespace

bool is_ip_address(const std::string& text) {
  in_addr v4{};
  in6_addr v6{};
  return is_v4(text, v4) || is_v6(text, v6);
}

bool is_loopback(const std::string& text) {
  in_addr v4{};
  if (is_v4(text, v4)) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return is_v6(text, v6) && std::memcmp(&v6, &in6addr_loopback, sizeof v6) == 0;
}

bool is_wildcard(const std::string& text) {
  in_addr v4{};
  if (is_v4(text, v4)) return v4.s_addr == htonl(INADDR_ANY);
  in6_addr v6{};
  return is_v6(text, v6) && std::memcmp(&v6, &in6addr_any, sizeof v6) == 0;
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view address = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  const bool bracketed = address.size() >= 2 && address.front() == '[' && address.back() == ']';
  if (bracketed) address = address.substr(1, address.size() - 2);
  Endpoint endpoint;
  endpoint.address = std::string(address);
  const char* end = port_text.data() + port_text.size();
  const auto [stopped, error] = std::from_chars(port_text.data(), end, endpoint.port);
  if (error != std::errc{} || stopped != end || endpoint.port == 0) return std::nullopt;
  in_addr v4{};
  in6_addr v6{};
  const bool right = bracketed ? is_v6(endpoint.address, v6) : is_v4(endpoint.address, v4);
  if (!right) return std::nullopt;
  return endpoint;
}

}  // namespace tandem::config_detail

namespace tandem {

std::string to_text(const Endpoint& endpoint) {
  const bool v6 = endpoint.address.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.address + "]" : endpoint.address) + ":" + std::to_string(endpoint.port);
}

}  // namespace tandem
