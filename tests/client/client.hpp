// A blocking MQTT client for wire and pair tests: every call has a deadline, says clearly what went wrong
// (ClientError), and never hides a packet. It has its own MQTT bytes (packet.hpp), independent of src/mqtt.
//
//   Client client({.port = port, .connect = {.version = 5, .client_id = "a"}});
//   client.connect();                      // TCP, CONNECT, CONNACK; throws unless accepted
//   client.subscribe("a/#", 1);            // SUBSCRIBE, SUBACK
//   client.publish("a/b", "hello", 1);     // PUBLISH, PUBACK
//   Packet message = client.receive();     // next PUBLISH, with its handshake done
//
// Packets that come while a call waits for another one are kept in order for the next read(), receive() or
// expect().
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/client/packet.hpp"

namespace tandem::test {

using Millis = std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

struct Endpoint {
  std::string host = "127.0.0.1";  // an IPv4 or IPv6 address, no name
  uint16_t port = 1883;
};

struct ClientOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 1883;
  Connect connect = {};
  Millis timeout = Millis(5000);  // deadline of every call that is not given one
  int receive_buffer = 0;         // SO_RCVBUF in bytes, for slow-reader tests; 0 = the kernel's default
};

class Client {
 public:
  explicit Client(ClientOptions options) : options_(std::move(options)) {}
  ~Client() { close(); }
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;

  ClientOptions& options() { return options_; }  // changes hold from the next open() on
  const ClientOptions& options() const { return options_; }
  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  // TCP only. An earlier connection is closed first and everything it received is forgotten.
  void open();
  // TCP, CONNECT and CONNACK; throws ClientError(refused) for any other code than 0. Returns the CONNACK.
  Packet connect();
  // The same, but a refusal is returned rather than thrown.
  Packet try_connect();

  // Raw bytes, whatever they are. Also reads while it waits for room, so that two full buffers cannot lock
  // up.
  void send(std::string_view bytes);

  // Writes a PUBLISH and waits for nothing. Packet id 0 with QoS 1 or 2 takes the next free one. Returns the
  // id.
  uint16_t send_publish(Publish publish);
  // Writes a PUBLISH and does the whole handshake. Returns the reason code of PUBACK, PUBREC (if it refuses)
  // or PUBCOMP; 0 for QoS 0.
  uint8_t publish(Publish publish, std::optional<Millis> timeout = {});
  uint8_t publish(const std::string& topic, const std::string& payload, uint8_t qos = 0, bool retain = false);
  void send_ack(Type type, uint16_t pid, uint8_t code = 0);

  // SUBSCRIBE and SUBACK. Returns the code of each filter; the short form throws if the filter is refused.
  std::vector<uint8_t> subscribe(const std::vector<Filter>& filters, const Properties& properties = {});
  uint8_t subscribe(const std::string& filter, uint8_t qos = 0);
  // UNSUBSCRIBE and UNSUBACK. Codes are empty before MQTT 5.
  std::vector<uint8_t> unsubscribe(const std::vector<std::string>& filters);

  void ping(std::optional<Millis> timeout = {});  // PINGREQ and PINGRESP

  void disconnect(uint8_t code = 0, const Properties& properties = {});  // DISCONNECT, then close()
  void close();                                                          // FIN, without DISCONNECT
  void abort();                                                          // RST, without DISCONNECT
  // Hands the non-blocking socket to the caller, who closes it; `unread` becomes the bytes received but not
  // yet parsed.
  int release(std::string& unread);

  // The next packet, whatever it is. read() throws ClientError(timeout); try_read() returns nothing at the
  // deadline.
  Packet read(std::optional<Millis> timeout = {});
  std::optional<Packet> try_read(Millis timeout);
  // The next packet must be of this type.
  Packet expect(Type type, std::optional<Millis> timeout = {});
  // The first packet of this type (and packet id, unless 0); packets before it are kept for later.
  Packet await(Type type, uint16_t pid = 0, std::optional<Millis> timeout = {});
  // The next PUBLISH, its handshake completed as its QoS demands. Other packets are kept for later.
  Packet receive(std::optional<Millis> timeout = {});
  // As receive(), but nothing at the deadline.
  std::optional<Packet> try_receive(Millis timeout);

  // The broker must close the connection in time. Returns what it still sent (in MQTT 5 often a DISCONNECT).
  std::vector<Packet> expect_closed(std::optional<Millis> timeout = {});
  // No packet may come within that time.
  void expect_quiet(Millis quiet);
  // No packet may come before the answer to a ping: quick, but says nothing about effects that a ping may
  // overtake.
  void expect_quiet_until_pingresp();

 private:
  enum class Fill { more, closed, timeout };
  Fill fill(SteadyTime deadline);  // reads once from the socket
  std::optional<Packet> next_from_wire(SteadyTime deadline);
  void finish_receive(const Packet& publish, SteadyTime deadline);
  std::optional<Packet> await_until(const std::function<bool(const Packet&)>& wanted, SteadyTime deadline);
  std::optional<Packet> take_kept(const std::function<bool(const Packet&)>& wanted);
  SteadyTime deadline_of(std::optional<Millis> timeout) const;
  [[noreturn]] void fail(ClientError::Kind kind, const std::string& what) const;
  uint16_t next_pid();

  ClientOptions options_;
  int fd_ = -1;
  bool peer_closed_ = false;
  std::string in_;  // bytes received; those before in_done_ are parsed
  size_t in_done_ = 0;
  std::deque<Packet> kept_;
  uint16_t last_pid_ = 0;
};

// Connects to the first endpoint that accepts, trying all in turn, again and again until the deadline: what a
// PLC with two broker addresses does, and how a test waits for a broker to serve. Returns the CONNACK.
Packet connect_any(Client& client, const std::vector<Endpoint>& endpoints, Millis timeout = Millis(5000));

}  // namespace tandem::test
