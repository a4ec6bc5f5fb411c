#include "edge/proxy_header.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "base/limits.hpp"

namespace tandem::edge {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view line_start = "PROXY "sv;
constexpr std::size_t longest_line_bytes = 107;  // with its CRLF
constexpr std::string_view signature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t block_head_bytes = 16;

// Addresses of both ends, then their ports.
constexpr std::size_t ipv4_bytes = 2 * 4 + 2 * 2;
constexpr std::size_t ipv6_bytes = 2 * 16 + 2 * 2;
// Family and protocol, a nibble each.
constexpr unsigned tcp_over_ipv4 = 0x11;
constexpr unsigned tcp_over_ipv6 = 0x21;
constexpr unsigned highest_family = 3;
constexpr unsigned highest_protocol = 2;

// A listener for IPv4 would name such a client so: the same one must not have two addresses.
IpAddress unmapped(const IpAddress& address) {
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (!address.v6 || !std::equal(mapped.begin(), mapped.end(), address.bytes.begin())) return address;
  IpAddress v4;
  std::copy_n(address.bytes.begin() + mapped.size(), v4.size(), v4.bytes.begin());
  return v4;
}

std::optional<IpAddress> address_of(std::string_view word, bool v6) {
  IpAddress address;
  address.v6 = v6;
  if (word.find('\0') != std::string_view::npos) return std::nullopt;
  if (::inet_pton(v6 ? AF_INET6 : AF_INET, std::string(word).c_str(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

std::optional<std::uint16_t> port_of(std::string_view word) {
  std::uint16_t port = 0;
  const auto [stopped, error] = std::from_chars(word.data(), word.data() + word.size(), port);
  const bool canonical = word.size() == 1 || (!word.empty() && word.front() != '0');
  if (error != std::errc{} || stopped != word.data() + word.size() || !canonical) return std::nullopt;
  return port;
}

// The next word and the space behind it; the last one has none.
std::string_view next_word(std::string_view& line) {
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(std::min(space + 1, line.size()));
  return word;
}

}  // namespace

std::size_t ProxyHeader::take(ByteView bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && state_ == State::incomplete) {
    if (kept_.size() >= block_head_bytes && address_bytes_ == 0 && ignored_bytes_ > 0) {
      const std::size_t ignored = std::min(ignored_bytes_, bytes.size() - used);
      used += ignored;
      ignored_bytes_ -= ignored;
      if (ignored_bytes_ == 0) state_ = State::whole;
      continue;
    }
    kept_.push_back(bytes[used++]);
    look();
  }
  return used;
}

void ProxyHeader::fail(const char* problem) {
  state_ = State::malformed;
  problem_ = problem;
}

void ProxyHeader::look() {
  kept_.front() == signature.front() ? look_at_block() : look_at_line();
}

// ---- Version 1 ----

void ProxyHeader::look_at_line() {
  const std::size_t last = kept_.size() - 1;
  if (last < line_start.size()) {
    if (kept_[last] != line_start[last]) fail("it does not begin with a PROXY header");
  } else if (kept_.back() == '\n') {
    read_line();
  } else if (kept_.size() == longest_line_bytes) {
    fail("the line of version 1 does not end within 107 bytes");
  }
}

void ProxyHeader::read_line() {
  std::string_view line = kept_;
  if (!line.ends_with("\r\n")) return fail("the line of version 1 does not end with CR and LF");
  line.remove_prefix(line_start.size());
  line.remove_suffix(2);
  const std::string_view protocol = next_word(line);
  if (protocol == "UNKNOWN") {  // whatever follows does not count
    state_ = State::whole;
    return;
  }
  if (protocol != "TCP4" && protocol != "TCP6") return fail("a protocol that version 1 does not have");
  const bool v6 = protocol == "TCP6";
  const std::optional<IpAddress> client = address_of(next_word(line), v6);
  const std::optional<IpAddress> server = address_of(next_word(line), v6);
  const std::optional<std::uint16_t> client_port = port_of(next_word(line));
  const bool one_space_more = line.ends_with(' ');
  const std::optional<std::uint16_t> server_port = port_of(next_word(line));
  if (!client || !server) return fail("an address that is none of its family");
  if (!client_port || !server_port || !line.empty() || one_space_more) return fail("a port that is none");
  client_ = ProxiedClient{unmapped(*client), *client_port};
  state_ = State::whole;
}

// ---- Version 2 ----

void ProxyHeader::look_at_block() {
  const std::size_t last = kept_.size() - 1;
  if (last < signature.size()) {
    if (kept_[last] != signature[last]) fail("it does not begin with a PROXY header");
  } else if (kept_.size() == block_head_bytes) {
    read_block_head();
  } else if (address_bytes_ != 0 && kept_.size() == block_head_bytes + address_bytes_) {
    read_block_address();
  }
}

// LOCAL has no family that counts. Valid combinations that are not known here are as UNSPEC.
void ProxyHeader::read_block_head() {
  ByteReader in(ByteView(kept_).substr(signature.size()));
  const unsigned version_and_command = in.u8();
  const unsigned family_and_protocol = in.u8();
  const std::size_t length = in.u16_be();
  if (version_and_command != 0x20 && version_and_command != 0x21) return fail("a version or a command that is unknown");
  if (block_head_bytes + length > limits::max_proxy_header_bytes) return fail("a header longer than 4 KiB");
  if (version_and_command == 0x21) {
    if (family_and_protocol >> 4U > highest_family || (family_and_protocol & 0x0FU) > highest_protocol) {
      return fail("a family or a protocol that is unknown");
    }
    if (family_and_protocol == tcp_over_ipv4) address_bytes_ = ipv4_bytes;
    if (family_and_protocol == tcp_over_ipv6) address_bytes_ = ipv6_bytes;
  }
  if (length < address_bytes_) return fail("a header too short for its addresses");
  ignored_bytes_ = length - address_bytes_;
  if (length == 0) state_ = State::whole;
}

void ProxyHeader::read_block_address() {
  const bool v6 = address_bytes_ == ipv6_bytes;
  ByteReader in(ByteView(kept_).substr(block_head_bytes));
  const IpAddress client = read_address(in, v6);
  read_address(in, v6);  // the proxy's own end
  client_ = ProxiedClient{unmapped(client), in.u16_be()};
  address_bytes_ = 0;
  if (ignored_bytes_ == 0) state_ = State::whole;
}

}  // namespace tandem::edge
