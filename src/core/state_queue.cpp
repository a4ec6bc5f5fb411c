// Changes of a session's queue, kept in step with the digest, the change list and a running checkpoint.
#include "base/check.hpp"
#include "core/state.hpp"

namespace tandem::core {

namespace {
constexpr std::uint64_t segment_of(Sequence sequence) { return sequence / limits::queue_segment_entries; }
}  // namespace

void State::touch_segment(Session& session, std::uint64_t segment) {
  auto& marks = session.segment_marks;
  if (marks.empty()) session.first_segment = segment;
  if (segment < session.first_segment) {
    marks.insert(marks.begin(), static_cast<std::size_t>(session.first_segment - segment), ChangeMark{});
    session.first_segment = segment;
  }
  const auto index = static_cast<std::size_t>(segment - session.first_segment);
  if (index >= marks.size()) marks.resize(index + 1);
  if (note_change(marks[index], [&] { pending_copies_.segment(session, segment); })) {
    changes_.segments.emplace_back(session.id, segment);
  }
}

// The head is about to move: every segment that it may pass or reach changes its row.
void State::touch_queue_front(Session& session) {
  const std::uint64_t first = segment_of(session.queue.head());
  const std::uint64_t last = segment_of(session.queue.cursor());
  for (std::uint64_t s = first; s <= last; ++s) touch_segment(session, s);
}

Sequence State::enqueue(Session& session, QueueEntry entry, std::vector<std::uint32_t> identifiers) {
  if (!session.durable) {
    const Sequence sequence = session.queue.push(std::move(entry));
    session.queue.set_identifiers(sequence, std::move(identifiers));
    return sequence;
  }
  const Sequence tail = session.queue.tail();
  touch_segment(session, segment_of(tail));
  if (segment_of(tail + 1) != segment_of(tail)) touch_segment(session, segment_of(tail + 1));
  digest_.remove(Table::queues, session.id, hash_of_tail(session));
  const Sequence sequence = session.queue.push(std::move(entry));
  session.queue.set_identifiers(sequence, std::move(identifiers));
  digest_.add(Table::queues, session.id, hash_of_tail(session));
  digest_.add(Table::queues, session.id, hash_of(session, sequence, session.queue.at(sequence)));
  ++queued_;
  return sequence;
}

void State::send_at_cursor(Session& session) {
  const Sequence sequence = session.queue.cursor();
  if (!session.durable) {
    session.queue.mark_in_flight();
    return;
  }
  touch_segment(session, segment_of(sequence));
  const QueueEntry& entry = session.queue.at(sequence);
  if (entry.sent) {
    session.queue.mark_in_flight();
    return;
  }
  digest_.remove(Table::queues, session.id, hash_of(session, sequence, entry));
  session.queue.mark_in_flight();
  digest_.add(Table::queues, session.id, hash_of(session, sequence, entry));
}

void State::skip_at_cursor(Session& session) {
  const std::size_t before = session.queue.size();
  if (session.durable) {
    const Sequence sequence = session.queue.cursor();
    touch_queue_front(session);
    touch_segment(session, segment_of(sequence + 1));
    const QueueEntry& entry = session.queue.at(sequence);
    if (!entry.done) digest_.remove(Table::queues, session.id, hash_of(session, sequence, entry));
  }
  session.queue.skip_at_cursor();
  if (session.durable) queued_ -= before - session.queue.size();
}

void State::release_entry(Session& session, Sequence sequence) {
  QueueEntry& entry = session.queue.at(sequence);
  if (!session.durable) {
    entry.released = true;
    return;
  }
  touch_segment(session, segment_of(sequence));
  digest_.remove(Table::queues, session.id, hash_of(session, sequence, entry));
  entry.released = true;
  digest_.add(Table::queues, session.id, hash_of(session, sequence, entry));
}

void State::finish_entry(Session& session, Sequence sequence) {
  if (!session.durable) {
    session.queue.finish(sequence);
    return;
  }
  const std::size_t before = session.queue.size();
  touch_segment(session, segment_of(sequence));
  if (sequence == session.queue.head()) touch_queue_front(session);
  digest_.remove(Table::queues, session.id, hash_of(session, sequence, session.queue.at(sequence)));
  session.queue.finish(sequence);
  queued_ -= before - session.queue.size();
}

void State::rewind_queue(Session& session) {
  if (session.durable && session.queue.cursor() != session.queue.head()) touch_queue_front(session);
  session.queue.rewind_cursor();
}

void State::count_drop(Session& session) {
  ++session.dropped;
  ++dropped_;
}

}  // namespace tandem::core
