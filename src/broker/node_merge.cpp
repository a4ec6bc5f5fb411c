// RECONCILE: the orders of both sides, and what people may ask about it. tail_source and tail_merger do the work.
#include "admin/protocol.hpp"
#include "broker/node.hpp"

namespace tandem::broker {

void Node::obey(mirror::OpenTail& order) {
  tail_source_.open(replica_.state(), order, [this](Lsn at) { return pair_->epoch_at(at); });
  const std::string note = TailSource::missing_note(parts_.store, order);
  if (!note.empty()) parts_.events.event(Level::warn, "merge", note);
}

void Node::obey(mirror::NextTail& order) {
  std::optional<mirror::TailPiece> piece = tail_source_.next(order.max_bytes);
  if (piece) pair_->on_tail(std::move(*piece), steady_now());
}

void Node::obey(mirror::CloseTail& /*order*/) {
  tail_source_.close();
}

void Node::obey(mirror::OpenMerge& order) {
  tail_merger_.open(order, replica_.last());
}

void Node::obey(mirror::MergeTail& order) {
  tail_merger_.give(std::move(order));
}

void Node::obey(mirror::CloseMerge& /*order*/) {
  if (tail_merger_.is_open() && tail_merger_.report().facts > 0) tell_merged();
  tail_merger_.close();
  merged_frames_.clear();
}

// After the turn's own records have gone out, so that what is merged is decided in view of all of them.
void Node::run_merge() {
  if (!active_.reigning() || !tail_merger_.is_open()) return;
  tail_merger_.run([this](const TailMerger::Step& step) { merge_one(step); },
                   [this](std::uint64_t number) { merged_frames_.push_back(number); });
  ship();
  const Steady now = steady_now();
  for (const std::uint64_t number : std::exchange(merged_frames_, {})) pair_->on_merged(number, replica_.last(), now);
  carry_out();
}

void Node::merge_one(const TailMerger::Step& step) {
  const mirror::TailItem& item = step.item;
  if (pair_->holds(item.epoch, item.lsn)) return;  // it came from here
  const core::Origin origin{item.epoch, item.lsn, item.time, item.index};
  const Status merged = active_.merge(step.index, origin, item.fact, tail_merger_.report());
  if (merged.ok()) return;
  parts_.events.event(
      Level::error, "merge",
      "a fact of " + tail_merger_.peer() + " cannot be read and is not merged: " + merged.error().message);
}

void Node::tell_merged() {
  const core::MergeReport& report = tail_merger_.report();
  std::string text = "From what only " + tail_merger_.peer() + " had acknowledged: " + report.sentence();
  if (tail_merger_.index_incomplete()) {
    text += " This box's own log no longer goes back to the split: a QoS 2 message may be there twice.";
  }
  for (const std::string& line : report.note_lines()) parts_.events.event(Level::info, "merge", line);
  parts_.events.event(Level::info, "merge", text);
}

std::string Node::reconcile(bool dry_run) {
  const std::optional<mirror::OpenTail> tail = pair_->pending_tail();
  if (!tail) return admin::reply_message("Nothing waits to be merged on this box.");
  if (dry_run) {
    const Result<core::MergeCounts> counted =
        TailSource::count(parts_.store, replica_.state(), *tail, [this](Lsn at) { return pair_->epoch_at(at); });
    if (!counted.ok()) return admin::reply_error(counted.error().message);
    const core::MergeCounts& counts = counted.value();
    const std::string note = TailSource::missing_note(parts_.store, *tail);
    return admin::reply_message(
        "Records " + std::to_string(tail->from.value) + " to " + std::to_string(tail->to.value) +
        " were acknowledged by this box alone. They would bring to the active: " + std::to_string(counts.published) +
        " messages (" + std::to_string(counts.retained) + " of them retained), " +
        std::to_string(counts.subscriptions) + " subscriptions, " + std::to_string(counts.unsubscriptions) +
        " unsubscriptions, " + std::to_string(counts.sessions) + " session changes, " + std::to_string(counts.wills) +
        " wills. Of two changes of the same thing the newer one stays." + (note.empty() ? "" : " " + note));
  }
  return ordered([this](Steady now) { return pair_->reconcile(now); });
}

}  // namespace tandem::broker
