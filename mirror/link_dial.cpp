// The side that dials: it tries each of the peer's keys, and dials anew where libzmq gives up.
#include <algorithm>
#include <chrono>
#include <cstring>

#include "mirror/link_path.hpp"

namespace tandem::mirror {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t max_frames_per_drain = 20'000;
constexpr auto dial_again_after = std::chrono::seconds(2);
constexpr auto next_key_after = std::chrono::milliseconds(20);  // a connection that ends in its handshake

class DialingPath final : public Path {
 public:
  DialingPath(zmq::context_t& context, const LinkOptions& options, std::size_t index)
      : Path(context, zmq::socket_type::dealer),
        monitor_(context, zmq::socket_type::pair),
        own_key_(options.own.public_key),
        peer_keys_(options.peer_public_keys),
        endpoint_("tcp://" + options.peer[index]),
        address_(options.peer[index]) {
    set_common(options.own);
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
    set_own_keys(own);
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

}  // namespace

std::unique_ptr<Path> make_dialing_path(zmq::context_t& context, const LinkOptions& options, std::size_t index) {
  return std::make_unique<DialingPath>(context, options, index);
}

}  // namespace tandem::mirror
