// Sockets to packets and back: listeners, connections, keep-alive. The edge knows packets and no sessions.
// One thread (the core loop) calls everything here and is called back; others only carry bytes (parallel_io.hpp).
// Output is appended to a connection's (output.hpp) and written once a turn by flush(). The sink is called from
// handlers of the loop and from tick() only, never from flush() or a close.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/ip_network.hpp"
#include "base/limits.hpp"
#include "base/result.hpp"
#include "edge/connection.hpp"
#include "edge/connections.hpp"

namespace boost::asio {
class io_context;
}

namespace tandem::edge {

class TlsCertificates;

// Of a listener whose clients speak MQTT over WebSocket.
struct WebSocketOptions {
  std::vector<std::string> paths;    // where MQTT is, such as "/mqtt"
  std::vector<std::string> origins;  // of the pages that browsers may connect from; empty: any
};

struct ListenerOptions {
  std::string address;
  std::uint16_t port = 1883;
  std::shared_ptr<const WebSocketOptions> websocket = nullptr;  // null: MQTT itself
  std::shared_ptr<const TlsCertificates> tls = nullptr;         // null: plain; loaded before a client comes
  // Not empty: each client comes from one of these with a header of the PROXY protocol first; any other is reset.
  std::vector<IpNetwork> trusted_proxies = {};
  // Not empty: a Unix socket at this path, instead of address and port, for clients on this box.
  std::string socket = {};
  unsigned socket_mode = 0666;  // of its file
  bool shared = false;          // another listener may have this port, at an address of its own (SO_REUSEPORT)
};

struct EdgeOptions {
  std::vector<ListenerOptions> listeners;
  std::vector<std::string> virtual_ips;  // addresses that come to this box when it is to serve
  std::uint32_t max_packet_bytes = 0;
  std::uint32_t max_connect_bytes = 0;
  std::size_t max_connections = 0;
  std::int64_t connect_timeout_ms = 0;
  std::uint32_t max_connects_per_s = 0;              // 0: no limit
  std::size_t max_connections_per_address = 0;       // 0: no limit; of IPv6 a /64 is one address
  std::size_t threads = 0;                           // that carry bytes beside the core; 0: it does so itself
  std::size_t share_from = limits::edge_share_from;  // connections in one step, with fewer the core does it alone
};

class Edge {
 public:
  Edge(boost::asio::io_context& loop, const EdgeOptions& options, PacketSink& sink);
  ~Edge();  // not from inside a callback
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;

  // Binds all listeners (SO_REUSEADDR, IP_FREEBIND so that a VIP may be bound before it is here). Error:
  // address in use and the like, nothing stays bound; try again. Before accept_clients() connections wait in
  // the backlog. A Unix socket that cannot be made keeps nobody else waiting: the journal hears of it, and
  // tick() tries again once a second.
  Status open_listeners();
  // From the next opening on: 127.0.0.1 and ::1 instead of whatever the listeners name, and no virtual IP. Unix
  // sockets, which nobody else can reach, stay.
  void only_loopback(bool only);
  bool listening() const;
  // Binds the virtual IPs alone, at the ports of the listeners that would take their clients: who comes before
  // accept_clients() waits in the backlog, while every other address of this box refuses. Error: nothing is held.
  Status hold_virtual_ips();
  // Of the open TCP listeners, in the order of the options (port 0: the one that the kernel chose).
  std::vector<std::uint16_t> ports() const;
  void accept_clients();
  void close_listeners();        // and what is held
  void close_all_connections();  // on demotion: at once, without a word to the sink

  Connections& connections();  // the open ones
  Connection* find(ConnectionId id) { return connections().find(id); }
  std::size_t connection_count() const;

  // A turn: handlers run (each connection is read at most once, at most limits::turn_bytes_per_connection),
  // then flush(): one write a connection that called will_write(); all are read again in the next turn.
  void flush();
  // With threads flush() leaves writing to them: before the loop waits for something new while writing() it settles
  // what came of that.
  bool writing() const;
  void settle();
  // About every 100 ms: keep-alive, connect timeout, drains. Time before the first tick does not count.
  void tick(Steady now);
  std::uint64_t bytes_read_this_turn() const;
  void new_turn();  // behind flush(): sets that to 0, and what was read is gone

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::edge
