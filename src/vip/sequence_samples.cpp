#include "vip/sequence_samples.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <netpacket/packet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/limits.hpp"

namespace tandem::vip {

namespace {

constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint8_t connect_first_byte = 0x10;
constexpr std::uint8_t pingreq_first_byte = 0xC0;
constexpr std::uint8_t flags_that_say_more = 0x01 | 0x02 | 0x04;  // FIN, SYN, RST
constexpr std::size_t ipv6_header_bytes = 40;
constexpr std::uint32_t kept_bytes = 256;  // of a packet: both headers with all options, and the first byte behind them
constexpr std::size_t packets_a_read = 256;

// The TCP part of a packet that has `tcp_bytes` of it, header included.
bool take_segment(ByteReader& in, std::size_t tcp_bytes, SampledFlow& out) {
  out.flow.client_port = in.u16_be();
  out.flow.server_port = in.u16_be();
  const std::uint32_t sequence = in.u32_be();
  const std::uint32_t acknowledged = in.u32_be();
  const std::size_t header_bytes = (in.u8() >> 4U) * std::size_t{4};
  const std::uint8_t flags = in.u8();
  constexpr std::size_t read_so_far = 14;
  if (!in.ok() || (flags & flags_that_say_more) != 0 || header_bytes < 20 || tcp_bytes <= header_bytes) return false;
  in.bytes(header_bytes - read_so_far);
  const std::uint8_t first = in.u8();
  if (!in.ok() || (first != connect_first_byte && first != pingreq_first_byte)) return false;
  out.at = Sequences{acknowledged, sequence + static_cast<std::uint32_t>(tcp_bytes - header_bytes)};
  return true;
}

bool take_ipv4(ByteReader& in, SampledFlow& out) {
  const std::size_t header_bytes = (in.u8() & 0x0FU) * std::size_t{4};
  in.u8();
  const std::size_t packet_bytes = in.u16_be();
  in.u16_be();
  const std::uint16_t fragment = in.u16_be();
  in.u8();
  const std::uint8_t protocol = in.u8();
  in.u16_be();
  out.flow.client = read_address(in, false);
  out.flow.server = read_address(in, false);
  if (header_bytes < 20 || packet_bytes < header_bytes || (fragment & 0x3FFFU) != 0) return false;
  in.bytes(header_bytes - 20);
  return protocol == protocol_tcp && take_segment(in, packet_bytes - header_bytes, out);
}

bool take_ipv6(ByteReader& in, SampledFlow& out) {
  in.u32_be();
  const std::size_t tcp_bytes = in.u16_be();
  const std::uint8_t next_header = in.u8();
  in.u8();
  out.flow.client = read_address(in, true);
  out.flow.server = read_address(in, true);
  return next_header == protocol_tcp && take_segment(in, tcp_bytes, out);
}

// Runs in the kernel for each IP packet that comes in: TCP with data that begins with one of the two bytes. What it
// lets through is looked at again by sample_of().
bool set_filter(int fd, bool v6) {
  constexpr std::uint16_t load = BPF_LD | BPF_B | BPF_ABS;
  constexpr std::uint16_t load_behind = BPF_LD | BPF_B | BPF_IND;  // X + k
  constexpr std::uint16_t equal = BPF_JMP | BPF_JEQ | BPF_K;
  constexpr std::uint16_t shift_right = BPF_ALU | BPF_RSH | BPF_K;
  constexpr std::uint16_t shift_left = BPF_ALU | BPF_LSH | BPF_K;
  constexpr std::uint16_t result = BPF_RET | BPF_K;
  const sock_filter header_v4{BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0};
  const sock_filter header_v6{BPF_LDX | BPF_W | BPF_IMM, 0, 0, ipv6_header_bytes};
  std::array<sock_filter, 15> program = {{
      {load, 0, 0, v6 ? 6U : 9U},            // 0: protocol
      {equal, 0, 12, protocol_tcp},          // else to 14
      v6 ? header_v6 : header_v4,            // X: bytes of the IP header
      {load_behind, 0, 0, 12},               // TCP header's length, in words of 4 bytes, in the upper half
      {shift_right, 0, 0, 4},                //
      {shift_left, 0, 0, 2},                 //
      {BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0},  //
      {BPF_MISC | BPF_TAX, 0, 0, 0},         // 7: X: where the data begins
      {BPF_LD | BPF_W | BPF_LEN, 0, 0, 0},   //
      {BPF_JMP | BPF_JGT | BPF_X, 0, 4, 0},  // is there any? else to 14
      {load_behind, 0, 0, 0},                //
      {equal, 1, 0, connect_first_byte},     // to 13
      {equal, 0, 1, pingreq_first_byte},     // else to 14
      {result, 0, 0, kept_bytes},            // 13
      {result, 0, 0, 0},                     // 14
  }};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

// Without the link's header. Nothing comes before the filter is there: only bind() says what comes.
int open_socket(bool v6) {
  const int fd = ::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  sockaddr_ll all{};
  all.sll_family = AF_PACKET;
  all.sll_protocol = htons(v6 ? ETH_P_IPV6 : ETH_P_IP);
  if (set_filter(fd, v6) && ::bind(fd, reinterpret_cast<const sockaddr*>(&all), sizeof all) == 0) return fd;
  ::close(fd);
  return -1;
}

}  // namespace

std::optional<SampledFlow> sample_of(ByteView packet) {
  if (packet.empty()) return std::nullopt;
  ByteReader in(packet);
  SampledFlow sampled;
  const unsigned version = static_cast<unsigned char>(packet[0]) >> 4U;
  const bool whole = version == 4 ? take_ipv4(in, sampled) : version == 6 && take_ipv6(in, sampled);
  if (!whole) return std::nullopt;
  return sampled;
}

Result<std::unique_ptr<SequenceSamples>> SequenceSamples::open(std::vector<std::uint16_t> ports) {
  std::unique_ptr<SequenceSamples> samples(new SequenceSamples(std::move(ports)));
  for (const bool v6 : {false, true}) {
    const int fd = open_socket(v6);
    if (fd < 0) {
      return Error{std::string("no packet socket (") + std::strerror(errno) +
                   "): a firewall at a client may keep it from noticing a takeover. Give tandemd CAP_NET_RAW"};
    }
    samples->fds_.push_back(fd);
  }
  return samples;
}

SequenceSamples::~SequenceSamples() {
  for (const int fd : fds_) ::close(fd);
}

void SequenceSamples::read(Steady now) {
  std::array<char, kept_bytes> bytes{};
  for (const int fd : fds_) {
    for (std::size_t i = 0; i < packets_a_read; ++i) {
      const ssize_t n = ::recv(fd, bytes.data(), bytes.size(), 0);
      if (n < 0) break;
      const std::optional<SampledFlow> sampled = sample_of({bytes.data(), static_cast<std::size_t>(n)});
      if (!sampled || std::find(ports_.begin(), ports_.end(), sampled->flow.server_port) == ports_.end()) continue;
      if (samples_.size() >= limits::sequence_samples && samples_.count(sampled->flow) == 0) continue;
      samples_[sampled->flow] = {*sampled->at, now};
    }
  }
}

std::optional<Sequences> SequenceSamples::of(const Flow& flow) const {
  const auto sample = samples_.find(flow);
  if (sample == samples_.end()) return std::nullopt;
  return sample->second.at;
}

void SequenceSamples::keep(const std::vector<Flow>& open, Steady now) {
  std::erase_if(samples_, [&](const auto& one) {
    return now.ms - one.second.when.ms > limits::sequence_sample_kept_ms &&
           !std::binary_search(open.begin(), open.end(), one.first);
  });
}

}  // namespace tandem::vip
