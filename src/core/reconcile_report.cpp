// What a merge has done, in numbers and in a sentence.
#include "core/reconcile.hpp"

namespace tandem::core {

void MergeReport::add(const MergeFact& fact, const ReconcileVerdict& verdict) {
  ++facts;
  const FactKind kind = fact.kind();
  if (kind == FactKind::end) complete = true;
  if (const auto* told = std::get_if<MissingFact>(&fact.body)) missing = *told;
  if (verdict.end == MergeEnd::already) {
    ++already;
    return;
  }
  if (verdict.end == MergeEnd::superseded) ++superseded;
  if (verdict.end == MergeEnd::refused) ++refused;
  if (!verdict.line.empty() && (notes.size() < max_notes || notes.contains(verdict.subject))) {
    Note& note = notes[verdict.subject];
    note.line = verdict.line;
    ++note.times;
  }
  const Reconciled& record = verdict.record;
  if ((record.outcome & merge_outcome::retained) != 0) ++retained;
  if ((record.outcome & merge_outcome::taken) == 0) return;
  if (const auto* subscribed = std::get_if<SubscribedFact>(&fact.body)) {
    subscriptions += subscribed->subscriptions.size() - record.refused.size();
  } else if (const auto* unsubscribed = std::get_if<UnsubscribedFact>(&fact.body)) {
    subscriptions += unsubscribed->filters.size() - record.refused.size();
  } else if (kind == FactKind::published || kind == FactKind::queued) {
    ++messages;
  } else if (kind == FactKind::will_fired) {
    ++wills;
  } else if (kind == FactKind::connected || kind == FactKind::disconnected || kind == FactKind::session_ended) {
    ++sessions;
  }
}

std::vector<std::string> MergeReport::note_lines() const {
  std::vector<std::string> lines;
  for (const auto& [subject, note] : notes) {
    const std::string times = note.times == 1 ? "" : " (the last of " + std::to_string(note.times) + ")";
    lines.push_back(subject + ": " + note.line + times);
  }
  return lines;
}

std::string MergeReport::sentence() const {
  const auto number = [](std::uint64_t count, const char* what) { return std::to_string(count) + " " + what; };
  std::string text = complete ? "The other box's log is merged: " : "So far of the other box's log: ";
  text += number(messages, "messages, ") + number(retained, "retained values, ") +
          number(subscriptions, "subscription changes, ") + number(sessions, "session changes, ") +
          number(wills, "wills");
  if (superseded != 0) text += "; " + number(superseded, "superseded by newer facts here");
  if (refused != 0) text += "; " + number(refused, "beyond a limit");
  if (already != 0) text += "; " + number(already, "merged before");
  text += ".";
  if (missing.last.value != 0) {
    text += " Its log no longer had records " + std::to_string(missing.first.value) + " to " +
            std::to_string(missing.last.value) +
            ": what its State still knew of them is merged, except what ended there (sessions, subscriptions, wills, "
            "retained values).";
  }
  return text;
}

}  // namespace tandem::core
