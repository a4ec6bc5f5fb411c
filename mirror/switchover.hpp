// Planned switchover (switchover.cpp), as the active carries it out: first nobody publishes until everything
// acknowledged is at the other box too, then the arbiter moves the clients. Each step has its time; one that takes
// longer ends it, and the pair goes on as before.
#pragma once

#include <string>

#include "base/ids.hpp"
#include "base/limits.hpp"

namespace tandem::mirror {

class Switchover {
 public:
  enum class Step : std::uint8_t { none, draining, moving };

  void begin(Steady now, bool forced) {
    step_ = Step::draining;
    since_ = now;
    forced_ = forced;
  }
  void move(Steady now) {
    step_ = Step::moving;
    since_ = now;
  }
  void end() { step_ = Step::none; }

  Step step() const { return step_; }
  bool under_way() const { return step_ != Step::none; }
  // This box claims neither the address nor, by heartbeats, the word.
  bool moving() const { return step_ == Step::moving; }
  // Clients that are told where to go have been told.
  bool told(Steady now) const { return moving() && now.ms - since_.ms >= limits::switchover_tell_ms; }
  bool forced() const { return forced_; }
  bool overdue(Steady now) const {
    if (step_ == Step::none) return false;
    return now.ms - since_.ms > (step_ == Step::draining ? limits::switchover_drain_ms : limits::switchover_move_ms);
  }

  std::string outcome;  // of the last one, a sentence for status; empty: none since the start

 private:
  Step step_ = Step::none;
  Steady since_;
  bool forced_ = false;
};

}  // namespace tandem::mirror
