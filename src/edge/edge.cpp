// The edge as a whole: listeners, the lists of a turn, ticks.
#include "edge/edge.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "base/journal.hpp"
#include "edge/arrivals.hpp"
#include "edge/connection_io.hpp"
#include "edge/edge_state.hpp"
#include "edge/listener.hpp"
#include "edge/parallel_io.hpp"

namespace tandem::edge {

namespace {
constexpr int socket_retry_ticks = 10;  // about a second
}

struct Edge::Impl {
  Impl(boost::asio::io_context& loop, const EdgeOptions& options, PacketSink& sink)
      : state(loop, options, sink), arrivals(state) {
    if (options.threads > 0) state.parallel = std::make_shared<ParallelIo>(state, options.threads, options.share_from);
  }

  void close_all() {
    arrivals.drop_all();
    for (std::size_t slot = 0; slot < state.table.slots(); ++slot) {
      if (ConnectionIo* const connection = state.table.at(slot)) connection->reset_now();
    }
    state.to_write.clear();
    state.to_read.clear();
    state.warm.clear();
  }

  // All that were read in this turn are to be read in the next.
  void read_on() {
    std::swap(working, state.to_read);
    for (const IoPtr& connection : working) connection->read_next_turn();
    working.clear();
  }

  using Listeners = std::vector<std::shared_ptr<Listener>>;

  Result<std::shared_ptr<Listener>> open_one(const ListenerOptions& options) {
    const auto take = [=, this](int fd, const Flow& flow, std::string remote) {
      arrivals.take(fd, flow, std::move(remote), options);
    };
    const auto may = [=, this] { return arrivals.may_accept(options); };
    return Listener::open(state.loop, options, take, may);
  }

  // Those that are not open yet.
  void open_sockets() {
    for (const ListenerOptions& options : state.options.listeners) {
      if (options.socket.empty() || sockets.contains(options.socket)) continue;
      auto listener = open_one(options);
      if (listener.ok()) {
        if (accepting) listener.value()->accept();
        sockets[options.socket] = listener.take();
        told_of_sockets.erase(options.socket);
      } else if (std::string& told = told_of_sockets[options.socket]; told != listener.error().message) {
        told = listener.error().message;
        journal::warn(told + "; everybody else is served, and it is tried again");
      }
    }
  }

  Result<Listeners> open_all(const std::vector<ListenerOptions>& all) {
    Listeners opened;
    for (const ListenerOptions& options : all) {
      auto listener = open_one(options);
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
      if (!options.socket.empty()) continue;
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
      if (!options.socket.empty()) continue;
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
  Arrivals arrivals;
  Listeners listeners;
  Listeners held;  // virtual IPs, before the listeners are open; then among these
  std::map<std::string, std::shared_ptr<Listener>> sockets;  // Unix ones, by path
  std::map<std::string, std::string> told_of_sockets;        // what the journal has heard, by path
  bool open = false;
  bool accepting = false;
  int ticks = 0;
  std::vector<IoPtr> working;  // a list of the turn while it is worked on
  bool only_loopback = false;
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
  impl_->open = true;
  impl_->open_sockets();
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
  return impl_->open;
}

std::vector<std::uint16_t> Edge::ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& listener : impl_->listeners) ports.push_back(listener->port());
  return ports;
}

void Edge::accept_clients() {
  impl_->accepting = true;
  for (const auto& listener : impl_->listeners) listener->accept();
  for (const auto& [path, listener] : impl_->sockets) listener->accept();
}

void Edge::close_listeners() {
  impl_->open = impl_->accepting = false;
  for (const auto& [path, listener] : impl_->sockets) listener->close();
  impl_->sockets.clear();
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
  if (impl_->state.parallel) {
    impl_->state.parallel->write(impl_->working);
  } else {
    for (const IoPtr& connection : impl_->working) connection->write_now();
  }
  impl_->working.clear();
  impl_->read_on();
}

bool Edge::writing() const {
  return impl_->state.parallel && impl_->state.parallel->writing();
}

void Edge::settle() {
  if (!writing()) return;
  impl_->state.parallel->finish_writes();
  impl_->read_on();
}

void Edge::new_turn() {
  impl_->state.bytes_read_this_turn = 0;
  impl_->state.read_buffer.new_turn();
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
  for (const auto& [path, listener] : impl_->sockets) listener->retry();
  if (impl_->open && ++impl_->ticks % socket_retry_ticks == 0) impl_->open_sockets();
  impl_->arrivals.tick();
}

}  // namespace tandem::edge
