// What `tandemctl status` shows: a plain struct that src/broker fills, its JSON and its human text. The JSON
// keys are an interface (scripts read them): they are added to, never renamed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace tandem::admin {

struct NodeStatus {
  std::string name;  // empty: a peer that has never been heard
  std::string role;  // "active", "standby", "promoting"
  std::string mode;  // "mirrored", "solo", "solo_wait", "single"; "in_sync", "syncing", "unsure", "stale", "empty"
  std::uint64_t epoch = 0;
  std::string epoch_node;           // name of the node whose reign the epoch is (as far as the epoch holds it: 8 bytes)
  std::uint64_t lsn = 0;            // end of its log
  std::uint64_t durable_lsn = 0;    // last record on its disk
  std::uint64_t confirmed_lsn = 0;  // active: confirmed by the peer; standby: confirmed to the active
  std::uint64_t lag_records = 0;    // records behind the active
  std::uint64_t clients = 0;        // connected now
  std::uint64_t sessions = 0;
  std::uint64_t retained = 0;
  std::uint64_t queued = 0;                  // messages in all queues
  bool reachable = true;                     // peer only: false shows its last known values
  std::optional<std::int64_t> heard_ms_ago;  // peer only
  std::string version;
  std::uint64_t uptime_s = 0;
  std::string digest;  // hex, of State at `lsn`; empty if not known
};

struct PathStatus {
  std::string address;  // the peer's, "10.78.0.2:7883"
  bool up = false;
};

struct AlarmStatus {
  std::string kind;  // one of alarm_kinds
  std::string text;
  std::int64_t since_ms = 0;  // wall clock, ms since 1970 UTC
};
inline constexpr const char* alarm_kinds[] = {
    "digest", "damage",       "disk",        "log",         "http",        "weight", "keepalived", "tickle",
    "reach",  "reach_socket", "both_active", "maintenance", "certificate", "config", "memory",     "users"};

// A file of a TLS listener: the certificate in it that expires first, or a revocation list.
struct CertificateStatus {
  std::string listener;  // "0.0.0.0:8883"
  std::string file;
  bool revocations = false;       // a list: when the next one is due
  std::int64_t expires_s = 0;     // since 1970 UTC
  std::int64_t expires_in_s = 0;  // from now; negative: it has expired
};

// Since the process began.
struct Counters {
  std::uint64_t received = 0;            // PUBLISH packets taken from clients
  std::uint64_t sent = 0;                // PUBLISH packets given to clients
  std::uint64_t refused = 0;             // PUBLISH packets refused
  std::uint64_t dropped_queue_full = 0;  // messages for a durable session whose queue was full
  std::uint64_t dropped_qos0 = 0;        // QoS 0 messages for a client that does not read fast enough
  std::uint64_t records = 0;             // made as the active
  std::uint64_t digest_mismatches = 0;   // found as the standby
  std::uint64_t publishers_paused = 0;   // times that a client had published limits.max_publishes_per_s
  std::uint64_t connects_paused = 0;     // times that new clients had to wait for limits.max_connects_per_s
  std::uint64_t tls_handshakes_done = 0;
  std::uint64_t tls_handshakes_failed = 0;
  std::uint64_t denied = 0;            // of `refused`, by access rules
  std::uint64_t refused_logins = 0;    // wrong user name, password or proof
  std::uint64_t throttled_logins = 0;  // not looked at: too many of that address were wrong
  std::uint64_t proxy_strangers = 0;   // connections to a listener with proxy_protocol that came from no trusted proxy
  std::uint64_t proxy_headers_malformed = 0;
  std::uint64_t proxy_headers_late = 0;
};

struct StatusReport {
  bool is_protected = false;
  std::string why;                     // one sentence, without "PROTECTED:" before it
  std::string hint;                    // what a technician could do now; empty: nothing
  bool maintenance = false;            // this box does not take over (tandemctl maintenance)
  bool peer_maintenance = false;       // nor does the other one, as it said last
  std::string switchover;              // "under way", or what came of the last one here; empty: none since the start
  std::string durability;              // "peer", "disk", "peer+disk"
  std::string promise;                 // one sentence: where an acknowledged message is, as of now
  std::string promise_kind;            // the same as a word: "peer", "disk", "peer+disk" (both boxes; as durability),
                                       // "alone", "waiting" (nothing is acknowledged), "single"; "none": a standby
  std::uint64_t promise_since_ms = 0;  // wall clock, ms since 1970 UTC; 0: not known
  std::uint64_t alone_from = 0;        // first record that may have been acknowledged with one copy; 0: none
  std::uint64_t acked_alone = 0;       // records acknowledged with one copy since then
  bool acked_alone_at_most = false;    // that is an upper bound: the count itself does not outlive the process
  std::uint64_t safe_lsn = 0;          // active: last record for which the promise holds
  std::optional<double> sync_percent;  // while a standby is loading
  std::optional<std::uint64_t> sync_bytes_per_s;
  std::optional<std::uint64_t> sync_eta_s;
  std::uint64_t log_kept_bytes = 0;  // log on this disk, for restarts and for the other box
  bool tail_compacted = false;       // store.log_max_mb was exceeded: the other box will get an image
  std::vector<AlarmStatus> alarms;
  std::vector<PathStatus> paths;
  std::vector<CertificateStatus> certificates;
  Counters counters;
  NodeStatus self;
  std::optional<NodeStatus> peer;  // nullopt: no [mirror] table
};

// One line. Keys: protected, why, hint, maintenance, peer_maintenance, switchover, durability, promise, promise_kind,
// promise_since_ms, alone_from, acked_alone, acked_alone_at_most, safe_lsn, sync_percent, sync_bytes_per_s, sync_eta_s
// (null: not loading, or not known yet), log_kept_bytes, tail_compacted, alarms, paths, certificates, counters,
// version, uptime_s, digest (of the node that answers), self and peer (null: none) with the fields of NodeStatus.
std::string to_json(const StatusReport& report);

// The same back; missing keys keep their defaults. Error: not an object.
Result<StatusReport> status_from_json(std::string_view json);

// For a technician at 3 a.m.: protected or not and why, both boxes, what to do. `colour`: ANSI colours.
std::string to_text(const StatusReport& report, bool colour);

}  // namespace tandem::admin
