// The control socket: tandemctl's door into tandemd. A Unix stream socket with mode 0660; each line is a
// request, each request gets one line back (protocol.hpp says what they hold; this file only moves lines).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace tandem::admin {

class Control {
 public:
  // Called in the loop with one request, without its line end; returns the reply without one. Must not
  // destroy the Control.
  using Handler = std::function<std::string(std::string_view request)>;

  Control(boost::asio::io_context& loop, std::string path, Handler handler);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  // Replaces the socket file of a process that is gone. Error: another process answers there, a file that is
  // no socket is in the way, the folder is missing, the path is longer than a socket's may be.
  Status open();
  // Also removes the socket file, unless another process has put its own there.
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::admin
