#include "broker/sys_topics.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "mqtt/topic.hpp"

namespace tandem::broker {

namespace {

constexpr std::string_view prefix = "$SYS/broker/";
constexpr std::array<double, 3> periods_s = {60, 300, 900};
constexpr std::array<const char*, 3> period_names = {"1min", "5min", "15min"};

}  // namespace

SysTopics::Changed SysTopics::update(const SysFigures& figures, std::vector<std::pair<std::string, std::string>> more,
                                     Steady now) {
  changed_.clear();
  put_counts(figures);
  put_loads(figures, now);
  for (auto& [name, value] : more) put(name, std::move(value));
  std::sort(changed_.begin(), changed_.end(), [](const auto& a, const auto& b) { return a->first < b->first; });
  Changed changed;
  for (const auto& one : changed_) changed.emplace_back(one->first, one->second);
  return changed;
}

void SysTopics::clear() {
  values_.clear();
  changed_.clear();
  loads_.clear();
  most_clients_ = 0;
  known_ = false;
}

SysTopics::Changed SysTopics::matching(std::string_view filter) const {
  Changed found;
  for (const auto& [topic, value] : values_) {
    if (mqtt::topic_matches(filter, topic)) found.emplace_back(topic, value);
  }
  return found;
}

void SysTopics::put(const std::string& name, std::string value) {
  const auto [place, fresh] = values_.try_emplace(std::string(prefix) + name);
  if (!fresh && place->second == value) return;
  place->second = std::move(value);
  changed_.push_back(place);
}

// Names that were used before Mosquitto 1.5 are there as well: dashboards ask for them.
void SysTopics::put_counts(const SysFigures& f) {
  most_clients_ = std::max(most_clients_, f.clients_connected);
  for (const char* const name : {"clients/connected", "clients/active"}) put(name, f.clients_connected);
  for (const char* const name : {"clients/disconnected", "clients/inactive"}) put(name, f.sessions_away);
  put("clients/total", f.clients_connected + f.sessions_away);
  put("clients/maximum", most_clients_);
  put("messages/received", f.packets_received);
  put("messages/sent", f.packets_sent);
  for (const char* const name : {"publish/messages/received", "messages/publish/received"}) {
    put(name, f.publish_received);
  }
  for (const char* const name : {"publish/messages/sent", "messages/publish/sent"}) put(name, f.publish_sent);
  for (const char* const name : {"publish/messages/dropped", "messages/publish/dropped"}) put(name, f.publish_dropped);
  put("bytes/received", f.bytes_received);
  put("bytes/sent", f.bytes_sent);
  for (const char* const name : {"messages/stored", "store/messages/count"}) put(name, f.stored_messages);
  put("store/messages/bytes", f.stored_bytes);
  put("subscriptions/count", f.subscriptions);
  put("shared_subscriptions/count", f.shared_subscriptions);
  put("retained messages/count", f.retained);
  put("limits/publishers_paused", f.publishers_paused);
  put("limits/connects_paused", f.connects_paused);
}

void SysTopics::put_loads(const SysFigures& f, Steady now) {
  const double passed_s = static_cast<double>(now.ms - at_.ms) / 1000;
  const std::pair<const char*, std::uint64_t> counts[] = {{"messages/received", f.packets_received},
                                                          {"messages/sent", f.packets_sent},
                                                          {"publish/received", f.publish_received},
                                                          {"publish/sent", f.publish_sent},
                                                          {"publish/dropped", f.publish_dropped},
                                                          {"bytes/received", f.bytes_received},
                                                          {"bytes/sent", f.bytes_sent},
                                                          {"connections", f.connections},
                                                          {"sockets", f.sockets}};
  for (const auto& [name, count] : counts) {
    Load& load = loads_[name];
    const double a_minute =
        known_ && passed_s > 0 ? static_cast<double>(count - std::min(count, load.before)) * 60 / passed_s : 0;
    for (std::size_t i = 0; i < periods_s.size(); ++i) {
      double& average = load.averages[i];
      if (known_) average = a_minute + std::exp(-passed_s / periods_s[i]) * (average - a_minute);
      char text[32];
      std::snprintf(text, sizeof text, "%.2f", average);
      put(std::string("load/") + name + "/" + period_names[i], std::string(text));
    }
    load.before = count;
  }
  at_ = now;
  known_ = true;
}

}  // namespace tandem::broker
