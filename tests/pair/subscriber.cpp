// See subscriber.hpp.
#include "tests/pair/subscriber.hpp"

#include <algorithm>
#include <cstdlib>

#include "tests/pair/process.hpp"

namespace tandem::test {

namespace {

constexpr uint32_t session_expiry_s = 3'600;
constexpr Millis look_up{20};  // how soon go_offline() is seen
constexpr Millis ping_every{200};

SteadyTime now() {
  return std::chrono::steady_clock::now();
}

ClientOptions client_options(const SubscriberOptions& options) {
  ClientOptions out;
  out.connect.version = options.version;
  out.connect.client_id = options.client_id;
  out.connect.clean = false;
  out.timeout = scaled(Millis(5'000));
  if (options.version == 5) out.connect.session_expiry_s = session_expiry_s;
  return out;
}

}  // namespace

Subscriber::Subscriber(SubscriberOptions options) : options_(std::move(options)), client_(client_options(options_)) {}

Subscriber::~Subscriber() {
  leaving_ = true;
  if (thread_.joinable()) thread_.join();
}

void Subscriber::make_session() {
  connect();
  client_.subscribe(options_.filter, options_.qos);
  client_.disconnect();
}

void Subscriber::go_online() {
  leaving_ = false;
  thread_ = std::thread([this] { go(); });
}

void Subscriber::go_offline() {
  leaving_ = true;
  if (thread_.joinable()) thread_.join();
}

void Subscriber::connect() {
  Packet connack = connect_any(client_, options_.endpoints, scaled(options_.give_up));
  if (had_session_ && !connack.session_present) violation("the session is gone: session present = 0");
  if (!connack.session_present) held_.clear();
  had_session_ = true;
  heard_at_ = now();
  pinged_ = false;
  uint16_t port = client_.options().port;
  std::stable_partition(options_.endpoints.begin(), options_.endpoints.end(),
                        [port](const Endpoint& endpoint) { return endpoint.port != port; });
}

void Subscriber::go() {
  bool first = true;
  while (!leaving_) {
    try {
      if (!client_.is_open()) {
        if (!first) ++reconnects_;
        first = false;
        connect();
      }
      if (std::optional<Packet> packet = client_.try_read(look_up)) {
        heard_at_ = now();
        pinged_ = false;
        take(*packet);
      } else if (!pinged_ && now() - heard_at_ > ping_every) {
        client_.send(encode_pingreq());
        heard_at_ = now();
        pinged_ = true;
      } else if (pinged_ && now() - heard_at_ > scaled(options_.silence)) {
        client_.abort();
      }
    } catch (const ClientError& error) {
      if (error.kind() != ClientError::Kind::closed) violation(error.what());
      client_.close();
    }
  }
  try {
    if (client_.is_open()) client_.disconnect();
  } catch (const ClientError&) {
    client_.close();
  }
}

void Subscriber::take(const Packet& packet) {
  switch (packet.type) {
    case Type::publish:
      take_publish(packet);
      break;
    case Type::pubrel:
      held_.erase(packet.pid);
      client_.send_ack(Type::pubcomp, packet.pid);
      break;
    case Type::pingresp:
      break;
    case Type::disconnect:
      client_.close();
      break;
    default:
      violation("unexpected " + describe(packet));
  }
}

void Subscriber::take_publish(const Packet& packet) {
  if (packet.qos() == 1) {
    note(packet.topic, packet.payload);
    client_.send_ack(Type::puback, packet.pid);
    return;
  }
  if (packet.qos() == 2) {
    auto [held, is_new] = held_.try_emplace(packet.pid, Held{packet.topic, packet.payload});
    if (!is_new && (held->second.topic != packet.topic || held->second.payload != packet.payload)) {
      if (!options_.rolled_back_handshakes) violation("a held packet id is used anew: " + describe(packet));
      held->second = Held{packet.topic, packet.payload};
      is_new = true;
    }
    if (is_new) note(packet.topic, packet.payload);
    if (!is_new && !packet.dup()) violation("repeated without DUP (MQTT5-3.3.1-1): " + describe(packet));
    client_.send_ack(Type::pubrec, packet.pid);
    return;
  }
  note(packet.topic, packet.payload);
}

// The payload begins with the number. First arrivals of a topic must be in order (MQTT5-4.6.0-5, -6).
void Subscriber::note(const std::string& topic, const std::string& payload) {
  auto number = static_cast<uint32_t>(std::strtoul(payload.c_str(), nullptr, 10));
  std::string wrong;
  {
    std::lock_guard lock(mutex_);
    Topic& books = topics_[topic];
    Received& message = books.messages[number];
    if (message.times++ == 0) {
      message.first_at = now();
      if (number < books.highest && !options_.merged_late) {
        wrong = topic + ": " + std::to_string(number) + " came after " + std::to_string(books.highest);
      }
      books.highest = std::max(books.highest, number);
    }
    changed_.notify_all();
  }
  if (!wrong.empty()) violation(wrong);
}

size_t Subscriber::count(const std::string& topic) const {
  std::lock_guard lock(mutex_);
  auto found = topics_.find(topic);
  return found == topics_.end() ? 0 : found->second.messages.size();
}

bool Subscriber::await_count(const std::string& topic, size_t wanted) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, scaled(options_.give_up), [&] {
    auto found = topics_.find(topic);
    return wanted == 0 || (found != topics_.end() && found->second.messages.size() >= wanted);
  });
}

bool Subscriber::await_message(const std::string& topic, uint32_t number) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, scaled(options_.give_up), [&] {
    auto found = topics_.find(topic);
    return found != topics_.end() && found->second.messages.contains(number);
  });
}

std::map<uint32_t, Received> Subscriber::received(const std::string& topic) const {
  std::lock_guard lock(mutex_);
  auto found = topics_.find(topic);
  return found == topics_.end() ? std::map<uint32_t, Received>() : found->second.messages;
}

void Subscriber::violation(const std::string& what) {
  std::lock_guard lock(mutex_);
  if (violations_.size() < 20) violations_.push_back(options_.client_id + ": " + what);
}

std::vector<std::string> Subscriber::violations() const {
  std::lock_guard lock(mutex_);
  return violations_;
}

}  // namespace tandem::test
