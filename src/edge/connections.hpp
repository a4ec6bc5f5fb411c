// The open connections by id: what the broker looks clients up in, once a delivery. A slot is named by its generation:
// an id that is gone, or closing, finds nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/check.hpp"
#include "base/flow.hpp"
#include "edge/connection.hpp"

namespace tandem::edge {

// Since the process began.
struct Traffic {
  std::uint64_t accepted = 0;       // TCP connections
  std::uint64_t accept_pauses = 0;  // times that new ones had to wait for max_connects_per_s
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t tls_handshakes_done = 0;
  std::uint64_t tls_handshakes_failed = 0;
  // At listeners behind proxies: from an address that is no trusted proxy; with a header that is none, or did not come.
  std::uint64_t proxy_strangers = 0;
  std::uint64_t proxy_headers_malformed = 0;
  std::uint64_t proxy_headers_late = 0;
};

class Connections {
 public:
  Connection* find(ConnectionId id) const {
    if (id.slot >= slots_.size() || slots_[id.slot].generation != id.generation) return nullptr;
    return slots_[id.slot].connection;
  }
  std::size_t size() const { return size_; }
  std::size_t from(const IpAddress& address) const {
    const auto found = by_address_.find(host_key(address));
    return found == by_address_.end() ? 0 : found->second;
  }
  // Grows with each that comes or goes.
  std::uint64_t changes() const { return changes_; }
  template <class Visit>
  void each(Visit visit) const {
    for (const Slot& slot : slots_) {
      if (slot.connection != nullptr) visit(*slot.connection);
    }
  }

  const Traffic& traffic() const { return traffic_; }

  // For whoever makes connections.
  Traffic& count() { return traffic_; }
  // The id is the connection's own.
  void add(Connection& connection) {
    const ConnectionId id = connection.id();
    if (id.slot >= slots_.size()) slots_.resize(id.slot + std::size_t{1});
    CHECK(slots_[id.slot].connection == nullptr);
    slots_[id.slot] = {&connection, id.generation};
    ++by_address_[host_key(connection.address())];
    ++size_;
    ++changes_;
    ++traffic_.accepted;
  }
  void remove(ConnectionId id) {
    const Connection* const connection = find(id);
    if (connection == nullptr) return;
    const auto of_host = by_address_.find(host_key(connection->address()));
    if (--of_host->second == 0) by_address_.erase(of_host);
    slots_[id.slot].connection = nullptr;
    --size_;
    ++changes_;
  }

 private:
  struct Slot {
    Connection* connection = nullptr;
    std::uint32_t generation = 0;
  };
  std::vector<Slot> slots_;
  std::unordered_map<std::uint64_t, std::size_t> by_address_;  // how many, by host_key()
  std::size_t size_ = 0;
  std::uint64_t changes_ = 0;
  Traffic traffic_;
};

}  // namespace tandem::edge
