#include "admin/pages.hpp"

#include "admin/metrics.hpp"

namespace tandem::admin {

Page health_page(const StatusReport& report) {
  const NodeStatus& self = report.self;
  const bool good = self.role == "active" || (self.role == "standby" && self.mode == "in_sync");
  std::string line = (good ? "good: " : "bad: ") + self.role + ", " + self.mode;
  if (!report.why.empty()) line += ": " + report.why;
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return {good ? 200U : 503U, "text/plain; charset=utf-8", line + "\n"};
}

std::optional<Page> page_of(std::string_view path, bool trusted, const std::function<StatusReport()>& status) {
  if (!trusted) {
    if (path != "/health") return Page{401, "text/plain; charset=utf-8", "the token of http.token_file is needed\n"};
    Page page = health_page(status());
    page.body = page.code == 200 ? "good\n" : "bad\n";
    return page;
  }
  if (path == "/health") return health_page(status());
  if (path == "/metrics") return Page{200, metrics_type, to_metrics(status())};
  if (path == "/status") return Page{200, "application/json", to_json(status()) + "\n"};
  return std::nullopt;
}

}  // namespace tandem::admin
