// What HTTP serves: /health, /metrics (metrics.hpp), /status (status.hpp). Pure.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "admin/http.hpp"
#include "admin/status.hpp"

namespace tandem::admin {

// 200: the box serves clients, or is a standby that takes over without loss; 503: neither. The body is one line: why.
Page health_page(const StatusReport& report);

// nullopt: there is no such page, and `status` was not asked for a report. Who is not trusted learns whether the box is
// good, and nothing else: load balancers have no token.
std::optional<Page> page_of(std::string_view path, bool trusted, const std::function<StatusReport()>& status);

}  // namespace tandem::admin
