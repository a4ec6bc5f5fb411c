// A publisher, and members of shared groups.
#pragma once

#include "world.hpp"

namespace tandem::core::test {

using Payloads = std::vector<std::string>;

struct SharedScene {
  World world;
  Client& publisher = world.client(5);

  SharedScene() { world.connect(publisher); }
  Client& member(std::size_t index, const ConnectOptions& options = durable(),
                 const std::string& filter = "$share/g/t") {
    Client& client = world.client(index);
    world.connect(client, options);
    world.subscribe(client, filter);
    client.take();
    return client;
  }
  // To "t"; the payloads count.
  void publish(int from, int to, unsigned qos = 1) {
    for (int i = from; i <= to; ++i) world.publish(publisher, "t", std::to_string(i), {.qos = qos});
  }
};

}  // namespace tandem::core::test
