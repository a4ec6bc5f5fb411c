// A session's outbound queue: one ring of QoS 1/2 messages, those in flight at the front, those waiting behind.
//
// The packet id follows from the position (id = sequence % 65,535 + 1), so an ack finds its entry without a map, and
// both boxes give the same ids. Invariants:
//   head <= cursor <= tail; tail - head is bounded by the queue limits; cursor - head <= 65,534, so ids are unique
//   an entry before the cursor is in flight or done; an entry behind it is not in flight (after a reconnect it may be
//   done) neither the entry at head nor the one at the cursor is done: both positions follow from the entries (an image
//   needs that)
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "core/message.hpp"

namespace tandem::core {

struct QueueEntry {
  MessageRef message;            // empty: done, or a transient session's entry that was written from the packet itself
  std::uint32_t identifier = 0;  // subscription identifier; 0: none, or several, which Queue keeps
  std::uint8_t qos = 0;          // granted for this delivery: 1 or 2
  bool retain : 1 = false;       // RETAIN as it is delivered
  bool sent : 1 = false;         // was written once: DUP=1 from now on ([MQTT5-3.3.1-1])
  bool in_flight : 1 = false;    // written on the present connection
  bool released : 1 = false;     // QoS 2: PUBREC came, PUBREL is pending
  bool done : 1 = false;         // acknowledged, expired or too large
  // Short name of the shared subscription that gave it; 0: none. Not in the digest: a hint for hand_on.hpp, which an
  // older box does not keep.
  std::uint16_t group = 0;

  // The client has not had it: after its PUBREC a QoS 2 message is the client's.
  bool owed() const { return message && !done && !released; }
};
static_assert(sizeof(QueueEntry) == 16);

// Of a shared subscription's whole filter, never 0. Two of one topic seldom share one; a message may then go to the
// other group's member.
std::uint16_t short_name(std::string_view shared_filter);

using Sequence = std::uint64_t;

class Queue {
 public:
  static constexpr std::uint32_t packet_ids = 65'535;

  Sequence head() const { return head_; }
  Sequence cursor() const { return cursor_; }
  Sequence tail() const { return tail_; }
  std::size_t size() const { return static_cast<std::size_t>(tail_ - head_); }
  std::size_t waiting() const { return static_cast<std::size_t>(tail_ - cursor_); }
  std::uint32_t in_flight() const { return in_flight_; }
  std::uint64_t bytes() const { return bytes_; }

  static std::uint16_t packet_id(Sequence sequence) { return static_cast<std::uint16_t>(sequence % packet_ids + 1); }
  // Sequence of the entry before the cursor that has this id; false if there is none.
  bool find(std::uint16_t id, Sequence& sequence) const;

  QueueEntry& at(Sequence sequence) { return ring_[slot(sequence)]; }
  const QueueEntry& at(Sequence sequence) const { return ring_[slot(sequence)]; }

  // May one more message be written now? (window and unique ids)
  bool window_open(std::uint32_t receive_maximum) const {
    return in_flight_ < receive_maximum && cursor_ - head_ < packet_ids - 1;
  }

  Sequence push(QueueEntry entry);
  // A QoS 1 entry without a message that is written at once: nothing waits before it.
  Sequence push_unkept();
  // The entry at the cursor was written (or resent): it is in flight.
  void mark_in_flight();
  // The entry at the cursor needs no writing (expired, too large): done without having been in flight.
  void skip_at_cursor();
  // The entry behind the cursor, not at it, is done before it was written.
  void drop_waiting(Sequence sequence);
  // Where the cursor goes from the entry at it: past that and the done ones behind it.
  Sequence after_cursor() const;
  // An entry in flight is finished: frees the window; drops done entries at the front.
  void finish(Sequence sequence);
  // The same for an entry of push_unkept(), by its id; false: it is none, and nothing has changed.
  bool finish_unkept(std::uint16_t id);
  // A new connection: everything unfinished will be written again, in order.
  void rewind_cursor();

  // Subscription identifiers of an entry (MQTT 5.0). The span is valid until the queue changes.
  void set_identifiers(Sequence sequence, std::span<const std::uint32_t> identifiers);
  std::span<const std::uint32_t> identifiers(Sequence sequence) const;

  // For images: an empty queue that goes on at `head` == `tail`; then push_loaded in order; then settle_loaded once.
  void start_at(Sequence head);
  void push_loaded(QueueEntry entry);
  void settle_loaded();

  void clear();

 private:
  std::size_t slot(Sequence sequence) const { return static_cast<std::size_t>(sequence) & (ring_.size() - 1); }
  void grow();
  void drop_done_front();
  void forget(QueueEntry& entry, Sequence sequence);

  std::vector<QueueEntry> ring_;  // size is 0 or a power of two
  Sequence head_ = 0;
  Sequence cursor_ = 0;
  Sequence tail_ = 0;
  std::uint32_t in_flight_ = 0;
  std::uint64_t bytes_ = 0;                                             // of messages held by entries
  std::map<Sequence, std::vector<std::uint32_t>> several_identifiers_;  // of overlapping subscriptions: rare
};

}  // namespace tandem::core
