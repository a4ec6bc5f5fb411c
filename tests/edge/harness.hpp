// An edge on loopback with a scripted sink, and plain sockets as its clients. Everything runs in the test's
// own thread: turns are run until a condition holds or a deadline of ten seconds has passed.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "edge/edge.hpp"

namespace tandem::edge::test {

// Notes every call as text; the test may hang its own action on each.
class ScriptedSink final : public PacketSink {
 public:
  std::function<bool(Connection&, mqtt::Packet&)> packet = [](Connection&, mqtt::Packet&) { return true; };
  std::function<void(Connection&)> malformed = [](Connection&) {};
  std::function<void(Connection&, CloseCause)> closed = [](Connection&, CloseCause) {};

  std::vector<std::string> seen;  // "ping", "publish <payload size>", "disconnect", "other"
  std::vector<mqtt::Reason> malformed_reasons;
  std::vector<CloseCause> causes;
  Connection* last = nullptr;  // valid as long as the connection is

  bool on_packet(Connection& connection, mqtt::Packet& packet_) override;
  void on_malformed(Connection& connection, const mqtt::Decoded& error) override;
  void on_closed(Connection& connection, CloseCause cause) override;
  std::size_t count(const std::string& what) const;
};

// A blocking client. Reads and writes give up at once where the test says so, else after ten seconds.
class Client {
 public:
  explicit Client(std::uint16_t port, int receive_buffer_bytes = 0, std::uint32_t to = 0x7F000001);
  ~Client() { close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(ByteView bytes);              // all of it; aborts the test if the edge does not take it
  std::size_t send_some(ByteView bytes);  // without waiting
  void finish();                          // end of stream towards the edge
  void close();
  void reset();  // RST
  // What can be read without waiting, appended to received(). At the end of stream ended() turns true, at a
  // reset broken().
  void poll();
  std::size_t poll_some(std::size_t max_bytes);
  const std::string& received() const { return received_; }
  bool ended() const { return ended_; }
  bool broken() const { return broken_; }

 private:
  int fd_ = -1;
  std::string received_;
  bool ended_ = false;
  bool broken_ = false;
};

struct Harness {
  explicit Harness(EdgeOptions options = default_options());
  static EdgeOptions default_options();

  std::uint16_t port() const { return edge->ports().at(0); }
  void turn();                                        // waits up to 2 ms for something to do
  bool run_until(const std::function<bool()>& done);  // false: the deadline has passed
  void run_turns(int count);
  void tick(std::int64_t after_ms);          // injected time goes on
  bool quiet() { return quiet_behind({}); }  // a fresh client's ping has come through: so has what was sent before it
  bool quiet_behind(ByteView header);        // the same of a client that comes through a proxy

  boost::asio::io_context loop{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{loop.get_executor()};
  ScriptedSink sink;
  std::unique_ptr<Edge> edge;
  Steady now{1'000'000};
};

std::string ping();                                               // PINGREQ
std::string publish(std::size_t payload_bytes, char fill = 'x');  // QoS 0, topic "t"
std::string disconnect();

}  // namespace tandem::edge::test
