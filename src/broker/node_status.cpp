// What the node tells people: answers on the control socket, and the figures that the peer shows for it.
#include <cstdio>

#include "admin/protocol.hpp"
#include "admin/status.hpp"
#include "broker/node.hpp"
#include "broker/node_info.hpp"

namespace tandem::broker {

namespace {

// "globals sessions ..." folded into 16 hex digits: enough to see with the eye whether two boxes agree.
std::string digest_text(const core::State& state, std::uint32_t level) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash64(state.digest().summaries(level))));
  return text;
}

std::string node_name_of(NodeId id) {
  std::string name;
  for (int shift = 56; shift >= 0; shift -= 8) {
    const char c = static_cast<char>((id.value >> shift) & 0xFFU);
    if (c != 0) name.push_back(c);
  }
  return name;
}

admin::NodeStatus to_status(const mirror::NodeView& view, const NodeInfo& info) {
  admin::NodeStatus status;
  status.name = view.name;
  status.role = mirror::role_name(view.role);
  status.mode = mirror::mode_name(view.mode);
  status.epoch = view.epoch.number;
  status.epoch_node = node_name_of(view.epoch.node);
  status.lsn = view.lsn.value;
  status.durable_lsn = view.durable.value;
  status.confirmed_lsn = view.confirmed.value;
  status.reachable = view.reachable;
  status.clients = info.clients;
  status.sessions = info.sessions;
  status.retained = info.retained;
  status.queued = info.queued;
  status.uptime_s = info.uptime_s;
  status.version = info.version;
  status.digest = info.digest;
  return status;
}

const char* durability_text(Durability durability) {
  switch (durability) {
    case Durability::peer:
      return "peer";
    case Durability::disk:
      return "disk";
    case Durability::peer_and_disk:
      return "peer+disk";
  }
  return "peer";
}

struct Promise {
  const char* kind;  // admin::StatusReport::promise_kind
  const char* text;
};

// Where an acknowledged message is, as of now.
Promise promise_of(mirror::Role role, mirror::Mode mode, Durability durability) {
  if (role != mirror::Role::active) return {"none", "this box acknowledges nothing: it follows the active"};
  if (mode == mirror::Mode::single) return {"single", "acknowledged means: on this box's disk; there is no second box"};
  if (mode == mirror::Mode::solo)
    return {"alone", "acknowledged means: on this box's disk only, until the other box is back"};
  if (mode == mirror::Mode::solo_wait)
    return {"waiting", "acknowledgements wait until it is certain that the other box does not serve"};
  switch (durability) {
    case Durability::peer:
      return {"peer", "acknowledged means: in the memory of both boxes, on both disks within 50 ms"};
    case Durability::disk:
      return {"disk", "acknowledged means: on this box's disk and in the other box's memory"};
    case Durability::peer_and_disk:
      return {"peer+disk", "acknowledged means: on both disks"};
  }
  return {"", ""};
}

}  // namespace

ByteBuffer Node::own_info() const {
  NodeInfo info;
  const core::State& state = replica_.state();
  info.clients = parts_.doors.connections().size();
  info.sessions = state.durable_sessions();
  info.retained = state.retained().size();
  info.queued = state.queued_messages();
  info.uptime_s = static_cast<std::uint64_t>((steady_now().ms - started_.ms) / 1000);
  info.version = TANDEM_VERSION;
  info.digest = digest_text(state, pair_->common_level());
  info.config = shared_config_;
  info.config_push = config_push_.info();
  return encode(info);
}

Durability Node::durability() const {
  return config_.mirror ? config_.mirror->durability : Durability::disk;
}

std::string Node::promise_in_force() const {
  return promise_of(pair_->role(), pair_->mode(), durability()).text;
}

admin::Counters Node::counters() const {
  admin::Counters counters;
  counters.received = active_.counters().received;
  counters.refused = active_.counters().refused;
  counters.denied = active_.counters().denied;
  counters.refused_logins = active_.counters().refused_logins;
  counters.throttled_logins = active_.counters().throttled_logins;
  counters.records = active_.counters().recorded;
  counters.sent = active_.delivered();
  counters.dropped_qos0 = active_.dropped_qos0();
  counters.dropped_queue_full = replica_.state().dropped_messages();
  counters.publishers_paused = active_.counters().publishers_paused;
  const edge::Traffic& traffic = parts_.doors.connections().traffic();
  counters.connects_paused = traffic.accept_pauses;
  counters.tls_handshakes_done = traffic.tls_handshakes_done;
  counters.tls_handshakes_failed = traffic.tls_handshakes_failed;
  counters.proxy_strangers = traffic.proxy_strangers;
  counters.proxy_headers_malformed = traffic.proxy_headers_malformed;
  counters.proxy_headers_late = traffic.proxy_headers_late;
  counters.digest_mismatches = digest_mismatches_;
  return counters;
}

admin::StatusReport Node::status() {
  const Steady now = steady_now();
  watch_alarms(now);
  const mirror::PairStatus pair = pair_->status(now);
  admin::StatusReport report;
  report.is_protected = pair.is_protected;
  report.why = pair.why;
  report.hint = pair.hint;
  report.maintenance = pair.maintenance;
  report.peer_maintenance = pair.peer_maintenance;
  report.switchover = pair.switchover;
  report.durability = durability_text(durability());
  report.promise = promise_;
  report.promise_kind = promise_of(pair_->role(), pair_->mode(), durability()).kind;
  report.promise_since_ms = static_cast<std::uint64_t>(promise_since_.ms);
  report.log_kept_bytes = parts_.store.log_bytes();
  report.tail_compacted = tail_compacted_;
  for (const auto& [kind, alarm] : alarms_.all()) report.alarms.push_back({kind, alarm.text, alarm.since.ms});
  report.alone_from = pair.alone_from.value;
  report.acked_alone = pair.acked_alone;
  report.acked_alone_at_most = pair.acked_alone_at_most;
  report.safe_lsn = active_.reigning() ? pair_->safe().value : 0;
  report.counters = counters();
  report.certificates = parts_.certificates(parts_.clocks.wall());
  if (pair.sync_percent >= 0) {
    report.sync_percent = pair.sync_percent;
    report.sync_bytes_per_s = sync_meter_.bytes_per_s();
    report.sync_eta_s = sync_meter_.eta_s();
  }
  report.self = to_status(pair.self, decode_info(own_info()));
  if (config_.mirror) {
    for (std::size_t path = 0; path < config_.mirror->peer.size(); ++path) {
      report.paths.push_back({to_text(config_.mirror->peer[path]), path < pair.path_up.size() && pair.path_up[path]});
    }
    report.peer = to_status(pair.peer, decode_info(pair.peer.info));
    if (!pair.peer.name.empty()) report.peer->heard_ms_ago = pair.peer.heard_ms_ago;
    (pair.self.role == mirror::Role::active ? *report.peer : report.self).lag_records = pair.lag_records;
  }
  return report;
}

std::string Node::answer(std::string_view request_line) {
  const Result<admin::Request> request = admin::parse_request(request_line);
  if (!request.ok()) return admin::reply_error(request.error().message);
  if (request.value().command == "status") return admin::reply_status(admin::to_json(status()));
  if (request.value().command == "promote") return promote(request.value().how);
  if (request.value().command == "reconcile") return reconcile(request.value().how == "dry-run");
  if (request.value().command == "resync") return resync();
  if (request.value().command == "verify") return verify(request.value().how);
  if (request.value().command == "switchover") return switchover(request.value().how);
  if (request.value().command == "maintenance") return maintenance(request.value().how);
  if (request.value().command == "config") return config(request.value().how);
  if (request.value().command == "user") return user(request.value().how, request.value().data);
  if (request.value().command == "acl") return acl(request.value().how, request.value().data);
  if (request.value().command == "confirmed") return confirmed(request.value().how);
  return admin::reply_error("unknown command \"" + request.value().command +
                            "\"; known: status, events, reload, promote, reconcile, resync, verify, switchover, "
                            "maintenance, user, acl, config");
}

std::string Node::promote(std::string_view how) {
  if (how != "first" && how != "force") return admin::reply_error("promote needs \"first\" or \"force\"");
  return ordered([&](Steady now) -> Result<std::string> {
    Result<std::string> done = how == "first" ? pair_->promote_first(now) : pair_->promote_force(now);
    if (!done.ok()) return done;
    parts_.events.event(Level::warn, "role",
                        "An operator ordered 'promote --" + std::string(how) + "': " + done.value() +
                            (parts_.missing.empty() ? "" : " " + parts_.missing));
    return done.value() + (parts_.missing.empty() ? "" : "\n" + parts_.missing);
  });
}

std::string Node::ordered(const std::function<Result<std::string>(Steady)>& order) {
  std::string reply;
  input([&](Steady now) {
    const Result<std::string> done = order(now);
    reply = done.ok() ? admin::reply_message(done.value()) : admin::reply_error(done.error().message);
  });
  return reply;
}

}  // namespace tandem::broker
