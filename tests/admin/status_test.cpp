// The status as JSON (keys are an interface) and as text for a person.
#include "admin/status.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

using namespace tandem;
using namespace tandem::admin;

namespace {

StatusReport healthy() {
  StatusReport report;
  report.is_protected = true;
  report.why = "boxa serves the clients; boxb holds every record and takes over by itself.";
  report.durability = "peer";
  report.promise = "acknowledged means: in the memory of both boxes, on both disks within 50 ms";
  report.paths = {{"10.78.0.2:7883", true}, {"10.77.0.12:7883", false}};
  report.certificates = {{"0.0.0.0:8883", "/t/server.pem", false, 1'795'651'323, -60},
                         {"0.0.0.0:8883", "/t/crl.pem", true, 1'895'651'323, 99}};
  report.self.name = "boxa";
  report.self.role = "active";
  report.self.mode = "mirrored";
  report.self.epoch = 7;
  report.self.epoch_node = "boxa";
  report.self.lsn = 120345;
  report.self.confirmed_lsn = 120340;
  report.self.clients = 12;
  report.self.sessions = 40;
  report.self.retained = 9;
  report.self.queued = 3;
  report.self.version = "0.1.0";
  report.self.uptime_s = 11525;
  report.self.digest = "00ff";
  report.peer = report.self;
  report.peer->name = "boxb";
  report.peer->role = "standby";
  report.peer->mode = "in_sync";
  report.peer->lag_records = 5;
  report.peer->clients = 0;
  report.peer->heard_ms_ago = 12;
  return report;
}

}  // namespace

TEST_CASE("the keys of status --json") {
  const auto json = nlohmann::json::parse(to_json(healthy()));
  std::set<std::string> keys;
  for (const auto& item : json.items()) keys.insert(item.key());
  CHECK(keys == std::set<std::string>{"protected",
                                      "why",
                                      "hint",
                                      "maintenance",
                                      "peer_maintenance",
                                      "switchover",
                                      "durability",
                                      "promise",
                                      "promise_kind",
                                      "promise_since_ms",
                                      "alone_from",
                                      "acked_alone",
                                      "acked_alone_at_most",
                                      "safe_lsn",
                                      "counters",
                                      "sync_percent",
                                      "sync_bytes_per_s",
                                      "sync_eta_s",
                                      "log_kept_bytes",
                                      "tail_compacted",
                                      "alarms",
                                      "paths",
                                      "certificates",
                                      "version",
                                      "uptime_s",
                                      "digest",
                                      "self",
                                      "peer"});
  std::set<std::string> of_self;
  for (const auto& item : json["self"].items()) of_self.insert(item.key());
  CHECK(of_self == std::set<std::string>{"name", "role", "mode", "epoch", "epoch_node", "lsn", "durable_lsn",
                                         "confirmed_lsn", "lag_records", "clients", "sessions", "retained", "queued",
                                         "version", "uptime_s", "digest"});
  std::set<std::string> of_counters;
  for (const auto& item : json["counters"].items()) of_counters.insert(item.key());
  CHECK(of_counters == std::set<std::string>{"received", "sent", "refused", "dropped_queue_full", "dropped_qos0",
                                             "publishers_paused", "connects_paused", "records", "digest_mismatches",
                                             "tls_handshakes_done", "tls_handshakes_failed", "proxy_strangers",
                                             "proxy_headers_malformed", "proxy_headers_late", "denied",
                                             "refused_logins", "throttled_logins"});
  std::set<std::string> of_peer;
  for (const auto& item : json["peer"].items()) of_peer.insert(item.key());
  of_self.insert({"reachable", "heard_ms_ago"});
  CHECK(of_peer == of_self);

  CHECK(json["protected"] == true);
  CHECK(json["self"]["epoch"] == 7);
  CHECK(json["self"]["epoch_node"] == "boxa");
  CHECK(json["peer"]["lag_records"] == 5);
  CHECK(json["peer"]["reachable"] == true);
  CHECK(json["sync_percent"].is_null());
  CHECK(json["paths"][1]["up"] == false);
  CHECK(to_json(healthy()).find('\n') == std::string::npos);
}

TEST_CASE("JSON and back gives the same report; a single box has no peer") {
  StatusReport report = healthy();
  report.sync_percent = 42.5;
  report.sync_bytes_per_s = 7'000'000;
  report.sync_eta_s = 12;
  report.alarms = {{"digest", "differs", 1'795'651'323'456}};
  report.log_kept_bytes = 5;
  report.tail_compacted = true;
  report.acked_alone = 3;
  report.acked_alone_at_most = true;
  report.safe_lsn = 120;
  report.promise_kind = "peer";
  report.counters = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
  report.self.durable_lsn = 119;
  report.peer->reachable = false;
  const auto back = status_from_json(to_json(report));
  REQUIRE(back.ok());
  CHECK(to_json(back.value()) == to_json(report));

  report.peer.reset();
  report.self.name = "caf\xC3\xA9 \xFF";
  const auto single = status_from_json(to_json(report));
  REQUIRE(single.ok());
  CHECK_FALSE(single.value().peer.has_value());
}

TEST_CASE("a status of another version is read as far as it goes") {
  CHECK_FALSE(status_from_json("[]").ok());
  CHECK_FALSE(status_from_json("{").ok());
  const auto odd = status_from_json(
      R"({"protected":"yes","self":{"name":5,"lsn":-3,"epoch":7},"peer":[],"paths":[1,{"address":"a"}],"new":1})");
  REQUIRE(odd.ok());
  CHECK_FALSE(odd.value().is_protected);
  CHECK(odd.value().self.epoch == 7);
  CHECK(odd.value().self.lsn == 0);
  CHECK(odd.value().paths.size() == 1);
}

TEST_CASE("the text of a healthy pair") {
  CHECK(to_text(healthy(), false) ==
        "PROTECTED: boxa serves the clients; boxb holds every record and takes over by itself.\n"
        "\n"
        "                   boxa (this box)  boxb\n"
        "  answers          yes              yes\n"
        "  role             active           standby\n"
        "  mode             mirrored         in_sync\n"
        "  epoch            7 (boxa)         7 (boxa)\n"
        "  last record      120345           120345\n"
        "  confirmed        120340           120340\n"
        "  records behind   0                5\n"
        "  clients          12               0\n"
        "  sessions         40               40\n"
        "  retained         9                9\n"
        "  queued messages  3                3\n"
        "  running for      3 h 12 min       3 h 12 min\n"
        "  version          0.1.0            0.1.0\n"
        "\n"
        "  path to 10.78.0.2:7883: up\n"
        "  path to 10.77.0.12:7883: DOWN\n"
        "  promise (durability \"peer\"): acknowledged means: in the memory of both boxes, on both disks "
        "within 50 ms\n"
        "\n"
        "Nothing to do.\n");
}

TEST_CASE("the text of a box that is alone says so first, and what to do last") {
  StatusReport report = healthy();
  report.is_protected = false;
  report.why = "boxb does not answer.";
  report.hint = "Start boxb, then look here again.";
  report.self.mode = "solo";
  report.alone_from = 120000;
  report.acked_alone = 345;
  report.peer->reachable = false;
  report.peer->heard_ms_ago = 754'000;
  const std::string text = to_text(report, false);
  CHECK(text.find("NOT PROTECTED: boxb does not answer.\n") == 0);
  CHECK(text.find("NO, for 12 min 34 s") != std::string::npos);
  CHECK(text.find("in_sync (last known)") != std::string::npos);
  CHECK(text.find("345 records since record 120000 exist on one box only") != std::string::npos);
  CHECK(text.find("at most") == std::string::npos);
  report.acked_alone_at_most = true;  // after a restart
  CHECK(to_text(report, false).find("at most 345 records since record 120000") != std::string::npos);
  CHECK(text.find("\nWhat to do: Start boxb, then look here again.\n") != std::string::npos);
  CHECK(text.find('\033') == std::string::npos);
  CHECK(to_text(report, true).find("\033[1;31mNOT PROTECTED\033[0m") == 0);
}

TEST_CASE("alarms come right behind the verdict; loading says how long it will take") {
  StatusReport report = healthy();
  report.is_protected = false;
  report.alarms = {{"damage", "log.db: damaged at lsn 13", 1'795'651'323'456}};
  report.sync_percent = 40;
  report.sync_bytes_per_s = 30 * 1024 * 1024;
  report.sync_eta_s = 75;
  report.log_kept_bytes = 3 * 1024 * 1024;
  const std::string text = to_text(report, false);
  CHECK(text.find("\nALARM (damage, since 2026-11-2") != std::string::npos);
  CHECK(text.find("): log.db: damaged at lsn 13\n\n") != std::string::npos);
  CHECK(text.find("the standby is loading: 40 %, 30 MiB/s, about 1 min 15 s to go\n") != std::string::npos);
  CHECK(text.find("log kept on this disk: 3 MiB\n") != std::string::npos);
}

TEST_CASE("the text of a single box and of a peer that was never heard") {
  StatusReport report = healthy();
  report.is_protected = false;
  report.peer = NodeStatus{};
  report.peer->reachable = false;
  const std::string never = to_text(report, false);
  CHECK(never.find("the other box") != std::string::npos);
  CHECK(never.find("NO, never heard") != std::string::npos);
  report.peer.reset();
  report.sync_percent = 250;
  const std::string single = to_text(report, false);
  CHECK(single.find("other") == std::string::npos);
  CHECK(single.find("loading: 100 %") != std::string::npos);
}
