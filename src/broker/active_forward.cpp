// The short way of the plain message: nobody keeps it, so no record and no effects are made; the bytes that came go
// from the match to the connections. All it may change is the window of a clean session. What is not that plain for one
// receiver (another version, an alias, a queue) goes the long way for that receiver, and a large one for all of them.
#include <algorithm>

#include "broker/active.hpp"
#include "core/apply.hpp"

namespace tandem::broker {

namespace {

mqtt::Qos granted(const core::Target& target, mqtt::Qos published) {
  return std::min(target.first->options.qos, published);
}

}  // namespace

bool Active::may_forward(const mqtt::Publish& packet) const {
  const core::Match& match = *publish_.record.match;
  return !publish_.recorded && match.simple && match.groups.empty() && !packet.retain && !packet.filtered &&
         !packet.topic.empty() && packet.qos != mqtt::Qos::exactly_once &&
         packet.whole.size() < limits::large_packet_bytes;
}

void Active::forward(edge::Connection& connection, const mqtt::Publish& packet) {
  const core::Match& match = *publish_.record.match;
  if (packet.qos == mqtt::Qos::at_least_once) {
    writer_->ack_publish(connection, packet.packet_id,
                         match.targets.empty() ? mqtt::Reason::no_matching_subscribers : mqtt::Reason::success);
  }
  const mqtt::PublishForm form = mqtt::form_of(packet, connection.version());
  not_forwarded_.clear();
  for (const core::Target& target : match.targets) {
    if (!forward_to(*target.session, form, granted(target, packet.qos))) not_forwarded_.push_back(&target);
  }
  if (!not_forwarded_.empty()) [[unlikely]]
    deliver_to_others(form);
}

// False: it has to go the long way.
bool Active::forward_to(core::Session& session, const mqtt::PublishForm& form, mqtt::Qos qos) {
  edge::Connection* const to = connections_->find(session.connection);
  if (to == nullptr || !form.fits(to->version(), qos) || form.bytes.size() > session.max_packet_bytes ||
      !writer_->takes_as_it_came(*to)) {
    return false;
  }
  std::uint16_t packet_id = 0;
  if (qos == mqtt::Qos::at_least_once) {
    packet_id = core::send_unkept(session);
    if (packet_id == 0) return false;
  }
  writer_->forward(*to, form, packet_id);
  return true;
}

// The long way. Queues share one copy of the message.
void Active::deliver_to_others(const mqtt::PublishForm& form) {
  core::Applying to = applying(Lsn{});
  effects_.form = form;
  effects_.current = publish_.record.message;
  effects_.current.published_at = effects_.time = log_.time();
  core::Outgoing message;
  message.view = effects_.current;
  for (const core::Target* const target : not_forwarded_) {
    core::deliver(to, *target->session, message, {.qos = granted(*target, message.view.qos)});
  }
  show(Lsn{});
}

}  // namespace tandem::broker
