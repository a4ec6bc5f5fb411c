// The configuration of one node: one file (etc/tandem.toml is the commented sample), read and validated once,
// never changed afterwards. Keys and defaults are those of the fields below; an unknown key is an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_network.hpp"
#include "base/limits.hpp"
#include "base/result.hpp"
#include "core/queue_policy.hpp"
#include "edge/tls_context.hpp"

namespace tandem {

// An IP address literal and a TCP port; text form "192.0.2.1:7883" or "[2001:db8::1]:7883".
struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// "192.0.2.1:7883" or "[2001:db8::1]:7883".
std::string to_text(const Endpoint& endpoint);

// Which copies must exist before a client gets its acknowledgement while both boxes are in step.
enum class Durability : std::uint8_t { peer, disk, peer_and_disk };
// Without a standby: keep serving (and say so loudly), or let QoS 1/2 acknowledgements wait until a peer is
// back.
enum class Solo : std::uint8_t { allow, refuse };
// A divergent tail found when the boxes meet again: merge it at once, or wait for the operator.
enum class Reconcile : std::uint8_t { automatic, ask };
// Who says which box shall serve: keepalived by the virtual IP, or the heartbeats of the mirror link.
enum class Arbiter : std::uint8_t { keepalived, heartbeat };
// What a box does that is told to serve but cannot be sure to hold everything: promote (marked unclean), or
// wait.
enum class Unsure : std::uint8_t { promote, wait };

// [node]
struct NodeConfig {
  std::string name;                          // required; [A-Za-z0-9._-], at most 64; the lower name of a pair dials
  std::string data_dir = "/var/lib/tandem";  // log.db and state.db; made if missing
  std::int64_t sys_interval_s = 10;          // $SYS topics; 0: none
  // That carry bytes between sockets and memory beside the core; nothing ("auto"): by the number of this box's cores.
  std::optional<std::size_t> threads;
};

// What the clients of a listener speak: MQTT, or MQTT in the binary frames of a WebSocket (browsers).
enum class Protocol : std::uint8_t { mqtt, websocket };

// [[listener]], at least one. Opened when PROMOTING, accepting when ACTIVE; the address may not be here yet
// (a VIP).
struct ListenerConfig {
  std::string address;        // an IP address; required, unless there is a socket
  std::uint16_t port = 1883;  // required with protocol "websocket"
  // Instead of these two: the absolute path of a Unix socket, for clients on this box, and who may connect there.
  std::string socket;           // at most 107 bytes; empty: TCP
  unsigned socket_mode = 0666;  // of its file; text of three or four octal digits
  Protocol protocol = Protocol::mqtt;
  // Of protocol "websocket" only.
  std::vector<std::string> paths = {"/mqtt", "/"};  // key path, one or a list
  std::vector<std::string> origins;  // of the pages that browsers may connect from, one or a list; none: any page
  // Key proxy_protocol, one or a list of addresses and networks: the proxies that each client comes from, with a header
  // of the PROXY protocol first. None: clients come themselves.
  std::vector<IpNetwork> trusted_proxies;
  // Keys cert_file and key_file (one or a list each, of the same length), client_ca_file, client_crl_file (absolute
  // paths), client_cert, username_from and tls_min_version; nothing without cert_file.
  std::optional<edge::TlsOptions> tls;
};

// [security]
struct SecurityConfig {
  bool allow_anonymous = false;
  // Files that are followed, as Mosquitto has them; absolute. Empty: users and rules come from tandemctl.
  std::string password_file;
  std::string acl_file;
};

// [mirror]; without this table the node is a single broker (mode "single").
struct MirrorConfig {
  std::vector<Endpoint> listen;               // required; one or two paths
  std::vector<Endpoint> peer;                 // required; peer[i] is the other box's listen[i]
  std::string key_file;                       // required; made by `tandemctl keygen`
  std::vector<std::string> peer_public_keys;  // key peer_public_key, required; one or a list (while a key is replaced)
  Durability durability = Durability::peer;
  Solo solo = Solo::allow;
  Reconcile reconcile = Reconcile::automatic;  // "auto" or "ask"
  bool accept_config = false;                  // `tandemctl config push` on the other box may write this file
};

enum class Redirect : std::uint8_t { none, use_another_server, server_moved };  // DISCONNECT 0x9C, 0x9D

// [takeover]; without [mirror] only will_grace_s matters. Relations, checked at load:
//   after_ms >= 5 x heartbeat_ms, lease_ms >= after_ms + 1000, solo_wait_ms >= lease_ms + 500,
//   boot_wait_ms >= solo_wait_ms. A solo_wait_ms that is not given is lease_ms + 500; a boot_wait_ms that is
//   not given grows with solo_wait_ms.
struct TakeoverConfig {
  Arbiter arbiter = Arbiter::keepalived;  // required when there is a [mirror]
  std::int64_t heartbeat_ms = limits::heartbeat_ms;
  std::int64_t after_ms = limits::after_ms;
  std::int64_t lease_ms = limits::lease_ms;
  std::int64_t solo_wait_ms = limits::solo_wait_ms;
  std::int64_t boot_wait_ms = limits::boot_wait_ms;
  Unsure unsure = Unsure::promote;
  std::int64_t will_grace_s = limits::zero_keepalive_will_grace_ms / 1000;  // for clients with keepalive 0;
                                                                            // the others have 1.5 x keepalive
  std::vector<std::string> vip;        // the virtual IPs, one or a list; required by arbiter "keepalived"
  Redirect redirect = Redirect::none;  // what a planned switchover tells MQTT 5 clients
  std::string redirect_to;             // and the Server Reference in it; empty: none
  std::vector<std::string> reach;      // hosts on the LAN; a box that reaches none of them gives the VIP up
  // Of arbiter "keepalived"; etc/keepalived names the same.
  std::string weight_file = "/run/tandem/vrrp.weight";  // its track_file
  std::string notify_fifo = "/run/tandem/vrrp.fifo";    // its vrrp_notify_fifo
  std::vector<std::string> vrrp_instance = {"TANDEM"};  // the vrrp_instance that holds the VIP, one or a list
};

// [store]
struct StoreConfig {
  std::int64_t log_max_mb = limits::log_max_mb;  // how much log is kept for a peer that is away
  std::int64_t checkpoint_mb = limits::checkpoint_log_bytes / limits::mib;
  std::int64_t checkpoint_s = limits::checkpoint_ms / 1000;
  std::int64_t group_commit_ms = limits::group_commit_ms;  // the longest that unawaited records stay off the disk
};

// [limits]
struct LimitsConfig {
  std::uint32_t max_packet_bytes = limits::max_packet_bytes;
  std::uint16_t receive_maximum = limits::receive_maximum;
  std::uint16_t v3_in_flight = limits::v3_in_flight;
  std::uint16_t topic_alias_maximum = limits::topic_alias_maximum;
  std::size_t max_connections = limits::max_connections;
  std::size_t max_connections_per_address = 0;  // 0: no limit; of IPv6 a /64 is one address
  std::size_t max_sessions = limits::max_sessions;
  std::size_t max_subscriptions_per_session = limits::max_subscriptions_per_session;
  std::size_t max_queue_messages = limits::max_queue_messages;  // a session
  std::size_t max_queue_bytes = limits::max_queue_bytes;        // a session; >= max_packet_bytes
  core::QueuePolicy queue_policy = core::QueuePolicy::drop_newest;
  std::size_t max_retained = limits::max_retained;
  std::size_t max_retained_bytes = limits::max_retained_bytes;   // topics, properties and payloads together
  std::uint32_t max_connections_per_user = 0;                    // 0: no limit
  std::int64_t memory_mb = 0;                                    // of tandemd; 0: half of the machine's
  std::int64_t connect_timeout_ms = limits::connect_timeout_ms;  // from TCP accept to CONNECT
  std::uint16_t max_keep_alive_s = 0;                            // of an MQTT 5 client; 0: as it likes
  std::uint32_t max_connects_per_s = 0;                          // TCP connections accepted; 0: no limit
  std::uint32_t max_publishes_per_s = 0;                         // taken from one client; 0: no limit
};

// [mqtt]
struct MqttConfig {
  // MQTT 5 clients that ask where they may expect answers are told this and their client id; empty: nothing.
  std::string response_prefix;
};

// [http]; without this table no HTTP is served. It has no TLS.
struct HttpConfig {
  std::string address = "127.0.0.1";  // loopback, unless there is a token
  std::uint16_t port = 9883;
  std::string token_file;  // absolute; its line is asked for as "Authorization: Bearer"; empty: everybody who gets
                           // there is trusted
};

// [control]
struct ControlConfig {
  std::string socket = "/run/tandem/tandemd.sock";  // for tandemctl; at most 107 bytes
};

struct Config {
  NodeConfig node;
  std::vector<ListenerConfig> listeners;
  SecurityConfig security;
  std::optional<MirrorConfig> mirror;
  TakeoverConfig takeover;
  StoreConfig store;
  LimitsConfig limits;
  MqttConfig mqtt;
  std::optional<HttpConfig> http;
  ControlConfig control;
  std::string file;  // that it was read from; empty: none
  // Every key that was read, "limits.max_sessions", "listener 1.port", with its value, defaults included, as TOML has
  // it.
  std::map<std::string, std::string> values;

  // The word comes from keepalived; else from the heartbeats, or there is no second box.
  bool by_keepalived() const { return mirror && takeover.arbiter == Arbiter::keepalived; }
};

// Reads and validates `path` (at most 1 MiB). The error lists everything that is wrong, one line each, in the
// order of the file: "FILE:LINE:COLUMN: KEY: what is wrong; allowed: what is". A relative path inside the
// file counts from the working directory of the process.
Result<Config> load_config(const std::string& path);

// The same from text; `name` stands for the file in errors.
Result<Config> parse_config(std::string_view text, std::string_view name);

}  // namespace tandem
