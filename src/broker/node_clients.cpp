// The clients of the other box: the active says whom it serves, and after a takeover their stale connections are reset.
#include "broker/client_flows.hpp"
#include "broker/node.hpp"

namespace tandem::broker {

namespace {
constexpr std::int64_t tell_clients_ms = 100;      // at most so often
constexpr std::int64_t repeat_clients_ms = 5'000;  // a frame may get lost with its link
}  // namespace

void Node::tell_clients(Steady now) {
  if (vips_.empty() || !active_.reigning()) return;
  const edge::Connections& connections = parts_.doors.connections();
  const std::int64_t ago_ms = now.ms - clients_told_.ms;
  if (ago_ms < tell_clients_ms || (connections.changes() == clients_told_changes_ && ago_ms < repeat_clients_ms))
    return;
  const std::vector<SampledFlow> clients = parts_.sampled(flows_to(connections, vips_));
  if (!pair_->send_clients(encode_flows(clients, mirror::max_clients_bytes))) return;
  clients_told_ = now;
  clients_told_changes_ = connections.changes();
}

void Node::obey(mirror::PeerClients& order) {
  peer_clients_ = decode_flows(order.bytes);
}

// Once a reign, as soon as this box both serves and has the virtual IP: an operator may order the one before the other.
void Node::tell_lan() {
  if (lan_told_ || !parts_.took_over || !active_.reigning() || word_ != mirror::Word::master) return;
  lan_told_ = true;
  parts_.took_over(peer_clients_);
  peer_clients_.clear();
}

}  // namespace tandem::broker
