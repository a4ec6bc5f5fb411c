// The process around a node: the event loop with its sockets, timers, signals and control socket, the store with its
// threads, the mirror link. It calls the node; the node does the rest.
#pragma once

#include <memory>
#include <vector>

#include "base/result.hpp"
#include "broker/authenticator.hpp"
#include "broker/config.hpp"

namespace tandem::broker {

class Process {
 public:
  // `auth_mechanisms`: methods of enhanced authentication, which must outlive it.
  explicit Process(const Config& config, std::vector<AuthMechanism*> auth_mechanisms = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Opens the store, rebuilds State, opens link and control socket. Error: what is wrong and what to do.
  Status start();
  // Serves until stop is asked for (SIGTERM, SIGINT). Error: why the node could not go on; threads of the store may
  // still be at work then (a dead disk), so the process must end at once: std::_Exit.
  Status run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::broker
