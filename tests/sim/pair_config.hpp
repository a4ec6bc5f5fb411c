// The configuration of a simulated box of a pair, without chance in it.
#pragma once

#include "broker/config.hpp"

namespace sim {

inline tandem::Config pair_config(int index) {
  tandem::Config config;
  config.node.name = index == 0 ? "boxa" : "boxb";
  config.security.allow_anonymous = true;
  config.mirror.emplace();
  config.mirror->listen = {tandem::Endpoint{"127.0.0.1", 1}};
  config.mirror->peer = config.mirror->listen;
  config.takeover.arbiter = tandem::Arbiter::heartbeat;
  config.takeover.boot_wait_ms = 3'000;
  return config;
}

}  // namespace sim
