// A pair of production nodes in simulated time, and clients that send exact packets: what a client finds after a
// takeover, feature by feature. Nothing is left to chance, and hours pass in milliseconds.
//
//   for (Standby standby : all_standbys) {
//     Stage stage(standby);
//     Remote client(stage, Connect{...});
//     client.connect();
//     stage.take_over();          // the active dies, the other box serves
//     client.connect();           // comes back, to the other box
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/client/packet.hpp"

namespace sim {
class SimConnection;
}

namespace tandem::test {

// How the box that takes over came by its State.
enum class Standby {
  followed,  // record by record, all along
  joined,    // from an image of the active, a moment before the active dies
};
inline constexpr Standby all_standbys[] = {Standby::followed, Standby::joined};
std::string name_of(Standby standby);

inline constexpr std::int64_t second_ms = 1'000;

// Of [limits] at both boxes.
struct StageLimits {
  std::uint16_t receive_maximum = 100;
  std::size_t max_queue_messages = 1'000;
  bool drops_oldest = false;  // queue_policy
};

class Stage {
 public:
  // Both boxes run and are in step.
  explicit Stage(Standby standby, const StageLimits& limits = {});
  ~Stage();

  std::int64_t now_ms() const;
  void run(std::int64_t ms);
  void run_until(std::int64_t at_ms);  // must not be over yet
  bool until(const std::function<bool()>& done, std::int64_t within_ms);

  // The active loses power; returns when the other box serves. What was not acknowledged yet may be lost.
  void take_over();

 private:
  friend class Remote;
  struct Boxes;

  std::shared_ptr<sim::SimConnection> dial();

  Standby standby_;
  bool taken_over_ = false;
  std::unique_ptr<Boxes> boxes_;
};

// A client. Every wait is in simulated time and fails the test when nothing comes.
class Remote {
 public:
  Remote(Stage& stage, Connect connect);
  ~Remote();

  Connect& options() { return connect_; }  // changes hold from the next connect() on

  Packet connect();  // CONNECT and CONNACK, which must accept; an earlier connection is cut
  void cut();        // the connection ends without DISCONNECT
  void disconnect(std::uint8_t code = 0, const Properties& properties = {});

  void send(const std::string& bytes);
  Packet read();  // the next packet, whatever it is
  Packet expect(Type type, std::uint16_t pid = 0);
  Packet await(Type type, std::uint16_t pid);  // packets before it are kept for later
  Packet expect_publish(const std::string& payload);
  // False: none is here. A PUBREL for an id that it does not know, which there may be after a takeover
  // (docs/limits.md), is answered and not shown.
  bool take(Packet& packet);
  void expect_nothing();  // no packet comes, and the connection lives
  void expect_closed();

  void subscribe(const std::vector<Filter>& filters, const Properties& properties = {});
  // The whole handshake; packets that come meanwhile are kept for later.
  void publish(const Publish& publish);
  void send_publish(const Publish& publish) { send(encode_publish(publish, connect_.version)); }
  void send_ack(Type type, std::uint16_t pid);
  // The next packet is this PUBLISH; its handshake is done as its QoS demands.
  Packet receive(const std::string& payload);

 private:
  Stage& stage_;
  Connect connect_;
  std::shared_ptr<sim::SimConnection> connection_;
  std::string in_;
  std::deque<Packet> kept_;
  std::set<std::uint16_t> qos2_ids_;  // of PUBLISHes that have come, until its PUBCOMP
  std::uint16_t last_pid_ = 1'000;    // of its own SUBSCRIBE and publish()
};

// A client whose session outlives its connection, in MQTT 5 by an hour. Version as in Connect.
Connect durable(const std::string& id, std::uint8_t version = 5);
Publish message(const std::string& topic, const std::string& payload, std::uint8_t qos, std::uint16_t pid = 0);

}  // namespace tandem::test
