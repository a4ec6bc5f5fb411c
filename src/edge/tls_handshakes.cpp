#include "edge/tls_handshakes.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <list>
#include <thread>
#include <utility>

#include "base/limits.hpp"
#include "base/thread.hpp"

namespace tandem::edge {

namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

}  // namespace

// The loop's side, which outcomes come back to. A round ends with drop_all(): what comes of an earlier one is dropped.
struct TlsHandshakes::Hub {
  asio::io_context& loop;
  const Options options;
  const Calls calls;
  std::size_t under_way = 0;
  std::uint64_t round = 0;
};

// One thread with a loop of its own; all but the constructor, begin() and drop_all() runs there.
class TlsHandshakes::Worker {
 public:
  // In the background: it comes after the core thread where there are fewer cores than threads.
  explicit Worker(const std::shared_ptr<Hub>& hub)
      : loop_(hub->loop), hub_(hub), thread_(start_thread("tls-handshakes", Urgency::background, [this] { run(); })) {}
  ~Worker() {
    context_.stop();
    thread_.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void begin(Newcomer client, std::shared_ptr<const TlsContext> context, std::uint64_t round, Milliseconds timeout) {
    auto owned = std::make_shared<Newcomer>(std::move(client));
    asio::post(context_, [this, owned, context = std::move(context), round, timeout] {
      const OnePtr one = std::make_shared<One>(context_, std::move(*owned), context, round);
      one->until = Clock::now() + timeout;
      one->at = all_.insert(all_.end(), one);
      wait_for(one, asio::posix::descriptor_base::wait_read);
      watch_time();
    });
  }
  void drop_all() {
    asio::post(context_, [this] {
      while (!all_.empty()) static_cast<void>(take_out(OnePtr(all_.front())));
    });
  }

 private:
  struct One {
    One(asio::io_context& loop, Newcomer client_, std::shared_ptr<const TlsContext> context_, std::uint64_t round_)
        : client(std::move(client_)), context(std::move(context_)), round(round_), socket(loop, client.socket.get()) {}

    Newcomer client;
    const std::shared_ptr<const TlsContext> context;
    const std::uint64_t round;
    asio::posix::stream_descriptor socket;  // does not own it
    std::list<std::shared_ptr<One>>::iterator at;
    Clock::time_point until;
    std::string failure;  // draining if there is one
    bool gone = false;    // from all_; a handler may still know it
  };
  using OnePtr = std::shared_ptr<One>;

  void run() {
    const auto work = asio::make_work_guard(context_);
    context_.run();
    for (const OnePtr& one : all_) one->socket.release();
  }

  void wait_for(const OnePtr& one, asio::posix::descriptor_base::wait_type what) {
    one->socket.async_wait(what, [this, one](const boost::system::error_code& error) {
      if (!error && !one->gone) step(one);
    });
  }

  // Before its first byte a connection costs no session.
  void step(const OnePtr& one) {
    if (!one->failure.empty()) return drain(one);
    std::unique_ptr<TlsSession>& session = one->client.tls;
    if (!session) {
      if (said_nothing(one)) return tell(one);
      ssl_st* const made = one->context->new_session();
      if (made == nullptr) return fail(one, "no memory");
      session = std::make_unique<TlsSession>(made, one->client.socket.get());
    }
    switch (session->shake_hands()) {
      case TlsSession::Handshake::wants_read:
        return wait_for(one, asio::posix::descriptor_base::wait_read);
      case TlsSession::Handshake::wants_write:
        return wait_for(one, asio::posix::descriptor_base::wait_write);
      case TlsSession::Handshake::failed:
        return fail(one, session->why_failed());
      case TlsSession::Handshake::done:
        return finish(one);
    }
  }

  // It has ended without a byte, as probes of ports do: no handshake has failed.
  static bool said_nothing(const OnePtr& one) {
    char first = 0;
    const ssize_t count = ::recv(one->client.socket.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
    return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
  }

  void finish(const OnePtr& one) {
    Newcomer& client = one->client;
    auto user = certificate_user(client.tls->get(), one->context->username_from());
    if (!user) {
      static_cast<void>(client.tls->say_end());
      return fail(one, "client certificate: it has no name that can be a user's (username_from)");
    }
    client.certificate_user = std::move(*user);
    client.tls->forget_chain();
    // The client's CONNECT may wait for our ACK (Nagle's algorithm), which would come some 40 ms late: we say nothing
    // else.
    const int at_once = 1;
    ::setsockopt(client.socket.get(), IPPROTO_TCP, TCP_QUICKACK, &at_once, sizeof at_once);
    tell(one);
  }

  // The alert must reach the client: a socket that is closed with bytes unread is reset, and what it still had to send
  // is lost. So ours is ended, and the client's end awaited for a moment.
  void fail(const OnePtr& one, std::string why) {
    one->failure = std::move(why);
    one->client.tls.reset();
    const linger in_order{0, 0};
    ::setsockopt(one->client.socket.get(), SOL_SOCKET, SO_LINGER, &in_order, sizeof in_order);
    ::shutdown(one->client.socket.get(), SHUT_WR);
    one->until = Clock::now() + Milliseconds(limits::close_drain_ms);
    drain(one);
  }

  void drain(const OnePtr& one) {
    std::array<char, 4096> dropped;
    const ssize_t count = ::recv(one->client.socket.get(), dropped.data(), dropped.size(), MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return tell(one);
    wait_for(one, asio::posix::descriptor_base::wait_read);
  }

  Newcomer take_out(const OnePtr& one) {
    one->gone = true;
    one->socket.release();
    all_.erase(one->at);
    return std::move(one->client);
  }

  void tell(const OnePtr& one) {
    auto client = std::make_shared<Newcomer>(take_out(one));
    asio::post(loop_, [hub = hub_, client, why = std::move(one->failure), round = one->round] {
      const std::shared_ptr<Hub> to = hub.lock();
      if (!to || to->round != round) return;
      --to->under_way;
      if (!why.empty()) {
        to->calls.failed(*client, why);
      } else if (client->tls) {
        to->calls.done(std::move(*client));
      }
    });
  }

  void watch_time() {
    if (watching_ || all_.empty()) return;
    watching_ = true;
    timer_.expires_after(Milliseconds(limits::tls_time_watch_ms));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      watching_ = false;
      const Clock::time_point now = Clock::now();
      for (auto next = all_.begin(); next != all_.end();) {
        const OnePtr one = *next++;
        if (now < one->until) continue;
        if (one->failure.empty()) one->failure = "not done in time";
        tell(one);
      }
      watch_time();
    });
  }

  asio::io_context& loop_;
  const std::weak_ptr<Hub> hub_;
  asio::io_context context_{1};
  asio::steady_timer timer_{context_};
  bool watching_ = false;
  std::list<OnePtr> all_;
  std::thread thread_;
};

TlsHandshakes::TlsHandshakes(asio::io_context& loop, const Options& options, Calls calls)
    : hub_(new Hub{loop, options, std::move(calls)}) {
  for (int i = 0; i < limits::tls_handshake_threads; ++i) workers_.push_back(std::make_unique<Worker>(hub_));
}

TlsHandshakes::~TlsHandshakes() = default;

bool TlsHandshakes::room(std::size_t coming) const {
  return hub_->under_way + coming < hub_->options.most;
}

std::size_t TlsHandshakes::under_way() const {
  return hub_->under_way;
}

void TlsHandshakes::begin(Newcomer client, std::shared_ptr<const TlsContext> context) {
  const std::int64_t timeout_ms = 2 * hub_->under_way < hub_->options.most
                                      ? hub_->options.timeout_ms
                                      : std::min(hub_->options.timeout_ms, limits::tls_crowded_timeout_ms);
  ++hub_->under_way;
  workers_[next_++ % workers_.size()]->begin(std::move(client), std::move(context), hub_->round,
                                             Milliseconds(timeout_ms));
}

void TlsHandshakes::drop_all() {
  ++hub_->round;
  hub_->under_way = 0;
  for (const auto& worker : workers_) worker->drop_all();
}

}  // namespace tandem::edge
