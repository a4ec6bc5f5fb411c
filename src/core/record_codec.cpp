// Writing and reading the bytes of records.
#include "core/record_codec.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <string>

namespace tandem::core {

namespace {

constexpr std::uint8_t record_version = 1;

std::uint8_t pack(const mqtt::SubscriptionOptions& options) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(options.qos) | (options.no_local ? 4U : 0U) |
                                   (options.retain_as_published ? 8U : 0U) |
                                   (static_cast<unsigned>(options.retain_handling) << 4));
}

mqtt::SubscriptionOptions unpack(std::uint8_t bits, ByteReader& in) {
  if ((bits & 3U) == 3U || ((bits >> 4) & 3U) == 3U || (bits & 0xC0U) != 0) in.fail();
  mqtt::SubscriptionOptions options;
  options.qos = static_cast<mqtt::Qos>(bits & 3U);
  options.no_local = (bits & 4U) != 0;
  options.retain_as_published = (bits & 8U) != 0;
  options.retain_handling = static_cast<mqtt::RetainHandling>((bits >> 4) & 3U);
  return options;
}

// The two writers of bodies: one counts, the other fills what was counted. ByteWriter grows a string byte by byte, which
// costs more than all the rest of a small record.
class Counter {
 public:
  Counter& u8(std::uint8_t) { return add(1); }
  Counter& u16_le(std::uint16_t) { return add(2); }
  Counter& u32_le(std::uint32_t) { return add(4); }
  Counter& u64_le(std::uint64_t) { return add(8); }
  Counter& varint(std::uint64_t v) { return add((static_cast<std::size_t>(std::bit_width(v | 1U)) + 6) / 7); }
  Counter& bytes_varint(ByteView v) { return varint(v.size()).add(v.size()); }
  std::size_t size() const { return size_; }

 private:
  Counter& add(std::size_t size) {
    size_ += size;
    return *this;
  }
  std::size_t size_ = 0;
};

class Placer {
 public:
  explicit Placer(char* at) : at_(at) {}
  Placer& u8(std::uint8_t v) {
    *at_++ = static_cast<char>(v);
    return *this;
  }
  Placer& u16_le(std::uint16_t v) { return raw(&v, sizeof v); }
  Placer& u32_le(std::uint32_t v) { return raw(&v, sizeof v); }
  Placer& u64_le(std::uint64_t v) { return raw(&v, sizeof v); }
  Placer& varint(std::uint64_t v) {
    while (v >= 0x80) {
      u8(static_cast<std::uint8_t>(v | 0x80U));
      v >>= 7;
    }
    return u8(static_cast<std::uint8_t>(v));
  }
  Placer& bytes_varint(ByteView v) {
    varint(v.size());
    return v.empty() ? *this : raw(v.data(), v.size());
  }

 private:
  Placer& raw(const void* from, std::size_t size) {
    std::memcpy(at_, from, size);
    at_ += size;
    return *this;
  }
  char* at_;
};

std::uint32_t varint32(ByteReader& in) {
  const std::uint64_t value = in.varint();
  if (value > 0xFFFFFFFFU) in.fail();
  return static_cast<std::uint32_t>(value);
}

template <class Out>
void put_message(const MessageView& m, Out& out) {
  out.u8(static_cast<std::uint8_t>(static_cast<unsigned>(m.qos) | (m.retain ? 4U : 0U) |
                                   (m.expiry_s != no_expiry ? 8U : 0U)));
  if (m.expiry_s != no_expiry) out.u32_le(m.expiry_s);
  out.bytes_varint(m.topic).bytes_varint(m.properties).bytes_varint(m.payload);
}

MessageView get_message(ByteReader& in) {
  MessageView m;
  const std::uint8_t bits = in.u8();
  if ((bits & 3U) == 3U || (bits & 0xF0U) != 0) in.fail();
  m.qos = static_cast<mqtt::Qos>(bits & 3U);
  m.retain = (bits & 4U) != 0;
  if ((bits & 8U) != 0) m.expiry_s = in.u32_le();
  m.topic = in.bytes_varint();
  m.properties = in.bytes_varint();
  m.payload = in.bytes_varint();
  return m;
}

template <class Out>
void put_picks(const std::vector<SharedPick>& picks, Out& out) {
  std::size_t durable = 0;
  for (const SharedPick& pick : picks) durable += (pick.session & transient_bit) == 0 ? 1U : 0U;
  out.varint(durable);
  for (const SharedPick& pick : picks) {
    if ((pick.session & transient_bit) == 0) out.varint(pick.session).bytes_varint(pick.filter);
  }
}

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

// Bodies, in the order of RecordKind.

template <class Out>
void put(const EpochBegan& r, Out& out) {
  out.u64_le(r.epoch.number).u64_le(r.epoch.node.value).u64_le(r.epoch.store).varint(r.will_grace_s);
}

template <class Out>
void put(const Connected& r, Out& out) {
  out.bytes_varint(r.client_id).bytes_varint(r.username);
  out.u8(static_cast<std::uint8_t>((r.durable ? 1U : 0U) | (r.clean_start ? 2U : 0U) | (r.will ? 4U : 0U)));
  out.u8(static_cast<std::uint8_t>(r.version)).u16_le(r.keep_alive_s).u32_le(r.session_expiry_s);
  out.u16_le(r.receive_maximum).u32_le(r.max_packet_bytes).u32_le(r.max_queue_messages).u64_le(r.max_queue_bytes);
  if (r.will) {
    out.varint(r.will->delay_s);
    put_message(r.will->message, out);
  }
}

template <class Out>
void put(const Disconnected& r, Out& out) {
  out.bytes_varint(r.client_id);
  out.u8(static_cast<std::uint8_t>((r.keep_will ? 1U : 0U) | (r.session_expiry_s ? 2U : 0U)));
  if (r.session_expiry_s) out.u32_le(*r.session_expiry_s);
}

template <class Out>
void put(const Subscribed& r, Out& out) {
  out.varint(r.session).varint(r.subscription_identifier).varint(r.subscriptions.size());
  for (const SubscriptionFact& s : r.subscriptions) out.bytes_varint(s.filter).u8(pack(s.options));
}

template <class Out>
void put(const Unsubscribed& r, Out& out) {
  out.varint(r.session).varint(r.filters.size());
  for (std::string_view filter : r.filters) out.bytes_varint(filter);
}

template <class Out>
void put(const Published& r, Out& out) {
  out.varint((r.publisher & transient_bit) == 0 ? r.publisher : 0).u16_le(r.held_id);
  put_message(r.message, out);
  put_picks(r.picks, out);
}

template <class Out>
void put(const Released& r, Out& out) { out.varint(r.session).u16_le(r.packet_id); }

template <class Out>
void put(const Acked& r, Out& out) {
  out.varint(r.session).u16_le(r.packet_id);
  out.u8(static_cast<std::uint8_t>(static_cast<unsigned>(r.type) | (r.refused ? 0x80U : 0U)));
}

template <class Out>
void put(const WillFired& r, Out& out) {
  out.bytes_varint(r.client_id);
  put_picks(r.picks, out);
}

template <class Out>
void put(const SessionEnded& r, Out& out) { out.varint(r.session); }

template <class Out>
void put(const RetainedExpired& r, Out& out) { out.bytes_varint(r.topic); }

// The body is put twice: for its size, then for its bytes.
template <class T>
void put_enveloped(RecordKind kind, const T& record, ByteBuffer& buffer) {
  Counter counter;
  put(record, counter);
  const std::size_t body = counter.size();
  counter.u8(0).u8(0).varint(body);
  const std::size_t begin = buffer.size();
  buffer.resize(begin + counter.size());
  Placer out(buffer.data() + begin);
  out.u8(static_cast<std::uint8_t>(kind)).u8(record_version).varint(body);
  put(record, out);
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
  if ((flags & 4U) != 0) {
    WillView will;
    will.delay_s = varint32(in);
    will.message = get_message(in);
    r.will = will;
  }
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

std::optional<Record> get_body(RecordKind kind, ByteReader& in) {
  switch (kind) {
    case RecordKind::epoch_began: return get_epoch_began(in);
    case RecordKind::connected: return get_connected(in);
    case RecordKind::disconnected: return get_disconnected(in);
    case RecordKind::subscribed: return get_subscribed(in);
    case RecordKind::unsubscribed: return get_unsubscribed(in);
    case RecordKind::published: return get_published(in);
    case RecordKind::released: return get_released(in);
    case RecordKind::acked: return get_acked(in);
    case RecordKind::will_fired: return get_will_fired(in);
    case RecordKind::session_ended: return SessionEnded{in.varint()};
    case RecordKind::retained_expired: return RetainedExpired{in.bytes_varint()};
  }
  return std::nullopt;
}

// Kinds by their place in the Record variant.
constexpr std::array kind_of_alternative = {
    RecordKind::epoch_began,   RecordKind::connected, RecordKind::disconnected, RecordKind::subscribed,
    RecordKind::unsubscribed,  RecordKind::published, RecordKind::released,     RecordKind::acked,
    RecordKind::will_fired,    RecordKind::session_ended, RecordKind::retained_expired};
static_assert(kind_of_alternative.size() == std::variant_size_v<Record>);

}  // namespace

void encode_record(const Published& record, ByteBuffer& out) { put_enveloped(RecordKind::published, record, out); }
void encode_record(const Acked& record, ByteBuffer& out) { put_enveloped(RecordKind::acked, record, out); }
void encode_record(const Released& record, ByteBuffer& out) { put_enveloped(RecordKind::released, record, out); }

void encode_record(const Record& record, ByteBuffer& out) {
  std::visit([&](const auto& r) { put_enveloped(kind_of_alternative[record.index()], r, out); }, record);
}

Result<Record> decode_record(ByteReader& reader) {
  const std::uint8_t kind = reader.u8();
  const std::uint8_t version = reader.u8();
  const ByteView body = reader.bytes_varint();
  if (!reader.ok()) return Error{"record cut short"};
  if (version != record_version) {
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
