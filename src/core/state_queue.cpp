// Changes of a session's queue, kept in step with the digest, the change list and a running checkpoint.
#include "base/check.hpp"
#include "core/state.hpp"

namespace tandem::core {

namespace {
constexpr std::uint64_t segment_of(Sequence sequence) {
  return sequence / limits::queue_segment_entries;
}
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

void State::touch_segments(Session& session, Sequence first, Sequence last) {
  for (std::uint64_t s = segment_of(first); s <= segment_of(last); ++s) touch_segment(session, s);
}

void State::add_entry_hash(const Session& session, Sequence sequence) {
  digest_.add_mixed(Table::queues, session.mixed_id, hash_of(session, sequence, session.queue.at(sequence)));
}

void State::remove_entry_hash(const Session& session, Sequence sequence) {
  digest_.remove_mixed(Table::queues, session.mixed_id, hash_of(session, sequence, session.queue.at(sequence)));
}

Sequence State::enqueue(Session& session, QueueEntry entry, std::span<const std::uint32_t> identifiers) {
  if (!session.durable) {
    const Sequence sequence = session.queue.push(std::move(entry));
    session.queue.set_identifiers(sequence, identifiers);
    return sequence;
  }
  touch_segment(session, segment_of(session.queue.tail()));
  const std::uint64_t before = hash_of_tail(session);
  const Sequence sequence = session.queue.push(std::move(entry));
  session.queue.set_identifiers(sequence, identifiers);
  digest_.add_mixed(Table::queues, session.mixed_id, hash_of_tail(session) - before);
  add_entry_hash(session, sequence);
  ++queued_;
  return sequence;
}

Sequence State::enqueue_in_flight(Session& session, QueueEntry entry, std::span<const std::uint32_t> identifiers) {
  CHECK(session.queue.waiting() == 0);
  if (!session.durable) {
    const Sequence sequence = session.queue.push(std::move(entry));
    session.queue.set_identifiers(sequence, identifiers);
    session.queue.mark_in_flight();
    return sequence;
  }
  touch_segment(session, segment_of(session.queue.tail()));
  const std::uint64_t before = hash_of_tail(session);
  const Sequence sequence = session.queue.push(std::move(entry));
  session.queue.set_identifiers(sequence, identifiers);
  session.queue.mark_in_flight();
  digest_.add_mixed(Table::queues, session.mixed_id,
                    hash_of_tail(session) - before + hash_of(session, sequence, session.queue.at(sequence)));
  ++queued_;
  return sequence;
}

void State::send_at_cursor(Session& session) {
  if (!session.durable) {
    session.queue.mark_in_flight();
    return;
  }
  const Sequence sequence = session.queue.cursor();
  touch_segment(session, segment_of(sequence));
  remove_entry_hash(session, sequence);
  session.queue.mark_in_flight();
  add_entry_hash(session, sequence);
}

void State::skip_at_cursor(Session& session) {
  if (!session.durable) {
    session.queue.skip_at_cursor();
    return;
  }
  const std::size_t before = session.queue.size();
  // If the head is done as well, it moves as far as the cursor.
  touch_segments(session, session.queue.head(), session.queue.after_cursor());
  remove_entry_hash(session, session.queue.cursor());
  session.queue.skip_at_cursor();
  queued_ -= before - session.queue.size();
}

void State::release_entry(Session& session, Sequence sequence) {
  QueueEntry& entry = session.queue.at(sequence);
  if (!session.durable) {
    entry.released = true;
    return;
  }
  touch_segment(session, segment_of(sequence));
  remove_entry_hash(session, sequence);
  entry.released = true;
  add_entry_hash(session, sequence);
}

void State::finish_entry(Session& session, Sequence sequence) {
  if (!session.durable) {
    session.queue.finish(sequence);
    return;
  }
  const std::size_t before = session.queue.size();
  // The head moves over everything done, at most to the cursor: all these segments change their rows.
  if (sequence == session.queue.head())
    touch_segments(session, sequence, session.queue.cursor());
  else
    touch_segment(session, segment_of(sequence));
  remove_entry_hash(session, sequence);
  session.queue.finish(sequence);
  queued_ -= before - session.queue.size();
}

void State::drop_entry(Session& session, Sequence sequence) {
  CHECK(!session.queue.at(sequence).done);
  if (sequence < session.queue.cursor()) {
    finish_entry(session, sequence);
    return;
  }
  if (sequence == session.queue.cursor()) {
    skip_at_cursor(session);
    return;
  }
  if (session.durable) {
    touch_segment(session, segment_of(sequence));
    remove_entry_hash(session, sequence);
  }
  session.queue.drop_waiting(sequence);
}

void State::rewind_queue(Session& session) {
  const Sequence head = session.queue.head();
  const Sequence cursor = session.queue.cursor();
  if (!session.durable || cursor == head) {
    session.queue.rewind_cursor();
    return;
  }
  touch_segments(session, head, cursor);
  const auto in_flight = [&](Sequence s) { return !session.queue.at(s).done; };
  for (Sequence s = head; s < cursor; ++s) {
    if (in_flight(s)) remove_entry_hash(session, s);
  }
  session.queue.rewind_cursor();
  for (Sequence s = head; s < cursor; ++s) {
    if (in_flight(s)) add_entry_hash(session, s);
  }
}

void State::count_drop(Session& session) {
  ++session.dropped;
  ++dropped_;
}

}  // namespace tandem::core
