// The gate: output that a record caused waits until the record's lsn is safe, and leaves in order.
//
// Per connection one output of held bytes; per connection and turn one mark (lsn, end of the bytes). Bytes without a
// record join the last mark of their connection; QoS 0 publishes, PINGRESP and DISCONNECT pass by once the CONNACK is
// out, until then they wait for it and for nothing else. Invariants: marks are released in the order in which they were
// made; a connection's bytes leave in the order in which they were given, those that may pass by among themselves.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "edge/connections.hpp"

namespace tandem::broker {

class Gate {
 public:
  explicit Gate(edge::Connections& connections) : connections_(connections) {}

  // Where to append bytes that the record at `lsn` caused (0: no record). Valid until the next call; then call
  // appended() for the same connection, and what is said of the last output().
  ByteBuffer& output(edge::Connection& to, Lsn lsn) {
    Held& h = *(given_ = &held(to));
    h.direct = lsn.value == 0 && h.empty();
    return h.direct ? to.out() : hold(h, to, lsn);
  }
  // Behind what has been appended there, before appended(): from where it lies if `to` shares.
  void share(edge::Connection& to, SharedBytes bytes);
  void appended(edge::Connection& to) {
    if (given_->direct) return to.will_write();
    count_held();
  }
  // What output() or passing() would be given goes out at once.
  bool is_open(const edge::Connection& to, Lsn lsn) { return lsn.value == 0 && held(to).empty(); }
  bool passes(const edge::Connection& to) {
    const Held& h = held(to);
    return h.empty() || h.released >= h.connack_end;
  }
  // Where to append bytes that may pass by; `appended` as above.
  ByteBuffer& passing(edge::Connection& to);
  // The last output() was this connection's CONNACK: nothing passes it.
  void holds_connack() {
    if (!given_->direct) given_->connack_end = given_->given;
  }
  // The last output() was the ack of a recorded PUBLISH.
  void count_ack() {
    if (given_->direct) return;
    ++given_->acks;
    ++mark(given_->last_mark).acks;
  }

  // Closes behind everything that was given.
  void close(edge::Connection& to);

  void end_turn();
  void release(Lsn safe);

  void forget(ConnectionId id);  // the connection is gone
  void drop_all();               // demotion: held effects must never be seen

  // Waiting for the CONNACK of this connection; and all that waits for it.
  std::size_t passing_bytes(const edge::Connection& connection) const {
    const Held* const h = known(connection.id());
    return h == nullptr ? 0 : h->passing_bytes();
  }
  std::size_t held_bytes(const edge::Connection& connection) const {
    const Held* const h = known(connection.id());
    return h == nullptr ? 0 : static_cast<std::size_t>(h->given - h->released) + h->passing_bytes();
  }
  std::size_t held_acks(const edge::Connection& connection) const;
  std::uint64_t held_bytes() const { return held_bytes_; }

 private:
  struct Held {
    std::uint32_t generation = 0;
    edge::Output output;
    std::unique_ptr<ByteBuffer> passing;  // waits for the CONNACK alone; null: nothing does
    std::uint64_t given = 0;              // bytes ever held; marks count in these
    std::uint64_t released = 0;
    std::uint64_t last_mark = 0;  // number of the newest mark; valid while given != released
    std::uint64_t connack_end = 0;
    std::uint32_t acks = 0;
    bool close = false;
    bool direct = false;  // the last output went straight to the connection

    bool empty() const { return given == released; }
    std::size_t passing_bytes() const { return passing ? passing->size() : 0; }
  };
  struct Mark {
    Lsn lsn;
    ConnectionId connection;
    std::uint64_t end = 0;
    std::uint32_t acks = 0;
  };

  const Held* known(ConnectionId id) const {
    return id.slot < by_slot_.size() && by_slot_[id.slot].generation == id.generation ? &by_slot_[id.slot] : nullptr;
  }
  Held& held(const edge::Connection& connection) {
    const ConnectionId id = connection.id();
    if (id.slot < by_slot_.size() && by_slot_[id.slot].generation == id.generation) return by_slot_[id.slot];
    return begin(id);
  }
  Held& begin(ConnectionId id);
  ByteBuffer& hold(Held& h, const edge::Connection& to, Lsn lsn);
  void count_held();
  Mark& mark(std::uint64_t number) { return marks_[static_cast<std::size_t>(number - first_mark_)]; }
  void release_mark(const Mark& mark);
  void release_passing(Held& h, edge::Connection* to);

  edge::Connections& connections_;
  std::vector<Held> by_slot_;
  std::deque<Mark> marks_;
  std::uint64_t first_mark_ = 1;  // number of marks_.front()
  std::uint64_t turn_mark_ = 1;   // marks from here on belong to the present turn
  std::uint64_t held_bytes_ = 0;
  Held* given_ = nullptr;        // that output() or passing() gave last
  std::size_t size_before_ = 0;  // of its buffer
  bool gave_passing_ = false;    // that buffer is Held::passing
};

}  // namespace tandem::broker
