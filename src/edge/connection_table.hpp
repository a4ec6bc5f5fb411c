// Which connections there are, by slot, and when each of them is to be looked at next. A slot's generation
// starts at 1 and grows with every reuse; a slot whose generations are used up is not used again, so no
// ConnectionId ever comes twice.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "base/check.hpp"
#include "base/ids.hpp"
#include "edge/connection_io.hpp"

namespace tandem::edge {

class ConnectionTable {
 public:
  static constexpr std::int64_t at_next_tick = std::numeric_limits<std::int64_t>::min();
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

  std::size_t size() const { return size_; }  // sockets, closing ones included
  std::size_t slots() const { return slots_.size(); }

  ConnectionIo* at(std::size_t slot) { return slots_[slot].connection.get(); }
  ConnectionIo* find(ConnectionId id) {
    if (id.slot >= slots_.size() || slots_[id.slot].generation != id.generation) return nullptr;
    return slots_[id.slot].connection.get();
  }

  ConnectionId add(IoPtr connection) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Slot& slot = slots_[index];
    slot.connection = std::move(connection);
    slot.check_at_ms = at_next_tick;
    ++slot.generation;
    ++size_;
    return {index, slot.generation};
  }

  void remove(ConnectionId id) {
    CHECK(find(id) != nullptr);
    Slot& slot = slots_[id.slot];
    slot.check_at_ms = never;
    if (slot.generation < std::numeric_limits<std::uint32_t>::max()) free_.push_back(id.slot);
    --size_;
    const IoPtr last = std::move(slot.connection);
  }

  // The scan of a tick reads nothing but these: 10,000 idle connections cost some microseconds.
  std::int64_t check_at_ms(std::size_t slot) const { return slots_[slot].check_at_ms; }
  void set_check_at_ms(ConnectionId id, std::int64_t at_ms) {
    CHECK(find(id) != nullptr);
    slots_[id.slot].check_at_ms = at_ms;
  }

 private:
  struct Slot {
    IoPtr connection;
    std::int64_t check_at_ms = never;
    std::uint32_t generation = 0;
  };
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t size_ = 0;
};

}  // namespace tandem::edge
