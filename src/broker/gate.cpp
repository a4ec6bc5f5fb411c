#include "broker/gate.hpp"

#include "base/check.hpp"

namespace tandem::broker {

Gate::Held& Gate::held(const edge::Connection& connection) {
  const ConnectionId id = connection.id();
  if (id.slot >= by_slot_.size()) by_slot_.resize(id.slot + 1);
  Held& h = by_slot_[id.slot];
  if (h.generation != id.generation) {
    h = Held{};
    h.generation = id.generation;
  }
  return h;
}

ByteBuffer& Gate::output(edge::Connection& to, Lsn lsn) {
  Held& h = held(to);
  gave_passing_ = false;
  h.direct = is_open(to, lsn);
  if (h.direct) return to.out();
  const bool marked_this_turn = !h.empty() && h.last_mark >= turn_mark_;
  if (lsn.value != 0 && !marked_this_turn) {
    marks_.push_back({lsn, to.id(), h.given, 0});
    h.last_mark = first_mark_ + marks_.size() - 1;
  } else if (lsn.value != 0) {
    mark(h.last_mark).lsn = lsn;
  }
  size_before_ = h.bytes.size();
  return h.bytes;
}

void Gate::appended(edge::Connection& to) {
  Held& h = held(to);
  if (h.direct) {
    to.will_write();
    return;
  }
  if (gave_passing_) {
    held_bytes_ += h.passing.size() - size_before_;
    return;
  }
  const std::size_t added = h.bytes.size() - size_before_;
  h.given += added;
  held_bytes_ += added;
  mark(h.last_mark).end = h.given;
}

ByteBuffer& Gate::passing(edge::Connection& to) {
  Held& h = held(to);
  h.direct = passes(to);
  gave_passing_ = !h.direct;
  size_before_ = h.passing.size();
  return h.direct ? to.out() : h.passing;
}

void Gate::holds_connack(const edge::Connection& to) {
  Held& h = held(to);
  if (!h.direct) h.connack_end = h.given;
}

void Gate::count_ack(const edge::Connection& to) {
  Held& h = held(to);
  if (h.direct) return;
  ++h.acks;
  ++mark(h.last_mark).acks;
}

void Gate::close(edge::Connection& to) {
  Held& h = held(to);
  if (h.empty())
    to.close_after_flush();
  else
    h.close = true;
}

void Gate::end_turn() {
  turn_mark_ = first_mark_ + marks_.size();
}

void Gate::release(Lsn safe) {
  while (!marks_.empty() && marks_.front().lsn <= safe) {
    const Mark mark = marks_.front();
    marks_.pop_front();
    ++first_mark_;
    release_mark(mark);
  }
  if (turn_mark_ < first_mark_) turn_mark_ = first_mark_;
}

void Gate::release_mark(const Mark& mark) {
  Held& h = by_slot_[mark.connection.slot];
  if (h.generation != mark.connection.generation) return;
  CHECK(mark.end >= h.released);
  const auto size = static_cast<std::size_t>(mark.end - h.released);
  h.acks -= mark.acks;
  held_bytes_ -= size;
  h.released = mark.end;
  edge::Connection* to = connections_.find(mark.connection);
  if (to != nullptr) {
    if (h.begin == 0 && size == h.bytes.size() && to->out().empty()) {
      to->out().swap(h.bytes);
    } else {
      to->out().append(h.bytes, h.begin, size);
    }
    to->will_write();
  }
  h.begin += size;
  if (!h.passing.empty() && h.released >= h.connack_end) release_passing(h, to);
  if (h.empty()) {
    h.bytes.clear();
    h.begin = 0;
    if (h.close && to != nullptr) to->close_after_flush();
  }
}

void Gate::release_passing(Held& h, edge::Connection* to) {
  held_bytes_ -= h.passing.size();
  if (to != nullptr) {
    to->out().append(h.passing);
    to->will_write();
  }
  ByteBuffer().swap(h.passing);
}

void Gate::forget(ConnectionId id) {
  if (id.slot >= by_slot_.size() || by_slot_[id.slot].generation != id.generation) return;
  Held& h = by_slot_[id.slot];
  held_bytes_ -= h.given - h.released + h.passing.size();
  h = Held{};
}

void Gate::drop_all() {
  by_slot_.clear();
  first_mark_ += marks_.size();
  marks_.clear();
  turn_mark_ = first_mark_;
  held_bytes_ = 0;
}

std::size_t Gate::passing_bytes(const edge::Connection& connection) const {
  const ConnectionId id = connection.id();
  if (id.slot >= by_slot_.size() || by_slot_[id.slot].generation != id.generation) return 0;
  return by_slot_[id.slot].passing.size();
}

std::size_t Gate::held_acks(const edge::Connection& connection) const {
  const ConnectionId id = connection.id();
  if (id.slot >= by_slot_.size() || by_slot_[id.slot].generation != id.generation) return 0;
  return by_slot_[id.slot].acks;
}

}  // namespace tandem::broker
