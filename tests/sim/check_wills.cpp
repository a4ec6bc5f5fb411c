// Wills.
#include "check_wills.hpp"

#include <algorithm>

#include "core/record_codec.hpp"

namespace sim {

namespace core = tandem::core;

void WillCheck::began(Book& book, const core::EpochBegan& record, tandem::Instant time, const core::State& state) {
  const Book before = std::move(book);
  book.clear();
  for (const auto& [client, will] : state.wills()) {
    Seen& seen = book[client];
    seen.will = std::string(will.message->view().payload);
    const auto known = before.find(client);
    if (known == before.end()) continue;
    if (known->second.last == Seen::Last::before) seen.due = known->second.due;  // not back since an earlier reign
    if (known->second.last != Seen::Last::connected) continue;
    const std::int64_t grace_ms =
        will.keep_alive_s != 0 ? std::int64_t{will.keep_alive_s} * 1500 : std::int64_t{record.will_grace_s} * 1000;
    seen.due = time.plus_ms(std::max(grace_ms, std::int64_t{will.delay_s} * 1000));
  }
}

void WillCheck::fired(int node, const std::string& client, tandem::Lsn lsn, tandem::Instant time, bool serving) {
  Seen& seen = books_[static_cast<std::size_t>(node)][client];
  const std::string what = "the will of " + client + " (record " + std::to_string(lsn.value) + ") was fired ";
  switch (serving ? seen.last : Seen::Last::unknown) {
    case Seen::Last::connected:
      broken_(what + "while its client was connected");
      break;
    case Seen::Last::left_none:
      broken_(what + "although its client said DISCONNECT");
      break;
    case Seen::Last::before:
      if (time < seen.due) {
        broken_(what + std::to_string(seen.due.ms - time.ms) + " ms before its client's time to come back was over");
      }
      break;
    default:
      break;
  }
  if (serving && !seen.will.empty()) pending_[static_cast<std::size_t>(node)].push_back({lsn, seen.will});
  seen.last = Seen::Last::left_none;
  seen.will.clear();
}

void WillCheck::appended(int node, bool serving, const tandem::Batch& batch, const core::State& state) {
  Book& book = books_[static_cast<std::size_t>(node)];
  tandem::ByteReader in(*batch.bytes);
  tandem::Lsn lsn = batch.first;
  for (std::uint32_t i = 0; i < batch.count; ++i, lsn = lsn.next()) {
    const tandem::Result<core::Record> record = core::decode_record(in);
    if (!record.ok()) return broken_("a record cannot be read: " + record.error().message);
    const core::Record& fact = record.value();
    if (const auto* epoch = std::get_if<core::EpochBegan>(&fact)) {
      began(book, *epoch, batch.time, state);
    } else if (const auto* connected = std::get_if<core::Connected>(&fact)) {
      Seen& seen = book[std::string(connected->client_id)];
      seen.last = Seen::Last::connected;
      seen.will = connected->will ? std::string(connected->will->message.payload) : std::string();
    } else if (const auto* left = std::get_if<core::Disconnected>(&fact)) {
      book[std::string(left->client_id)].last = left->keep_will ? Seen::Last::left_will : Seen::Last::left_none;
    } else if (const auto* will = std::get_if<core::WillFired>(&fact)) {
      fired(node, std::string(will->client_id), lsn, batch.time, serving);
    } else if (std::holds_alternative<core::Reconciled>(fact)) {
      // It may set, remove or fire any client's will; the winner's decisions have tests of their own (tests/core).
      for (auto& [client, seen] : book) {
        if (seen.last != Seen::Last::connected) seen = {Seen::Last::unknown, {}, {}};
      }
    }
  }
}

void WillCheck::safe(Server by, tandem::Lsn lsn, std::int64_t now) {
  std::vector<Fired>& pending = pending_[static_cast<std::size_t>(by.node)];
  while (!pending.empty() && pending.front().lsn <= lsn) {
    history_.acked(pending.front().will, now, by);
    pending.erase(pending.begin());
  }
}

}  // namespace sim
