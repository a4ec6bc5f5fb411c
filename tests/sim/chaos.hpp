// What goes wrong in a run: each seed switches kinds of faults on and off and chooses how often they come.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "world.hpp"

namespace sim {

class Chaos {
 public:
  explicit Chaos(World& world);
  void play();  // both boxes start, and then faults
  void heal();  // everything works again
  // When the pair is whole again: what VRRP says wrongly must do no harm (only with keepalived).
  void words();

 private:
  using Kind = void (Chaos::*)();
  std::uint64_t random(std::uint64_t below) { return w_.random(below); }
  Host& any() { return *w_.hosts_[random(2)]; }
  Host& other(const Host& host) { return &host == w_.hosts_[0].get() ? *w_.hosts_[1] : *w_.hosts_[0]; }
  int index(const Host& host) const { return &host == w_.hosts_[0].get() ? 0 : 1; }
  std::int64_t soon(std::int64_t short_ms, std::int64_t long_ms);
  void later(std::int64_t ms, std::function<void()> what);
  void tick();
  void crash(Host& host, const char* why);
  bool holds_all(Host& host);

  void crash_one();
  void crash_both();
  void pause_one();
  void cut_path();
  void cut_all_paths();
  void cut_one_way();
  void cut_lan();
  void flip_master();
  void slow_disk();
  void full_disk();
  void stop_one();
  void step_clock();
  void new_disk();
  void rot();
  void slow_link();
  // Faults that belong together.
  void cut_then_pause();
  void cut_then_crash_active();
  void crash_while_joining();
  void crawl();
  void resync_while_stalled();
  void crash_at_merge();
  void part_ways();
  void go_first();
  void force_after_crash();
  void lose_batches();
  void switch_over();
  void change_access();

  World& w_;
  std::vector<Kind> kinds_;
  std::multimap<std::int64_t, std::function<void()>> later_;
  bool disk_lost_ = false;  // once in a run: the other one is all that is left
  bool crash_when_merged_ = false;
  std::uint64_t merges_seen_ = 0;
  std::size_t access_orders_ = 0;
};

}  // namespace sim
