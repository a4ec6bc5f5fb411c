// One function a table of the configuration file: its keys, their ranges, and what must hold between them.
#pragma once

#include <vector>

#include "broker/config.hpp"
#include "broker/config_reader.hpp"

namespace tandem::config_detail {

void read_node(TableReader& reader, NodeConfig& node);
// Appends one listener; a second one on the same address and port is a problem.
void read_listener(TableReader& reader, std::vector<ListenerConfig>& listeners);
void read_tls(TableReader& reader, ListenerConfig& listener);  // config_tls.cpp
void read_security(TableReader& reader, SecurityConfig& security);
void read_mirror(TableReader& reader, MirrorConfig& mirror);
void read_takeover(TableReader& reader, bool mirrored, TakeoverConfig& takeover);
void read_store(TableReader& reader, StoreConfig& store);
void read_mqtt(TableReader& reader, MqttConfig& mqtt);
void read_limits(TableReader& reader, LimitsConfig& limits);
void read_http(TableReader& reader, HttpConfig& http);
void read_control(TableReader& reader, const std::vector<ListenerConfig>& listeners, ControlConfig& control);

}  // namespace tandem::config_detail
