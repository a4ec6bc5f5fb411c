// Faults.
#include "chaos.hpp"

namespace sim {

Chaos::Chaos(World& world) : w_(world) {
  const Kind all[] = {&Chaos::crash_one,           &Chaos::crash_one,      &Chaos::crash_both,
                      &Chaos::pause_one,           &Chaos::cut_path,       &Chaos::cut_all_paths,
                      &Chaos::cut_one_way,         &Chaos::cut_lan,        &Chaos::flip_master,
                      &Chaos::slow_disk,           &Chaos::full_disk,      &Chaos::stop_one,
                      &Chaos::step_clock,          &Chaos::new_disk,       &Chaos::rot,
                      &Chaos::slow_link,           &Chaos::cut_then_pause, &Chaos::cut_then_crash_active,
                      &Chaos::crash_while_joining, &Chaos::crawl,          &Chaos::resync_while_stalled,
                      &Chaos::crash_at_merge,      &Chaos::part_ways,      &Chaos::go_first,
                      &Chaos::force_after_crash,   &Chaos::lose_batches,   &Chaos::switch_over};
  for (const Kind kind : all) {
    if (random(2) == 0) kinds_.push_back(kind);
  }
  if (kinds_.empty()) kinds_.push_back(&Chaos::crash_one);
  if (random(4) == 0) w_.network_->set_duplicates(static_cast<int>(random(30)));
}

std::int64_t Chaos::soon(std::int64_t short_ms, std::int64_t long_ms) {
  return 1 + static_cast<std::int64_t>(random(static_cast<std::uint64_t>(random(2) == 0 ? short_ms : long_ms)));
}

void Chaos::later(std::int64_t ms, std::function<void()> what) {
  later_.emplace(w_.now_ + ms, std::move(what));
}

// Users and rules change while everything else goes wrong. The rules allow what these clients do.
void Chaos::change_access() {
  static const std::string orders[] = {
      R"({"command":"acl","how":"set","data":"topic readwrite #\npattern read %c/#\n"})",
      R"({"command":"user","how":"set","data":"[{\"name\":\"u1\"},{\"name\":\"u2\",\"client_ids\":[\"a*\"]}]"})",
      R"({"command":"user","how":"remove","data":"u1"})",
      R"({"command":"acl","how":"set","data":"topic readwrite #\nuser u2\ntopic deny x\n"})",
      R"({"command":"acl","how":"clear"})",
      R"({"command":"user","how":"set","data":"[{\"name\":\"u2\",\"client_ids\":[\"b*\"]}]"})"};
  for (auto& host : w_.hosts_) {
    if (host->up() && !host->paused() && !host->stopped() && host->serving()) {
      host->order(orders[access_orders_++ % std::size(orders)]);
    }
  }
}

void Chaos::tick() {
  w_.step();
  constexpr std::int64_t access_every_ms = 709;
  if (w_.now_ % access_every_ms == 0) change_access();
  if (w_.result_.merged != merges_seen_) {
    merges_seen_ = w_.result_.merged;
    for (auto& host : w_.hosts_) {
      if (!crash_when_merged_ || !host->serving()) continue;
      crash_when_merged_ = false;
      crash(*host, "what it merged may not be on its disk yet");
    }
  }
  while (!later_.empty() && later_.begin()->first <= w_.now_) {
    const auto what = std::move(later_.begin()->second);
    later_.erase(later_.begin());
    what();
  }
}

void Chaos::play() {
  w_.hosts_[0]->boot();
  for (std::int64_t i = soon(10, 800); i > 0; --i) tick();
  w_.hosts_[1]->boot();
  const std::int64_t end = w_.now_ + 5'000 + static_cast<std::int64_t>(random(15'000));
  const std::uint64_t pace = random(3) == 0 ? 600 : 3'000;
  std::int64_t next = w_.now_ + static_cast<std::int64_t>(random(2'500));
  while (w_.now_ < end && w_.result_.violation.empty()) {
    tick();
    if (w_.now_ < next) continue;
    next = w_.now_ + 20 + static_cast<std::int64_t>(random(pace));
    (this->*kinds_[random(kinds_.size())])();
  }
}

void Chaos::heal() {
  later_.clear();
  w_.network_->set_all(Network::State::up);
  w_.network_->set_duplicates(0);
  w_.network_->set_latency(3);
  w_.network_->set_base_latency(0);
  w_.network_->set_loses_batches(false);
  w_.vrrp_wild_ = false;
  for (auto& host : w_.hosts_) {
    host->resume();
    host->lan = true;
    host->disk().slower_ms = 0;
    host->disk().full = false;
    if (host->up() && host->stopped()) host->crash();
    if (!host->up()) host->boot();
  }
  w_.note("everything is healed");
}

void Chaos::crash(Host& host, const char* why) {
  if (!host.up()) return;
  w_.fault("crash", host.name() + " crashes (" + why + ")");
  host.crash();
  w_.crashed(index(host));
  later(soon(300, 5'000), [&host] {
    if (!host.up()) host.boot();
  });
}

void Chaos::crash_one() {
  crash(any(), "alone");
}

void Chaos::crash_both() {
  crash(*w_.hosts_[0], "both");
  if (random(2) == 0) {
    crash(*w_.hosts_[1], "both");
    return;
  }
  later(soon(100, 1'000), [this] { crash(*w_.hosts_[1], "both, a little later"); });
}

void Chaos::pause_one() {
  Host& host = any();
  if (!host.up() || host.paused()) return;
  w_.fault("pause", host.name() + " is paused");
  host.pause();
  later(soon(400, 6'000), [&host] { host.resume(); });
}

void Chaos::cut_path() {
  const std::size_t path = random(w_.options_.paths);
  const auto state = random(2) == 0 ? Network::State::stalled : Network::State::broken;
  w_.fault("path cut", "mirror path " + std::to_string(path) + " is cut");
  for (int from = 0; from < 2; ++from) w_.network_->set(from, path, state);
  later(soon(250, 6'000), [this, path] {
    for (int from = 0; from < 2; ++from) w_.network_->set(from, path, Network::State::up);
  });
}

void Chaos::cut_all_paths() {
  w_.fault("link cut", "all mirror paths are cut");
  w_.network_->set_all(random(3) == 0 ? Network::State::stalled : Network::State::broken);
  later(soon(400, 9'000), [this] {
    w_.network_->set_all(Network::State::up);
    w_.note("mirror paths are back");
  });
}

void Chaos::cut_one_way() {
  const int from = static_cast<int>(random(2));
  w_.fault("one-way cut", "nothing gets out of node " + std::to_string(from));
  const auto state = random(2) == 0 ? Network::State::stalled : Network::State::broken;
  for (std::size_t path = 0; path < Network::paths; ++path) w_.network_->set(from, path, state);
  later(soon(400, 5'000), [this, from] {
    for (std::size_t path = 0; path < Network::paths; ++path) w_.network_->set(from, path, Network::State::up);
  });
}

void Chaos::cut_lan() {
  Host& host = any();
  w_.fault("LAN cut", host.name() + " loses the LAN");
  host.lan = false;
  later(soon(500, 5'000), [&host] { host.lan = true; });
}

void Chaos::flip_master() {
  if (!w_.keepalived_) return;
  w_.fault("VRRP", "VRRP is wild");
  w_.vrrp_wild_ = true;
  any().give_address(random(2) == 0);
  if (random(3) == 0) {
    for (auto& host : w_.hosts_) host->give_address(true);
  }
  later(soon(500, 5'000), [this] { w_.vrrp_wild_ = false; });
}

void Chaos::slow_disk() {
  Host& host = any();
  w_.fault("slow disk", host.name() + " has a slow disk");
  host.disk().slower_ms = static_cast<int>(random(500));
  later(soon(500, 4'000), [&host] { host.disk().slower_ms = 0; });
}

void Chaos::full_disk() {
  Host& host = any();
  if (host.disk().full) return;
  w_.fault("full disk", host.name() + " has a full disk");
  host.disk().full = true;
  later(soon(500, 4'000), [&host] { host.disk().full = false; });
}

void Chaos::stop_one() {
  Host& host = any();
  if (!host.up() || host.paused() || host.stopped()) return;
  w_.fault("stop", host.name() + " is stopped in order");
  host.stop();
  later(soon(50, 200), [this, &host] { crash(host, "its process ends"); });
}

void Chaos::step_clock() {
  const std::int64_t ms = static_cast<std::int64_t>(random(7'200'000)) - 3'600'000;
  w_.fault("clock", "a wall clock is stepped by " + std::to_string(ms) + " ms");
  any().step_wall_clock(ms);
}

// The other box follows it (what it says of a peer that crawls may be long untrue).
bool Chaos::holds_all(Host& host) {
  Host& rest = other(host);
  return host.pair().status(Steady{w_.now_}).is_protected && (!rest.up() || !rest.serving());
}

// Only beside a peer that holds everything acknowledged, in memory that it keeps.
void Chaos::new_disk() {
  Host& host = any();
  Host& rest = other(host);
  if (disk_lost_ || !rest.serving() || rest.paused() || rest.stopped() || rest.disk().full) return;
  if (!holds_all(rest)) return;
  disk_lost_ = true;
  w_.fault("new disk", host.name() + " gets a fresh disk");
  host.crash();
  w_.crashed(index(host));
  host.replace_disk();
  later(soon(500, 3'000), [&host] {
    if (!host.up()) host.boot();
  });
}

// Likewise: a bit flips on a disk at rest.
void Chaos::rot() {
  Host& host = any();
  Host& rest = other(host);
  if (disk_lost_ || !rest.serving() || rest.paused() || rest.stopped() || rest.disk().full || !holds_all(rest)) return;
  disk_lost_ = true;
  host.crash();
  w_.crashed(index(host));
  const std::string what = host.rot(random(UINT64_MAX));
  w_.fault("bit rot", "a bit of " + host.name() + "'s disk flips: " + (what.empty() ? "an unused one" : what));
  later(soon(500, 3'000), [&host] {
    if (!host.up()) host.boot();
  });
}

void Chaos::slow_link() {
  w_.fault("slow link", "the mirror is slow");
  w_.network_->set_latency(static_cast<int>(random(120)));
  later(soon(500, 4'000), [this] { w_.network_->set_latency(3); });
}

void Chaos::cut_then_pause() {
  cut_all_paths();
  later(soon(100, 3'000), [this] { pause_one(); });
}

void Chaos::cut_then_crash_active() {
  cut_all_paths();
  later(soon(300, 4'000), [this] {
    for (auto& host : w_.hosts_) {
      if (host->serving()) return crash(*host, "the active, while the mirror is cut");
    }
  });
}

void Chaos::crash_while_joining() {
  for (auto& host : w_.hosts_) {
    if (host->serving()) continue;
    crash(*host, "the standby");
    later(soon(400, 5'200), [this] { crash(any(), "while the other may be joining"); });
    return;
  }
}

// The mirror becomes slower and slower while heartbeats go on: publishers are slowed, then the standby is let go.
void Chaos::crawl() {
  w_.fault("crawl", "the mirror slows down to a crawl");
  constexpr int steps = 60;
  const int slope_ms = static_cast<int>(10 + random(25));  // each 100 ms
  for (int i = 1; i <= steps; ++i) {
    later(i * 100, [this, i, slope_ms] { w_.network_->set_base_latency(i * slope_ms); });
  }
  const std::int64_t ends = steps * 100 + soon(500, 4'000);
  later(ends, [this] { w_.network_->set_base_latency(0); });
  if (random(2) == 0) later(ends - soon(100, 3'000), [this] { crash(any(), "while the mirror crawls"); });
}

// An operator has the standby loaded anew; what it says on the one path may arrive when it is in sync again.
void Chaos::resync_while_stalled() {
  if (w_.options_.paths < 2) return;
  for (auto& host : w_.hosts_) {
    if (!host->up() || host->serving() || host->paused() || host->stopped()) continue;
    const std::size_t path = random(2);
    w_.fault("resync", host->name() + " is loaded anew, while path " + std::to_string(path) + " is stalled");
    for (int from = 0; from < 2; ++from) w_.network_->set(from, path, Network::State::stalled);
    later(soon(20, 200), [&standby = *host] {
      if (standby.up() && !standby.paused()) standby.order(R"({"command":"resync"})");
    });
    later(soon(800, 4'000), [this, path] {
      for (int from = 0; from < 2; ++from) w_.network_->set(from, path, Network::State::up);
    });
    return;
  }
}

// Both serve for a while; when they meet again and the one has taken what only the other had, it crashes at once.
void Chaos::crash_at_merge() {
  cut_all_paths();
  for (auto& host : w_.hosts_) {
    later(soon(100, 2'000), [this, &disk = host->disk()] { disk.slower_ms = static_cast<int>(random(300)); });
    later(12'000, [&disk = host->disk()] { disk.slower_ms = 0; });
  }
  merges_seen_ = w_.result_.merged;
  crash_when_merged_ = true;
}

// The active crashes with records that the peer never got; the peer takes over as SURE, but clients reach only the box
// that comes back, which serves UNCLEAN, from its longer log.
void Chaos::part_ways() {
  for (auto& one : w_.hosts_) {
    Host& active = *one;
    Host& standby = other(active);
    if (!active.serving() || !standby.up() || standby.paused()) continue;
    w_.fault("parted", "the mirror is cut, then " + active.name() + " crashes; clients lose " + standby.name());
    w_.network_->set_all(Network::State::broken);
    later(10 + static_cast<std::int64_t>(random(300)), [this, &active, &standby] {
      if (!active.up()) return;
      active.crash();
      w_.crashed(index(active));
      standby.lan = false;
      later(soon(50, 500), [&active] {
        if (!active.up()) active.boot();
      });
    });
    later(4'000 + soon(500, 5'000), [this, &standby] {
      standby.lan = true;
      w_.network_->set_all(Network::State::up);
    });
    return;
  }
}

// The active's box is gone for a while, the other one gets a fresh disk meanwhile, and a person orders it to go first.
// What it lacks comes by RECONCILE when the other is back: the whole tail, since the reign is UNCLEAN (R14).
void Chaos::go_first() {
  for (auto& one : w_.hosts_) {
    Host& rest = *one;
    Host& fresh = other(rest);
    if (disk_lost_ || !rest.serving() || rest.paused() || rest.stopped() || rest.disk().full) continue;
    if (!holds_all(rest)) continue;
    disk_lost_ = true;
    w_.fault("first",
             fresh.name() + " gets a fresh disk, then " + rest.name() + " crashes; " + fresh.name() + " goes first");
    fresh.crash();
    w_.crashed(index(fresh));
    fresh.replace_disk();
    later(3'000, [this, &rest, &fresh] {
      if (!rest.up() || rest.paused()) return;
      rest.crash();
      w_.crashed(index(rest));
      w_.history_.note_goes_first(w_.mirrored_at_);
      if (!fresh.up()) fresh.boot();
      later(1'000 + soon(100, 2'000), [&fresh] {
        if (fresh.up() && !fresh.paused()) fresh.order(R"({"command":"promote","how":"first"})");
      });
      later(3'500 + soon(100, 4'000), [&rest] {
        if (!rest.up()) rest.boot();
      });
    });
    return;
  }
}

// A person does not wait: the active crashes, is back at once and is forced to serve, while the other one may still
// hold a lease (R1, D_SOLO0).
void Chaos::force_after_crash() {
  for (auto& one : w_.hosts_) {
    Host& active = *one;
    if (!active.serving() || active.paused() || active.stopped()) continue;
    w_.fault("forced", active.name() + " crashes, is back at once and forced to serve");
    if (random(2) == 0) cut_all_paths();
    active.crash();
    w_.crashed(index(active));
    later(soon(20, 300), [this, &active] {
      if (!active.up()) active.boot();
      later(soon(10, 100), [&active] {
        if (active.up() && !active.paused()) active.order(R"({"command":"promote","how":"force"})");
      });
    });
    return;
  }
}

// Heartbeats pass, batches do not (a wrong MTU on the way): the standby is let go while its lease is fresh (R13).
void Chaos::lose_batches() {
  w_.fault("batches lost", "batches are lost, heartbeats are not");
  w_.network_->set_loses_batches(true);
  later(soon(3'000, 8'000), [this] { w_.network_->set_loses_batches(false); });
}

// An operator orders it at either box, at any time; sometimes a box dies in the middle of it.
void Chaos::switch_over() {
  Host& at = *w_.hosts_[random(2)];
  if (!at.up() || at.paused() || at.stopped()) return;
  const bool force = random(4) == 0;
  w_.fault("switchover", "a switchover is ordered at " + at.name() + (force ? ", by force" : ""));
  at.order(force ? R"({"command":"switchover","how":"force"})" : R"({"command":"switchover"})");
  if (random(3) != 0) return;
  Host& victim = *w_.hosts_[random(2)];
  later(soon(30, 400), [this, &victim] {
    if (victim.up()) crash(victim, "a switchover may be under way");
  });
}

void Chaos::words() {
  if (!w_.keepalived_ || !w_.result_.violation.empty()) return;
  constexpr std::int64_t drain_ms = 3'000;  // what crawled through the mirror has arrived then
  w_.settle(drain_ms, [] { return false; });
  if (!w_.protected_and_equal()) return;
  w_.vrrp_wild_ = true;
  Host& active = w_.hosts_[0]->serving() ? *w_.hosts_[0] : *w_.hosts_[1];
  Host& standby = other(active);
  w_.note("both boxes are told MASTER");
  for (auto& host : w_.hosts_) host->give_address(true);
  constexpr std::int64_t while_ms = 1'500;
  if (w_.settle(while_ms, [&] { return standby.serving() || !active.serving(); })) {
    w_.broken("told MASTER beside a linked active that is told so too, a standby took over");
    return;
  }
  w_.note("both are told BACKUP, then the standby MASTER");
  for (auto& host : w_.hosts_) host->give_address(false);
  constexpr std::int64_t obeys_ms = 300;
  if (!w_.settle(obeys_ms, [&] { return !active.serving(); })) {
    w_.broken("told BACKUP, an active goes on for " + std::to_string(obeys_ms) + " ms");
    return;
  }
  standby.give_address(true);
  if (!w_.settle(while_ms, [&] { return standby.serving(); })) {
    w_.broken("told MASTER, nobody serves after " + std::to_string(while_ms) + " ms");
    return;
  }
  w_.vrrp_wild_ = false;
}

}  // namespace sim
