// Fleet: connecting and leaving. Blocking, outside the measured time.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>

#include "tests/bench/fleet.hpp"

namespace tandem::bench {

namespace {

std::string make_run_id() {
  char text[32];
  std::snprintf(text, sizeof(text), "%05llx", static_cast<unsigned long long>(monotonic_ns() / 1000) & 0xfffff);
  return text;
}

}  // namespace

Fleet::Fleet(const LoadOptions& options)
    : options_(options), run_id_(make_run_id()), epoll_(::epoll_create1(EPOLL_CLOEXEC)), window_(options.window) {
  ::prctl(PR_SET_TIMERSLACK, 1);  // paced sending is precise to the wake-up, not to 50 us
  bool one_publisher = options.scenario == Scenario::fanout;
  bool one_subscriber = options.scenario == Scenario::fanin;
  publishers_.resize(one_publisher ? 1 : options.count);
  subscribers_.resize(one_subscriber ? 1 : options.count);
  copies_ = one_publisher ? options.count : 1;
  sequences_.resize(options.count);
}

Fleet::~Fleet() {
  if (epoll_ >= 0) ::close(epoll_);
}

test::ClientOptions Fleet::client_options(const std::string& client_id) const {
  test::ClientOptions out;
  out.host = options_.host;
  out.port = options_.port;
  out.timeout = test::Millis(20'000);  // a broker that is storing a large queue may be slow to answer
  out.connect.version = options_.version;
  out.connect.client_id = client_id;
  out.connect.keepalive_s = 65535;  // no pings within a run, yet the broker has a timer to keep
  return out;
}

std::string Fleet::topic_of(uint32_t publisher) const {
  return "bench/" + run_id_ + "/" + std::to_string(publisher);
}

std::string Fleet::filter_of(uint32_t subscriber) const {
  std::string all = "bench/" + run_id_ + "/+";
  if (options_.scenario == Scenario::fanin) return all;
  if (options_.scenario == Scenario::shared) return "$share/load/" + all;
  return topic_of(options_.scenario == Scenario::fanout ? 0 : subscriber);
}

std::unique_ptr<Connection> Fleet::adopt(test::Client& client, uint32_t tag) {
  std::string unread;
  int fd = client.release(unread);
  auto connection = std::make_unique<Connection>(fd, unread);
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u32 = tag;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  return connection;
}

void Fleet::connect_publishers() {
  for (uint32_t i = 0; i < publishers_.size(); ++i) {
    test::Client client(client_options("bp-" + run_id_ + "-" + std::to_string(i)));
    test::Packet connack = client.connect();
    uint32_t allowed = connack.properties.number(test::prop::receive_maximum).value_or(65535);
    if (options_.qos > 0) window_ = std::min(window_, allowed);
    publishers_[i].connection = adopt(client, i << 1);
    publishers_[i].frame =
        std::make_unique<PublishTemplate>(topic_of(i), options_.qos, options_.version, options_.payload_bytes);
  }
}

void Fleet::open_subscriber(uint32_t index, bool returning) {
  Subscriber& subscriber = subscribers_[index];
  subscriber.client_id = "bs-" + run_id_ + "-" + std::to_string(index);
  test::ClientOptions options = client_options(subscriber.client_id);
  // MQTT 3.1.1 has one flag for "new" and "temporary"; the run id makes every durable session a new one.
  options.connect.clean = options_.version == 5 ? !returning : !options_.durable;
  if (options_.version == 5 && options_.durable) options.connect.session_expiry_s = 3600;
  test::Client client(options);
  test::Packet connack = client.connect();
  if (returning && !connack.session_present) {
    throw test::ClientError(test::ClientError::Kind::protocol, subscriber.client_id + ": its session is gone");
  }
  if (!returning) client.subscribe(filter_of(index), options_.qos);
  subscriber.connection = adopt(client, (index << 1) | 1);
  bool sane = subscriber.connection->parse_unread([&](uint8_t first, const char* body, size_t length) {
    now_ns_ = monotonic_ns();
    on_subscriber_packet(index, first, body, length);
  });
  if (!sane) break_off((index << 1) | 1, "malformed packet");
}

void Fleet::connect_subscribers() {
  for (uint32_t i = 0; i < subscribers_.size(); ++i) open_subscriber(i, false);
}

void Fleet::reconnect_subscribers() {
  for (uint32_t i = 0; i < subscribers_.size(); ++i) open_subscriber(i, true);
}

void Fleet::disconnect_subscribers() {
  flush_all();
  for (Subscriber& subscriber : subscribers_) {
    if (subscriber.connection == nullptr) continue;
    std::string bytes = test::encode_disconnect(options_.version);
    std::memcpy(subscriber.connection->room(bytes.size()), bytes.data(), bytes.size());
    subscriber.connection->flush();
    subscriber.connection.reset();
  }
}

void Fleet::remove_sessions() {
  if (!options_.durable) return;
  disconnect_subscribers();
  for (const Subscriber& subscriber : subscribers_) {
    test::Client client(client_options(subscriber.client_id));
    client.connect();
    client.disconnect();
  }
}

}  // namespace tandem::bench
