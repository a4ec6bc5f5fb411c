// HTTP for monitoring: GET and HEAD of a few pages, one request a connection. It runs in the core loop and is bounded
// in everything that a client could stretch: size of a request, connections, time. It has no TLS: a token crosses the
// LAN in the clear.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.hpp"
#include "base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace tandem::admin {

struct Page {
  unsigned code = 200;  // HTTP status
  std::string type;     // Content-Type
  std::string body;
};

struct HttpOptions {
  std::string address;
  std::uint16_t port = 0;                             // 0: any that is free
  std::int64_t timeout_ms = limits::http_timeout_ms;  // from the TCP connection to the end of the response
};

class Http {
 public:
  // Called in the loop with the path of a request, without its query; nullopt: there is no such page. `trusted`: no
  // token is asked for, or the request has it. Must not destroy the Http.
  using Handler = std::function<std::optional<Page>(std::string_view path, bool trusted)>;

  Http(boost::asio::io_context& loop, HttpOptions options, Handler handler);
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  // From now on; empty: everybody is trusted.
  void ask_token(std::string token);
  // Error: the port is taken, or the address is not on this machine. May be tried again.
  Status open();
  void close();
  std::uint16_t port() const;  // while open

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::admin
