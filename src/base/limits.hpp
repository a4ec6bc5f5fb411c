// Every limit and default in one place, with the relations between them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem::limits {

inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;

// MQTT
inline constexpr std::uint32_t max_packet_bytes = 2'000'000;    // whole packet, announced in CONNACK (5.0)
inline constexpr std::uint32_t max_connect_bytes = 200'000;     // before a client has authenticated
inline constexpr std::uint16_t v3_in_flight = 100;              // unacked QoS 1/2 to a 3.x client
inline constexpr std::uint16_t receive_maximum = 100;           // unacked QoS 1/2 that we take from a client
inline constexpr std::uint16_t topic_alias_maximum = 32;        // inbound aliases a connection
inline constexpr std::uint16_t outbound_topic_aliases = 16;     // a connection
inline constexpr std::size_t outbound_alias_topic_bytes = 256;  // longer topics get none: memory is bounded
inline constexpr std::size_t max_topic_bytes = 65'535;  // of MQTT; a record and an image have no longer ones either
inline constexpr std::size_t max_topic_levels = 200;
inline constexpr std::size_t max_client_id_bytes = 1024;
inline constexpr std::size_t max_user_properties = 1000;  // a packet
inline constexpr std::size_t max_subscriptions_per_session = 10'000;
inline constexpr std::size_t max_queue_messages = 100'000;  // a session; then limits.queue_policy
inline constexpr std::size_t max_queue_bytes = 64 * mib;    // a session; likewise
// From this size on a message in flight to a clean session counts in max_queue_bytes.
inline constexpr std::size_t counted_in_flight_bytes = 1 * kib;
inline constexpr std::size_t kept_message_bytes = 4 * mib;  // memory of messages that are gone, for the next ones
inline constexpr std::size_t max_sessions = 100'000;
inline constexpr std::size_t max_retained = 200'000;
inline constexpr std::size_t max_retained_bytes = 512 * mib;
inline constexpr std::int64_t connect_timeout_ms = 10'000;       // TCP accept to CONNECT
inline constexpr int max_auth_steps = 16;                        // of one enhanced authentication
inline constexpr std::size_t auth_exchange_bytes = 1 * kib;      // what one is counted with, beside its CONNECT
inline constexpr std::size_t max_auth_waiting_bytes = 32 * mib;  // of all CONNECTs that wait; beyond: 0x89
inline constexpr std::int64_t zero_keepalive_will_grace_ms = 60'000;

static_assert(max_connect_bytes + auth_exchange_bytes < max_auth_waiting_bytes);

// Turn (docs/constants.md)
inline constexpr std::size_t turn_bytes_per_connection = 64 * kib;
inline constexpr std::uint64_t turn_work_per_connection = 20'000;  // subscriptions and levels looked at: about 1 ms
inline constexpr std::size_t turn_bytes = 1 * mib;
inline constexpr std::int64_t turn_us = 2'000;
inline constexpr std::size_t edge_threads_auto = 2;   // one that writes and one that reads
inline constexpr std::size_t edge_threads_cores = 4;  // with fewer "auto" takes none: core, link and store have them
inline constexpr std::size_t edge_group = 16;         // connections that are read at a time, beside decoding others
inline constexpr std::size_t edge_share_from = 8;     // connections: some 20 us of system calls, to wake a thread is 5
inline constexpr std::size_t max_connections = 10'000;
inline constexpr std::int64_t close_flush_ms = 5'000;     // for the last bytes to a client that we leave
inline constexpr std::int64_t close_first_ms = 100;       // a client that said DISCONNECT closes within this, or we do
inline constexpr std::int64_t close_drain_ms = 1'000;     // then for its end of stream
inline constexpr std::int64_t keep_alive_slack_ms = 200;  // the edge's clock is as coarse as its ticks: never early
inline constexpr int listen_backlog = 4096;               // the kernel caps it at net.core.somaxconn
inline constexpr std::size_t accepts_per_event = 64;
inline constexpr std::size_t max_unsent_bytes = 1 * mib;     // a connection; beyond it QoS 0 is dropped, the rest waits
inline constexpr std::size_t shared_packet_bytes = 2 * kib;  // PUBLISH: written from where it was read to
inline constexpr std::size_t large_packet_bytes = 16 * kib;
inline constexpr std::size_t turn_large_bytes = 1 * mib;      // of PUBLISH packets of that size, to all clients
inline constexpr std::size_t max_postponed_qos0 = 1'000'000;  // retained messages that wait for a connection

// PROXY protocol
inline constexpr std::size_t max_proxy_header_bytes = 4 * kib;  // of version 2, with what it tells beside addresses

// WebSocket
inline constexpr std::size_t websocket_request_bytes = 8 * kib;     // the HTTP request that it begins with
inline constexpr std::size_t websocket_frame_bytes = 16 * mib;      // of a client; any number of packets
inline constexpr std::size_t websocket_sent_frame_bytes = 1 * mib;  // to a client

// TLS
inline constexpr int tls_handshake_threads = 2;
inline constexpr std::size_t max_tls_handshakes = 1'000;  // under way at once; then new clients wait in the backlog
inline constexpr std::int64_t tls_crowded_timeout_ms = 3'000;  // of one that began while half of them were under way
inline constexpr std::int64_t tls_time_watch_ms = 100;         // how often their time is looked at
inline constexpr std::size_t max_tls_file_bytes = 4 * mib;
inline constexpr std::size_t max_certificate_user_bytes = 1 * kib;  // a longer name is none
inline constexpr std::int64_t certificate_warning_s = 30 * 86'400;  // before it expires

// Users and passwords
inline constexpr std::size_t max_users = 20'000;
inline constexpr std::size_t max_rule_sets = 20'000;
inline constexpr int password_iterations = 2'000;  // that tandemctl writes: 500 clients after a takeover take a second
inline constexpr int max_password_iterations = 1'000'000;           // about a second
inline constexpr std::int64_t wrong_logins_at_once = 20;            // of an address; one more each second
inline constexpr std::size_t addresses_with_wrong_logins = 10'000;  // that are remembered
inline constexpr std::size_t remembered_passwords = 10'000;         // that were right
inline constexpr std::size_t max_password_checks_waiting = 1'000;   // then a CONNECT is answered "server busy"
inline constexpr std::size_t max_password_file_bytes = 16 * mib;
inline constexpr std::size_t max_acl_file_bytes = 16 * mib;
inline constexpr std::size_t told_file_problems = 20;  // lines of a file that are wrong: more are not told

// Control socket (tandemctl)
inline constexpr std::size_t control_request_bytes = 1 * mib;  // a file of access rules
inline constexpr std::size_t control_reply_bytes = 1 * mib;
inline constexpr std::size_t control_clients = 16;         // then the oldest is closed
inline constexpr std::int64_t control_timeout_ms = 3'000;  // tandemctl waits so long for an answer

// HTTP for monitoring
inline constexpr std::size_t http_request_bytes = 8 * kib;
inline constexpr std::size_t http_connections = 16;     // then the oldest is closed
inline constexpr std::int64_t http_timeout_ms = 5'000;  // from the TCP connection to the end of the response

// Log, store
inline constexpr std::size_t batch_bytes = 64 * kib;  // or one larger record
inline constexpr std::size_t max_row_bytes = 64 * kib;
inline constexpr std::size_t queue_segment_entries = 512;
inline constexpr std::int64_t group_commit_ms = 50;
inline constexpr std::size_t group_commit_bytes = 1 * mib;
inline constexpr std::size_t checkpoint_log_bytes = 64 * mib;
inline constexpr std::int64_t checkpoint_ms = 5 * 60 * 1000;
inline constexpr std::size_t checkpoint_slice_rows = 32;
inline constexpr std::int64_t checkpoint_slice_us = 500;
inline constexpr std::size_t wal_fold_bytes = 16 * mib;
inline constexpr std::size_t log_max_mb = 1024;
inline constexpr std::size_t unsafe_bytes_per_client = 128 * kib;  // of its records, not safe yet: then it waits
inline constexpr std::size_t lag_bytes_per_client = 64 * kib;      // that it may still record while followers lag
inline constexpr std::size_t disk_behind_pause_bytes = 32 * mib;   // not on the disk yet: publishers are not read
inline constexpr std::size_t disk_behind_resume_bytes = 16 * mib;
inline constexpr std::int64_t disk_still_ms = 2'000;  // it takes nothing, though something waits: alarm
inline constexpr std::int64_t disk_dead_ms = 10'000;  // then the box gives way, if the other one can do without it

// Mirror
inline constexpr std::int64_t heartbeat_ms = 50;
inline constexpr std::int64_t after_ms = 300;
inline constexpr std::int64_t path_resend_ms = 75;
inline constexpr std::int64_t path_down_ms = 150;
inline constexpr std::int64_t lease_ms = 2'000;
inline constexpr std::int64_t solo_wait_ms = 2'500;
inline constexpr std::int64_t boot_wait_ms = 10'000;
inline constexpr std::int64_t switchover_drain_ms = 1'000;  // planned switchover: until all is confirmed
inline constexpr std::int64_t switchover_tell_ms = 10;      // then clients are told, if configured so
inline constexpr std::int64_t switchover_move_ms = 1'500;   // then until the other box serves
inline constexpr std::int64_t switchover_wish_ms = 1'000;   // a standby asks for one so long
inline constexpr std::int64_t served_lately_ms = 2'000;     // P4: since the peer was heard to serve
inline constexpr std::int64_t resume_guard_ms = 300;        // A0
inline constexpr std::int64_t reach_ask_ms = 250;           // takeover.reach: an echo request to each host
inline constexpr std::int64_t reach_silent_ms = 1'000;      // none has answered for so long: nobody is reached
inline constexpr std::int64_t reach_agree_ms = 500;         // then the other box has so long to find the same
inline constexpr std::int64_t reach_again_ms = 2'500;  // or, the other one is answered again (ARP asks once a second)
inline constexpr std::int64_t both_told_ms = 150;      // both are told MASTER: the standby drops the address ...
inline constexpr std::int64_t leave_address_ms = 60'000;  // ... for so long
inline constexpr int announce_rounds = 5;                 // gratuitous ARP, neighbour advertisement, after a takeover
inline constexpr std::int64_t announce_ms = 100;
// After a takeover, to each client of the other box. A client's kernel answers a segment without data, or with
// impossible numbers, once in 500 ms a connection (tcp_invalid_ratelimit); one that repeats old data each time.
inline constexpr int tickle_rounds_blind = 3;
inline constexpr std::int64_t tickle_blind_ms = 600;
inline constexpr int tickle_rounds_sampled = 5;
inline constexpr std::int64_t tickle_sampled_ms = 100;
inline constexpr std::size_t sequence_samples = 32'768;          // kept at most
inline constexpr std::int64_t sequence_sample_kept_ms = 10'000;  // of a connection that is not accepted yet
inline constexpr std::int64_t confirm_slow_ms = 500;
inline constexpr std::int64_t confirm_release_ms = 2'000;
inline constexpr std::size_t in_flight_bytes = 8 * mib;
inline constexpr std::size_t in_flight_pause_bytes = 6 * mib;
inline constexpr std::size_t in_flight_resume_bytes = 4 * mib;
inline constexpr std::size_t window_frames = 1'024;  // numbered frames on their way
inline constexpr std::size_t image_chunk_bytes = 64 * kib;
inline constexpr std::size_t sync_behind_bytes = 64 * kib;  // S1
inline constexpr std::int64_t sync_behind_ms = 20;          // S1
inline constexpr std::size_t max_frame_bytes = 4 * mib;     // one message of the mirror link
inline constexpr std::uint64_t digest_every_records = 10'000;
inline constexpr std::int64_t digest_every_ms = 10'000;
inline constexpr std::size_t digest_buckets = 1024;
inline constexpr std::int64_t verify_slice_us = 4'000;     // a heartbeat
inline constexpr std::size_t verify_slice_entities = 256;  // then the clock is looked at

static_assert(after_ms >= 5 * heartbeat_ms);
static_assert(lease_ms >= after_ms + 1'000);
static_assert(solo_wait_ms == lease_ms + 500);
static_assert(boot_wait_ms >= solo_wait_ms);
static_assert(in_flight_resume_bytes < in_flight_pause_bytes && in_flight_pause_bytes < in_flight_bytes);
static_assert(disk_behind_resume_bytes < disk_behind_pause_bytes && disk_still_ms < disk_dead_ms);
static_assert(max_frame_bytes > max_packet_bytes + batch_bytes);
static_assert(max_connect_bytes <= max_packet_bytes);
static_assert(websocket_frame_bytes >= max_frame_bytes);  // and that is more than any packet
static_assert(reach_silent_ms + reach_ask_ms + reach_agree_ms <
              lease_ms);  // a box that is cut off is gone before it may serve alone
static_assert(turn_us / 1000 < heartbeat_ms / 5);

}  // namespace tandem::limits
