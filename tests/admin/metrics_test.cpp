// Metrics: every line is well formed, every metric is described and documented, the words and figures are the report's.
#include "admin/metrics.hpp"

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "admin/pages.hpp"

#include <doctest/doctest.h>

using namespace tandem;
using namespace tandem::admin;

namespace {

StatusReport serving() {
  StatusReport report;
  report.is_protected = true;
  report.why = "boxb holds every record";
  report.promise_kind = "peer+disk";
  report.promise_since_ms = 1'795'651'323'045;
  report.alone_from = 17;
  report.acked_alone = 4;
  report.acked_alone_at_most = true;
  report.safe_lsn = 118;
  report.sync_percent = 42.5;
  report.sync_bytes_per_s = 7'000'000;
  report.log_kept_bytes = 4096;
  report.alarms = {{"disk", "full", 1}};
  report.paths = {{"10.78.0.2:7883", true}, {"10.77.0.12:7883", false}};
  report.counters = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
  report.certificates = {{"0.0.0.0:8883", "/t/server.pem", false, 1'795'651'323, -60}};
  report.self.name = "box\"a";
  report.self.role = "active";
  report.self.mode = "mirrored";
  report.self.epoch = 7;
  report.self.lsn = 120;
  report.self.durable_lsn = 119;
  report.self.clients = 12;
  report.self.version = "0.1.0";
  report.peer = NodeStatus{};
  report.peer->name = "boxb";
  report.peer->lsn = 115;
  report.peer->lag_records = 5;
  report.peer->heard_ms_ago = 1'012;
  return report;
}

StatusReport single() {
  StatusReport report;
  report.self.name = "boxa";
  report.self.role = "active";
  report.self.mode = "single";
  report.promise_kind = "single";
  return report;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// "name{labels}" to value.
std::map<std::string, std::string> samples_of(const StatusReport& report) {
  std::map<std::string, std::string> samples;
  for (const std::string& line : lines_of(to_metrics(report))) {
    if (line[0] == '#') continue;
    const std::size_t space = line.rfind(' ');
    CHECK(samples.emplace(line.substr(0, space), line.substr(space + 1)).second);
  }
  return samples;
}

std::set<std::string> names_of(const StatusReport& report) {
  std::set<std::string> names;
  for (const std::string& line : lines_of(to_metrics(report))) {
    if (line.rfind("# TYPE ", 0) == 0) names.insert(line.substr(7, line.find(' ', 7) - 7));
  }
  return names;
}

}  // namespace

TEST_CASE("every line is HELP, TYPE or a sample of the metric above; counters end in _total") {
  const std::regex help(R"(# HELP (tandem_[a-z0-9_]+) \S.*\.)");
  const std::regex type(R"(# TYPE (tandem_[a-z0-9_]+) (gauge|counter))");
  const std::regex sample(
      R"re((tandem_[a-z0-9_]+)(\{[a-z]+="(?:[^"\\]|\\.)*"(,[a-z]+="(?:[^"\\]|\\.)*")*\})? -?[0-9]+(\.[0-9]+)?(e\+[0-9]+)?)re");
  for (const StatusReport& report : {serving(), single()}) {
    const std::string text = to_metrics(report);
    CHECK(text.back() == '\n');
    std::string name;
    bool helped = false;
    std::smatch match;
    for (const std::string& line : lines_of(text)) {
      CAPTURE(line);
      if (std::regex_match(line, match, help)) {
        name = match[1];
        helped = true;
      } else if (std::regex_match(line, match, type)) {
        CHECK(match[1] == name);
        CHECK(helped);
        helped = false;
        const bool total = name.size() > 6 && name.substr(name.size() - 6) == "_total";
        CHECK((match[2] == "counter") == total);
      } else {
        REQUIRE(std::regex_match(line, match, sample));
        CHECK(match[1] == name);
        CHECK_FALSE(helped);
      }
    }
  }
}

TEST_CASE("the words and figures are those of the report") {
  const auto samples = samples_of(serving());
  const std::map<std::string, std::string> expected = {
      {R"(tandem_build_info{version="0.1.0",node="box\"a"})", "1"},
      {R"(tandem_role{role="active"})", "1"},
      {R"(tandem_role{role="standby"})", "0"},
      {R"(tandem_mode{mode="mirrored"})", "1"},
      {R"(tandem_mode{mode="solo"})", "0"},
      {"tandem_protected", "1"},
      {"tandem_epoch", "7"},
      {"tandem_last_lsn", "120"},
      {"tandem_durable_lsn", "119"},
      {"tandem_safe_lsn", "118"},
      {"tandem_alone_from_lsn", "17"},
      {"tandem_records_acked_alone", "4"},
      {"tandem_records_acked_alone_at_most", "1"},
      {R"(tandem_promise{promise="peer+disk"})", "1"},
      {R"(tandem_promise{promise="alone"})", "0"},
      {"tandem_promise_since_timestamp_seconds", "1795651323.045"},
      {"tandem_peer_reachable", "1"},
      {"tandem_peer_silence_seconds", "1.012"},
      {"tandem_lag_records", "5"},
      {R"(tandem_path_up{address="10.78.0.2:7883"})", "1"},
      {R"(tandem_path_up{address="10.77.0.12:7883"})", "0"},
      {"tandem_sync_running", "1"},
      {"tandem_sync_progress_ratio", "0.425"},
      {"tandem_sync_bytes_per_second", "7000000"},
      {"tandem_alarms", "1"},
      {R"(tandem_alarm_active{kind="disk"})", "1"},
      {R"(tandem_alarm_active{kind="digest"})", "0"},
      {"tandem_connections", "12"},
      {"tandem_messages_received_total", "1"},
      {"tandem_messages_denied_total", "12"},
      {"tandem_logins_refused_total", "13"},
      {"tandem_logins_throttled_total", "14"},
      {"tandem_messages_sent_total", "2"},
      {"tandem_messages_refused_total", "3"},
      {R"(tandem_messages_dropped_total{reason="queue_full"})", "4"},
      {R"(tandem_messages_dropped_total{reason="slow_qos0"})", "5"},
      {"tandem_records_total", "6"},
      {"tandem_digest_mismatches_total", "7"},
      {"tandem_publishers_paused_total", "8"},
      {"tandem_connects_paused_total", "9"},
      {R"(tandem_tls_handshakes_total{result="done"})", "10"},
      {R"(tandem_tls_handshakes_total{result="failed"})", "11"},
      {R"(tandem_proxy_refused_total{reason="stranger"})", "15"},
      {R"(tandem_proxy_refused_total{reason="malformed"})", "16"},
      {R"(tandem_proxy_refused_total{reason="late"})", "17"},
      {R"(tandem_tls_certificate_expires_seconds{listener="0.0.0.0:8883",file="/t/server.pem"})", "-60"},
  };
  for (const auto& [name, value] : expected) {
    CAPTURE(name);
    REQUIRE(samples.count(name) == 1);
    CHECK(samples.at(name) == value);
  }
}

TEST_CASE("what is not there has no sample: a single box has no peer, nothing loads") {
  const auto samples = samples_of(single());
  for (const char* const name : {"tandem_peer_reachable", "tandem_peer_silence_seconds", "tandem_lag_records",
                                 "tandem_sync_progress_ratio", "tandem_promise_since_timestamp_seconds"}) {
    CAPTURE(name);
    CHECK(samples.count(name) == 0);
  }
  CHECK(samples.at("tandem_sync_running") == "0");
  StatusReport never_heard = serving();
  never_heard.peer->name.clear();
  CHECK(samples_of(never_heard).at("tandem_peer_reachable") == "0");
  StatusReport standby = serving();
  standby.self.role = "standby";
  CHECK(samples_of(standby).count("tandem_safe_lsn") == 0);
}

TEST_CASE("docs/metrics.md has every metric, and no other") {
  std::ifstream file(METRICS_DOC);
  REQUIRE(file.good());
  const std::string doc((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::set<std::string> documented;
  const std::regex row(R"(\n\| `(tandem_[a-z0-9_]+)(\{[a-z, ]+\})?` \|)");
  for (auto it = std::sregex_iterator(doc.begin(), doc.end(), row); it != std::sregex_iterator(); ++it)
    documented.insert((*it)[1]);
  CHECK(documented == names_of(serving()));
  CHECK(names_of(single()) == names_of(serving()));
}

TEST_CASE("health: 200 for a box that serves and for a standby in sync, else 503; one line says why") {
  StatusReport report = serving();
  CHECK(health_page(report).code == 200);
  CHECK(health_page(report).body == "good: active, mirrored: boxb holds every record\n");
  report.self.role = "standby";
  report.self.mode = "in_sync";
  CHECK(health_page(report).code == 200);
  for (const char* const mode : {"syncing", "unsure", "stale", "empty"}) {
    report.self.mode = mode;
    CHECK(health_page(report).code == 503);
  }
  report.self = {};
  report.self.role = "promoting";
  report.self.mode = "solo_wait";
  report.why = "two\nlines";
  CHECK(health_page(report).code == 503);
  CHECK(health_page(report).body == "bad: promoting, solo_wait: two lines\n");
}

TEST_CASE("the pages: /health, /metrics, /status as tandemctl status --json; nothing else") {
  int asked = 0;
  const auto status = [&asked] {
    ++asked;
    return serving();
  };
  CHECK(page_of("/metrics", true, status)->body == to_metrics(serving()));
  CHECK(page_of("/metrics", true, status)->type.find("version=0.0.4") != std::string::npos);
  CHECK(page_of("/status", true, status)->body == to_json(serving()) + "\n");
  CHECK(page_of("/status", true, status)->type == "application/json");
  CHECK(page_of("/health", true, status)->code == 200);
  asked = 0;
  for (const char* const path : {"", "/", "/metrics/", "/Metrics", "*"})
    CHECK_FALSE(page_of(path, true, status).has_value());
  CHECK(asked == 0);
}

TEST_CASE("who is not trusted learns whether the box is good, and nothing else") {
  int asked = 0;
  const auto status = [&asked] {
    ++asked;
    return serving();
  };
  for (const char* const path : {"/metrics", "/status", "/", "/nothing", "/health/"})
    CHECK(page_of(path, false, status)->code == 401);
  CHECK(asked == 0);
  CHECK(page_of("/health", false, status)->code == 200);
  CHECK(page_of("/health", false, status)->body == "good\n");
  CHECK(page_of("/health", false, [] { return StatusReport(); })->body == "bad\n");
}
