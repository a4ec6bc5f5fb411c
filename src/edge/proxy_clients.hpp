// Connections of a listener behind proxies until the proxy has said whom each is for. The header is taken from the
// socket and not a byte more, so that whatever comes next (a TLS handshake, a WebSocket's request, MQTT) finds its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <utility>

#include "edge/newcomer.hpp"
#include "edge/proxy_header.hpp"

namespace boost::asio {
class io_context;
}

namespace tandem::edge {

class ProxyClients {
 public:
  enum class Failure : std::uint8_t { malformed, late };
  struct Calls {
    std::function<void(Newcomer)> done;  // its address is the client's now
    // The address is still the proxy's. `why` is a person's; nothing of what came is in it.
    std::function<void(const Newcomer&, Failure failure, const char* why)> failed;
  };

  // `calls` come from the loop or from tick(); none for a connection that ends without a byte, as probes of ports do.
  ProxyClients(boost::asio::io_context& loop, Calls calls) : loop_(loop), calls_(std::move(calls)) {}
  ~ProxyClients() { drop_all(); }
  ProxyClients(const ProxyClients&) = delete;
  ProxyClients& operator=(const ProxyClients&) = delete;

  std::size_t waiting() const { return all_.size(); }
  void begin(Newcomer newcomer);
  // Who has waited for longer than the timeout, counted from the first tick that saw it, is reset.
  void tick(std::int64_t now_ms, std::int64_t timeout_ms);
  // Resets all; none of them is told of.
  void drop_all();

 private:
  struct One;
  using OnePtr = std::shared_ptr<One>;
  void wait(const OnePtr& one);
  void read(const OnePtr& one);
  Newcomer take_out(const OnePtr& one);
  void fail(const OnePtr& one, Failure failure, const char* why);

  boost::asio::io_context& loop_;
  const Calls calls_;
  std::list<OnePtr> all_;
};

}  // namespace tandem::edge
