// Sockets to packets and back: listeners, connections, keep-alive. The edge knows packets and no sessions.
// One thread (the core loop) calls everything here. Output is appended to a connection's buffer and written
// once a turn by flush(). The sink is called from handlers of the loop and from tick() only, never from
// flush() or a close.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "mqtt/packet.hpp"

namespace boost::asio {
class io_context;
}

namespace tandem::edge {

struct ListenerOptions {
  std::string address;
  std::uint16_t port = 1883;
};

struct EdgeOptions {
  std::vector<ListenerOptions> listeners;
  std::uint32_t max_packet_bytes = 0;
  std::uint32_t max_connect_bytes = 0;
  std::size_t max_connections = 0;
  std::int64_t connect_timeout_ms = 0;
};

enum class CloseCause : std::uint8_t {
  peer_closed,         // end of stream or a socket error
  keep_alive_timeout,  // silence for 1.5 x keep-alive ([MQTT5-3.1.2-22])
  malformed,           // decode error
  asked,               // close() was called by us
  connect_timeout,     // no CONNECT within connect_timeout_ms (U-29); nothing is sent any more
};

class Connection {
 public:
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  ConnectionId id() const { return id_; }
  mqtt::Version version() const { return version_; }
  // After an accepted CONNECT. keep_alive_s 0: never times out. max_packet_bytes_out: the client's limit.
  void established(mqtt::Version version, std::uint16_t keep_alive_s, std::uint32_t max_packet_bytes_out);
  bool is_established() const { return established_; }
  std::uint32_t max_packet_bytes_out() const { return max_packet_bytes_out_; }

  // Bytes to write at the end of the turn: append only (or swap bytes in while it is empty). Call will_write()
  // after appending (cheap; idempotent).
  ByteBuffer& out() { return out_; }
  void will_write() {
    if (!write_queued_) queue_write();
  }
  // Bytes that the socket has not taken yet; QoS 0 is dropped beyond limits::max_unsent_bytes_qos0.
  std::size_t unsent_bytes() const { return out_.size() - out_sent_; }

  // Writes what is in out(), then shuts down the write side, drains input for a moment and closes, so that no
  // TCP reset swallows a last CONNACK or DISCONNECT. No packet is handed over any more. on_closed is NOT
  // called for it. From now on find() and connection_count() do not know it; the reference lives until the
  // turn's flush().
  void close_after_flush();
  // Closes now; on_closed is not called. Outside of the connection's own callback the reference is dead
  // afterwards.
  void close_now();

  // Back-pressure: a paused connection is not read and cannot time out. Not one more packet is handed over,
  // even if its bytes have been read already. Its end is noticed when it is resumed (or written to).
  void pause_reading();
  void resume_reading();
  const std::string& remote() const { return remote_; }

 private:
  friend class ConnectionIo;  // the only class that derives from this one, in connection_io.hpp
  Connection() = default;
  ~Connection() = default;
  void queue_write();

  ConnectionId id_;
  mqtt::Version version_ = mqtt::Version::v311;
  bool established_ = false;
  bool write_queued_ = false;
  std::uint32_t max_packet_bytes_out_ = 0xFFFFFFFF;
  ByteBuffer out_;
  std::size_t out_sent_ = 0;  // bytes of out_ that the socket has taken
  std::string remote_;        // "address:port" of the client
};

// Who takes the packets: src/broker. A packet borrows from the edge's read buffer and is valid during the
// call only.
class PacketSink {
 public:
  virtual ~PacketSink() = default;
  // false: this connection is done (it has been closed): drop its further bytes. (If it has not, it is closed
  // after flush.)
  virtual bool on_packet(Connection& connection, mqtt::Packet& packet) = 0;
  // Bytes that are no packet; the sink may append a CONNACK/DISCONNECT; the edge closes after flush. The last
  // call for this connection: on_closed does not follow.
  virtual void on_malformed(Connection& connection, mqtt::Reason reason, const char* what) = 0;
  // The connection is gone (or hung: keep_alive_timeout; the sink may append a DISCONNECT, the edge closes
  // after flush). The last call for it; comes for connections that never sent a packet, too.
  virtual void on_closed(Connection& connection, CloseCause cause) = 0;
};

class Edge {
 public:
  Edge(boost::asio::io_context& loop, const EdgeOptions& options, PacketSink& sink);
  ~Edge();  // not from inside a callback
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;

  // Binds all listeners (SO_REUSEADDR, IP_FREEBIND so that a VIP may be bound before it is here). Error:
  // address in use and the like, nothing stays bound; try again. Before accept_clients() connections wait in
  // the backlog.
  Status open_listeners();
  bool listening() const;
  // Of the open listeners, in the order of the options (port 0: the one that the kernel chose).
  std::vector<std::uint16_t> ports() const;
  void accept_clients();
  void close_listeners();
  void close_all_connections();  // on demotion: at once, without a word to the sink

  Connection* find(ConnectionId id);  // O(1); nullptr if gone or closing
  std::size_t connection_count() const;

  // A turn: handlers run (each connection is read at most once, at most limits::turn_bytes_per_connection),
  // then flush(): one write a connection that called will_write(); all are read again in the next turn.
  void flush();
  // About every 100 ms: keep-alive, connect timeout, drains. Time before the first tick does not count.
  void tick(Steady now);
  std::uint64_t bytes_read_this_turn() const;
  void new_turn();  // sets that to 0

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::edge
