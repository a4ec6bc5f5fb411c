// What a node stands on. The process gives it sockets, SQLite, ZeroMQ and the machine's clocks (process.hpp); the
// simulation gives it others (tests/sim). The node itself has no thread, no descriptor, no clock and no dice.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "admin/status.hpp"
#include "base/journal.hpp"
#include "base/result.hpp"
#include "broker/authenticator.hpp"
#include "broker/clocks.hpp"
#include "broker/config_drift.hpp"
#include "edge/connections.hpp"
#include "mirror/link.hpp"
#include "store/store.hpp"

namespace tandem::broker {

// The clients' side: listeners, and the connections that came through them.
class Doors {
 public:
  virtual ~Doors() = default;
  virtual edge::Connections& connections() = 0;
  virtual Status open_listeners() = 0;  // PROMOTING: bind, do not accept
  // From the next opening on: nobody from elsewhere can come in anyway.
  virtual void only_loopback(bool /*only*/) {}
  virtual bool listening() const = 0;
  virtual Status hold_virtual_ips() = 0;  // clients of these wait from now on, instead of being refused
  virtual void accept_clients() = 0;
  virtual void close_listeners() = 0;        // and what is held
  virtual void close_all_connections() = 0;  // without a word to the sink
  virtual void tick(Steady now) = 0;         // about every 100 ms: keep-alive and the like
  virtual void flush() = 0;                  // the end of a turn: what was given to connections is written
};

using journal::Level;

// What a person should know later: role changes, link changes, alarms, each with its cause.
class Events {
 public:
  virtual ~Events() = default;
  // `kind`: one word for filters: who speaks ("pair", "node", "store", "link", ...) or what it is about ("alarm",
  // "digest", "merge", "role", "clock").
  virtual void event(Level level, std::string_view kind, std::string_view sentence) = 0;
};

// arbiter "keepalived": what says whether this box is to serve, and is told what it is worth.
class Vrrp {
 public:
  virtual ~Vrrp() = default;
  virtual bool master() = 0;                // as of now: a virtual IP is on this box
  virtual bool reaches_somebody() = 0;      // of takeover.reach; without any always. At each beat
  virtual void set_weight(int weight) = 0;  // mirror/weight.hpp; at each change
  // What is wrong with either, by kind of alarm (admin::alarm_kinds); an empty sentence: nothing. About once a second.
  virtual std::map<std::string, std::string> troubles() = 0;
};

struct Parts {
  store::Store& store;
  mirror::Link* link;                 // null in mode "single"
  std::vector<std::string> pair_ids;  // mirror::PairOptions; none in mode "single"
  Doors& doors;
  Clocks& clocks;
  Events& events;
  std::function<std::uint64_t()> random;
  Vrrp* vrrp;  // may be null unless arbiter = "keepalived" in a pair
  // Methods of enhanced authentication that clients may choose.
  std::vector<AuthMechanism*> auth_mechanisms = {};
  // Bytes that this process has; asked about once a second.
  std::function<std::size_t()> memory_bytes = [] { return std::size_t{0}; };
  std::size_t max_memory_bytes = 0;    // 0: no limit
  PasswordCheck* passwords = nullptr;  // null: no user has one
  // The TLS listeners' certificates and when they expire, as of this wall clock.
  std::function<std::vector<admin::CertificateStatus>(Instant wall)> certificates = [](Instant) {
    return std::vector<admin::CertificateStatus>{};
  };
  // What this store lacks because a part of it could not be read (salvage.hpp); empty: nothing known. The node is
  // STALE.
  std::string missing = {};
  std::function<void()> healed = {};                     // the peer's copy is here, nothing is missing any more
  bool in_maintenance = false;                           // as kept below, when the process started
  std::function<Status(bool on)> keep_maintenance = {};  // over restarts; Error: it cannot be kept
  // This box's file takes over what the other box runs with (take_over_config); asked only if mirror.accept_config.
  std::function<Result<std::string>(const ConfigValues& there)> take_over_config = [](const ConfigValues&) {
    return Result<std::string>(Error{"this box has no file"});
  };
  // Called again and again in steps that take long (State is built from the disk): this process does not hang.
  std::function<void()> at_work = [] {};
  // This box serves now, at the virtual IP: the LAN is told, and these connections of the other box's clients are
  // reset.
  std::function<void(const std::vector<SampledFlow>& stale)> took_over = {};
  // Where these connections, sorted, are in their TCP sequences, as far as that is known.
  std::function<std::vector<SampledFlow>(const std::vector<Flow>&)> sampled = [](const std::vector<Flow>& flows) {
    std::vector<SampledFlow> unknown;
    for (const Flow& flow : flows) unknown.push_back({flow, {}});
    return unknown;
  };
};

}  // namespace tandem::broker
