// The side that is bound: it answers only its newest caller. Who may call is the ZAP handler's to say (zap.hpp).
#include <algorithm>
#include <chrono>
#include <deque>

#include "mirror/link_path.hpp"
#include "mirror/zap.hpp"

namespace tandem::mirror {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t max_frames_per_drain = 20'000;
constexpr std::size_t max_callers = 16;
constexpr auto bind_retry = std::chrono::milliseconds(200);
constexpr auto rebind_retry = std::chrono::milliseconds(10);  // libzmq frees the port a moment later

class BoundPath final : public Path {
 public:
  BoundPath(zmq::context_t& context, const LinkOptions& options, std::size_t index)
      : Path(context, zmq::socket_type::router),
        address_(options.listen[index]),
        own_key_(options.own.public_key),
        peer_keys_(options.peer_public_keys) {
    set_common(options.own);
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

  void caller_is_gone() override { newest_.clear(); }

  // Who is connected goes with the listener, and has to prove himself again.
  void change_keys(const KeyPair& own, const std::vector<std::string>& peer_public_keys) override {
    const bool all_stay = std::all_of(peer_keys_.begin(), peer_keys_.end(), [&](const std::string& key) {
      return std::find(peer_public_keys.begin(), peer_public_keys.end(), key) != peer_public_keys.end();
    });
    peer_keys_ = peer_public_keys;
    if (own.public_key == own_key_ && all_stay) return;
    own_key_ = own.public_key;
    set_own_keys(own);
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

}  // namespace

std::unique_ptr<Path> make_bound_path(zmq::context_t& context, const LinkOptions& options, std::size_t index) {
  return std::make_unique<BoundPath>(context, options, index);
}

}  // namespace tandem::mirror
