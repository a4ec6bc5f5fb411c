// Status in words: first line the verdict, then both boxes side by side, then what to do.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "admin/status.hpp"

namespace tandem::admin {

namespace {

constexpr const char* green = "\033[1;32m";
constexpr const char* red = "\033[1;31m";
constexpr const char* yellow = "\033[33m";
constexpr const char* plain = "\033[0m";

std::string painted(const std::string& text, const char* colour, bool on) {
  return on ? colour + text + plain : text;
}

std::string duration_text(std::uint64_t seconds) {
  const auto two = [](std::uint64_t a, const char* unit_a, std::uint64_t b, const char* unit_b) {
    return std::to_string(a) + unit_a + (b > 0 ? " " + std::to_string(b) + unit_b : std::string());
  };
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return two(seconds / 60, " min", seconds % 60, " s");
  if (seconds < 86400) return two(seconds / 3600, " h", seconds % 3600 / 60, " min");
  return two(seconds / 86400, " d", seconds % 86400 / 3600, " h");
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1024 * 1024) return std::to_string((bytes + 1023) / 1024) + " KiB";
  return std::to_string(bytes / (1024 * 1024)) + " MiB";
}

// The machine's own time zone, as people there read it.
std::string wall_text(std::int64_t wall_ms) {
  const std::time_t seconds = static_cast<std::time_t>(wall_ms / 1000);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts));
}

std::string percent_text(double percent) {
  char text[16];
  std::snprintf(text, sizeof text, "%.0f %%", std::clamp(percent, 0.0, 100.0));
  return text;
}

std::string epoch_text(const NodeStatus& node) {
  if (node.epoch == 0) return "none";
  return std::to_string(node.epoch) + (node.epoch_node.empty() ? "" : " (" + node.epoch_node + ")");
}

bool ever_heard(const NodeStatus& peer) {
  return !peer.name.empty();
}

std::string reachable_text(const NodeStatus& peer) {
  if (peer.reachable) return "yes";
  if (!ever_heard(peer)) return "NO, never heard";
  if (!peer.heard_ms_ago) return "NO";
  return "NO, for " + duration_text(static_cast<std::uint64_t>(std::max<std::int64_t>(*peer.heard_ms_ago, 0)) / 1000);
}

// Rows of "label, this box, other box"; two spaces between columns as wide as their widest entry.
class Table {
 public:
  explicit Table(bool two_boxes) : two_boxes_(two_boxes) {}

  void add(std::string label, std::string self, std::string peer) {
    rows_.push_back({std::move(label), std::move(self), std::move(peer)});
  }
  std::string text() const {
    std::size_t label_width = 0;
    std::size_t self_width = 0;
    for (const Row& row : rows_) {
      label_width = std::max(label_width, row.label.size());
      self_width = std::max(self_width, row.self.size());
    }
    std::string out;
    for (const Row& row : rows_) {
      std::string line = "  " + row.label + std::string(label_width - row.label.size() + 2, ' ') + row.self;
      if (two_boxes_) line += std::string(self_width - row.self.size() + 2, ' ') + row.peer;
      line.erase(line.find_last_not_of(' ') + 1);
      out += line + "\n";
    }
    return out;
  }

 private:
  struct Row {
    std::string label, self, peer;
  };
  bool two_boxes_;
  std::vector<Row> rows_;
};

std::string boxes_text(const StatusReport& report) {
  const NodeStatus& self = report.self;
  const NodeStatus peer = report.peer.value_or(NodeStatus{});
  const bool known = report.peer && ever_heard(peer);
  const auto other = [known](std::string text) { return known ? std::move(text) : std::string("?"); };
  const auto number = [](std::uint64_t value) { return std::to_string(value); };
  Table table(report.peer.has_value());
  table.add("", self.name + " (this box)", known ? peer.name : "the other box");
  table.add("answers", "yes", reachable_text(peer));
  const std::string stale = known && !peer.reachable ? " (last known)" : "";
  table.add("role", self.role, other(peer.role + stale));
  table.add("mode", self.mode, other(peer.mode + stale));
  table.add("epoch", epoch_text(self), other(epoch_text(peer)));
  table.add("last record", number(self.lsn), other(number(peer.lsn)));
  table.add("confirmed", number(self.confirmed_lsn), other(number(peer.confirmed_lsn)));
  table.add("records behind", number(self.lag_records), other(number(peer.lag_records)));
  table.add("clients", number(self.clients), other(number(peer.clients)));
  table.add("sessions", number(self.sessions), other(number(peer.sessions)));
  table.add("retained", number(self.retained), other(number(peer.retained)));
  table.add("queued messages", number(self.queued), other(number(peer.queued)));
  table.add("running for", duration_text(self.uptime_s), other(peer.reachable ? duration_text(peer.uptime_s) : "?"));
  table.add("version", self.version, other(peer.version));
  return table.text();
}

std::string facts_text(const StatusReport& report) {
  std::string out;
  for (const PathStatus& path : report.paths)
    out += "  path to " + path.address + ": " + (path.up ? "up" : "DOWN") + "\n";
  if (report.sync_percent) {
    out += "  the standby is loading: " + percent_text(*report.sync_percent);
    if (report.sync_bytes_per_s) out += ", " + bytes_text(*report.sync_bytes_per_s) + "/s";
    if (report.sync_eta_s) out += ", about " + duration_text(*report.sync_eta_s) + " to go";
    out += "\n";
  }
  if (!report.promise.empty()) out += "  promise (durability \"" + report.durability + "\"): " + report.promise + "\n";
  if (report.promise_since_ms != 0)
    out += "    so since " + wall_text(static_cast<std::int64_t>(report.promise_since_ms)) + "\n";
  if (report.acked_alone > 0) {
    out += "  " + std::string(report.acked_alone_at_most ? "at most " : "") + std::to_string(report.acked_alone) +
           " records since record " + std::to_string(report.alone_from) + " exist on one box only\n";
  }
  if (!report.is_protected && report.log_kept_bytes > 0) {
    out += "  log kept on this disk: " + bytes_text(report.log_kept_bytes) +
           (report.tail_compacted ? "; it outgrew store.log_max_mb, the other box will get an image" : "") + "\n";
  }
  return out;
}

}  // namespace

std::string to_text(const StatusReport& report, bool colour) {
  std::string out = report.is_protected ? painted("PROTECTED", green, colour) : painted("NOT PROTECTED", red, colour);
  if (!report.why.empty()) out += ": " + report.why;
  out += "\n";
  for (const AlarmStatus& alarm : report.alarms) {
    out += painted("ALARM", red, colour) + " (" + alarm.kind + ", since " + wall_text(alarm.since_ms) +
           "): " + alarm.text + "\n";
  }
  out += "\n" + boxes_text(report);
  if (const std::string facts = facts_text(report); !facts.empty()) out += "\n" + facts;
  if (!report.hint.empty()) {
    out += "\n" + painted("What to do: ", yellow, colour) + report.hint + "\n";
  } else if (report.is_protected) {
    out += "\nNothing to do.\n";
  }
  return out;
}

}  // namespace tandem::admin
