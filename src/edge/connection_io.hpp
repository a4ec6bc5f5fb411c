// One client's socket: reads once a turn into the edge's shared buffer, decodes, keeps the bytes of a cut
// packet, writes once a turn, and ends in the ways that Connection promises. Hot: per packet no allocation
// and no virtual call but the sink's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "edge/edge.hpp"
#include "edge/newcomer.hpp"
#include "edge/rest_bytes.hpp"
#include "edge/tls_session.hpp"
#include "edge/websocket.hpp"
#include "mqtt/codec.hpp"

namespace tandem::edge {

struct EdgeState;
class ConnectionIo;
// Counts without atomics: one thread. A handler that waits in the loop holds one.
using IoPtr = boost::intrusive_ptr<ConnectionIo>;

class ConnectionIo final : public Connection {
 public:
  // Takes the socket and has it read as soon as it is readable.
  static void start(EdgeState& edge, Newcomer newcomer);

  // What came of receive_into(): recv()'s answer, and the MQTT bytes of it, which lie in the buffer.
  struct Received {
    ssize_t count = 0;
    int error = 0;
    ByteView bytes;
  };
  // What came of writing: send()'s answer.
  struct Sent {
    ssize_t count = 0;
    int error = 0;
  };

  // The steps of reading and of writing, for parallel_io.cpp. receive_into() and send_lent() may run on any thread,
  // each on one at a time: with TLS one of the two, else both at once. The core may do anything else meanwhile but
  // close the socket.
  bool wants_receive();  // false: there is nothing to do, or it has been done, or it comes next turn
  Received receive_into(char* buffer);
  void take_received(const Received& received);
  bool may_write();
  void write_alone();
  bool lend();  // true: what is to be written has been put aside for send_lent(), and output_ may go on growing
  Sent send_lent();
  void finish_lent(const Sent& sent);

  // What edge.cpp calls.
  void read_next_turn();            // from the list to_read
  void write_now();                 // from the list to_write
  bool cool_down();                 // true: its output memory has been given back
  void check(std::int64_t now_ms);  // its check_at has come

  void authenticating() override;
  void established(mqtt::Version version, std::uint16_t keep_alive_s, std::uint32_t max_packet_bytes_out) override;
  void close_after_flush() override;
  void close_now() override;
  void reset_now();  // an RST; the kernel forgets the connection at once (listener.cpp)
  bool can_write_from(ByteView bytes) override;
  void pause_reading() override;
  void resume_reading() override;

  friend void intrusive_ptr_add_ref(ConnectionIo* connection) { ++connection->references_; }
  friend void intrusive_ptr_release(ConnectionIo* connection) {
    if (--connection->references_ == 0) delete connection;
  }

 private:
  void queue_write() override;

  using Socket = boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;
  // flushing: the last bytes go out. draining: we wait for the client's end; our side is shut down, unless the client
  // is to close first. Both discard input.
  enum class Phase : std::uint8_t { open, flushing, draining, closed };

  ConnectionIo(EdgeState& edge, Newcomer newcomer);
  ~ConnectionIo() = default;

  void wait_readable();
  bool put_off_reading();
  void read_without_waiting();
  Received receive_alone();
  void on_readable();
  void take_from_client(ByteView bytes);
  void discard();
  // As recv() and send() without waiting, through TLS if there is one.
  ssize_t receive_some(char* buffer);
  static bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }
  Sent send(const Output& output);
  ssize_t send_pieces(const Output& output);
  bool websocket_ended();
  void take(ByteView bytes);
  bool take_rest();
  std::size_t decode_all(ByteView bytes);
  void end_with(CloseCause cause);
  void begin_closing();
  void finish_write(const Sent& sent);
  void wait_writable();
  void end_unwritable();
  void all_written();
  std::int64_t patience_ms() const;
  void expire(std::int64_t now_ms);
  void start_clock();

  EdgeState* edge_;
  Socket socket_;
  std::unique_ptr<TlsSession> tls_;       // null: plain
  std::unique_ptr<WebSocket> websocket_;  // null: MQTT itself
  std::unique_ptr<Output> lent_;          // lent_bytes_ of it are somebody else's until finish_lent(); null: none yet
  RestBytes rest_;                        // never holds a whole packet, except after a pause
  std::size_t needed_ = 0;                // bytes that rest_ must have before decoding again makes sense
  std::int64_t since_ms_;                 // last sign of life; in flushing and draining: their start
  std::int64_t keep_alive_ms_ = 0;        // 1.5 x keep-alive; 0: never times out
  std::uint32_t references_ = 0;
  mqtt::DecodeOptions decode_options_;
  Phase phase_ = Phase::open;
  bool paused_ = false;
  bool read_pending_ = false;   // a handler or the list to_read will read it
  bool read_put_off_ = false;   // its TLS session was writing: what it gets next waits instead
  bool write_blocked_ = false;  // the socket is full: a handler waits for it
  bool end_seen_ = false;       // the client's end of stream
  bool warm_ = false;           // in the list `warm`
  bool wrote_ = false;          // since the last tick
};

}  // namespace tandem::edge
