// Clock, network and checkers of the simulation.
#include <algorithm>

#include "sim.hpp"

namespace sim {

World::World(const Options& options_in) : options(options_in), rng(options_in.seed) {
  nodes.push_back(std::make_unique<SimNode>(*this, 0, "boxa"));
  nodes.push_back(std::make_unique<SimNode>(*this, 1, "boxb"));
  for (auto& wires : wires_) wires.resize(options.paths);
}

void World::send(int from, std::size_t path, ByteBuffer frame) {
  Wire& wire = wires_[from][path];
  if (spy) spy(from, path, frame);
  if (wire.is_cut) return;
  const auto latency = static_cast<std::int64_t>(random(static_cast<std::uint64_t>(options.latency_ms_max)));
  const std::int64_t due = std::max(wire.last_due, now + latency);
  wire.last_due = due;
  const auto chance = static_cast<std::int64_t>(random(1'000));
  if (chance < options.chaos_permille) {
    if (chance % 2 == 0)
      wire.frames.clear();
    else
      wire.frames.emplace_back(due, frame);
  }
  wire.frames.emplace_back(due, std::move(frame));
}

// Both clocks run since long ago, from different starts.
Steady World::clock(int index) const {
  if (index == 0) return Steady{now};
  return Steady{77'000'000 + now + (now - 1'000'000) * options.clock_skew_percent / 100};
}

// A cut loses what is under way, or holds it back: then it arrives stale, after the heal.
void World::cut(int from, std::size_t path, bool is_cut) {
  Wire& wire = wires_[from][path];
  if (wire.is_cut == is_cut) return;
  wire.is_cut = is_cut;
  if (is_cut && random(2) == 0) wire.frames.clear();
  if (is_cut && random(3) == 0) {  // the queue of a dying connection: the newest are lost, the oldest come later
    for (auto& [due, frame] : wire.frames) due += static_cast<std::int64_t>(random(2000));
    std::sort(wire.frames.begin(), wire.frames.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  }
  trace(std::string(is_cut ? "cut " : "heal ") + nodes[static_cast<std::size_t>(from)]->name() + " path " +
        std::to_string(path));
}

void World::cut_all(bool is_cut) {
  for (int from = 0; from < 2; ++from) {
    for (std::size_t path = 0; path < options.paths; ++path) cut(from, path, is_cut);
  }
}

void World::step() {
  ++now;
  for (int from = 0; from < 2; ++from) {
    SimNode& to = *nodes[static_cast<std::size_t>(1 - from)];
    for (std::size_t path = 0; path < options.paths; ++path) {
      Wire& wire = wires_[from][path];
      while (!wire.frames.empty() && wire.frames.front().first <= now) {
        ByteBuffer frame = std::move(wire.frames.front().second);
        wire.frames.pop_front();
        if (to.up() && !wire.is_cut) to.deliver(path, std::move(frame));
      }
    }
  }
  for (auto& node : nodes) node->step();
}

void World::run(std::int64_t ms) {
  for (std::int64_t i = 0; i < ms; ++i) step();
}

bool World::run_until(const std::function<bool()>& condition, std::int64_t within_ms) {
  for (std::int64_t i = 0; i < within_ms; ++i) {
    if (condition()) return true;
    step();
  }
  return condition();
}

SimNode* World::active() {
  for (auto& node : nodes) {
    if (node->active()) return node.get();
  }
  return nullptr;
}

SimNode* World::standby() {
  for (auto& node : nodes) {
    if (node->up() && node->pair().role() == mirror::Role::standby) return node.get();
  }
  return nullptr;
}

bool World::settled() {
  SimNode* serving = active();
  SimNode* following = standby();
  if (serving == nullptr || following == nullptr) return false;
  return serving->pair().status(serving->clock()).is_protected &&
         following->pair().status(following->clock()).is_protected;
}

void World::trace(const std::string& text) {
  traced.push_back(std::to_string(now - 1'000'000) + " ms " + text);
  if (traced.size() > 400) traced.pop_front();
  if (options.trace) std::fprintf(stderr, "%s\n", traced.back().c_str());
}

void World::broken(const std::string& what) {
  violations.push_back(what);
  trace("VIOLATION " + what);
}

// A clean promotion has every acknowledged record, except those that physically exist nowhere any more (two memories
// lost at once) and those whose setting aside was reported.
void World::check_clean_promotion(SimNode& node, const std::set<std::uint64_t>& acked_before) {
  for (const std::uint64_t id : acked_before) {
    if (node.serves(id) || reported.count(id) != 0) continue;
    bool somewhere = false;
    for (const auto& one : nodes) somewhere = somewhere || one->holds(id);
    if (somewhere) broken(node.name() + " promotes clean without acked record " + std::to_string(id));
  }
}

void World::check_nothing_lost() {
  SimNode* serving = active();
  SimNode* following = standby();
  if (serving == nullptr || following == nullptr) return;
  for (const std::uint64_t id : acked) {
    if (serving->serves(id) || reported.count(id) != 0 || gone.count(id) != 0) continue;
    broken("acked record " + std::to_string(id) + " is not served");
  }
}

void World::note_what_is_gone() {
  std::set<std::uint64_t> held;
  for (const auto& node : nodes) node->add_held(held);
  for (const std::uint64_t id : acked) {
    if (held.count(id) == 0) gone.insert(id);
  }
}

std::string World::story() const {
  std::string text = "seed " + std::to_string(options.seed) + "\n";
  for (const std::string& line : traced) text += line + "\n";
  return text;
}

}  // namespace sim
