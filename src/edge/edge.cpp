// The edge as a whole: listeners, the lists of a turn, ticks.
#include "edge/edge.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/journal.hpp"
#include "base/token_bucket.hpp"
#include "edge/connection_io.hpp"
#include "edge/edge_state.hpp"
#include "edge/listener.hpp"
#include "edge/tls_certificates.hpp"
#include "edge/tls_handshakes.hpp"

namespace tandem::edge {

namespace {
constexpr std::int64_t warn_every_ms = 10'000;
}

struct Edge::Impl {
  Impl(boost::asio::io_context& loop, const EdgeOptions& options, PacketSink& sink)
      : state(loop, options, sink), connects(options.max_connects_per_s) {
    const auto tls = [](const ListenerOptions& listener) { return listener.tls != nullptr; };
    if (std::none_of(options.listeners.begin(), options.listeners.end(), tls)) return;
    handshakes = std::make_unique<TlsHandshakes>(
        loop, TlsHandshakes::Options{limits::max_tls_handshakes, options.connect_timeout_ms},
        TlsHandshakes::Calls{[this](TlsClient client) { shook_hands(std::move(client)); },
                             [this](const TlsClient& client, const std::string& why) { tell_failed(client, why); }});
  }

  // As of the last tick, which also has the listeners ask again.
  Steady now() const { return state.now_ms == EdgeState::no_time_yet ? Steady{} : Steady{state.now_ms}; }

  bool may_accept(bool tls) {
    if (tls && !handshakes->room()) {
      ++handshake_pauses;
      return false;
    }
    if (connects.ready(now())) return true;
    ++state.open.count().accept_pauses;
    ++pauses;
    return false;
  }

  std::size_t sockets() const { return state.table.size() + (handshakes ? handshakes->under_way() : 0); }

  bool too_many_from(const IpAddress& address) const {
    const std::size_t most = state.options.max_connections_per_address;
    return most != 0 && state.open.from(address) >= most;
  }

  void take_client(int fd, const Flow& flow, std::string remote, const ListenerOptions& listener) {
    connects.take(now());
    ClientSocket socket(fd);
    if (sockets() >= state.options.max_connections) {
      ++refused;
    } else if (too_many_from(flow.client)) {
      ++refused_of_address;
      last_refused = remote;
    } else if (listener.tls) {
      handshakes->begin({std::move(socket), flow, std::move(remote), listener.websocket.get()},
                        listener.tls->context());
    } else {
      ConnectionIo::start(state, {socket.release(), flow, std::move(remote), listener.websocket.get()});
    }
  }

  void shook_hands(TlsClient client) {
    ++state.open.count().tls_handshakes_done;
    if (too_many_from(client.flow.client)) {  // those that were under way beside it did not count
      ++refused_of_address;
      last_refused = client.remote;
      return;
    }
    ConnectionIo::start(state, {client.socket.release(), client.flow, std::move(client.remote), client.websocket,
                                std::move(client.session), std::move(client.certificate_user)});
  }

  void tell_failed(const TlsClient& client, const std::string& why) {
    ++state.open.count().tls_handshakes_failed;
    ++failed_handshakes;
    last_failed = client.remote + " at port " + std::to_string(client.flow.server_port) + ": " + why;
    tell_limits();
  }

  void tell_limits() {
    if ((refused == 0 && refused_of_address == 0 && pauses == 0 && failed_handshakes == 0 && handshake_pauses == 0) ||
        state.now_ms < next_warning_ms) {
      return;
    }
    if (refused != 0) {
      journal::warn("limits.max_connections (" + std::to_string(state.options.max_connections) +
                    ") reached: " + std::to_string(refused) + " clients turned away");
    }
    if (pauses != 0) {
      journal::warn("limits.max_connects_per_s (" + std::to_string(state.options.max_connects_per_s) +
                    ") reached: new clients wait");
    }
    if (failed_handshakes != 0) {
      journal::warn(std::to_string(failed_handshakes) + " TLS handshakes failed, the last with " + last_failed);
    }
    if (handshake_pauses != 0) {
      journal::warn(std::to_string(limits::max_tls_handshakes) + " TLS handshakes are under way: new clients wait");
    }
    if (refused_of_address != 0) {
      journal::warn("limits.max_connections_per_address (" + std::to_string(state.options.max_connections_per_address) +
                    ") reached: " + std::to_string(refused_of_address) + " clients turned away, the last from " +
                    last_refused);
    }
    refused = 0;
    refused_of_address = 0;
    pauses = 0;
    failed_handshakes = 0;
    handshake_pauses = 0;
    next_warning_ms = state.now_ms + warn_every_ms;
  }

  void close_all() {
    if (handshakes) handshakes->drop_all();
    for (std::size_t slot = 0; slot < state.table.slots(); ++slot) {
      if (ConnectionIo* const connection = state.table.at(slot)) connection->reset_now();
    }
    state.to_write.clear();
    state.to_read.clear();
    state.warm.clear();
  }

  using Listeners = std::vector<std::shared_ptr<Listener>>;

  Result<Listeners> open_all(const std::vector<ListenerOptions>& all) {
    Listeners opened;
    for (const ListenerOptions& options : all) {
      const auto take = [=, this](int fd, const Flow& flow, std::string remote) {
        take_client(fd, flow, std::move(remote), options);
      };
      const auto may = [this, tls = options.tls != nullptr] { return may_accept(tls); };
      auto listener = Listener::open(state.loop, options, take, may);
      if (!listener) {
        for (const auto& other : opened) other->close();
        return listener.error();
      }
      opened.push_back(listener.take());
    }
    return opened;
  }

  // The listeners as configured but for those that are held as they are.
  std::vector<ListenerOptions> to_open() const {
    if (only_loopback) return on_loopback();
    std::vector<ListenerOptions> all;
    for (ListenerOptions options : state.options.listeners) {
      options.shared = !state.options.virtual_ips.empty();
      const auto same = [&](const std::string& address) { return address == options.address; };
      const auto& vips = state.options.virtual_ips;
      if (held.empty() || std::none_of(vips.begin(), vips.end(), same)) all.push_back(std::move(options));
    }
    return all;
  }

  // Each listener once, at this machine's own address.
  std::vector<ListenerOptions> on_loopback() const {
    std::vector<ListenerOptions> all;
    for (ListenerOptions options : state.options.listeners) {
      options.address = options.address.find(':') == std::string::npos ? "127.0.0.1" : "::1";
      const bool known = std::any_of(all.begin(), all.end(), [&](const ListenerOptions& other) {
        return other.address == options.address && other.port == options.port;
      });
      if (!known) all.push_back(std::move(options));
    }
    return all;
  }

  // Each virtual IP with each port at which it will be served.
  std::vector<ListenerOptions> to_hold() const {
    std::vector<ListenerOptions> all;
    if (only_loopback) return all;
    for (const ListenerOptions& options : state.options.listeners) {
      for (const std::string& address : state.options.virtual_ips) {
        const char* const any = address.find(':') == std::string::npos ? "0.0.0.0" : "::";
        if (options.address != any && options.address != address) continue;
        all.push_back(options);
        all.back().address = address;
        all.back().shared = true;
      }
    }
    return all;
  }

  EdgeState state;
  Listeners listeners;
  Listeners held;              // virtual IPs, before the listeners are open; then among these
  std::vector<IoPtr> working;  // a list of the turn while it is worked on
  TokenBucket connects;
  bool only_loopback = false;
  std::uint64_t pauses = 0;              // of accepting, that the journal has not heard of
  std::uint64_t refused = 0;             // clients beyond max_connections that the journal has not heard of
  std::uint64_t refused_of_address = 0;  // likewise
  std::string last_refused;
  std::uint64_t failed_handshakes = 0;  // likewise
  std::string last_failed;
  std::uint64_t handshake_pauses = 0;  // likewise
  std::int64_t next_warning_ms = EdgeState::no_time_yet;
  std::unique_ptr<TlsHandshakes> handshakes;  // null: no listener has TLS
};

Edge::Edge(boost::asio::io_context& loop, const EdgeOptions& options, PacketSink& sink)
    : impl_(std::make_unique<Impl>(loop, options, sink)) {}

Edge::~Edge() {
  close_listeners();
  close_all_connections();
}

Status Edge::open_listeners() {
  if (listening()) return {};
  auto opened = impl_->open_all(impl_->to_open());
  if (!opened) return opened.error();
  impl_->listeners = opened.take();
  std::move(impl_->held.begin(), impl_->held.end(), std::back_inserter(impl_->listeners));
  impl_->held.clear();
  return {};
}

Status Edge::hold_virtual_ips() {
  if (listening() || !impl_->held.empty()) return {};
  auto opened = impl_->open_all(impl_->to_hold());
  if (!opened) return opened.error();
  impl_->held = opened.take();
  return {};
}

void Edge::only_loopback(bool only) {
  impl_->only_loopback = only;
}

bool Edge::listening() const {
  return !impl_->listeners.empty();
}

std::vector<std::uint16_t> Edge::ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& listener : impl_->listeners) ports.push_back(listener->port());
  return ports;
}

void Edge::accept_clients() {
  for (const auto& listener : impl_->listeners) listener->accept();
}

void Edge::close_listeners() {
  for (auto* all : {&impl_->listeners, &impl_->held}) {
    for (const auto& listener : *all) listener->close();
    all->clear();
  }
}

void Edge::close_all_connections() {
  impl_->close_all();
}

Connections& Edge::connections() {
  return impl_->state.open;
}

std::size_t Edge::connection_count() const {
  return impl_->state.open.size();
}

void Edge::flush() {
  std::swap(impl_->working, impl_->state.to_write);
  for (const IoPtr& connection : impl_->working) connection->write_now();
  impl_->working.clear();
  std::swap(impl_->working, impl_->state.to_read);
  for (const IoPtr& connection : impl_->working) connection->read_next_turn();
  impl_->working.clear();
}

void Edge::new_turn() {
  impl_->state.bytes_read_this_turn = 0;
}

std::uint64_t Edge::bytes_read_this_turn() const {
  return impl_->state.bytes_read_this_turn;
}

void Edge::tick(Steady now) {
  EdgeState& state = impl_->state;
  state.now_ms = std::max(state.now_ms, now.ms);
  for (std::size_t slot = 0; slot < state.table.slots(); ++slot) {
    if (state.table.check_at_ms(slot) > state.now_ms) continue;
    if (const IoPtr connection = state.table.at(slot)) connection->check(state.now_ms);
  }
  std::erase_if(state.warm, [](const IoPtr& connection) { return connection->cool_down(); });
  for (const auto& listener : impl_->listeners) listener->retry();
  impl_->tell_limits();
}

}  // namespace tandem::edge
