// `tandemctl config push`: this box asks the other one to write into its file what this one runs with. The question and
// the answer travel in what each tells the other about once a second; nothing is lost if one of these is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "broker/node_info.hpp"

namespace tandem::broker {

class ConfigPush {
 public:
  // `run`: random, not 0.
  explicit ConfigPush(std::uint64_t run) { info_.run = run; }

  // At the box that pushes. `number`: never used before, by whatever process; `of`: the other box's run. It is asked
  // until there is an answer, or for 10 s, and that run alone: one that starts later finds no order of yesterday.
  void ask(std::uint64_t number, std::uint64_t of, Steady now);
  void see(const ConfigPushInfo& peer, Steady now);
  bool ordered() const { return info_.asked != 0 || outcome_; }
  std::string reply() const;  // for tandemctl; an empty message: not known yet

  // At the other one: `peer` asks for something that was not answered yet.
  bool wanted(const ConfigPushInfo& peer) const {
    return peer.asked != 0 && peer.asked_of == info_.run && peer.asked != info_.answered;
  }
  void answer(std::uint64_t number, const Result<std::string>& taken);

  const ConfigPushInfo& info() const { return info_; }

 private:
  ConfigPushInfo info_;
  Steady asked_at_;
  std::optional<Result<std::string>> outcome_;  // of the last one that was ordered here
};

}  // namespace tandem::broker
