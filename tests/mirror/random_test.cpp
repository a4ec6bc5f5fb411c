// Random faults from a seed, then quiet: nothing acknowledged is lost, no two reigns share an epoch, a clean promotion
// lacks nothing, and every wait ends. TANDEM_SEEDS=n runs more of them, TANDEM_SEED=n runs one and tells its story.
#include <cstdlib>

#include "doctest.hpp"
#include "sim.hpp"

using sim::SimNode;
using sim::World;
using tandem::mirror::Durability;
using tandem::mirror::Mode;
using tandem::mirror::Word;

namespace {

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

sim::Options options_of(std::uint64_t seed) {
  std::mt19937_64 rng(seed * 7919);
  sim::Options o;
  o.seed = seed;
  o.paths = 1 + rng() % 2;
  const Durability kinds[] = {Durability::peer, Durability::peer, Durability::disk, Durability::peer_disk};
  o.durability = kinds[rng() % 4];
  o.solo_allowed = rng() % 5 != 0;
  o.heartbeat = rng() % 3 != 0;
  o.write_every_ms = static_cast<int>(5 + rng() % 40);
  o.latency_ms_max = static_cast<int>(1 + (rng() % 4 == 0 ? rng() % 40 : rng() % 4));
  o.clock_skew_percent = static_cast<int>(rng() % 5) - 2;
  o.chaos_permille = rng() % 3 == 0 ? static_cast<int>(rng() % 30) : 0;
  o.fsync_ms_max = static_cast<int>(1 + rng() % 30);
  return o;
}

// A keepalived pair: the weight file decides, who has the address keeps it among equals.
class Vrrp {
 public:
  explicit Vrrp(World& w) : w_(w) {}

  void agree() {
    int best = -1;
    for (int i = 0; i < 2; ++i) {
      if (weight(i) < 0) continue;
      if (best < 0 || weight(i) > weight(best) || (weight(i) == weight(best) && i == master_)) best = i;
    }
    master_ = best;
    for (int i = 0; i < 2; ++i) node(i).set_word(i == master_ ? Word::master : Word::backup);
  }
  void flip() { node(static_cast<int>(w_.random(2))).set_word(w_.random(2) == 0 ? Word::master : Word::backup); }

 private:
  SimNode& node(int i) { return *w_.nodes[static_cast<std::size_t>(i)]; }
  int weight(int i) {
    if (!node(i).up() || node(i).paused()) return -1;
    if (node(i).active()) return 30 + static_cast<int>(node(i).pair().epoch().number % 100);
    const auto status = node(i).pair().status(node(i).clock());
    if (status.self.mode == Mode::empty) return status.peer.mode == Mode::empty && status.peer.reachable ? 0 : -1;
    return status.self.mode == Mode::in_sync ? 20 : 0;
  }
  World& w_;
  int master_ = -1;
};

class Chaos {
 public:
  explicit Chaos(World& w) : w_(w), vrrp_(w) {}

  void run() {
    w_.nodes[0]->boot();
    if (w_.random(2) == 0) w_.run(static_cast<std::int64_t>(w_.random(600)));
    w_.nodes[1]->boot();
    const std::int64_t end = w_.now + 6'000 + static_cast<std::int64_t>(w_.random(10'000));
    std::int64_t next = w_.now + static_cast<std::int64_t>(w_.random(1'500));
    while (w_.now < end) {
      tick();
      if (w_.now < next) continue;
      next = w_.now + 20 + static_cast<std::int64_t>(w_.random(w_.random(3) == 0 ? 200 : 2'500));
      fault();
    }
    quiet();
  }

  bool settle() {
    for (int i = 0; i < 60'000; ++i) {
      if (i % 100 == 0 && !w_.options.heartbeat) vrrp_.agree();
      w_.run(1);
      if (w_.settled()) return true;
    }
    return false;
  }

 private:
  SimNode& any() { return *w_.nodes[w_.random(2)]; }
  SimNode& other(const SimNode& node) { return &node == w_.nodes[0].get() ? *w_.nodes[1] : *w_.nodes[0]; }
  void later(std::int64_t within, std::function<void()> what) {
    later_.emplace(w_.now + 1 + static_cast<std::int64_t>(w_.random(static_cast<std::uint64_t>(within))),
                   std::move(what));
  }
  void tick() {
    if (!w_.options.heartbeat && !vrrp_wild_ && w_.now % 100 == 0) vrrp_.agree();
    w_.run(1);
    while (!later_.empty() && later_.begin()->first <= w_.now) {
      const auto what = std::move(later_.begin()->second);
      later_.erase(later_.begin());
      what();
    }
  }
  void crash(SimNode& node) {
    if (!node.up()) return;
    node.crash();
    later(w_.random(2) == 0 ? 300 : 5'000, [&node] {
      if (!node.up()) node.boot();
    });
  }
  void cut() {
    const int from = static_cast<int>(w_.random(2));
    const std::size_t path = w_.random(w_.options.paths);
    const bool both_ways = w_.random(2) == 0;
    const bool all = w_.random(2) == 0;
    const auto set = [this, from, path, both_ways, all](bool is_cut) {
      for (int f = 0; f < 2; ++f) {
        for (std::size_t p = 0; p < w_.options.paths; ++p) {
          if ((both_ways || f == from) && (all || p == path)) w_.cut(f, p, is_cut);
        }
      }
    };
    set(true);
    later(w_.random(2) == 0 ? 250 : 6'000, [set] { set(false); });
  }
  // Only beside a peer that holds everything acknowledged, as the model has it.
  void replace() {
    SimNode& node = any();
    SimNode& rest = other(node);
    if (replaced_ || !rest.up() || rest.paused()) return;
    const Mode mode = rest.pair().mode();
    if (mode == Mode::stale || mode == Mode::syncing || mode == Mode::empty) return;
    if (mode == Mode::unsure && rest.pair().status(rest.clock()).peer.reachable) return;  // may be about to load anew
    const sim::Ids durable = rest.disk().state();
    const std::set<std::uint64_t> safe(durable.begin(), durable.end());
    for (const std::uint64_t id : w_.acked) {
      if (safe.count(id) == 0) return;
    }
    replaced_ = true;
    node.crash();
    node.replace_disk();
    later(2'000, [&node] {
      if (!node.up()) node.boot();
    });
  }
  void fault() {
    switch (w_.random(12)) {
      case 0:
      case 1:
        crash(any());
        return;
      case 2:
      case 3:
        cut();
        return;
      case 4: {
        SimNode& node = any();
        if (!node.up()) return;
        node.pause();
        later(w_.random(2) == 0 ? 400 : 4'000, [&node] { node.resume(); });
        return;
      }
      case 5:
        any().take_checkpoint(false);
        return;
      case 6:
        any().take_checkpoint(true);
        return;
      case 7: {
        SimNode& node = any();
        node.appended_delay_ms = static_cast<int>(w_.random(1'500));
        later(3'000, [&node] { node.appended_delay_ms = 0; });
        return;
      }
      case 8:
        crash(*w_.nodes[0]);
        crash(*w_.nodes[1]);
        return;
      case 9: {
        SimNode& node = any();
        if (!node.up() || node.paused()) return;
        node.stop();
        later(200, [this, &node] { crash(node); });
        return;
      }
      case 10:
        replace();
        return;
      default:
        if (w_.options.heartbeat) return;
        vrrp_wild_ = w_.random(2) == 0;
        vrrp_.flip();
        return;
    }
  }
  void quiet() {
    later_.clear();
    w_.options.chaos_permille = 0;
    w_.cut_all(false);
    for (auto& node : w_.nodes) {
      node->resume();
      node->appended_delay_ms = 0;
      if (node->up() && node->stopped()) node->crash();
      if (!node->up()) node->boot();
    }
    w_.trace("quiet");
  }

  World& w_;
  Vrrp vrrp_;
  std::multimap<std::int64_t, std::function<void()>> later_;
  bool replaced_ = false;
  bool vrrp_wild_ = false;
};

// Empty if all is well.
std::string play(std::uint64_t seed, bool trace) {
  sim::Options options = options_of(seed);
  options.trace = trace;
  World w(options);
  Chaos chaos(w);
  chaos.run();
  bool settled = chaos.settle();
  if (!settled) {
    w.broken("not settled in 60 s of quiet");
    for (auto& node : w.nodes) {
      const auto status = node->pair().status(node->clock());
      w.trace(node->name() + ": " + std::string(mode_name(status.self.mode)) + ", " + status.why + " " + status.hint);
    }
  }
  for (auto& node : w.nodes) node->writes_blocked = true;
  w.run(2'000);  // the slowest apply
  settled = settled && chaos.settle();
  if (settled) {
    const std::size_t before = w.acked.size();
    w.active()->writes_blocked = false;
    if (!w.run_until([&] { return w.acked.size() > before; }, 2'000)) w.broken("nothing is acknowledged any more");
    for (auto& node : w.nodes) node->writes_blocked = true;
    w.run(300);
    w.check_nothing_lost();
    if (w.active() != nullptr && w.standby() != nullptr && w.active()->state() != w.standby()->state()) {
      w.broken("the states differ");
    }
  }
  if (w.violations.empty()) return {};
  return w.violations.front() + "\n" + w.story();
}

}  // namespace

TEST_CASE("random faults, then quiet") {
  const std::uint64_t one = number_from("TANDEM_SEED", 0);
  const std::uint64_t count = one != 0 ? 1 : number_from("TANDEM_SEEDS", 300);
  const std::uint64_t first = one != 0 ? one : number_from("TANDEM_FIRST_SEED", 1);
  std::uint64_t failed = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const std::string problem = play(seed, one != 0);
    if (problem.empty()) continue;
    ++failed;
    MESSAGE("seed " << seed << ": " << (failed <= 2 || one != 0 ? problem : problem.substr(0, problem.find('\n'))));
  }
  CHECK(failed == 0);
}
