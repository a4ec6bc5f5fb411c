// Reading the bytes of records.
#include "core/record_codec.hpp"

#include <string>

#include "core/merge_fact.hpp"
#include "core/reconcile.hpp"
#include "core/record_parts.hpp"

namespace tandem::core {

namespace {

std::vector<SharedPick> get_picks(ByteReader& in) {
  std::vector<SharedPick> picks;
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    SharedPick pick;
    pick.session = in.varint();
    pick.filter = in.bytes_varint();
    picks.push_back(pick);
  }
  return picks;
}

EpochBegan get_epoch_began(ByteReader& in) {
  EpochBegan r;
  r.epoch.number = in.u64_le();
  r.epoch.node.value = in.u64_le();
  r.epoch.store = in.u64_le();
  r.will_grace_s = varint32(in);
  return r;
}

Connected get_connected(ByteReader& in) {
  Connected r;
  r.client_id = in.bytes_varint();
  r.username = in.bytes_varint();
  const std::uint8_t flags = in.u8();
  r.durable = (flags & 1U) != 0;
  r.clean_start = (flags & 2U) != 0;
  const std::uint8_t version = in.u8();
  if (version < 3 || version > 5) in.fail();
  r.version = static_cast<mqtt::Version>(version);
  r.keep_alive_s = in.u16_le();
  r.session_expiry_s = in.u32_le();
  r.receive_maximum = in.u16_le();
  r.max_packet_bytes = in.u32_le();
  r.max_queue_messages = in.u32_le();
  r.max_queue_bytes = in.u64_le();
  r.resumed = (flags & 8U) != 0;
  r.session = in.varint();
  r.ended = in.varint();
  if ((flags & 4U) != 0) {
    WillView will;
    will.delay_s = varint32(in);
    will.message = get_message(in);
    r.will = will;
  }
  if (in.remaining() != 0) r.queue_policy = get_queue_policy(in);
  return r;
}

Disconnected get_disconnected(ByteReader& in) {
  Disconnected r;
  r.client_id = in.bytes_varint();
  const std::uint8_t flags = in.u8();
  r.keep_will = (flags & 1U) != 0;
  if ((flags & 2U) != 0) r.session_expiry_s = in.u32_le();
  return r;
}

Subscribed get_subscribed(ByteReader& in) {
  Subscribed r;
  r.session = in.varint();
  r.subscription_identifier = varint32(in);
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    SubscriptionFact s;
    s.filter = in.bytes_varint();
    s.options = unpack(in.u8(), in);
    r.subscriptions.push_back(s);
  }
  return r;
}

Unsubscribed get_unsubscribed(ByteReader& in) {
  Unsubscribed r;
  r.session = in.varint();
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) r.filters.push_back(in.bytes_varint());
  return r;
}

Published get_published(ByteReader& in) {
  Published r;
  r.publisher = in.varint();
  r.held_id = in.u16_le();
  r.message = get_message(in);
  r.picks = get_picks(in);
  return r;
}

Released get_released(ByteReader& in) {
  Released r;
  r.session = in.varint();
  r.packet_id = in.u16_le();
  return r;
}

Acked get_acked(ByteReader& in) {
  Acked r;
  r.session = in.varint();
  r.packet_id = in.u16_le();
  const std::uint8_t bits = in.u8();
  r.type = static_cast<mqtt::Type>(bits & 0x7FU);
  r.refused = (bits & 0x80U) != 0;
  if (r.type != mqtt::Type::puback && r.type != mqtt::Type::pubrec && r.type != mqtt::Type::pubcomp) in.fail();
  return r;
}

WillFired get_will_fired(ByteReader& in) {
  WillFired r;
  r.client_id = in.bytes_varint();
  r.picks = get_picks(in);
  return r;
}

SessionEnded get_session_ended(ByteReader& in) {
  SessionEnded r;
  r.session = in.varint();
  r.client_id = in.bytes_varint();
  return r;
}

Reconciled get_reconciled(ByteReader& in) {
  Reconciled r;
  r.origin.epoch.number = in.u64_le();
  r.origin.epoch.node.value = in.u64_le();
  r.origin.epoch.store = in.u64_le();
  r.origin.lsn.value = in.varint();
  r.origin.time = Instant{in.i64_le()};
  r.origin.index = varint32(in);
  r.outcome = varint32(in);
  r.will_grace_s = varint32(in);
  const std::uint64_t refused = in.varint();
  for (std::uint64_t i = 0; i < refused && in.ok(); ++i) r.refused.push_back(varint32(in));
  r.picks = get_picks(in);
  r.fact = in.bytes_varint();
  if ((r.outcome & ~merge_outcome::all) != 0 || !in.ok() || !decode_fact(r.fact).ok()) in.fail();
  return r;
}

HandedOn get_handed_on(ByteReader& in) {
  HandedOn r;
  r.from = in.varint();
  if (r.from != 0) {
    r.position = in.varint();
    r.message_id = in.varint();
  } else {
    r.message = get_message(in);
  }
  const std::vector<SharedPick> picks = get_picks(in);
  // A transient session is never named in a log, and 0 is none.
  const bool nobody = !picks.empty() && (picks.front().session == 0 || (picks.front().session & transient_bit) != 0);
  if (picks.size() > 1 || (picks.empty() && r.from == 0) || nobody) in.fail();
  if (!picks.empty()) r.to = picks.front();
  return r;
}

UserSet get_user_set(ByteReader& in) {
  UserSet r;
  r.name = in.bytes_varint();
  r.password_hash = in.bytes_varint();
  r.scram = in.bytes_varint();
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) r.client_ids.push_back(in.bytes_varint());
  return r;
}

RulesSet get_rules_set(ByteReader& in) {
  RulesSet r;
  r.owner = get_rule_owner(in);
  r.name = in.bytes_varint();
  const std::uint8_t flags = in.u8();
  r.removed = (flags & 1U) != 0;
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    RuleFact rule;
    rule.right = get_right(in);
    rule.filter = in.bytes_varint();
    r.rules.push_back(rule);
  }
  return r;
}

std::optional<Record> get_body(RecordKind kind, ByteReader& in) {
  switch (kind) {
    case RecordKind::epoch_began:
      return get_epoch_began(in);
    case RecordKind::connected:
      return get_connected(in);
    case RecordKind::disconnected:
      return get_disconnected(in);
    case RecordKind::subscribed:
      return get_subscribed(in);
    case RecordKind::unsubscribed:
      return get_unsubscribed(in);
    case RecordKind::published:
      return get_published(in);
    case RecordKind::released:
      return get_released(in);
    case RecordKind::acked:
      return get_acked(in);
    case RecordKind::will_fired:
      return get_will_fired(in);
    case RecordKind::session_ended:
      return get_session_ended(in);
    case RecordKind::retained_expired:
      return RetainedExpired{in.bytes_varint()};
    case RecordKind::reconciled:
      return get_reconciled(in);
    case RecordKind::handed_on:
      return get_handed_on(in);
    case RecordKind::user_set:
      return get_user_set(in);
    case RecordKind::user_removed:
      return UserRemoved{in.bytes_varint()};
    case RecordKind::rules_set:
      return get_rules_set(in);
  }
  return std::nullopt;
}

}  // namespace

Result<Record> decode_record(ByteReader& reader) {
  const std::uint8_t kind = reader.u8();
  const std::uint8_t version = reader.u8();
  const ByteView body = reader.bytes_varint();
  if (!reader.ok()) return Error{"record cut short"};
  if (version != record_layout_version) {
    return Error{"record kind " + std::to_string(kind) + " has version " + std::to_string(version) +
                 ": this program is too old to read it"};
  }
  ByteReader in(body);
  std::optional<Record> record = get_body(static_cast<RecordKind>(kind), in);
  if (!record) return Error{"record kind " + std::to_string(kind) + " is unknown: this program is too old to read it"};
  if (!in.ok()) return Error{"record kind " + std::to_string(kind) + " has a malformed body"};
  return *std::move(record);
}

}  // namespace tandem::core
