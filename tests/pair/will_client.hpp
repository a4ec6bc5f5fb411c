// A client with a will (3.1.1, clean session: what most devices have), in a thread of its own: it keeps its
// connection alive and comes back when it is lost.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/client/client.hpp"

namespace tandem::test {

struct WillClientOptions {
  std::vector<Endpoint> endpoints;
  std::string client_id;
  std::string topic;
  std::string payload;
};

class WillClient {
 public:
  explicit WillClient(WillClientOptions options);
  ~WillClient();
  WillClient(const WillClient&) = delete;
  WillClient& operator=(const WillClient&) = delete;

  void connect();  // only; the connection is left to itself
  void start();    // connects, and then lives until the object ends
  // After a takeover its will waits for so long (docs/constants.md: 1.5 x keepalive).
  Millis grace() const;
  std::vector<std::string> violations() const;

 private:
  void go();

  WillClientOptions options_;
  Client client_;
  std::thread thread_;
  std::atomic<bool> leaving_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> violations_;
};

}  // namespace tandem::test
