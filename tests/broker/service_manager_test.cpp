// What systemd hears.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "base/check.hpp"
#include "broker/service_manager.hpp"

#include <doctest/doctest.h>

using namespace tandem;

namespace {

// Listens at NOTIFY_SOCKET, as systemd does; abstract address, so that no file is left.
class Listener {
 public:
  Listener() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    const std::string name = "@tandem-notify-" + std::to_string(::getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::setenv("NOTIFY_SOCKET", name.c_str(), 1) == 0);
  }
  ~Listener() {
    ::close(fd_);
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Everything said since the last call, each followed by ";".
  std::string heard() const {
    std::string all;
    char word[256];
    for (;;) {
      const ssize_t n = ::recv(fd_, word, sizeof word, 0);
      if (n < 0) return all;
      all.append(word, static_cast<std::size_t>(n)).append(";");
    }
  }

 private:
  int fd_;
};

}  // namespace

TEST_CASE("the watchdog is fed four times within its patience, however often the loop turns") {
  const Listener systemd;
  REQUIRE(::setenv("WATCHDOG_USEC", "1000000", 1) == 0);
  broker::ServiceManager manager;
  for (std::int64_t ms = 0; ms < 1'000; ms += 50) manager.alive(Steady{5'000 + ms});
  CHECK(systemd.heard() == "WATCHDOG=1;WATCHDOG=1;WATCHDOG=1;WATCHDOG=1;");
}

TEST_CASE("without a watchdog there is nothing to feed; ready, status and stopping are told once") {
  const Listener systemd;
  broker::ServiceManager manager;
  manager.alive(Steady{1});
  manager.ready();
  manager.status("standby, in_sync");
  manager.status("standby, in_sync");
  manager.status("active, solo");
  manager.stopping();
  CHECK(systemd.heard() == "READY=1;STATUS=standby, in_sync;STATUS=active, solo;STOPPING=1;");
}

TEST_CASE("nobody listens: nothing happens") {
  broker::ServiceManager manager;
  manager.ready();
  manager.alive(Steady{1});
}
