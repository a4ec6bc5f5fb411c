// One path of the link: a ZeroMQ socket. One side dials (DEALER), the other is bound (ROUTER) and answers only its
// newest caller.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "mirror/link.hpp"

namespace tandem::mirror {

// One path. Calls throw zmq::error_t; ZmqLink catches it.
class Path {
 public:
  virtual ~Path() = default;
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;

  int fd() const { return socket_.get(zmq::sockopt::fd); }
  virtual std::optional<int> other_fd() const { return std::nullopt; }
  virtual void look_after() = 0;  // retries and events; often called
  virtual void drain(const std::function<void(ByteView)>& take) = 0;
  virtual bool send(ByteView head, ByteView body) = 0;
  const std::string& trouble() const { return trouble_; }
  void end(bool connected);  // before it is destroyed: something may still go out
  virtual bool connected() const = 0;
  virtual void caller_is_gone() {}  // send() failed with EHOSTUNREACH
  virtual void change_keys(const KeyPair& own, const std::vector<std::string>& peer_public_keys) = 0;

 protected:
  Path(zmq::context_t& context, zmq::socket_type type) : socket_(context, type) {}

  static zmq::message_t join(ByteView head, ByteView body);
  // Reads the rest of a message that has more parts than it should.
  void skip_rest(zmq::message_t& part);
  // Of connections that are made from now on.
  void set_own_keys(const KeyPair& own);
  void set_common(const KeyPair& own);

  zmq::socket_t socket_;
  std::string trouble_;
};

std::unique_ptr<Path> make_dialing_path(zmq::context_t& context, const LinkOptions& options, std::size_t index);
std::unique_ptr<Path> make_bound_path(zmq::context_t& context, const LinkOptions& options, std::size_t index);

}  // namespace tandem::mirror
