// The clients of the other box: the active says whom it serves, and after a takeover their stale connections are reset.
#include "broker/client_flows.hpp"
#include "broker/node.hpp"

namespace tandem::broker {

namespace {
constexpr std::int64_t tell_clients_ms = 100;      // at most so often
constexpr std::int64_t repeat_clients_ms = 5'000;  // a frame may get lost with its link
}  // namespace

// Only connections to the virtual IP move with it.
void Node::learn_vips() {
  if (!config_.mirror || config_.takeover.arbiter != Arbiter::keepalived) return;
  for (const std::string& vip : config_.takeover.vip) {
    if (const std::optional<IpAddress> address = parse_address(vip)) vips_.push_back(*address);
  }
}

void Node::tell_clients(Steady now) {
  if (vips_.empty() || !active_.reigning()) return;
  const edge::Connections& connections = parts_.doors.connections();
  const std::int64_t ago_ms = now.ms - clients_told_.ms;
  if (ago_ms < tell_clients_ms || (connections.changes() == clients_told_changes_ && ago_ms < repeat_clients_ms))
    return;
  if (!pair_->send_clients(encode_flows(flows_to(connections, vips_), mirror::max_clients_bytes))) return;
  clients_told_ = now;
  clients_told_changes_ = connections.changes();
}

void Node::obey(mirror::PeerClients& order) {
  peer_clients_ = decode_flows(order.bytes);
}

// From here on this box answers for the virtual IP.
void Node::reset_stale_clients() {
  if (vips_.empty() || !parts_.took_over) return;
  parts_.took_over(std::move(peer_clients_));
  peer_clients_.clear();
}

}  // namespace tandem::broker
