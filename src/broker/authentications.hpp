// Who authenticates, or has authenticated by a method (authenticator.hpp), by connection. A CONNECT that waits for that
// is kept as bytes; all of them together are bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "broker/authenticator.hpp"
#include "mqtt/packet.hpp"

namespace tandem::broker {

struct Authentication {
  ConnectionId connection;
  AuthMechanism* mechanism = nullptr;      // null: it waits for its password to be compared
  std::unique_ptr<AuthExchange> exchange;  // null: none is under way
  int steps = 0;                           // of the exchange
  ByteBuffer connect;                      // the CONNECT that waits; empty: the client is connected
  std::string password_hash;               // that its password is compared with
  std::string client_id;
  std::string username;                // whom it has proved to be
  std::uint32_t max_packet_bytes = 0;  // that it takes

  bool connected() const { return connect.empty(); }
  void begin_exchange() {
    exchange = mechanism->begin(client_id);
    steps = 0;
  }
};

class Authentications {
 public:
  explicit Authentications(std::vector<AuthMechanism*> mechanisms) : mechanisms_(std::move(mechanisms)) {}

  AuthMechanism* mechanism(std::string_view method) const;  // null: not known
  // An exchange for this CONNECT begins, or without a mechanism the wait for its password to be compared. Null: too
  // much waits already. Valid until the end() of this connection.
  Authentication* begin(ConnectionId id, AuthMechanism* mechanism, const mqtt::Connect& packet);
  Authentication* find(ConnectionId id);
  // Its CONNECT waits no more.
  ByteBuffer take_connect(Authentication& of);
  void end(ConnectionId id);  // the connection is gone
  void clear();

  std::size_t waiting_bytes() const { return waiting_bytes_; }

 private:
  std::vector<AuthMechanism*> mechanisms_;
  std::unordered_map<std::uint32_t, Authentication> by_slot_;
  std::size_t waiting_bytes_ = 0;  // of CONNECTs that wait, with limits::auth_exchange_bytes each
};

}  // namespace tandem::broker
