// The edge as a whole: listeners, the lists of a turn, ticks.
#include "edge/edge.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/journal.hpp"
#include "edge/connection_io.hpp"
#include "edge/edge_state.hpp"
#include "edge/listener.hpp"

namespace tandem::edge {

namespace {
constexpr std::int64_t warn_every_ms = 10'000;
}

struct Edge::Impl {
  Impl(boost::asio::io_context& loop, const EdgeOptions& options, PacketSink& sink) : state(loop, options, sink) {}

  void take_client(int fd, const Flow& flow, std::string remote) {
    if (state.table.size() < state.options.max_connections) {
      ConnectionIo::start(state, fd, flow, std::move(remote));
      return;
    }
    ::close(fd);
    ++refused;
  }

  void tell_refused() {
    if (refused == 0 || state.now_ms < next_warning_ms) return;
    journal::warn("limits.max_connections (" + std::to_string(state.options.max_connections) +
                  ") reached: " + std::to_string(refused) + " clients turned away");
    refused = 0;
    next_warning_ms = state.now_ms + warn_every_ms;
  }

  void close_all() {
    for (std::size_t slot = 0; slot < state.table.slots(); ++slot) {
      if (ConnectionIo* const connection = state.table.at(slot)) connection->close_now();
    }
    state.to_write.clear();
    state.to_read.clear();
    state.warm.clear();
  }

  EdgeState state;
  std::vector<std::shared_ptr<Listener>> listeners;
  std::vector<IoPtr> working;  // a list of the turn while it is worked on
  std::uint64_t refused = 0;   // clients beyond max_connections that the journal has not heard of
  std::int64_t next_warning_ms = EdgeState::no_time_yet;
};

Edge::Edge(boost::asio::io_context& loop, const EdgeOptions& options, PacketSink& sink)
    : impl_(std::make_unique<Impl>(loop, options, sink)) {}

Edge::~Edge() {
  close_listeners();
  close_all_connections();
}

Status Edge::open_listeners() {
  if (listening()) return {};
  std::vector<std::shared_ptr<Listener>> opened;
  for (const ListenerOptions& options : impl_->state.options.listeners) {
    auto listener =
        Listener::open(impl_->state.loop, options, [impl = impl_.get()](int fd, const Flow& flow, std::string remote) {
          impl->take_client(fd, flow, std::move(remote));
        });
    if (!listener) {
      for (const auto& other : opened) other->close();
      return listener.error();
    }
    opened.push_back(listener.take());
  }
  impl_->listeners = std::move(opened);
  return {};
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
  for (const auto& listener : impl_->listeners) listener->close();
  impl_->listeners.clear();
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
  impl_->tell_refused();
}

}  // namespace tandem::edge
