// The ring behind a session's queue.
#include "core/queue.hpp"

#include "base/check.hpp"
#include "base/hash.hpp"

namespace tandem::core {

std::uint16_t short_name(std::string_view shared_filter) {
  return static_cast<std::uint16_t>(hash64(shared_filter) | 1U);
}

bool Queue::find(std::uint16_t id, Sequence& sequence) const {
  if (id == 0 || cursor_ == head_) return false;
  const std::uint32_t head_position = static_cast<std::uint32_t>(head_ % packet_ids);
  const std::uint32_t position = id - 1U;
  sequence = head_ + (position >= head_position ? position - head_position : position + packet_ids - head_position);
  return sequence < cursor_;
}

Sequence Queue::push(QueueEntry entry) {
  if (size() == ring_.size()) grow();
  if (entry.message) bytes_ += entry.message->bytes();
  ring_[slot(tail_)] = std::move(entry);
  return tail_++;
}

Sequence Queue::push_unkept() {
  CHECK(cursor_ == tail_);
  if (size() == ring_.size()) grow();
  QueueEntry& entry = at(tail_);  // as new: drop_done_front() left it so
  entry.qos = 1;
  entry.in_flight = entry.sent = true;
  ++in_flight_;
  cursor_ = tail_ + 1;
  return tail_++;
}

void Queue::mark_in_flight() {
  CHECK(cursor_ < tail_);
  QueueEntry& entry = at(cursor_);
  entry.in_flight = true;
  entry.sent = true;
  ++in_flight_;
  cursor_ = after_cursor();
}

Sequence Queue::after_cursor() const {
  Sequence next = cursor_ + 1;
  while (next < tail_ && at(next).done) ++next;
  return next;
}

void Queue::skip_at_cursor() {
  CHECK(cursor_ < tail_);
  QueueEntry& entry = at(cursor_);
  entry.done = true;
  forget(entry, cursor_);
  cursor_ = after_cursor();
  drop_done_front();
}

void Queue::drop_waiting(Sequence sequence) {
  CHECK(sequence > cursor_ && sequence < tail_);
  QueueEntry& entry = at(sequence);
  CHECK(!entry.done);
  entry.done = true;
  forget(entry, sequence);
}

void Queue::finish(Sequence sequence) {
  CHECK(sequence >= head_ && sequence < cursor_);
  QueueEntry& entry = at(sequence);
  CHECK(entry.in_flight && !entry.done);
  entry.in_flight = false;
  entry.done = true;
  --in_flight_;
  forget(entry, sequence);
  drop_done_front();
}

bool Queue::finish_unkept(std::uint16_t id) {
  Sequence sequence = 0;
  if (!find(id, sequence)) return false;
  const QueueEntry& entry = at(sequence);
  if (!entry.in_flight || entry.qos != 1 || entry.message) return false;
  finish(sequence);
  return true;
}

void Queue::rewind_cursor() {
  for (Sequence s = head_; s < cursor_; ++s) at(s).in_flight = false;
  cursor_ = head_;
  in_flight_ = 0;
}

void Queue::set_identifiers(Sequence sequence, std::span<const std::uint32_t> identifiers) {
  if (identifiers.empty()) return;
  if (identifiers.size() == 1)
    at(sequence).identifier = identifiers.front();
  else
    several_identifiers_[sequence].assign(identifiers.begin(), identifiers.end());
}

std::span<const std::uint32_t> Queue::identifiers(Sequence sequence) const {
  const QueueEntry& entry = at(sequence);
  if (entry.identifier != 0) return {&entry.identifier, 1};
  if (several_identifiers_.empty()) return {};
  const auto found = several_identifiers_.find(sequence);
  return found == several_identifiers_.end() ? std::span<const std::uint32_t>() : found->second;
}

void Queue::start_at(Sequence head) {
  clear();
  head_ = cursor_ = tail_ = head;
}

void Queue::push_loaded(QueueEntry entry) {
  push(std::move(entry));
}

void Queue::settle_loaded() {
  cursor_ = head_;
  in_flight_ = 0;
  while (cursor_ < tail_ && (at(cursor_).in_flight || at(cursor_).done)) {
    if (at(cursor_).in_flight) ++in_flight_;
    ++cursor_;
  }
  drop_done_front();
}

void Queue::clear() {
  ring_.clear();
  ring_.shrink_to_fit();
  several_identifiers_.clear();
  head_ = cursor_ = tail_;
  in_flight_ = 0;
  bytes_ = 0;
}

void Queue::grow() {
  std::vector<QueueEntry> larger(ring_.empty() ? 8 : ring_.size() * 2);
  for (Sequence s = head_; s < tail_; ++s) {
    larger[static_cast<std::size_t>(s) & (larger.size() - 1)] = std::move(at(s));
  }
  ring_ = std::move(larger);
}

void Queue::forget(QueueEntry& entry, Sequence sequence) {
  entry.identifier = 0;
  if (!several_identifiers_.empty()) several_identifiers_.erase(sequence);
  if (!entry.message) return;
  bytes_ -= entry.message->bytes();
  entry.message.reset();
}

void Queue::drop_done_front() {
  while (head_ < cursor_ && at(head_).done) {
    at(head_) = QueueEntry{};
    ++head_;
  }
  if (head_ == tail_ && ring_.size() > 1024) {  // a drained backlog gives its memory back
    ring_.clear();
    ring_.shrink_to_fit();
  }
}

}  // namespace tandem::core
