// Addresses as they stand in the configuration file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/config.hpp"

namespace tandem::config_detail {

bool is_ip_address(const std::string& text);                    // an IPv4 or IPv6 literal without brackets
bool is_loopback(const std::string& text);                      // 127.0.0.0/8 or ::1
bool is_wildcard(const std::string& text);                      // 0.0.0.0 or ::
std::optional<Endpoint> parse_endpoint(std::string_view text);  // "192.0.2.1:7883" or "[2001:db8::1]:7883"

}  // namespace tandem::config_detail
