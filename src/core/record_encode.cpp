// Writing the bytes of records.
#include <array>
#include <bit>
#include <cstring>

#include "core/record_codec.hpp"
#include "core/record_parts.hpp"

namespace tandem::core {

namespace {

// The two writers of bodies: one counts, the other fills what was counted. ByteWriter grows a string byte by byte,
// which costs more than all the rest of a small record.
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

template <class Out>
void put_picks(const std::vector<SharedPick>& picks, Out& out) {
  std::size_t durable = 0;
  for (const SharedPick& pick : picks) durable += (pick.session & transient_bit) == 0 ? 1U : 0U;
  out.varint(durable);
  for (const SharedPick& pick : picks) {
    if ((pick.session & transient_bit) == 0) out.varint(pick.session).bytes_varint(pick.filter);
  }
}

// Bodies, in the order of RecordKind.

template <class Out>
void put(const EpochBegan& r, Out& out) {
  out.u64_le(r.epoch.number).u64_le(r.epoch.node.value).u64_le(r.epoch.store).varint(r.will_grace_s);
}

template <class Out>
void put(const Connected& r, Out& out) {
  out.bytes_varint(r.client_id).bytes_varint(r.username);
  out.u8(static_cast<std::uint8_t>((r.durable ? 1U : 0U) | (r.clean_start ? 2U : 0U) | (r.will ? 4U : 0U) |
                                   (r.resumed ? 8U : 0U)));
  out.u8(static_cast<std::uint8_t>(r.version)).u16_le(r.keep_alive_s).u32_le(r.session_expiry_s);
  out.u16_le(r.receive_maximum).u32_le(r.max_packet_bytes).u32_le(r.max_queue_messages).u64_le(r.max_queue_bytes);
  out.varint(r.session).varint(r.ended);
  if (r.will) {
    out.varint(r.will->delay_s);
    put_message(r.will->message, out);
  }
  if (r.queue_policy != QueuePolicy::drop_newest) out.u8(static_cast<std::uint8_t>(r.queue_policy));
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
void put(const Released& r, Out& out) {
  out.varint(r.session).u16_le(r.packet_id);
}

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
void put(const SessionEnded& r, Out& out) {
  out.varint(r.session).bytes_varint(r.client_id);
}

template <class Out>
void put(const RetainedExpired& r, Out& out) {
  out.bytes_varint(r.topic);
}

template <class Out>
void put(const Reconciled& r, Out& out) {
  const Epoch& epoch = r.origin.epoch;
  out.u64_le(epoch.number).u64_le(epoch.node.value).u64_le(epoch.store).varint(r.origin.lsn.value);
  out.u64_le(static_cast<std::uint64_t>(r.origin.time.ms)).varint(r.origin.index).varint(r.outcome);
  out.varint(r.will_grace_s).varint(r.refused.size());
  for (const std::uint32_t place : r.refused) out.varint(place);
  put_picks(r.picks, out);
  out.bytes_varint(r.fact);
}

template <class Out>
void put(const HandedOn& r, Out& out) {
  out.varint(r.from);
  if (r.from != 0)
    out.varint(r.position).varint(r.message_id);
  else
    put_message(*r.message, out);
  if (r.to.session != 0)
    put_picks({r.to}, out);
  else
    out.varint(0);
}

template <class Out>
void put(const UserSet& r, Out& out) {
  out.bytes_varint(r.name).bytes_varint(r.password_hash).bytes_varint(r.scram).varint(r.client_ids.size());
  for (const std::string_view pattern : r.client_ids) out.bytes_varint(pattern);
}

template <class Out>
void put(const UserRemoved& r, Out& out) {
  out.bytes_varint(r.name);
}

template <class Out>
void put(const RulesSet& r, Out& out) {
  out.u8(static_cast<std::uint8_t>(r.owner)).bytes_varint(r.name).u8(r.removed ? 1 : 0).varint(r.rules.size());
  for (const RuleFact& rule : r.rules) out.u8(static_cast<std::uint8_t>(rule.right)).bytes_varint(rule.filter);
}

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
  out.u8(static_cast<std::uint8_t>(kind)).u8(record_layout_version).varint(body);
  put(record, out);
}

// Kinds by their place in the Record variant.
constexpr std::array kind_of_alternative = {
    RecordKind::epoch_began,  RecordKind::connected,     RecordKind::disconnected,     RecordKind::subscribed,
    RecordKind::unsubscribed, RecordKind::published,     RecordKind::released,         RecordKind::acked,
    RecordKind::will_fired,   RecordKind::session_ended, RecordKind::retained_expired, RecordKind::reconciled,
    RecordKind::handed_on,    RecordKind::user_set,      RecordKind::user_removed,     RecordKind::rules_set};
static_assert(kind_of_alternative.size() == std::variant_size_v<Record>);

}  // namespace

void encode_record(const Published& record, ByteBuffer& out) {
  put_enveloped(RecordKind::published, record, out);
}
void encode_record(const Acked& record, ByteBuffer& out) {
  put_enveloped(RecordKind::acked, record, out);
}
void encode_record(const Released& record, ByteBuffer& out) {
  put_enveloped(RecordKind::released, record, out);
}

void encode_record(const Record& record, ByteBuffer& out) {
  std::visit([&](const auto& r) { put_enveloped(kind_of_alternative[record.index()], r, out); }, record);
}

}  // namespace tandem::core
