#include "admin/status.hpp"

#include <nlohmann/json.hpp>
#include <type_traits>

namespace tandem::admin {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const NodeStatus& node) {
  return Json{{"name", node.name},
              {"role", node.role},
              {"mode", node.mode},
              {"epoch", node.epoch},
              {"epoch_node", node.epoch_node},
              {"lsn", node.lsn},
              {"durable_lsn", node.durable_lsn},
              {"confirmed_lsn", node.confirmed_lsn},
              {"lag_records", node.lag_records},
              {"clients", node.clients},
              {"sessions", node.sessions},
              {"retained", node.retained},
              {"queued", node.queued},
              {"version", node.version},
              {"uptime_s", node.uptime_s},
              {"digest", node.digest}};
}

Json json_of(const Counters& counters) {
  return Json{{"received", counters.received},
              {"sent", counters.sent},
              {"refused", counters.refused},
              {"denied", counters.denied},
              {"refused_logins", counters.refused_logins},
              {"throttled_logins", counters.throttled_logins},
              {"dropped_queue_full", counters.dropped_queue_full},
              {"dropped_qos0", counters.dropped_qos0},
              {"publishers_paused", counters.publishers_paused},
              {"connects_paused", counters.connects_paused},
              {"tls_handshakes_done", counters.tls_handshakes_done},
              {"tls_handshakes_failed", counters.tls_handshakes_failed},
              {"proxy_strangers", counters.proxy_strangers},
              {"proxy_headers_malformed", counters.proxy_headers_malformed},
              {"proxy_headers_late", counters.proxy_headers_late},
              {"records", counters.records},
              {"digest_mismatches", counters.digest_mismatches}};
}

template <class Number>
Json or_null(const std::optional<Number>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json json_of_peer(const NodeStatus& peer) {
  Json json = json_of(peer);
  json["reachable"] = peer.reachable;
  json["heard_ms_ago"] = peer.heard_ms_ago ? Json(*peer.heard_ms_ago) : Json(nullptr);
  return json;
}

// Reads what is there and of the right kind; leaves the default otherwise.
class Fields {
 public:
  explicit Fields(const Json& json) : json_(json) {}

  void read(const char* key, std::string& out) const {
    if (const Json* const value = find(key); value != nullptr && value->is_string()) out = value->get<std::string>();
  }
  void read(const char* key, bool& out) const {
    if (const Json* const value = find(key); value != nullptr && value->is_boolean()) out = value->get<bool>();
  }
  void read(const char* key, std::int64_t& out) const {
    if (const Json* const value = find(key); value != nullptr && value->is_number_integer())
      out = value->get<std::int64_t>();
  }
  void read(const char* key, std::uint64_t& out) const {
    const Json* const value = find(key);
    if (value != nullptr && value->is_number_unsigned()) out = value->get<std::uint64_t>();
  }
  template <class Number>
  void read(const char* key, std::optional<Number>& out) const {
    if (const Json* const value = find(key); value != nullptr && value->is_number()) out = value->get<Number>();
  }
  const Json* find(const char* key) const {
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }

 private:
  const Json& json_;
};

NodeStatus node_from(const Json& json) {
  const Fields fields(json);
  NodeStatus node;
  fields.read("name", node.name);
  fields.read("role", node.role);
  fields.read("mode", node.mode);
  fields.read("epoch", node.epoch);
  fields.read("epoch_node", node.epoch_node);
  fields.read("lsn", node.lsn);
  fields.read("durable_lsn", node.durable_lsn);
  fields.read("confirmed_lsn", node.confirmed_lsn);
  fields.read("lag_records", node.lag_records);
  fields.read("clients", node.clients);
  fields.read("sessions", node.sessions);
  fields.read("retained", node.retained);
  fields.read("queued", node.queued);
  fields.read("version", node.version);
  fields.read("uptime_s", node.uptime_s);
  fields.read("digest", node.digest);
  fields.read("reachable", node.reachable);
  fields.read("heard_ms_ago", node.heard_ms_ago);
  return node;
}

Counters counters_from(const Json& json) {
  const Fields fields(json);
  Counters counters;
  fields.read("received", counters.received);
  fields.read("sent", counters.sent);
  fields.read("refused", counters.refused);
  fields.read("denied", counters.denied);
  fields.read("refused_logins", counters.refused_logins);
  fields.read("throttled_logins", counters.throttled_logins);
  fields.read("dropped_queue_full", counters.dropped_queue_full);
  fields.read("dropped_qos0", counters.dropped_qos0);
  fields.read("publishers_paused", counters.publishers_paused);
  fields.read("connects_paused", counters.connects_paused);
  fields.read("tls_handshakes_done", counters.tls_handshakes_done);
  fields.read("tls_handshakes_failed", counters.tls_handshakes_failed);
  fields.read("proxy_strangers", counters.proxy_strangers);
  fields.read("proxy_headers_malformed", counters.proxy_headers_malformed);
  fields.read("proxy_headers_late", counters.proxy_headers_late);
  fields.read("records", counters.records);
  fields.read("digest_mismatches", counters.digest_mismatches);
  return counters;
}

std::vector<AlarmStatus> alarms_from(const Json& json) {
  std::vector<AlarmStatus> alarms;
  for (const Json& item : json) {
    AlarmStatus alarm;
    if (!item.is_object()) continue;
    Fields(item).read("kind", alarm.kind);
    Fields(item).read("text", alarm.text);
    Fields(item).read("since_ms", alarm.since_ms);
    alarms.push_back(std::move(alarm));
  }
  return alarms;
}

std::vector<PathStatus> paths_from(const Json& json) {
  std::vector<PathStatus> paths;
  for (const Json& item : json) {
    PathStatus path;
    if (!item.is_object()) continue;
    Fields(item).read("address", path.address);
    Fields(item).read("up", path.up);
    paths.push_back(std::move(path));
  }
  return paths;
}

Json json_of(const std::vector<CertificateStatus>& certificates) {
  Json json = Json::array();
  for (const CertificateStatus& one : certificates) {
    json.push_back(Json{{"listener", one.listener},
                        {"file", one.file},
                        {"revocations", one.revocations},
                        {"expires_s", one.expires_s},
                        {"expires_in_s", one.expires_in_s}});
  }
  return json;
}

std::vector<CertificateStatus> certificates_from(const Json& json) {
  std::vector<CertificateStatus> certificates;
  for (const Json& item : json) {
    CertificateStatus one;
    if (!item.is_object()) continue;
    const Fields fields(item);
    fields.read("listener", one.listener);
    fields.read("file", one.file);
    fields.read("revocations", one.revocations);
    fields.read("expires_s", one.expires_s);
    fields.read("expires_in_s", one.expires_in_s);
    certificates.push_back(std::move(one));
  }
  return certificates;
}

}  // namespace

std::string to_json(const StatusReport& report) {
  Json paths = Json::array();
  for (const PathStatus& path : report.paths) paths.push_back(Json{{"address", path.address}, {"up", path.up}});
  Json alarms = Json::array();
  for (const AlarmStatus& alarm : report.alarms) {
    alarms.push_back(Json{{"kind", alarm.kind}, {"text", alarm.text}, {"since_ms", alarm.since_ms}});
  }
  const Json json{{"protected", report.is_protected},
                  {"why", report.why},
                  {"hint", report.hint},
                  {"maintenance", report.maintenance},
                  {"peer_maintenance", report.peer_maintenance},
                  {"switchover", report.switchover},
                  {"durability", report.durability},
                  {"promise", report.promise},
                  {"promise_kind", report.promise_kind},
                  {"promise_since_ms", report.promise_since_ms},
                  {"alone_from", report.alone_from},
                  {"acked_alone", report.acked_alone},
                  {"acked_alone_at_most", report.acked_alone_at_most},
                  {"safe_lsn", report.safe_lsn},
                  {"sync_percent", or_null(report.sync_percent)},
                  {"sync_bytes_per_s", or_null(report.sync_bytes_per_s)},
                  {"sync_eta_s", or_null(report.sync_eta_s)},
                  {"log_kept_bytes", report.log_kept_bytes},
                  {"tail_compacted", report.tail_compacted},
                  {"alarms", std::move(alarms)},
                  {"paths", std::move(paths)},
                  {"certificates", json_of(report.certificates)},
                  {"counters", json_of(report.counters)},
                  {"version", report.self.version},
                  {"uptime_s", report.self.uptime_s},
                  {"digest", report.self.digest},
                  {"self", json_of(report.self)},
                  {"peer", report.peer ? json_of_peer(*report.peer) : Json(nullptr)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<StatusReport> status_from_json(std::string_view text) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (!json.is_object()) return Error{"the status is no JSON object"};
  const Fields fields(json);
  StatusReport report;
  fields.read("protected", report.is_protected);
  fields.read("why", report.why);
  fields.read("hint", report.hint);
  fields.read("maintenance", report.maintenance);
  fields.read("peer_maintenance", report.peer_maintenance);
  fields.read("switchover", report.switchover);
  fields.read("durability", report.durability);
  fields.read("promise", report.promise);
  fields.read("alone_from", report.alone_from);
  fields.read("acked_alone", report.acked_alone);
  fields.read("acked_alone_at_most", report.acked_alone_at_most);
  fields.read("safe_lsn", report.safe_lsn);
  fields.read("sync_percent", report.sync_percent);
  fields.read("sync_bytes_per_s", report.sync_bytes_per_s);
  fields.read("sync_eta_s", report.sync_eta_s);
  fields.read("promise_kind", report.promise_kind);
  fields.read("promise_since_ms", report.promise_since_ms);
  fields.read("log_kept_bytes", report.log_kept_bytes);
  fields.read("tail_compacted", report.tail_compacted);
  if (const Json* const alarms = fields.find("alarms"); alarms != nullptr && alarms->is_array())
    report.alarms = alarms_from(*alarms);
  if (const Json* const paths = fields.find("paths"); paths != nullptr && paths->is_array())
    report.paths = paths_from(*paths);
  if (const Json* const all = fields.find("certificates"); all != nullptr && all->is_array())
    report.certificates = certificates_from(*all);
  if (const Json* const counters = fields.find("counters"); counters != nullptr && counters->is_object())
    report.counters = counters_from(*counters);
  if (const Json* const self = fields.find("self"); self != nullptr && self->is_object())
    report.self = node_from(*self);
  if (const Json* const peer = fields.find("peer"); peer != nullptr && peer->is_object())
    report.peer = node_from(*peer);
  return report;
}

}  // namespace tandem::admin
