// One client's connection as the broker sees it, whatever it is made of: a socket (connection_io.hpp) or, in the
// simulation, a queue of bytes. And who takes its packets.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/bytes.hpp"
#include "base/flow.hpp"
#include "base/ids.hpp"
#include "edge/output.hpp"
#include "mqtt/codec.hpp"
#include "mqtt/packet.hpp"

namespace tandem::edge {

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
  // A 5.0 CONNECT waits until its client has proved who it is: more packets come before established(). Timeout and
  // largest packet stay as they are.
  virtual void authenticating() = 0;
  // After an accepted CONNECT. keep_alive_s 0: never times out. max_packet_bytes_out: the client's limit.
  virtual void established(mqtt::Version version, std::uint16_t keep_alive_s, std::uint32_t max_packet_bytes_out) = 0;
  bool is_established() const { return established_; }
  std::uint32_t max_packet_bytes_out() const { return max_packet_bytes_out_; }

  // Bytes to write at the end of the turn: append only. Call will_write() after appending (cheap; idempotent).
  ByteBuffer& out() { return output_.own(); }
  // It writes bytes from where others have them, too; else it copies them.
  bool shares() const { return shares_; }
  void share(SharedBytes bytes) {
    if (shares_) return output_.share(std::move(bytes));
    output_.own().append(bytes.view());
  }
  // The first bytes of `from`, which end with a packet. `from` has pieces only if this connection shares.
  void take_over(Output& from, std::size_t count);
  // Bytes of a packet that is being handed over, of whichever connection, stay where they are until this turn's write:
  // share() takes them. False: they have to be copied.
  virtual bool can_write_from(ByteView bytes) = 0;
  void will_write() {
    if (!write_queued_) queue_write();
  }
  // Bytes that the socket has not taken yet; see limits::max_unsent_bytes.
  std::size_t unsent_bytes() const { return output_.size() + lent_bytes_; }

  // Writes what is in out(), then shuts down the write side, drains input for a moment and closes, so that no
  // TCP reset swallows a last CONNACK or DISCONNECT. No packet is handed over any more. on_closed is NOT
  // called for it. From now on find() and connection_count() do not know it; the reference lives until the
  // turn's flush().
  virtual void close_after_flush() = 0;
  // The client has said DISCONNECT and closes by itself: close_after_flush() lets it be the first for a moment. Whose
  // end comes first keeps the connection in TIME-WAIT for a minute; here such a remnant would answer for it, and hide a
  // later takeover from a client that uses the same port again.
  void client_closes_first() { client_closes_first_ = true; }
  // Closes now; on_closed is not called. Outside of the connection's own callback the reference is dead
  // afterwards.
  virtual void close_now() = 0;

  // Back-pressure: a paused connection is not read and cannot time out. Not one more packet is handed over,
  // even if its bytes have been read already. Its end is noticed when it is resumed (or written to).
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
  // The client: what the TCP connection says, or a proxy that is trusted to speak for it.
  const std::string& remote() const { return remote_; }
  const IpAddress& address() const { return address_; }
  // The TCP connection itself, which may be a proxy's.
  const Flow& flow() const { return flow_; }
  // The user that the client's certificate proves it is; empty: it proves none.
  const std::string& certificate_user() const { return certificate_user_; }

 protected:
  Connection() = default;
  ~Connection() = default;
  virtual void queue_write() = 0;  // sets write_queued_

  ConnectionId id_;
  mqtt::Version version_ = mqtt::Version::v311;
  bool established_ = false;
  bool write_queued_ = false;
  bool client_closes_first_ = false;
  bool shares_ = false;
  std::uint32_t max_packet_bytes_out_ = 0xFFFFFFFF;
  Output output_;
  std::size_t lent_bytes_ = 0;  // that are being written and are not in output_
  std::string remote_;          // "address:port" of the client
  IpAddress address_;
  Flow flow_;
  std::string certificate_user_;
};

inline void Connection::take_over(Output& from, std::size_t count) {
  if (count == from.size() && output_.empty() && from.begin().own == 0) {
    output_.clear();
    output_.swap(from);
  } else {
    from.move_front(count, output_);
  }
}

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
  virtual void on_malformed(Connection& connection, const mqtt::Decoded& error) = 0;
  // The connection is gone (or hung: keep_alive_timeout; the sink may append a DISCONNECT, the edge closes
  // after flush). The last call for it; comes for connections that never sent a packet, too.
  virtual void on_closed(Connection& connection, CloseCause cause) = 0;
};

}  // namespace tandem::edge
