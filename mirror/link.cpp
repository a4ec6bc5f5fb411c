// ZeroMQ sockets of the link, one a path: a dialing DEALER, or a bound ROUTER that answers only its newest caller.
#include "mirror/link.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <optional>
#include <zmq.hpp>

#include "base/limits.hpp"
#include "mirror/zap.hpp"

namespace tandem::mirror {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int reconnect_ms = 10;
constexpr int heartbeat_ivl_ms = 10;  // libzmq's own: they notice a stopped or vanished host
constexpr int heartbeat_timeout_ms = 75;
constexpr int handshake_ms = 1'000;
constexpr int send_high_water = 100'000;  // frames; the stream's own limit in bytes is reached long before
constexpr int linger_at_end_ms = 200;     // a last RELEASE may go out
constexpr std::size_t max_frames_per_drain = 20'000;
constexpr std::size_t max_callers = 16;
constexpr auto bind_retry = std::chrono::milliseconds(200);
constexpr auto dial_again_after = std::chrono::seconds(2);
constexpr auto next_key_after = std::chrono::milliseconds(20);  // a connection that ends in its handshake
constexpr auto rebind_retry = std::chrono::milliseconds(10);    // libzmq frees the port a moment later

// Of connections that are made from now on.
void set_own_keys(zmq::socket_t& socket, const KeyPair& own) {
  socket.set(zmq::sockopt::curve_publickey, own.public_key);
  socket.set(zmq::sockopt::curve_secretkey, own.secret_key);
}

void set_common(zmq::socket_t& socket, const KeyPair& own) {
  set_own_keys(socket, own);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::sndhwm, send_high_water);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::max_frame_bytes));
  socket.set(zmq::sockopt::reconnect_ivl, reconnect_ms);
  socket.set(zmq::sockopt::handshake_ivl, handshake_ms);
  socket.set(zmq::sockopt::heartbeat_ivl, heartbeat_ivl_ms);
  socket.set(zmq::sockopt::heartbeat_timeout, heartbeat_timeout_ms);
  socket.set(zmq::sockopt::ipv6, true);
}

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
  void end(bool connected) { socket_.set(zmq::sockopt::linger, connected ? linger_at_end_ms : 0); }
  virtual bool connected() const = 0;
  virtual void change_keys(const KeyPair& own, const std::vector<std::string>& peer_public_keys) = 0;

 protected:
  Path(zmq::context_t& context, zmq::socket_type type) : socket_(context, type) {}

  static zmq::message_t join(ByteView head, ByteView body) {
    zmq::message_t message(head.size() + body.size());
    if (!head.empty()) std::memcpy(message.data(), head.data(), head.size());
    if (!body.empty()) std::memcpy(message.data<char>() + head.size(), body.data(), body.size());
    return message;
  }
  // Reads the rest of a message that has more parts than it should.
  void skip_rest(zmq::message_t& part) {
    while (part.more()) {
      if (!socket_.recv(part, zmq::recv_flags::dontwait)) return;
    }
  }

  zmq::socket_t socket_;
  std::string trouble_;
};

class DialingPath final : public Path {
 public:
  DialingPath(zmq::context_t& context, const LinkOptions& options, std::size_t index)
      : Path(context, zmq::socket_type::dealer),
        monitor_(context, zmq::socket_type::pair),
        own_key_(options.own.public_key),
        peer_keys_(options.peer_public_keys),
        endpoint_("tcp://" + options.peer[index]),
        address_(options.peer[index]) {
    set_common(socket_, options.own);
    const std::string events = "inproc://tandem-dial-" + std::to_string(index);
    const int watched = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                        ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    if (zmq_socket_monitor(socket_.handle(), events.c_str(), watched) != 0) throw zmq::error_t();
    monitor_.set(zmq::sockopt::linger, 0);
    monitor_.connect(events);
    dial();
  }

  std::optional<int> other_fd() const override { return monitor_.get(zmq::sockopt::fd); }
  bool connected() const override { return connected_; }

  void look_after() override {
    zmq::message_t head;
    while (monitor_.recv(head, zmq::recv_flags::dontwait)) {
      std::uint16_t event = 0;
      if (head.size() >= sizeof event) std::memcpy(&event, head.data(), sizeof event);
      while (head.more()) {
        if (!monitor_.recv(head, zmq::recv_flags::dontwait)) break;
      }
      on_event(event);
    }
    // libzmq gives up for good after a handshake that breaks its rules (a stranger on the peer's port, say), so an
    // unconnected path is dialled anew even if there is only one key to try.
    const auto patience =
        peer_keys_.size() > 1 && handshake_failed_ ? Clock::duration(next_key_after) : dial_again_after;
    if (!connected_ && Clock::now() - dialed_at_ > patience) {
      key_ = (key_ + 1) % peer_keys_.size();
      dial_anew();
    }
  }

  void change_keys(const KeyPair& own, const std::vector<std::string>& peer_public_keys) override {
    const std::string used = peer_keys_[key_];
    const auto kept = std::find(peer_public_keys.begin(), peer_public_keys.end(), used);
    const bool holds = own.public_key == own_key_ && kept != peer_public_keys.end();
    peer_keys_ = peer_public_keys;
    key_ = holds ? static_cast<std::size_t>(kept - peer_public_keys.begin()) : 0;
    if (holds) return;
    peer_keys_ = peer_public_keys;
    own_key_ = own.public_key;
    set_own_keys(socket_, own);
    connected_ = false;
    dial_anew();
  }

  void drain(const std::function<void(ByteView)>& take) override {
    zmq::message_t frame;
    for (std::size_t i = 0; i < max_frames_per_drain; ++i) {
      if (!socket_.recv(frame, zmq::recv_flags::dontwait)) return;
      if (frame.more()) {
        skip_rest(frame);
        continue;
      }
      take(ByteView(frame.data<char>(), frame.size()));
    }
  }

  bool send(ByteView head, ByteView body) override {
    if (!connected_) return false;  // libzmq would keep it and deliver it stale
    return socket_.send(join(head, body), zmq::send_flags::dontwait).has_value();
  }

 private:
  void dial_anew() {
    zmq_disconnect(socket_.handle(), endpoint_.c_str());  // it may be gone already
    dial();
  }

  void dial() {
    handshake_failed_ = false;
    socket_.set(zmq::sockopt::curve_serverkey, peer_keys_[key_]);
    socket_.connect(endpoint_);
    dialed_at_ = Clock::now();
  }

  void on_event(std::uint16_t event) {
    if (connected_) dialed_at_ = Clock::now();  // the key was right: give it its time again
    handshake_failed_ = !connected_ && event != ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    connected_ = event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    if (connected_) trouble_.clear();
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH || event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL) {
      trouble_ = "mirror path to " + address_ +
                 ": the other side is reached but the keys do not fit (check key_file "
                 "and peer_public_key on both boxes)";
    }
  }

  zmq::socket_t monitor_;
  std::string own_key_;
  std::vector<std::string> peer_keys_;
  std::size_t key_ = 0;
  std::string endpoint_;
  std::string address_;
  Clock::time_point dialed_at_;
  bool connected_ = false;
  bool handshake_failed_ = false;  // with the present key
};

class BoundPath final : public Path {
 public:
  BoundPath(zmq::context_t& context, const LinkOptions& options, std::size_t index)
      : Path(context, zmq::socket_type::router),
        address_(options.listen[index]),
        own_key_(options.own.public_key),
        peer_keys_(options.peer_public_keys) {
    set_common(socket_, options.own);
    socket_.set(zmq::sockopt::curve_server, true);
    socket_.set(zmq::sockopt::zap_domain, zap_domain);
    socket_.set(zmq::sockopt::router_mandatory, true);
    try_bind();
  }

  bool connected() const override { return !newest_.empty(); }

  void look_after() override {
    if (!bound_ && Clock::now() >= bind_again_) try_bind();
  }

  void drain(const std::function<void(ByteView)>& take) override {
    zmq::message_t caller;
    zmq::message_t frame;
    for (std::size_t i = 0; i < max_frames_per_drain; ++i) {
      if (!socket_.recv(caller, zmq::recv_flags::dontwait)) return;
      if (!caller.more() || !socket_.recv(frame, zmq::recv_flags::dontwait)) continue;
      if (frame.more()) {
        skip_rest(frame);
        continue;
      }
      note_caller(ByteView(caller.data<char>(), caller.size()));
      take(ByteView(frame.data<char>(), frame.size()));
    }
  }

  bool send(ByteView head, ByteView body) override {
    if (newest_.empty()) return false;
    // Both parts or none: with ROUTER_MANDATORY an unknown or full caller fails at the first.
    zmq::message_t caller(newest_.data(), newest_.size());
    if (!socket_.send(caller, zmq::send_flags::dontwait | zmq::send_flags::sndmore)) return false;
    return socket_.send(join(head, body), zmq::send_flags::dontwait).has_value();
  }

  void caller_is_gone() { newest_.clear(); }

  // Who is connected goes with the listener, and has to prove himself again.
  void change_keys(const KeyPair& own, const std::vector<std::string>& peer_public_keys) override {
    const bool all_stay = std::all_of(peer_keys_.begin(), peer_keys_.end(), [&](const std::string& key) {
      return std::find(peer_public_keys.begin(), peer_public_keys.end(), key) != peer_public_keys.end();
    });
    peer_keys_ = peer_public_keys;
    if (own.public_key == own_key_ && all_stay) return;
    own_key_ = own.public_key;
    set_own_keys(socket_, own);
    if (bound_) socket_.unbind(endpoint_);
    bound_ = false;
    newest_.clear();
    bind_again_ = Clock::now();
  }

 private:
  // A caller heard for the first time is a newer connection than all before it.
  void note_caller(ByteView caller) {
    if (caller == newest_) return;
    if (std::find(known_.begin(), known_.end(), caller) != known_.end()) return;
    newest_ = std::string(caller);
    known_.push_back(newest_);
    if (known_.size() > max_callers) known_.pop_front();
  }

  void try_bind() {
    try {
      socket_.bind("tcp://" + address_);
      endpoint_ = socket_.get(zmq::sockopt::last_endpoint);
      bound_ = true;
      trouble_.clear();
    } catch (const zmq::error_t& error) {
      trouble_ = "mirror path: cannot listen on " + address_ + " yet: " + error.what();
      bind_again_ = Clock::now() + (endpoint_.empty() ? bind_retry : rebind_retry);
    }
  }

  std::string address_;
  std::string endpoint_;  // as libzmq names it once it was bound
  std::string own_key_;
  std::vector<std::string> peer_keys_;
  bool bound_ = false;
  Clock::time_point bind_again_;
  std::string newest_;
  std::deque<std::string> known_;
};

Status wrong_keys(const std::string& own_public_key, const std::vector<std::string>& peer_public_keys) {
  if (peer_public_keys.empty()) return Error{"mirror.peer_public_key is missing"};
  for (const std::string& key : peer_public_keys) {
    if (key == own_public_key) {
      return Error{"mirror.peer_public_key is this node's own key: put the other node's public key there"};
    }
    if (key.size() != own_public_key.size()) return Error{"mirror.peer_public_key is not a key (40 characters)"};
  }
  return {};
}

class ZmqLink final : public Link {
 public:
  explicit ZmqLink(const LinkOptions& options) : context_(1) {
    dials_ = options.own.public_key < options.peer_public_keys.front();
    const bool dials = dials_;
    try {
      if (!dials) guard_ = std::make_unique<ZapGuard>(context_, options.peer_public_keys);
      for (std::size_t i = 0; i < options.listen.size(); ++i) {
        if (dials)
          paths_.push_back(std::make_unique<DialingPath>(context_, options, i));
        else
          paths_.push_back(std::make_unique<BoundPath>(context_, options, i));
      }
    } catch (...) {
      end();
      throw;
    }
  }

  ~ZmqLink() override { end(); }

  std::size_t paths() const override { return paths_.size(); }

  std::vector<int> fds() const override {
    std::vector<int> fds;
    for (const auto& path : paths_) {
      fds.push_back(path->fd());
      if (const std::optional<int> other = path->other_fd()) fds.push_back(*other);
    }
    return fds;
  }

  void drain(const std::function<void(std::size_t, ByteView)>& take) override {
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      try {
        paths_[i]->look_after();
        paths_[i]->drain([&](ByteView frame) { take(i, frame); });
      } catch (const zmq::error_t&) {
        // Tried again at the next call; a path that does not work shows by missing heartbeats.
      }
    }
  }

  bool send(std::size_t path, ByteView head, ByteView body) override {
    if (path >= paths_.size() || head.size() + body.size() > limits::max_frame_bytes) return false;
    try {
      return paths_[path]->send(head, body);
    } catch (const zmq::error_t& error) {
      auto* bound = dynamic_cast<BoundPath*>(paths_[path].get());
      if (bound != nullptr && error.num() == EHOSTUNREACH) bound->caller_is_gone();
      return false;
    }
  }

  std::vector<std::string> troubles() const override {
    std::vector<std::string> troubles;
    for (const auto& path : paths_) {
      if (!path->trouble().empty()) troubles.push_back(path->trouble());
    }
    if (guard_) {
      if (std::string refused = guard_->trouble(); !refused.empty()) troubles.push_back(std::move(refused));
    }
    return troubles;
  }

  Status change_keys(const KeyPair& own, const std::vector<std::string>& peer_public_keys) override {
    if (Status wrong = wrong_keys(own.public_key, peer_public_keys); !wrong.ok()) return wrong;
    for (const std::string& peer : peer_public_keys) {
      if ((own.public_key < peer) == dials_) continue;
      return Error{
          "the new mirror key would turn around which box dials: make another one with 'tandemctl keygen --next'"};
    }
    if (guard_) guard_->allow(peer_public_keys);
    for (const auto& path : paths_) {
      try {
        path->change_keys(own, peer_public_keys);
      } catch (const zmq::error_t& error) {
        return Error{std::string("a mirror path does not take the new keys: ") + error.what() + "; restart tandemd"};
      }
    }
    return {};
  }

 private:
  // Sockets first (what is queued may still go out for a moment), then the ZAP thread, then the context.
  void end() {
    for (const auto& path : paths_) {
      try {
        path->end(path->connected());
      } catch (const zmq::error_t&) {
        continue;  // closed without lingering
      }
    }
    paths_.clear();
    context_.shutdown();
    guard_.reset();
    context_.close();
  }

  zmq::context_t context_;
  std::unique_ptr<ZapGuard> guard_;
  std::vector<std::unique_ptr<Path>> paths_;
  bool dials_ = false;
};

}  // namespace

Result<std::unique_ptr<Link>> open_link(const LinkOptions& options) {
  if (Status wrong = wrong_keys(options.own.public_key, options.peer_public_keys); !wrong.ok()) return wrong.error();
  if (options.listen.empty() || options.listen.size() != options.peer.size()) {
    return Error{"mirror.listen and mirror.peer must have the same number of addresses (one or two)"};
  }
  try {
    return std::unique_ptr<Link>(std::make_unique<ZmqLink>(options));
  } catch (const zmq::error_t& error) {
    return Error{std::string("the mirror link cannot be opened: ") + error.what()};
  }
}

}  // namespace tandem::mirror
