// The control socket: tandemctl's door into tandemd. A Unix stream socket; each line is a request, each request gets
// one line back (protocol.hpp says what they hold; this file only moves lines). Any process may connect: the kernel
// tells who it is (caller.hpp), and who may nothing gets one sentence and the end of the connection.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "admin/caller.hpp"
#include "base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace tandem::admin {

class Control {
 public:
  // Called in the loop with one request, without its line end, of one who has the permission; returns the reply without
  // a line end. Must not destroy the Control.
  using Handler = std::function<std::string(std::string_view request, const Caller& caller, Permission permission)>;

  Control(boost::asio::io_context& loop, std::string path, Permissions permissions, Handler handler);
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
