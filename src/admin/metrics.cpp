#include "admin/metrics.hpp"

#include <algorithm>
#include <cstdio>
#include <initializer_list>
#include <string_view>
#include <type_traits>

namespace tandem::admin {

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

std::string number_text(std::uint64_t value) {
  return std::to_string(value);
}

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

// Milliseconds as seconds, exactly.
std::string seconds_text(std::uint64_t ms) {
  char text[32];
  std::snprintf(text, sizeof text, "%llu.%03llu", static_cast<unsigned long long>(ms / 1000),
                static_cast<unsigned long long>(ms % 1000));
  return text;
}

std::string labelled(const char* label, std::string_view of) {
  return std::string(label) + "=\"" + escaped(of) + '"';
}

// Writes families one after the other: head() begins one, the others add its samples.
class Writer {
 public:
  void head(std::string_view name, const char* type, const char* help) {
    name_ = name;
    out_ += "# HELP " + name_ + ' ' + help + "\n# TYPE " + name_ + ' ' + type + '\n';
  }
  void sample(const std::string& value) { out_ += name_ + ' ' + value + '\n'; }
  void sample(const char* label, std::string_view of, const std::string& value) {
    out_ += name_ + '{' + labelled(label, of) + "} " + value + '\n';
  }
  void sample(const std::string& labels, const std::string& value) {
    out_ += name_ + '{' + labels + "} " + value + '\n';
  }

  template <class Number>
  void gauge(std::string_view name, const char* help, Number value) {
    head(name, "gauge", help);
    if constexpr (std::is_same_v<Number, bool>)
      sample(value ? "1" : "0");
    else
      sample(number_text(value));
  }
  void counter(std::string_view name, const char* help, std::uint64_t value) {
    head(name, "counter", help);
    sample(number_text(value));
  }
  // One sample a word, 1 at the word that holds: so that an alert never looks at a series that is not there.
  void words(std::string_view name, const char* help, const char* label, std::initializer_list<const char*> known,
             std::string_view holds) {
    head(name, "gauge", help);
    for (const char* const word : known) sample(label, word, word == holds ? "1" : "0");
  }

  std::string take() { return std::move(out_); }

 private:
  std::string name_;
  std::string out_;
};

void write_role(Writer& out, const StatusReport& report) {
  const NodeStatus& self = report.self;
  out.head("tandem_build_info", "gauge", "Always 1; the version of this box and its name.");
  out.sample(labelled("version", self.version) + ',' + labelled("node", self.name), "1");
  out.gauge("tandem_uptime_seconds", "Since this process started.", self.uptime_s);
  out.words("tandem_role", "1 at the role that this box has.", "role", {"active", "standby", "promoting"}, self.role);
  out.words("tandem_mode", "1 at the mode that this box is in.", "mode",
            {"mirrored", "solo", "solo_wait", "single", "in_sync", "syncing", "unsure", "stale", "empty"}, self.mode);
  out.gauge("tandem_protected", "1: the death of either box loses nothing that was acknowledged.", report.is_protected);
  out.gauge("tandem_epoch", "Number of the reign that this box is in.", self.epoch);
}

void write_records(Writer& out, const StatusReport& report) {
  const NodeStatus& self = report.self;
  out.gauge("tandem_last_lsn", "Number of the last record in this box's log.", self.lsn);
  out.gauge("tandem_durable_lsn", "Number of the last record on this box's disk.", self.durable_lsn);
  out.head("tandem_safe_lsn", "gauge", "Active: number of the last record for which the promise holds.");
  if (self.role == "active") out.sample(number_text(report.safe_lsn));
  out.gauge("tandem_confirmed_lsn",
            "Number of the last record that the standby has in memory (active: as confirmed to it).",
            self.confirmed_lsn);
  out.gauge("tandem_alone_from_lsn",
            "Number of the first record that may have been acknowledged with one copy; 0: none.", report.alone_from);
  out.gauge("tandem_records_acked_alone",
            "Records acknowledged with one copy (see tandem_records_acked_alone_at_most).", report.acked_alone);
  out.gauge("tandem_records_acked_alone_at_most",
            "1: tandem_records_acked_alone is an upper bound, because this box restarted meanwhile.",
            report.acked_alone_at_most);
  out.words("tandem_promise", "1 at what an acknowledgement means now.", "promise",
            {"peer", "disk", "peer+disk", "alone", "waiting", "single", "none"}, report.promise_kind);
  out.head("tandem_promise_since_timestamp_seconds", "gauge", "Since when it means that, seconds since 1970 UTC.");
  if (report.promise_since_ms != 0) out.sample(seconds_text(report.promise_since_ms));
}

void write_peer(Writer& out, const StatusReport& report) {
  const bool heard = report.peer && !report.peer->name.empty();
  out.head("tandem_peer_reachable", "gauge", "1: the other box is heard.");
  if (report.peer) out.sample(heard && report.peer->reachable ? "1" : "0");
  out.head("tandem_peer_silence_seconds", "gauge", "Since the other box was last heard.");
  if (report.peer && report.peer->heard_ms_ago) {
    out.sample(seconds_text(static_cast<std::uint64_t>(std::max<std::int64_t>(*report.peer->heard_ms_ago, 0))));
  }
  out.head("tandem_peer_last_lsn", "gauge", "Number of the last record in the other box's log, as last heard.");
  if (heard) out.sample(number_text(report.peer->lsn));
  out.head("tandem_lag_records", "gauge", "Records that the standby is behind the active.");
  if (heard) out.sample(number_text(std::max(report.self.lag_records, report.peer->lag_records)));
  out.head("tandem_path_up", "gauge", "1: the other box is heard over this path; address is the peer's.");
  for (const PathStatus& path : report.paths) out.sample("address", path.address, path.up ? "1" : "0");
  out.gauge("tandem_sync_running", "1: a standby is being loaded.", report.sync_percent.has_value());
  out.head("tandem_sync_progress_ratio", "gauge", "How much of it is done, 0 to 1.");
  if (report.sync_percent) out.sample(number_text(std::clamp(*report.sync_percent / 100, 0.0, 1.0)));
  out.head("tandem_sync_bytes_per_second", "gauge", "How fast it is loaded.");
  if (report.sync_bytes_per_s) out.sample(number_text(*report.sync_bytes_per_s));
}

void write_box(Writer& out, const StatusReport& report) {
  out.gauge("tandem_log_kept_bytes", "Log on this disk, for restarts and for the other box.", report.log_kept_bytes);
  out.gauge("tandem_tail_compacted", "1: the log outgrew store.log_max_mb.", report.tail_compacted);
  out.gauge("tandem_alarms", "Alarms that are active.", std::uint64_t{report.alarms.size()});
  out.head("tandem_alarm_active", "gauge", "1: this alarm is active.");
  for (const char* const kind : alarm_kinds) {
    const bool active = std::any_of(report.alarms.begin(), report.alarms.end(),
                                    [kind](const AlarmStatus& alarm) { return alarm.kind == kind; });
    out.sample("kind", kind, active ? "1" : "0");
  }
}

// How long is left says more than when: no clock but this box's own has a part in an alert.
void write_certificates(Writer& out, const StatusReport& report) {
  out.head(
      "tandem_tls_certificate_expires_seconds", "gauge",
      "Until the first certificate (or revocation list) in this file of a listener expires; negative: since then.");
  for (const CertificateStatus& one : report.certificates) {
    out.sample(labelled("listener", one.listener) + ',' + labelled("file", one.file), std::to_string(one.expires_in_s));
  }
}

void write_clients(Writer& out, const StatusReport& report) {
  const NodeStatus& self = report.self;
  const Counters& counters = report.counters;
  out.gauge("tandem_connections", "Clients connected to this box.", self.clients);
  out.gauge("tandem_sessions", "Sessions that outlive their connection.", self.sessions);
  out.gauge("tandem_retained_messages", "Retained messages.", self.retained);
  out.gauge("tandem_queued_messages", "Messages in all queues.", self.queued);
  out.counter("tandem_messages_received_total", "PUBLISH packets that this process took from clients.",
              counters.received);
  out.counter("tandem_messages_sent_total", "PUBLISH packets that this process gave to clients.", counters.sent);
  out.counter("tandem_messages_refused_total", "PUBLISH packets that this process refused.", counters.refused);
  out.counter("tandem_messages_denied_total", "PUBLISH packets refused by access rules.", counters.denied);
  out.counter("tandem_logins_refused_total", "Logins with a wrong user name, password or proof.",
              counters.refused_logins);
  out.counter("tandem_logins_throttled_total", "Logins not looked at: too many of that address were wrong.",
              counters.throttled_logins);
  out.head("tandem_messages_dropped_total", "counter", "Messages that a subscriber did not get.");
  out.sample("reason", "queue_full", number_text(counters.dropped_queue_full));
  out.sample("reason", "slow_qos0", number_text(counters.dropped_qos0));
  out.counter("tandem_publishers_paused_total",
              "Times that a client had published limits.max_publishes_per_s and was read no further for a while.",
              counters.publishers_paused);
  out.counter("tandem_connects_paused_total",
              "Times that new clients had to wait because of limits.max_connects_per_s.", counters.connects_paused);
  out.head("tandem_tls_handshakes_total", "counter", "TLS handshakes with clients.");
  out.sample("result", "done", number_text(counters.tls_handshakes_done));
  out.sample("result", "failed", number_text(counters.tls_handshakes_failed));
  out.head("tandem_proxy_refused_total", "counter", "Connections to a listener with proxy_protocol that were reset.");
  out.sample("reason", "stranger", number_text(counters.proxy_strangers));
  out.sample("reason", "malformed", number_text(counters.proxy_headers_malformed));
  out.sample("reason", "late", number_text(counters.proxy_headers_late));
  out.counter("tandem_records_total", "Records that this process made as the active.", counters.records);
  out.counter("tandem_digest_mismatches_total",
              "Comparisons in which this box, as a standby, differed from the active.", counters.digest_mismatches);
}

}  // namespace

std::string to_metrics(const StatusReport& report) {
  Writer out;
  write_role(out, report);
  write_records(out, report);
  write_peer(out, report);
  write_box(out, report);
  write_clients(out, report);
  write_certificates(out, report);
  return out.take();
}

}  // namespace tandem::admin
