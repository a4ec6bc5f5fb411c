// $SYS to the clients: past the gate, since nothing of it is recorded.
#include "broker/active.hpp"
#include "core/apply.hpp"
#include "mqtt/topic.hpp"

namespace tandem::broker {

void Active::publish_sys(const SysFigures& figures, std::vector<std::pair<std::string, std::string>> more, Steady now) {
  for (const auto& [topic, payload] : sys_.update(figures, std::move(more), now)) {
    const core::Match& match = state_->routing().match(topic);
    if (match.targets.empty() && match.groups.empty()) continue;
    core::Published message;
    message.message.topic = topic;
    message.message.payload = payload;
    message.match = &match;
    core::choose_members(state_->access(), match, message.picks);
    core::Applying to = applying(Lsn{});
    core::apply(to, message, 0);
    show(Lsn{});
  }
}

// They count as retained: sent at once with RETAIN=1, as Retain Handling says ([MQTT5-3.3.1-9] to -11).
std::vector<std::string_view> Active::sys_filters_of(const core::Session& session, const mqtt::Subscribe& packet,
                                                     const core::SubscribeVerdict& verdict) {
  std::vector<std::string_view> filters;
  for (std::size_t i = 0; i < packet.requests.size(); ++i) {
    const mqtt::SubscriptionRequest& request = packet.requests[i];
    if (!request.filter.starts_with(mqtt::sys_prefix) || mqtt::is_error(verdict.reasons[i])) continue;
    const bool known = session.subscriptions.contains(request.filter);
    const mqtt::RetainHandling handling = request.options.retain_handling;
    const bool wanted =
        handling == mqtt::RetainHandling::always || (handling == mqtt::RetainHandling::if_new && !known);
    if (wanted) filters.push_back(request.filter);
  }
  return filters;
}

void Active::send_sys(edge::Connection& connection, std::string_view filter, std::uint32_t subscription_identifier) {
  const core::Session& session = *client_of(connection)->session;
  for (const auto& [topic, payload] : sys_.matching(filter)) {
    if (!state_->access().may(core::Right::read, {session.username, session.client_id}, topic)) continue;
    effects_.current = {};
    effects_.current.topic = topic;
    effects_.current.payload = payload;
    core::Effect& effect = effects_.list.emplace_back();
    effect.to = connection.id();
    effect.retain = true;
    if (subscription_identifier != 0) {
      effect.list_count = 1;
      effects_.identifiers.push_back(subscription_identifier);
    }
    show(Lsn{});
  }
}

}  // namespace tandem::broker
