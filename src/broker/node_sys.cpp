// What $SYS says, every node.sys_interval_s.
#include "broker/node.hpp"

namespace tandem::broker {

namespace {

SysFigures figures_of(const core::State& state, const Active& active, const edge::Connections& connections) {
  SysFigures figures;
  figures.clients_connected = state.connected_sessions().size();
  figures.sessions_away = state.sessions().size() - figures.clients_connected;
  figures.packets_received = active.counters().packets;
  figures.packets_sent = active.packets_sent();
  figures.publish_received = active.counters().received;
  figures.publish_sent = active.delivered();
  figures.publish_dropped = active.dropped_qos0() + state.dropped_messages();
  figures.bytes_received = connections.traffic().bytes_received;
  figures.bytes_sent = connections.traffic().bytes_sent;
  figures.connections = active.counters().connects;
  figures.sockets = connections.traffic().accepted;
  figures.stored_messages = state.messages().count();
  figures.stored_bytes = state.messages().bytes();
  figures.subscriptions = state.routing().size();
  figures.shared_subscriptions = state.routing().shared();
  figures.retained = state.retained().size();
  figures.publishers_paused = active.counters().publishers_paused;
  figures.connects_paused = connections.traffic().accept_pauses;
  return figures;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> Node::sys_facts(Steady now) const {
  const mirror::PairStatus status = pair_->status(now);
  std::vector<std::pair<std::string, std::string>> facts = {
      {"version", "tandem version " TANDEM_VERSION},
      {"uptime", std::to_string((now.ms - started_.ms) / 1000) + " seconds"}};
  if (!config_.mirror) return facts;
  const auto put = [&facts](const char* name, std::string value) {
    facts.emplace_back("pair/" + std::string(name), std::move(value));
  };
  put("protected", status.is_protected ? "1" : "0");
  put("why", status.why);
  put("active", status.self.name);
  put("mode", std::string(mirror::mode_name(status.self.mode)));
  put("epoch", std::to_string(status.self.epoch.number));
  put("standby", status.peer.name);
  put("standby/reachable", !status.peer.name.empty() && status.peer.reachable ? "1" : "0");
  put("standby/mode", status.peer.name.empty() ? "" : std::string(mirror::mode_name(status.peer.mode)));
  put("standby/lag", std::to_string(status.lag_records));
  put("acked_alone", std::to_string(status.acked_alone));
  put("alarms", std::to_string(alarms_.all().size()));
  return facts;
}

// When a reign begins, and at each heartbeat.
void Node::tell_sys(Steady now) {
  if (config_.node.sys_interval_s == 0 || !active_.reigning()) return;
  if (sys_at_ && now.ms - sys_at_->ms < config_.node.sys_interval_s * 1000) return;
  sys_at_ = now;
  active_.publish_sys(figures_of(replica_.state(), active_, parts_.doors.connections()), sys_facts(now), now);
}

}  // namespace tandem::broker
