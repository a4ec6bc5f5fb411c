#include "edge/arrivals.hpp"

#include <algorithm>
#include <utility>

#include "base/journal.hpp"
#include "edge/connection_io.hpp"
#include "edge/tls_certificates.hpp"

namespace tandem::edge {

namespace {

constexpr std::int64_t warn_every_ms = 10'000;

bool trusted(const IpAddress& address, const ListenerOptions& listener) {
  const auto& proxies = listener.trusted_proxies;
  return std::any_of(proxies.begin(), proxies.end(), [&](const IpNetwork& one) { return one.contains(address); });
}

std::string at_port(const Newcomer& newcomer) {
  return newcomer.remote + " at port " + std::to_string(newcomer.flow.server_port);
}

}  // namespace

void Arrivals::Untold::add(std::string who) {
  ++count;
  last = std::move(who);
}

Arrivals::Arrivals(EdgeState& state)
    : state_(state),
      connects_(state.options.max_connects_per_s),
      proxied_(state.loop, {[this](Newcomer newcomer) { go_on(std::move(newcomer)); },
                            [this](const Newcomer& newcomer, ProxyClients::Failure failure, const char* why) {
                              header_failed(newcomer, failure, why);
                            }}) {
  const auto& listeners = state.options.listeners;
  const auto tls = [](const ListenerOptions& listener) { return listener.tls != nullptr; };
  if (std::none_of(listeners.begin(), listeners.end(), tls)) return;
  handshakes_ = std::make_unique<TlsHandshakes>(
      state.loop, TlsHandshakes::Options{limits::max_tls_handshakes, state.options.connect_timeout_ms},
      TlsHandshakes::Calls{
          [this](Newcomer newcomer) { shook_hands(std::move(newcomer)); },
          [this](const Newcomer& newcomer, const std::string& why) { handshake_failed(newcomer, why); }});
}

// As of the last tick, which also has the listeners ask again.
Steady Arrivals::now() const {
  return state_.now_ms == EdgeState::no_time_yet ? Steady{} : Steady{state_.now_ms};
}

std::size_t Arrivals::sockets() const {
  return state_.table.size() + proxied_.waiting() + (handshakes_ ? handshakes_->under_way() : 0);
}

// A client that waits for its proxy's header may begin a handshake at once.
bool Arrivals::may_accept(const ListenerOptions& listener) {
  if (listener.tls && !handshakes_->room(proxied_.waiting())) {
    ++handshake_pauses_;
    return false;
  }
  if (connects_.ready(now())) return true;
  ++state_.open.count().accept_pauses;
  ++connect_pauses_;
  return false;
}

void Arrivals::take(int fd, const Flow& flow, std::string remote, const ListenerOptions& listener) {
  connects_.take(now());
  Newcomer newcomer{ClientSocket(fd), flow, flow.client, std::move(remote), listener.websocket.get(), listener.tls};
  if (sockets() >= state_.options.max_connections) return beyond_connections_.add(newcomer.remote);
  if (listener.trusted_proxies.empty()) return go_on(std::move(newcomer));
  if (!trusted(flow.client, listener)) {
    ++state_.open.count().proxy_strangers;
    return strangers_.add(at_port(newcomer));
  }
  proxied_.begin(std::move(newcomer));
}

// Those that are under way beside it do not count yet.
bool Arrivals::too_many_from(const Newcomer& newcomer) {
  const std::size_t most = state_.options.max_connections_per_address;
  if (most == 0 || state_.open.from(newcomer.address) < most) return false;
  beyond_address_.add(newcomer.remote);
  return true;
}

void Arrivals::go_on(Newcomer newcomer) {
  if (too_many_from(newcomer)) return;
  if (!newcomer.certificates) return ConnectionIo::start(state_, std::move(newcomer));
  auto context = newcomer.certificates->context();
  handshakes_->begin(std::move(newcomer), std::move(context));
}

void Arrivals::shook_hands(Newcomer newcomer) {
  ++state_.open.count().tls_handshakes_done;
  if (!too_many_from(newcomer)) ConnectionIo::start(state_, std::move(newcomer));
}

void Arrivals::handshake_failed(const Newcomer& newcomer, const std::string& why) {
  ++state_.open.count().tls_handshakes_failed;
  failed_handshakes_.add(at_port(newcomer) + ": " + why);
  tell();
}

void Arrivals::header_failed(const Newcomer& newcomer, ProxyClients::Failure failure, const char* why) {
  Traffic& count = state_.open.count();
  ++(failure == ProxyClients::Failure::late ? count.proxy_headers_late : count.proxy_headers_malformed);
  failed_headers_.add(at_port(newcomer) + ": " + why);
  tell();
}

void Arrivals::tick() {
  proxied_.tick(state_.now_ms, state_.options.connect_timeout_ms);
  tell();
}

void Arrivals::drop_all() {
  proxied_.drop_all();
  if (handshakes_) handshakes_->drop_all();
}

void Arrivals::tell() {
  const std::uint64_t untold = beyond_connections_.count + beyond_address_.count + failed_handshakes_.count +
                               strangers_.count + failed_headers_.count + connect_pauses_ + handshake_pauses_;
  if (untold == 0 || state_.now_ms < next_warning_ms_) return;
  const EdgeOptions& options = state_.options;
  const auto warn = [&](std::uint64_t count, const std::string& sentence) {
    if (count != 0) journal::warn(sentence);
  };
  const auto warn_of = [&](Untold& of, const std::string& before, const std::string& between) {
    warn(of.count, before + std::to_string(of.count) + between + of.last);
    of = {};
  };
  warn(connect_pauses_,
       "limits.max_connects_per_s (" + std::to_string(options.max_connects_per_s) + ") reached: new clients wait");
  warn(handshake_pauses_,
       std::to_string(limits::max_tls_handshakes) + " TLS handshakes are under way: new clients wait");
  connect_pauses_ = handshake_pauses_ = 0;
  warn_of(beyond_connections_, "limits.max_connections (" + std::to_string(options.max_connections) + ") reached: ",
          " clients turned away, the last from ");
  warn_of(beyond_address_,
          "limits.max_connections_per_address (" + std::to_string(options.max_connections_per_address) + ") reached: ",
          " clients turned away, the last from ");
  warn_of(failed_handshakes_, "", " TLS handshakes failed, the last with ");
  warn_of(strangers_, "",
          " clients came to a listener with proxy_protocol from another address than those, the last from ");
  warn_of(failed_headers_, "", " PROXY headers failed, the last with ");
  next_warning_ms_ = state_.now_ms + warn_every_ms;
}

}  // namespace tandem::edge
