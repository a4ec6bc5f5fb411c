// The short way of the plain message: nobody keeps it, so no record and no effects are made; the bytes that came go
// from the match to the connections. All it may change is the window of a clean session. What is not that plain for one
// receiver (another version, an alias, a queue) goes the long way for that receiver.
#include <algorithm>

#include "broker/active.hpp"
#include "core/apply.hpp"

namespace tandem::broker {

bool Active::may_pass_on(const mqtt::Publish& packet) const {
  const core::Match& match = *publish_.record.match;
  return !publish_.recorded && match.simple && match.groups.empty() && !packet.retain && !packet.filtered &&
         !packet.topic.empty() && packet.qos != mqtt::Qos::exactly_once;
}

void Active::pass_on(edge::Connection& connection, const mqtt::Publish& packet) {
  const core::Match& match = *publish_.record.match;
  if (packet.qos == mqtt::Qos::at_least_once) {
    writer_->ack_publish(connection, packet.packet_id,
                         match.targets.empty() ? mqtt::Reason::no_matching_subscribers : mqtt::Reason::success);
  }
  const mqtt::PublishForm form = mqtt::form_of(packet, connection.version());
  bool all = true;
  for (const core::Target& target : match.targets) {
    const mqtt::Qos qos = std::min(target.first->options.qos, packet.qos);
    if (!pass_to(*target.session, form, qos)) {
      begin_long_way(form);
      core::Applying to = applying(Lsn{});
      core::deliver(to, *target.session, long_way_, {.qos = qos});
      all = false;
    }
  }
  if (!all) end_long_way();
}

// False: it has to go the long way.
bool Active::pass_to(core::Session& session, const mqtt::PublishForm& form, mqtt::Qos qos) {
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
  writer_->pass_on(*to, form, packet_id);
  return true;
}

// Those who go the long way share one copy of the message.
void Active::begin_long_way(const mqtt::PublishForm& form) {
  if (!effects_.form.bytes.empty()) return;  // it has begun
  effects_.form = form;
  effects_.current = publish_.record.message;
  effects_.current.published_at = effects_.time = log_.time();
  long_way_.view = effects_.current;
}

void Active::end_long_way() {
  show(Lsn{});
  long_way_ = {};
}

}  // namespace tandem::broker
