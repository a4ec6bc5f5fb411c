// The simulated client.
#include "client.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace sim {

Client::Client(const ClientPlan& plan, std::uint64_t seed, History& history, GroupCheck& groups,
               std::function<void(const std::string&)> broken)
    : plan_(plan), rng_(seed), history_(history), groups_(groups), broken_(std::move(broken)) {}

namespace {

bool is_shared(const std::string& filter) {
  return filter.starts_with("$share/");
}

}  // namespace

std::uint16_t Client::next_id() {
  for (;;) {
    last_id_ = static_cast<std::uint16_t>(last_id_ % 200 + 1);  // small, so that ids come again soon
    const auto busy = [this](const auto& one) { return one.packet_id == last_id_; };
    if (std::none_of(out_.begin(), out_.end(), busy) && std::none_of(asked_.begin(), asked_.end(), busy))
      return last_id_;
  }
}

void Client::connected(std::int64_t now, Server by) {
  connected_ = true;
  established_ = wants_close_ = false;
  refused_with_.reset();
  by_ = by;
  history_.visited(plan_.id, plan_.durable, now, by);
  input_.clear();
  output_.clear();
  answers_.clear();
  asked_.clear();
  waiting_since_ = now;
  mqtt::Connect packet;
  packet.version = plan_.version;
  clean_ = !plan_.durable;
  packet.clean_start = clean_;
  packet.keep_alive_s = plan_.keep_alive_s;
  packet.client_id = plan_.id;
  if (plan_.durable && plan_.version == mqtt::Version::v5)
    packet.properties.session_expiry_s = 30 * 24 * 3600;  // longer than all clock steps
  std::string will_id;
  if (plan_.will) {
    will_id = plan_.id + ".will-" + std::to_string(++will_numbers_);
    history_.sent(plan_.id + ".will", will_numbers_, "w/" + plan_.id, 1, false, true, now);
    mqtt::Will will;
    packet.will = will;
    packet.will->topic = "w/x";
    packet.will->payload = will_id;
    packet.will->qos = mqtt::Qos::at_least_once;
  }
  mqtt::encode(packet, plan_.version, output_);
}

void Client::disconnected(std::int64_t now, bool /*ours*/) {
  connected_ = established_ = wants_close_ = false;
  waiting_since_ = 0;
  answers_.clear();
  if (!plan_.durable) forget_session(now);
  next_try_ = std::max(next_try_, now + 20 + static_cast<std::int64_t>(random(200)));
}

void Client::forget_session(std::int64_t now) {
  has_session_ = false;
  received_.clear();
  for (const auto& [filter, qos] : subscribed_) {
    if (is_shared(filter)) groups_.left(filter);
  }
  subscribed_.clear();
  // A QoS 2 message that the server no longer knows may have gone out already: sent again it would be another one.
  std::erase_if(out_, [](const Out& out) { return out.qos == 2; });
  if (plan_.durable && !history_.goes_first()) history_.lost_interest(plan_.id, "", now);
}

void Client::take(ByteView bytes, std::int64_t now) {
  input_.append(bytes);
  mqtt::DecodeOptions options;
  options.version = plan_.version;
  options.from_client = false;
  std::size_t used = 0;
  while (used < input_.size() && connected_ && !wants_close_) {
    const mqtt::Decoded decoded = mqtt::decode(ByteView(input_).substr(used), options, packet_);
    if (decoded.status == mqtt::DecodeStatus::incomplete) break;
    if (decoded.status == mqtt::DecodeStatus::error) {
      broken_(plan_.id + " got bytes that are no packet: " + decoded.what);
      wants_close_ = true;
      return;
    }
    used += decoded.used;
    on_packet(packet_, now);
  }
  input_.erase(0, used);
}

void Client::on_packet(const mqtt::Packet& packet, std::int64_t now) {
  if (const auto* connack = std::get_if<mqtt::Connack>(&packet)) return on_connack(*connack, now);
  if (!established_) return broken_(plan_.id + " got a packet before CONNACK");
  if (const auto* publish = std::get_if<mqtt::Publish>(&packet)) return on_publish(*publish, now);
  if (const auto* ack = std::get_if<mqtt::Ack>(&packet)) return on_ack(*ack, now);
  if (const auto* suback = std::get_if<mqtt::Suback>(&packet)) return on_suback(*suback, now);
  if (const auto* disconnect = std::get_if<mqtt::Disconnect>(&packet)) {
    refused_with_ = disconnect->reason;
    wants_close_ = true;
  }
}

void Client::on_connack(const mqtt::Connack& packet, std::int64_t now) {
  if (established_) return broken_(plan_.id + " got a second CONNACK");
  if (packet.reason != mqtt::Reason::success) {
    refused_with_ = packet.reason;
    wants_close_ = true;
    return;
  }
  established_ = true;
  waiting_since_ = 0;
  const bool expected = has_session_ && !clean_;
  const bool may_be_unknown = history_.goes_first() || (history_.split() && session_since_ >= history_.first_split());
  if (packet.session_present != expected && plan_.durable && !may_be_unknown &&
      !(packet.session_present && !has_session_)) {
    broken_(plan_.id + ": session present is " + (packet.session_present ? "1" : "0") + ", expected " +
            (expected ? "1" : "0") + " (node " + std::to_string(by_.node) + ", epoch " + std::to_string(by_.epoch) +
            ")");
  }
  if (!packet.session_present) forget_session(now);
  if (!has_session_) session_since_ = now;
  has_session_ = plan_.durable;
  resume(now);
  for (const auto& [filter, qos] : plan_.subscriptions) {
    if (subscribed_.count(filter) == 0) subscribe(filter, qos);
  }
}

void Client::resume(std::int64_t now) {
  for (const Out& out : out_) {
    if (out.released) {
      history_.released(out.message, now, by_);
      mqtt::encode_ack(mqtt::Type::pubrel, out.packet_id, mqtt::Reason::success, plan_.version, output_);
    } else {
      send_publish(out, true);
    }
  }
}

std::string payload_of(const std::string& message) {
  std::string payload = message;
  if (message.ends_with("50")) payload.append(limits::large_packet_bytes, ' ');
  return payload;
}

std::string message_in(std::string_view payload) {
  return std::string(payload.substr(0, payload.find(' ')));
}

void Client::send_publish(const Out& out, bool dup) {
  history_.transmitted(out.message, out.packet_id, by_);
  mqtt::PublishParts parts;
  parts.topic = out.topic;
  const std::string payload = payload_of(out.message);
  parts.payload = payload;
  parts.packet_id = out.packet_id;
  parts.qos = static_cast<mqtt::Qos>(out.qos);
  parts.retain = out.retain;
  parts.dup = dup && out.qos > 0;
  mqtt::encode_publish(parts, plan_.version, output_);
}

void Client::publish(std::int64_t now) {
  const std::uint64_t number = ++numbers_;
  Out out;
  out.message = plan_.id + "-" + std::to_string(number);
  out.topic = random(4) == 0 ? plan_.topic + "/n" : plan_.topic;
  out.qos = random(8) == 0 ? static_cast<int>(random(3)) : plan_.publish_qos;
  out.retain = plan_.retain && random(2) == 0;
  if (out.retain) out.topic = "r/" + plan_.id;
  history_.sent(plan_.id, number, out.topic, out.qos, out.retain, false, now);
  if (out.qos > 0) out.packet_id = next_id();
  send_publish(out, false);
  if (out.qos == 0) return;
  out_.push_back(std::move(out));
  wait(now);
}

void Client::on_ack(const mqtt::Ack& packet, std::int64_t now) {
  if (packet.type == mqtt::Type::pubrel) {
    received_.erase(packet.packet_id);  // one that is not held is answered all the same
    return answer(mqtt::Type::pubcomp, packet.packet_id, now);
  }
  waiting_since_ = 0;
  const auto at =
      std::find_if(out_.begin(), out_.end(), [&](const Out& one) { return one.packet_id == packet.packet_id; });
  const auto fits = [&] {
    if (at == out_.end()) return false;
    if (packet.type == mqtt::Type::puback) return at->qos == 1;
    return at->qos == 2 && (packet.type == mqtt::Type::pubrec || at->released);
  };
  if (!fits()) {
    return broken_(plan_.id + " got an acknowledgement (type " + std::to_string(static_cast<int>(packet.type)) +
                   ") for packet id " + std::to_string(packet.packet_id) + ", which waits for none such");
  }
  switch (packet.type) {
    case mqtt::Type::puback:
      history_.acked(at->message, now, by_);
      out_.erase(at);
      break;
    case mqtt::Type::pubrec:
      history_.acked(at->message, now, by_);
      at->released = true;
      history_.released(at->message, now, by_);
      mqtt::encode_ack(mqtt::Type::pubrel, packet.packet_id, mqtt::Reason::success, plan_.version, output_);
      break;
    default:
      out_.erase(at);
      break;
  }
  if (!out_.empty()) waiting_since_ = now;
}

void Client::on_publish(const mqtt::Publish& packet, std::int64_t now) {
  const std::string message = message_in(packet.payload);
  const int qos = static_cast<int>(packet.qos);
  if (qos < 2) {
    history_.delivered(plan_.id, message, qos, now, by_);
    if (qos == 1) answer(mqtt::Type::puback, packet.packet_id, now);
    return;
  }
  const auto [at, fresh] = received_.emplace(packet.packet_id, message);
  if (fresh) {
    history_.delivered(plan_.id, message, qos, now, by_);
  } else if (at->second != message && !history_.clash(plan_.id, message)) {
    broken_(plan_.id + ": packet id " + std::to_string(packet.packet_id) + " of " + at->second +
            ", which is not released, was used for " + message);
  }
  answer(mqtt::Type::pubrec, packet.packet_id, now);
}

void Client::answer(mqtt::Type type, std::uint16_t packet_id, std::int64_t now) {
  std::int64_t at = now;
  if (plan_.ack_delay_ms > 0) at += static_cast<std::int64_t>(random(static_cast<std::uint64_t>(plan_.ack_delay_ms)));
  if (!answers_.empty()) at = std::max(at, answers_.back().at);  // in order
  answers_.push_back({at, type, packet_id});
}

void Client::subscribe(const std::string& filter, int qos) {
  mqtt::Subscribe packet;
  packet.packet_id = next_id();
  mqtt::SubscriptionOptions options;
  options.qos = static_cast<mqtt::Qos>(qos);
  packet.requests.push_back({filter, options});
  mqtt::encode(packet, plan_.version, output_);
  asked_.push_back({packet.packet_id, true, filter, qos});
}

void Client::unsubscribe(const std::string& filter, std::int64_t now) {
  mqtt::Unsubscribe packet;
  packet.packet_id = next_id();
  packet.filters.push_back(filter);
  mqtt::encode(packet, plan_.version, output_);
  if (is_shared(filter)) groups_.left(filter);
  if (plan_.durable) history_.lost_interest(plan_.id, filter, now);
  asked_.push_back({packet.packet_id, false, filter, 0});
}

void Client::on_suback(const mqtt::Suback& packet, std::int64_t now) {
  if (asked_.empty() || asked_.front().packet_id != packet.packet_id) {
    return broken_(plan_.id + " got a SUBACK or UNSUBACK that it does not wait for");
  }
  const Asked asked = asked_.front();
  asked_.pop_front();
  if (!asked.subscribe) {
    subscribed_.erase(asked.filter);
    return;
  }
  subscribed_[asked.filter] = asked.qos;
  if (is_shared(asked.filter)) return groups_.joined(plan_.id, asked.filter, plan_.durable, asked.qos, now);
  if (plan_.durable) history_.interested(plan_.id, asked.filter, asked.qos, now, by_);
}

void Client::change_subscription(std::int64_t now) {
  if (plan_.subscriptions.empty() || !asked_.empty()) return;
  const auto& [filter, qos] = plan_.subscriptions[random(plan_.subscriptions.size())];
  if (subscribed_.count(filter) != 0) {
    unsubscribe(filter, now);
  } else {
    subscribe(filter, qos);
  }
}

void Client::tick(std::int64_t now) {
  if (!connected_ || !established_ || wants_close_) return;
  while (!answers_.empty() && answers_.front().at <= now) {
    mqtt::encode_ack(answers_.front().type, answers_.front().packet_id, mqtt::Reason::success, plan_.version, output_);
    answers_.pop_front();
  }
  constexpr std::size_t window = 4;
  if (plan_.publish_every_ms > 0 && !quiet_ && now >= next_publish_ && out_.size() < window) {
    next_publish_ = now + 1 + static_cast<std::int64_t>(random(static_cast<std::uint64_t>(plan_.publish_every_ms) * 2));
    publish(now);
  }
  if (now < next_second_) return;
  next_second_ = now + 1'000;
  mqtt::encode(mqtt::Packet(mqtt::Pingreq{}), plan_.version, output_);
  if (quiet_) {
    for (const auto& [filter, qos] : plan_.subscriptions) {
      if (asked_.empty() && subscribed_.count(filter) == 0) subscribe(filter, qos);
    }
    return;
  }
  if (plan_.changes_subscriptions && random(5) == 0) change_subscription(now);
  if (static_cast<int>(random(1000)) < plan_.away_permille) {
    if (random(2) == 0) mqtt::encode(mqtt::Packet(mqtt::Disconnect{}), plan_.version, output_);
    wants_close_ = true;
    next_try_ = now + 50 + static_cast<std::int64_t>(random(random(3) == 0 ? 200 : 4'000));
  }
}

}  // namespace sim
