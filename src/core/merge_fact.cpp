// Bytes of merge facts: kind, version, body (docs/formats.md). Nothing may follow the body.
#include "core/merge_fact.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "core/record_codec.hpp"
#include "core/record_parts.hpp"
#include "mqtt/topic.hpp"

namespace tandem::core {

namespace {

constexpr std::uint8_t fact_version = 1;

void put_names(ByteWriter& out, const std::vector<std::string_view>& names) {
  out.varint(names.size());
  for (const std::string_view name : names) out.bytes_varint(name);
}

void put_audience(ByteWriter& out, const Audience& audience) {
  out.u8(audience.only ? 1 : 0);
  put_names(out, audience.clients);
}

void put_groups(ByteWriter& out, const std::vector<GroupFact>& groups) {
  out.varint(groups.size());
  for (const GroupFact& g : groups) out.bytes_varint(g.filter).bytes_varint(g.client).u8(g.waiting ? 1 : 0);
}

void put(ByteWriter& out, const PublishedFact& f) {
  out.bytes_varint(f.publisher).u16_le(f.packet_id);
  out.u8(static_cast<std::uint8_t>((f.released ? 1U : 0U) | (f.after ? 2U : 0U)));
  if (f.after) out.i64_le(f.after->ms);
  put_message(f.message, out);
  put_audience(out, f.audience);
  put_groups(out, f.groups);
}

void put(ByteWriter& out, const ReleasedFact& f) {
  out.bytes_varint(f.client).u16_le(f.packet_id);
}

void put(ByteWriter& out, const SubscribedFact& f) {
  out.bytes_varint(f.client).varint(f.identifier).varint(f.subscriptions.size());
  for (const SubscriptionFact& s : f.subscriptions) out.bytes_varint(s.filter).u8(pack(s.options));
}

void put(ByteWriter& out, const UnsubscribedFact& f) {
  out.bytes_varint(f.client);
  put_names(out, f.filters);
}

void put_record(ByteWriter& out, const Record& record) {
  ByteBuffer bytes;
  encode_record(record, bytes);
  out.bytes(bytes);
}

void put(ByteWriter& out, const ConnectedFact& f) {
  put_record(out, f.record);
}

void put(ByteWriter& out, const DisconnectedFact& f) {
  put_record(out, f.record);
}

void put(ByteWriter& out, const SessionEndedFact& f) {
  out.bytes_varint(f.client);
}

void put(ByteWriter& out, const WillFiredFact& f) {
  out.bytes_varint(f.client).u8(f.message ? 1 : 0);
  if (f.message) put_message(*f.message, out);
  put_audience(out, f.audience);
  put_groups(out, f.groups);
}

void put(ByteWriter& out, const QueueLeftFact& f) {
  out.bytes_varint(f.client).varint(f.common.value).varint(f.ids.size());
  for (const QueueLeftFact::Range& range : f.ids) out.varint(range.first).varint(range.last - range.first);
  out.varint(f.received.size());
  for (const QueueLeftFact::Place& place : f.received) out.varint(place.position).varint(place.id);
}

void put(ByteWriter& /*out*/, const EndFact& /*f*/) {}

void put(ByteWriter& out, const MissingFact& f) {
  out.varint(f.first.value).varint(f.last.value);
}

void put(ByteWriter& out, const HeldFact& f) {
  out.bytes_varint(f.client).varint(f.packet_ids.size());
  for (const std::uint16_t id : f.packet_ids) out.u16_le(id);
}

void put(ByteWriter& out, const QueuedFact& f) {
  put_message(f.message, out);
  out.varint(f.clients.size());
  for (const QueuedFact::Place& place : f.clients) {
    out.bytes_varint(place.client);
    out.u8(static_cast<std::uint8_t>(static_cast<unsigned>(place.qos) | (place.retain ? 4U : 0U)));
    out.varint(place.identifiers.size());
    for (const std::uint32_t identifier : place.identifiers) out.varint(identifier);
  }
}

// --- reading: `in` turns bad at whatever is not right

bool get_flag(ByteReader& in) {
  const std::uint8_t value = in.u8();
  if (value > 1) in.fail();
  return value == 1;
}

std::string_view get_client(ByteReader& in) {
  const std::string_view client = in.bytes_varint();
  if (client.size() > limits::max_client_id_bytes) in.fail();
  return client;
}

std::string_view get_filter(ByteReader& in) {
  const std::string_view filter = in.bytes_varint();
  std::string_view plain = filter;
  if (const auto shared = mqtt::parse_shared(filter)) plain = shared->filter;
  if (!mqtt::valid_topic_filter(plain)) in.fail();
  return filter;
}

MessageView get_valid_message(ByteReader& in) {
  const MessageView message = get_message(in);
  if (in.ok() && !mqtt::valid_topic_name(message.topic)) in.fail();
  return message;
}

Audience get_audience(ByteReader& in) {
  Audience audience;
  audience.only = get_flag(in);
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const std::string_view client = get_client(in);
    if (!audience.clients.empty() && client <= audience.clients.back()) in.fail();
    audience.clients.push_back(client);
  }
  return audience;
}

std::vector<GroupFact> get_groups(ByteReader& in) {
  std::vector<GroupFact> groups;
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    GroupFact group;
    group.filter = get_filter(in);
    group.client = get_client(in);
    group.waiting = get_flag(in);
    groups.push_back(group);
  }
  return groups;
}

PublishedFact get_published(ByteReader& in) {
  PublishedFact f;
  f.publisher = get_client(in);
  f.packet_id = in.u16_le();
  const std::uint8_t flags = in.u8();
  if (flags > 3) in.fail();
  f.released = (flags & 1U) != 0;
  if ((flags & 2U) != 0) f.after = Instant{in.i64_le()};
  f.message = get_valid_message(in);
  f.audience = get_audience(in);
  f.groups = get_groups(in);
  return f;
}

SubscribedFact get_subscribed(ByteReader& in) {
  SubscribedFact f;
  f.client = get_client(in);
  f.identifier = varint32(in);
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    SubscriptionFact s;
    s.filter = get_filter(in);
    s.options = unpack(in.u8(), in);
    f.subscriptions.push_back(s);
  }
  return f;
}

UnsubscribedFact get_unsubscribed(ByteReader& in) {
  UnsubscribedFact f;
  f.client = get_client(in);
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) f.filters.push_back(in.bytes_varint());
  return f;
}

// A record of this kind and no other: a fact never holds a fact.
template <class R>
R get_record(ByteReader& in, RecordKind kind) {
  R none;
  if (in.remaining() == 0 || static_cast<std::uint8_t>(in.rest()[0]) != static_cast<std::uint8_t>(kind)) {
    in.fail();
    return none;
  }
  Result<Record> record = decode_record(in);
  if (!record.ok()) {
    in.fail();
    return none;
  }
  R read = std::get<R>(record.take());
  if (read.client_id.size() > limits::max_client_id_bytes) in.fail();
  return read;
}

ConnectedFact get_connected(ByteReader& in) {
  ConnectedFact f{get_record<Connected>(in, RecordKind::connected)};
  if (f.record.will && !mqtt::valid_topic_name(f.record.will->message.topic)) in.fail();
  return f;
}

WillFiredFact get_will_fired(ByteReader& in) {
  WillFiredFact f;
  f.client = get_client(in);
  if (get_flag(in)) f.message = get_valid_message(in);
  f.audience = get_audience(in);
  f.groups = get_groups(in);
  return f;
}

QueueLeftFact get_queue_left(ByteReader& in) {
  QueueLeftFact f;
  f.client = get_client(in);
  f.common.value = in.varint();
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    QueueLeftFact::Range range;
    range.first = in.varint();
    const std::uint64_t more = in.varint();
    range.last = range.first + more;
    const bool ascends = f.ids.empty() || range.first > f.ids.back().last;
    if (!ascends || range.last < range.first) in.fail();
    f.ids.push_back(range);
  }
  const std::uint64_t received = in.varint();
  for (std::uint64_t i = 0; i < received && in.ok(); ++i) {
    QueueLeftFact::Place place;
    place.position = in.varint();
    place.id = in.varint();
    if (!f.received.empty() && place.position <= f.received.back().position) in.fail();
    f.received.push_back(place);
  }
  return f;
}

MissingFact get_missing(ByteReader& in) {
  MissingFact f;
  f.first.value = in.varint();
  f.last.value = in.varint();
  if (f.last < f.first) in.fail();
  return f;
}

HeldFact get_held(ByteReader& in) {
  HeldFact f;
  f.client = get_client(in);
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const std::uint16_t id = in.u16_le();
    if (id == 0 || (!f.packet_ids.empty() && id <= f.packet_ids.back())) in.fail();
    f.packet_ids.push_back(id);
  }
  return f;
}

QueuedFact get_queued(ByteReader& in) {
  QueuedFact f;
  f.message = get_valid_message(in);
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    QueuedFact::Place place;
    place.client = get_client(in);
    const std::uint8_t bits = in.u8();
    place.qos = static_cast<mqtt::Qos>(bits & 3U);
    place.retain = (bits & 4U) != 0;
    if (bits > 7 || (bits & 3U) == 0 || (bits & 3U) > static_cast<unsigned>(f.message.qos)) in.fail();
    const std::uint64_t identifiers = in.varint();
    for (std::uint64_t n = 0; n < identifiers && in.ok(); ++n) place.identifiers.push_back(varint32(in));
    if (!f.clients.empty() && place.client < f.clients.back().client) in.fail();
    f.clients.push_back(std::move(place));
  }
  return f;
}

bool get_body(FactKind kind, ByteReader& in, MergeFact& fact) {
  switch (kind) {
    case FactKind::published:
      fact.body = get_published(in);
      return true;
    case FactKind::released: {
      ReleasedFact f;
      f.client = get_client(in);
      f.packet_id = in.u16_le();
      fact.body = f;
      return true;
    }
    case FactKind::subscribed:
      fact.body = get_subscribed(in);
      return true;
    case FactKind::unsubscribed:
      fact.body = get_unsubscribed(in);
      return true;
    case FactKind::connected:
      fact.body = get_connected(in);
      return true;
    case FactKind::disconnected:
      fact.body = DisconnectedFact{get_record<Disconnected>(in, RecordKind::disconnected)};
      return true;
    case FactKind::session_ended:
      fact.body = SessionEndedFact{get_client(in)};
      return true;
    case FactKind::will_fired:
      fact.body = get_will_fired(in);
      return true;
    case FactKind::queue_left:
      fact.body = get_queue_left(in);
      return true;
    case FactKind::end:
      fact.body = EndFact{};
      return true;
    case FactKind::missing:
      fact.body = get_missing(in);
      return true;
    case FactKind::held:
      fact.body = get_held(in);
      return true;
    case FactKind::queued:
      fact.body = get_queued(in);
      return true;
  }
  return false;
}

}  // namespace

bool QueueLeftFact::holds(std::uint64_t id) const {
  const auto behind = std::upper_bound(ids.begin(), ids.end(), id,
                                       [](std::uint64_t value, const Range& range) { return value < range.first; });
  return behind != ids.begin() && id <= std::prev(behind)->last;
}

bool QueueLeftFact::was_received(std::uint64_t position, std::uint64_t id) const {
  const auto at = std::lower_bound(received.begin(), received.end(), position,
                                   [](const Place& place, std::uint64_t value) { return place.position < value; });
  return at != received.end() && at->position == position && at->id == id;
}

void encode_fact(const MergeFact& fact, ByteBuffer& bytes) {
  ByteWriter out(bytes);
  out.u8(static_cast<std::uint8_t>(fact.kind())).u8(fact_version);
  std::visit([&](const auto& body) { put(out, body); }, fact.body);
}

Result<MergeFact> decode_fact(ByteView bytes) {
  ByteReader in(bytes);
  const std::uint8_t kind = in.u8();
  const std::uint8_t version = in.u8();
  if (in.ok() && version != fact_version) {
    return Error{"merge fact kind " + std::to_string(kind) + " has version " + std::to_string(version) +
                 ": this program is too old to read it"};
  }
  MergeFact fact;
  fact.bytes = bytes;
  if (!in.ok() || !get_body(static_cast<FactKind>(kind), in, fact) || !in.ok() || !in.at_end()) {
    return Error{"merge fact kind " + std::to_string(kind) + " is malformed or unknown"};
  }
  return fact;
}

}  // namespace tandem::core
