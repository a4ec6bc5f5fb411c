// TLS handshakes on threads of their own: one costs some hundred microseconds, and the core thread waits for nobody. A
// connection belongs to such a thread from accept() until its handshake is done, then to whoever asked; one that fails
// ends there, with an alert. Bounded: room() says whether another one may begin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "edge/newcomer.hpp"
#include "edge/tls_context.hpp"

namespace boost::asio {
class io_context;
}

namespace tandem::edge {

class TlsHandshakes {
 public:
  struct Options {
    std::size_t most = 0;  // under way at once
    std::int64_t timeout_ms =
        0;  // of one; shorter while half of them are under way: who only holds a place loses it soon
  };
  struct Calls {
    std::function<void(Newcomer)> done;  // with its session
    // `why` is a person's; nothing of the client's is in it.
    std::function<void(const Newcomer&, const std::string& why)> failed;
  };

  // `calls` come from the loop, one for each begin() that is not dropped; none for a client that leaves without a byte.
  TlsHandshakes(boost::asio::io_context& loop, const Options& options, Calls calls);
  ~TlsHandshakes();  // resets those under way
  TlsHandshakes(const TlsHandshakes&) = delete;
  TlsHandshakes& operator=(const TlsHandshakes&) = delete;

  bool room(std::size_t coming = 0) const;  // beside so many that may begin at any moment
  std::size_t under_way() const;
  void begin(Newcomer newcomer, std::shared_ptr<const TlsContext> context);
  // Resets all that are under way; none of them is told of.
  void drop_all();

 private:
  struct Hub;
  class Worker;
  std::shared_ptr<Hub> hub_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::size_t next_ = 0;
};

}  // namespace tandem::edge
