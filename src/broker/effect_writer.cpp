#include "broker/effect_writer.hpp"

#include <algorithm>
#include <span>

#include "base/limits.hpp"
#include "broker/reason_string.hpp"
#include "mqtt/codec.hpp"
#include "mqtt/properties.hpp"

namespace tandem::broker {

namespace {
constexpr std::size_t few_effects = 3;  // up to here each is encoded on its own

// `how`: an effect, or a packet that was postponed.
template <class How>
mqtt::PublishParts parts_of(const core::MessageView& message, Instant now, const How& how,
                            std::span<const std::uint32_t> identifiers) {
  mqtt::PublishParts parts;
  parts.topic = message.topic;
  parts.properties = message.properties;
  parts.payload = message.payload;
  if (message.has_expiry()) parts.message_expiry_s = message.seconds_left(now);
  parts.packet_id = how.packet_id;
  parts.qos = how.qos;
  parts.retain = how.retain;
  parts.dup = how.dup;
  parts.subscription_identifiers = identifiers.data();
  parts.subscription_identifier_count = identifiers.size();
  return parts;
}

std::span<const std::uint32_t> identifiers_of(const core::Effects& effects, const core::Effect& effect) {
  return {effects.identifiers.data() + effect.list_begin, effect.list_count};
}

}  // namespace

using core::Effect;
using core::EffectKind;
using core::Effects;

void EffectWriter::begin(ConnectionId id, const Wishes& wishes) {
  if (id.slot >= wishes_.size()) wishes_.resize(id.slot + std::size_t{1});
  wishes_[id.slot] = wishes;
  aliases_.begin(id, wishes.topic_alias_maximum);
}

// [MQTT5-3.1.2-29]
std::string_view EffectWriter::why(const edge::Connection& to, mqtt::Reason reason) const {
  if (!mqtt::is_error(reason)) return {};  // nearly always
  const std::size_t slot = to.id().slot;
  return slot < wishes_.size() && wishes_[slot].problem_information ? mqtt::reason_name(reason) : std::string_view{};
}

void EffectWriter::put_ack_with_reason(const edge::Connection& to, mqtt::Type type, std::uint16_t packet_id,
                                       mqtt::Reason reason, ByteBuffer& out) const {
  const std::string_view text = why(to, reason);
  if (!text.empty() && to.version() == mqtt::Version::v5) [[unlikely]] {
    const std::size_t begin = out.size();
    ByteBuffer properties;
    ByteWriter(properties).u8(static_cast<std::uint8_t>(mqtt::Property::reason_string)).bytes_u16_be(text);
    mqtt::encode(mqtt::Ack{type, packet_id, reason, properties}, to.version(), out);
    if (out.size() - begin <= to.max_packet_bytes_out()) return;
    out.resize(begin);
  }
  mqtt::encode_ack(type, packet_id, reason, to.version(), out);
}

void EffectWriter::write(const Effects& effects, Lsn lsn, mqtt::Connack* connack) {
  form_ = effects.form;
  for (const Effect& effect : effects.list) {
    edge::Connection* to = connections_.find(effect.to);
    if (to == nullptr) continue;
    ++packets_;
    switch (effect.kind) {
      case EffectKind::publish:
        publish(*to, effects, effect, lsn);
        break;
      case EffectKind::ack: {
        put_ack(*to, effect.ack_type, effect.packet_id, effect.reason, gate_.output(*to, lsn));
        gate_.appended(*to);
        if (effect.ack_type == mqtt::Type::puback || effect.ack_type == mqtt::Type::pubrec) gate_.count_ack();
        break;
      }
      case EffectKind::connack:
        if (connack == nullptr) break;
        connack->session_present = effect.session_present;
        mqtt::encode(*connack, to->version(), gate_.output(*to, lsn));
        gate_.appended(*to);
        gate_.holds_connack();
        break;
      case EffectKind::suback:
      case EffectKind::unsuback:
        list_ack(*to, effects, effect, lsn);
        break;
    }
  }
  copy_.reset();
}

bool EffectWriter::forward_shared(edge::Connection& to, const mqtt::PublishForm& form, std::uint16_t packet_id) {
  if (!to.can_write_from(form.bytes)) return false;
  to.share(SharedBytes::of_this_turn(mqtt::append_publish_head(form, packet_id, false, to.out())));
  return true;
}

void EffectWriter::publish(edge::Connection& to, const Effects& effects, const Effect& effect, Lsn lsn) {
  const core::MessageView& current = effects.current;
  const std::size_t bytes = effect.message != nullptr ? effect.message->bytes() : current.bytes();
  const bool may_pass = effect.qos == mqtt::Qos::at_most_once;
  if (!has_room(to, may_pass, bytes)) [[unlikely]]
    return postpone(to, effects, effect, lsn);
  ++delivered_;
  count_large(bytes);
  const bool shared = bytes >= limits::large_packet_bytes &&
                      worth_sharing(to, effect.message != nullptr ? effect.message->view().payload : current.payload);
  const bool same_for_all = effect.message == nullptr && effect.list_count == 0 && !effect.dup &&
                            !aliases_.any(to.id()) && current.expiry_s == core::no_expiry;
  if (same_for_all && !shared && form_.fits(to.version(), effect.qos)) {
    mqtt::append_publish(form_, effect.packet_id, effect.retain, may_pass ? gate_.passing(to) : gate_.output(to, lsn));
    return gate_.appended(to);
  }
  mqtt::PublishParts parts = parts_of(effect.message != nullptr ? effect.message->view() : current, effects.time,
                                      effect, identifiers_of(effects, effect));
  if (shared) return put_shared(to, parts, shared_message(effects, effect), lsn);
  const Put done = put(to, parts, lsn);
  if (same_for_all && effects.list.size() > few_effects) {
    form_bytes_.assign(done.out, done.begin);
    form_ = mqtt::form_of(parts, to.version(), form_bytes_);
  }
  gate_.appended(to);
}

ByteBuffer& EffectWriter::output_for(edge::Connection& to, mqtt::PublishParts& parts, Lsn lsn) {
  const bool may_pass = parts.qos == mqtt::Qos::at_most_once;
  if (aliases_.any(to.id())) use_alias(to, parts, may_pass, may_pass ? gate_.passes(to) : gate_.is_open(to, lsn));
  return may_pass ? gate_.passing(to) : gate_.output(to, lsn);
}

void EffectWriter::put_shared(edge::Connection& to, mqtt::PublishParts& parts, const core::SharedMessage& message,
                              Lsn lsn) {
  mqtt::encode_publish_head(parts, to.version(), output_for(to, parts, lsn));
  gate_.share(to, message.payload());
  gate_.appended(to);
}

core::SharedMessage EffectWriter::shared_message(const Effects& effects, const Effect& effect) {
  if (effect.message != nullptr) return shared_.share(*effect.message);
  if (effects.stored) return shared_.share(*effects.stored.get());
  if (!copy_) copy_ = shared_.share(*core::Message::create(effects.current, 0, copies_));
  return copy_;
}

EffectWriter::Put EffectWriter::put(edge::Connection& to, mqtt::PublishParts& parts, Lsn lsn) {
  ByteBuffer& out = output_for(to, parts, lsn);
  const std::size_t begin = out.size();
  mqtt::encode_publish(parts, to.version(), out);
  return {out, begin};
}

// Of QoS 0 waits what the socket could take, but this turn could not; and what State holds as retained: who subscribes
// wants to know all of it. Other messages wait behind that, so that an older one is not seen last. The rest is dropped.
void EffectWriter::postpone(const edge::Connection& to, const Effects& effects, const Effect& effect, Lsn lsn) {
  const bool at_most_once = effect.qos == mqtt::Qos::at_most_once;
  const bool may_wait = !is_full(to, true) || (!memory_full_ && (effect.message != nullptr || postponed_.any(to.id())));
  if (at_most_once && !may_wait) {
    ++dropped_qos0_;
    return;
  }
  PostponedPublish packet;
  packet.message = shared_message(effects, effect);
  packet.live = effect.message == nullptr;
  const auto identifiers = identifiers_of(effects, effect);
  packet.subscription_identifiers.assign(identifiers.begin(), identifiers.end());
  packet.lsn = lsn;
  packet.packet_id = effect.packet_id;
  packet.qos = effect.qos;
  packet.retain = effect.retain;
  packet.dup = effect.dup;
  if (!at_most_once) return postponed_.add(to.id(), std::move(packet));
  if (!postponed_.add_qos0(to.id(), std::move(packet))) ++dropped_qos0_;
}

bool EffectWriter::write_postponed(Lsn safe, Instant now) {
  large_bytes_ = 0;
  const auto has_room = [this](const edge::Connection& to) { return !is_full(to, false); };
  std::size_t written = 0;
  return postponed_.leave(connections_, safe, has_room, [&](edge::Connection& to, const PostponedPublish& packet) {
    const core::MessageView message = packet.message->view();
    // [MQTT5-3.3.2-5]; what has a packet id is on its way for State, and goes with the 0 s that it has left.
    if (packet.qos == mqtt::Qos::at_most_once && message.expired(now)) {
      ++dropped_qos0_;
      return true;
    }
    ++delivered_;
    mqtt::PublishParts parts = parts_of(message, now, packet, packet.subscription_identifiers);
    if (worth_sharing(to, message.payload)) {
      put_shared(to, parts, packet.message, Lsn{});
    } else {
      put(to, parts, Lsn{});
      gate_.appended(to);
    }
    written += message.bytes();
    return written < limits::turn_large_bytes;
  });
}

// State has looked whether the packet fits the client with its whole topic: telling an alias makes it longer.
void EffectWriter::use_alias(const edge::Connection& to, mqtt::PublishParts& parts, bool passes, bool at_once) {
  parts.topic_alias = aliases_.known(to.id(), parts.topic, passes);
  if (parts.topic_alias != 0) {
    parts.topic = {};
    return;
  }
  parts.topic_alias = aliases_.next(to.id(), parts.topic);
  if (parts.topic_alias == 0) return;
  if (mqtt::publish_size(parts, to.version()) > to.max_packet_bytes_out()) {
    parts.topic_alias = 0;
    return;
  }
  aliases_.add(to.id(), parts.topic, passes, at_once);
}

void EffectWriter::list_ack(edge::Connection& to, const Effects& effects, const Effect& effect, Lsn lsn) {
  mqtt::Suback packet;
  packet.type = effect.kind == EffectKind::suback ? mqtt::Type::suback : mqtt::Type::unsuback;
  packet.packet_id = effect.packet_id;
  const auto begin = effects.reasons.begin() + static_cast<std::ptrdiff_t>(effect.list_begin);
  packet.reasons.assign(begin, begin + static_cast<std::ptrdiff_t>(effect.list_count));
  const auto refused = std::find_if(packet.reasons.begin(), packet.reasons.end(), mqtt::is_error);
  const std::string_view text = refused == packet.reasons.end() ? std::string_view{} : why(to, *refused);
  encode_with_reason(packet, text, to.version(), to.max_packet_bytes_out(), gate_.output(to, lsn));
  gate_.appended(to);
}

void EffectWriter::passing_packet(edge::Connection& to, const mqtt::Packet& packet) {
  ++packets_;
  mqtt::encode(packet, to.version(), gate_.passing(to));
  gate_.appended(to);
}

void EffectWriter::disconnect(edge::Connection& to, const mqtt::Disconnect& packet, std::string_view why, bool passes) {
  if (to.version() != mqtt::Version::v5) return;
  ++packets_;
  ByteBuffer& out = passes ? gate_.passing(to) : gate_.output(to, Lsn{});
  encode_with_reason(packet, why.empty() ? mqtt::reason_name(packet.reason) : why, to.version(),
                     to.max_packet_bytes_out(), out);
  gate_.appended(to);
}

}  // namespace tandem::broker
