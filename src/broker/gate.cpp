#include "broker/gate.hpp"

#include <utility>

#include "base/check.hpp"

namespace tandem::broker {

Gate::Held& Gate::begin(ConnectionId id) {
  if (id.slot >= by_slot_.size()) by_slot_.resize(id.slot + 1);
  Held& h = by_slot_[id.slot];
  h = Held{};
  h.generation = id.generation;
  return h;
}

ByteBuffer& Gate::hold(Held& h, const edge::Connection& to, Lsn lsn) {
  gave_passing_ = false;
  const bool marked_this_turn = !h.empty() && h.last_mark >= turn_mark_;
  if (lsn.value != 0 && !marked_this_turn) {
    marks_.push_back({lsn, to.id(), h.given, 0});
    h.last_mark = first_mark_ + marks_.size() - 1;
  } else if (lsn.value != 0) {
    mark(h.last_mark).lsn = lsn;
  }
  size_before_ = h.output.size();
  return h.output.own();
}

void Gate::share(edge::Connection& to, SharedBytes bytes) {
  if (given_->direct) return to.share(std::move(bytes));
  if (gave_passing_) {
    given_->passing->append(bytes.view());
  } else if (to.shares()) {
    given_->output.share(std::move(bytes));
  } else {
    given_->output.own().append(bytes.view());
  }
}

void Gate::count_held() {
  Held& h = *given_;
  if (gave_passing_) {
    held_bytes_ += h.passing_bytes() - size_before_;
    return;
  }
  const std::size_t added = h.output.size() - size_before_;
  h.given += added;
  held_bytes_ += added;
  mark(h.last_mark).end = h.given;
}

ByteBuffer& Gate::passing(edge::Connection& to) {
  Held& h = *(given_ = &held(to));
  h.direct = h.empty() || h.released >= h.connack_end;
  if (h.direct) return to.out();
  gave_passing_ = true;
  if (!h.passing) h.passing = std::make_unique<ByteBuffer>();
  size_before_ = h.passing->size();
  return *h.passing;
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
    to->take_over(h.output, size);
    to->will_write();
  } else {
    h.output.take(size);
  }
  if (h.passing && h.released >= h.connack_end) release_passing(h, to);
  if (h.empty()) {
    h.output.clear();
    if (h.close && to != nullptr) to->close_after_flush();
  } else {
    h.output.compact();
  }
}

void Gate::release_passing(Held& h, edge::Connection* to) {
  held_bytes_ -= h.passing->size();
  if (to != nullptr) {
    to->out().append(*h.passing);
    to->will_write();
  }
  h.passing.reset();
}

void Gate::forget(ConnectionId id) {
  if (id.slot >= by_slot_.size() || by_slot_[id.slot].generation != id.generation) return;
  Held& h = by_slot_[id.slot];
  held_bytes_ -= h.given - h.released + h.passing_bytes();
  h = Held{};
}

void Gate::drop_all() {
  by_slot_.clear();
  first_mark_ += marks_.size();
  marks_.clear();
  turn_mark_ = first_mark_;
  held_bytes_ = 0;
}

std::size_t Gate::held_acks(const edge::Connection& connection) const {
  const Held* const h = known(connection.id());
  return h == nullptr ? 0 : h->acks;
}

}  // namespace tandem::broker
