// One listening socket, TCP or Unix: binds (an address that is not here yet may be bound), and accepts when told to.
// Out of file descriptors, or when it may not, it stops accepting until retry(); clients wait in the backlog meanwhile.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/unix_socket.hpp"
#include "edge/edge.hpp"

namespace tandem::edge {

class Listener : public std::enable_shared_from_this<Listener> {
 public:
  // Takes a non-blocking socket; `remote` is "address:port" (TCP, with TCP_NODELAY), or of a Unix socket, whose flow is
  // empty, "local" and the client's process.
  using Take = std::function<void(int fd, const Flow& flow, std::string remote)>;
  using MayAccept = std::function<bool()>;  // asked before each client

  static Result<std::shared_ptr<Listener>> open(boost::asio::io_context& loop, const ListenerOptions& options,
                                                Take take, MayAccept may_accept);
  std::uint16_t port() const { return port_; }  // 0: a Unix socket
  void accept();
  void retry();  // at every tick
  void close();  // a Unix socket's file goes

 private:
  static Result<std::shared_ptr<Listener>> open_socket(boost::asio::io_context& loop, const ListenerOptions& options,
                                                       Take take, MayAccept may_accept);
  Listener(boost::asio::io_context& loop, int fd, Take take, MayAccept may_accept);
  void wait();
  void on_readable();
  void exhausted(int error);

  boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> socket_;
  Take take_;
  MayAccept may_accept_;
  std::optional<UnixListener> file_;  // nothing: TCP
  std::uint16_t port_ = 0;
  int quiet_ticks_ = 0;  // until the journal hears of it again
  bool waiting_ = false;
  bool stopped_ = false;  // until retry(): no file descriptor or memory for the next client, or it may not come yet
};

}  // namespace tandem::edge
