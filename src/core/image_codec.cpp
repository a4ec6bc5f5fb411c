// Writing rows of an image.
#include "core/image_codec.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace tandem::core {

namespace {

constexpr std::uint8_t row_version = 1;

void put_u64_be(ByteBuffer& out, std::uint64_t value) {
  ByteWriter writer(out);
  writer.u32_be(static_cast<std::uint32_t>(value >> 32)).u32_be(static_cast<std::uint32_t>(value));
}

Row row(RowKind kind, ByteBuffer key) {
  Row made;
  made.kind = static_cast<std::uint8_t>(kind);
  made.key = std::move(key);
  ByteWriter(made.value).u8(row_version);
  return made;
}

std::uint8_t flags_of(const QueueEntry& entry) {
  return static_cast<std::uint8_t>((entry.qos & 3U) | (entry.retain ? 4U : 0U) | (entry.sent ? 8U : 0U) |
                                   (entry.in_flight ? 16U : 0U) | (entry.released ? 32U : 0U) |
                                   (entry.done ? 64U : 0U));
}

// Which entries came by a shared subscription; nothing if none did.
void put_groups(const Queue& queue, Sequence begin, Sequence end, ByteWriter& out) {
  std::uint64_t count = 0;
  for (Sequence s = begin; s < end; ++s) count += queue.at(s).group != 0 ? 1U : 0U;
  if (count == 0) return;
  out.varint(count);
  for (Sequence s = begin; s < end; ++s) {
    if (queue.at(s).group != 0) out.varint(s - begin).u16_le(queue.at(s).group);
  }
}

}  // namespace

ByteBuffer message_key(std::uint64_t id) {
  ByteBuffer key;
  put_u64_be(key, id);
  return key;
}

ByteBuffer session_key(SessionId id) {
  return message_key(id);
}

ByteBuffer subscription_key(SessionId id, std::string_view filter) {
  return session_key(id).append(filter);
}

ByteBuffer segment_key(SessionId id, std::uint64_t segment) {
  ByteBuffer key = session_key(id);
  put_u64_be(key, segment);
  return key;
}

Row globals_row(const Globals& globals) {
  Row made = row(RowKind::globals, "globals");
  ByteWriter out(made.value);
  out.u64_le(globals.epoch.number).u64_le(globals.epoch.node.value).u64_le(globals.epoch.store);
  out.u64_le(globals.next_session).u64_le(globals.next_joined).varint(globals.merged.size());
  for (const auto& [epoch, merged] : globals.merged) {
    out.u64_le(epoch.number).u64_le(epoch.node.value).u64_le(epoch.store);
    out.u64_le(merged.lsn.value).u32_le(merged.index);
  }
  return made;
}

Row message_row(const Message& message) {
  Row made = row(RowKind::message, message_key(message.id()));
  const MessageView v = message.view();
  ByteWriter out(made.value);
  out.u8(static_cast<std::uint8_t>(static_cast<unsigned>(v.qos) | (v.retain ? 4U : 0U)));
  out.i64_le(v.published_at.ms).u32_le(v.expiry_s);
  out.bytes_varint(v.topic).bytes_varint(v.properties).bytes_varint(v.payload);
  return made;
}

Row session_row(const Session& s) {
  Row made = row(RowKind::session, session_key(s.id));
  ByteWriter out(made.value);
  out.bytes_varint(s.client_id).bytes_varint(s.username);
  out.u8(static_cast<std::uint8_t>(s.version)).u8(s.connected ? 1 : 0).u16_le(s.keep_alive_s);
  out.u32_le(s.expiry_s).i64_le(s.connected ? 0 : s.expires_at.ms);
  out.u16_le(s.receive_maximum).u32_le(s.max_packet_bytes).u32_le(s.max_queue_messages).u64_le(s.max_queue_bytes);
  out.varint(s.held_ids.size());
  for (const std::uint16_t id : s.held_ids) out.u16_le(id);
  if (s.queue_policy != QueuePolicy::drop_newest) out.u8(static_cast<std::uint8_t>(s.queue_policy));
  return made;
}

Row subscription_row(const Subscription& s) {
  Row made = row(RowKind::subscription, subscription_key(s.session->id, s.filter));
  ByteWriter out(made.value);
  out.u8(static_cast<std::uint8_t>(s.options.qos));
  out.u8(static_cast<std::uint8_t>((s.options.no_local ? 1U : 0U) | (s.options.retain_as_published ? 2U : 0U)));
  out.u8(static_cast<std::uint8_t>(s.options.retain_handling)).u32_le(s.identifier).u64_le(s.joined);
  return made;
}

Row segment_row(const Session& session, std::uint64_t segment) {
  const Queue& queue = session.queue;
  Row made = row(RowKind::segment, segment_key(session.id, segment));
  const Sequence begin = std::max<Sequence>(queue.head(), segment * limits::queue_segment_entries);
  const Sequence end = std::min<Sequence>(queue.tail(), (segment + 1) * limits::queue_segment_entries);
  const bool holds_tail = segment == queue.tail() / limits::queue_segment_entries;  // there even if it has no entry
  if (begin >= end && !holds_tail) {
    made.value.clear();
    made.erased = true;
    return made;
  }
  ByteWriter out(made.value);
  out.u64_le(begin).varint(end - begin);
  for (Sequence s = begin; s < end; ++s) {
    const QueueEntry& entry = queue.at(s);
    const auto identifiers = queue.identifiers(s);
    out.u8(static_cast<std::uint8_t>(flags_of(entry) | (identifiers.empty() ? 0U : 128U)));
    out.varint(entry.message ? entry.message->id() : 0);
    if (identifiers.empty()) continue;
    out.varint(identifiers.size());
    for (const std::uint32_t identifier : identifiers) out.u32_le(identifier);
  }
  put_groups(queue, begin, end, out);
  return made;
}

Row retained_row(const std::string& topic, const Retained& retained) {
  Row made = row(RowKind::retained, topic);
  ByteWriter(made.value).u64_le(retained.message->id());
  return made;
}

Row will_row(const std::string& client_id, const Will& will) {
  Row made = row(RowKind::will, client_id);
  ByteWriter out(made.value);
  out.u64_le(will.message->id()).u32_le(will.delay_s).u16_le(will.keep_alive_s);
  out.u8(static_cast<std::uint8_t>((will.connected ? 1U : 0U) | (will.grace ? 2U : 0U)));
  out.i64_le(will.connected ? 0 : will.fires_at.ms);
  return made;
}

Row user_row(const std::string& name, const User& user) {
  Row made = row(RowKind::user, name);
  ByteWriter out(made.value);
  out.bytes_varint(user.password_hash).bytes_varint(user.scram).varint(user.client_ids.size());
  for (const std::string& pattern : user.client_ids) out.bytes_varint(pattern);
  return made;
}

ByteBuffer rule_set_row_key(const RuleSetName& name) {
  return ByteBuffer(1, static_cast<char>(name.owner)).append(name.name);
}

Row rule_set_row(const RuleSetName& name, const RuleSet& set) {
  Row made = row(RowKind::rule_set, rule_set_row_key(name));
  ByteWriter out(made.value);
  out.varint(set.rules.size());
  for (const Rule& rule : set.rules) out.u8(static_cast<std::uint8_t>(rule.right)).bytes_varint(rule.filter);
  return made;
}

}  // namespace tandem::core
