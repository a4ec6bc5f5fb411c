#include "edge/proxy_clients.hpp"

#include <sys/socket.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/socket_address.hpp"

namespace tandem::edge {

namespace asio = boost::asio;

struct ProxyClients::One {
  One(asio::io_context& loop, Newcomer newcomer_)
      : newcomer(std::move(newcomer_)), socket(loop, newcomer.socket.get()) {}

  Newcomer newcomer;
  std::optional<std::int64_t> until_ms;   // nothing: no tick has come yet
  asio::posix::stream_descriptor socket;  // does not own it
  ProxyHeader header;
  std::list<OnePtr>::iterator at;
  bool gone = false;  // from the list; a handler may still know it, also when the list itself is gone
};

void ProxyClients::begin(Newcomer newcomer) {
  const OnePtr one = std::make_shared<One>(loop_, std::move(newcomer));
  one->at = all_.insert(all_.end(), one);
  wait(one);
}

void ProxyClients::wait(const OnePtr& one) {
  one->socket.async_wait(asio::posix::stream_descriptor::wait_read, [this, one](const boost::system::error_code&) {
    if (!one->gone) read(one);
  });
}

// Looks first, and takes only what the header has used: nobody is woken for what lies there still.
void ProxyClients::read(const OnePtr& one) {
  std::array<char, 512> buffer;
  const int fd = one->newcomer.socket.get();
  const ssize_t count = ::recv(fd, buffer.data(), buffer.size(), MSG_PEEK | MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return wait(one);
  if (count <= 0) {
    if (one->header.begun()) return fail(one, Failure::malformed, "it ends within its header");
    static_cast<void>(take_out(one));
    return;
  }
  const std::size_t used = one->header.take({buffer.data(), static_cast<std::size_t>(count)});
  static_cast<void>(::recv(fd, buffer.data(), used, MSG_DONTWAIT));
  switch (one->header.state()) {
    case ProxyHeader::State::incomplete:
      return wait(one);
    case ProxyHeader::State::malformed:
      return fail(one, Failure::malformed, one->header.problem());
    case ProxyHeader::State::whole:
      break;
  }
  Newcomer newcomer = take_out(one);
  if (const std::optional<ProxiedClient>& client = one->header.client()) {
    newcomer.address = client->address;
    newcomer.remote = to_text(client->address, client->port);
  }
  calls_.done(std::move(newcomer));
}

Newcomer ProxyClients::take_out(const OnePtr& one) {
  one->gone = true;
  one->socket.release();
  all_.erase(one->at);
  return std::move(one->newcomer);
}

void ProxyClients::fail(const OnePtr& one, Failure failure, const char* why) {
  calls_.failed(take_out(one), failure, why);
}

void ProxyClients::tick(std::int64_t now_ms, std::int64_t timeout_ms) {
  for (auto next = all_.begin(); next != all_.end();) {
    const OnePtr one = *next++;
    if (!one->until_ms) one->until_ms = now_ms + timeout_ms;
    if (now_ms >= *one->until_ms) fail(one, Failure::late, "its header did not come in time");
  }
}

void ProxyClients::drop_all() {
  while (!all_.empty()) static_cast<void>(take_out(OnePtr(all_.front())));
}

}  // namespace tandem::edge
