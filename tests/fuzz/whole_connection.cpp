#include "tests/fuzz/whole_connection.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <random>
#include <utility>

#include "base/check.hpp"
#include "broker/active.hpp"
#include "broker/replica.hpp"
#include "edge/connection_io.hpp"
#include "edge/edge_state.hpp"
#include "mqtt/codec.hpp"

namespace tandem::fuzz {

namespace {

constexpr std::int64_t tick_ms = 500;
constexpr std::size_t connections_max = 24;
constexpr std::int64_t last_tick_ms = 3'000;
constexpr std::int64_t long_ms = 21'000;  // longer than the edge waits for anybody's end

core::Policy small_policy() {
  core::Policy policy;
  policy.allow_anonymous = true;
  policy.receive_maximum = 8;
  policy.v3_in_flight = 4;
  policy.max_packet_bytes = 4'096;
  policy.topic_alias_maximum = 4;
  policy.max_queue_messages = 16;
  policy.max_queue_bytes = 8'192;
  policy.max_sessions = 8;
  policy.max_subscriptions_per_session = 8;
  policy.max_retained = 8;
  return policy;
}

edge::EdgeOptions edge_options() {
  edge::EdgeOptions options;
  options.max_packet_bytes = options.max_connect_bytes = small_policy().max_packet_bytes;
  options.max_connections = connections_max;
  options.connect_timeout_ms = 10'000;
  return options;
}

// One broker and its clients.
class House final : edge::PacketSink {
 public:
  explicit House(bool holds) : holds_(holds) {
    active_.attach(edge_.open, [this] { return ++dice_; });
    active_.on_turn_begin([] { return true; });
    edge_.now_ms = now_ms_;
    active_.begin(state_, Epoch{1, NodeId{1}, 1}, Lsn{0}, Instant{now_ms_});
    end_turn(true);
  }
  ~House() {
    for (Client& client : clients_) {
      if (client.fd >= 0) ::close(client.fd);
    }
    active_.end();
    for (std::size_t slot = 0; slot < edge_.table.slots(); ++slot) {
      if (edge::ConnectionIo* const connection = edge_.table.at(slot)) connection->reset_now();
    }
    forget_lists();
    loop_.restart();
    loop_.poll();
  }

  void take(const Step& step, const Cut& cut) {
    switch (step.action) {
      case Action::bytes:
        send(step.client, step.bytes, cut);
        break;
      case Action::end:
        hang_up(step.client);
        break;
      case Action::reconnect:
        hang_up(step.client);
        clients_[step.client].may_open = true;
        break;
      case Action::wait:
        wait(step.wait_ms, tick_ms);
        break;
    }
    end_turn(!holds_);
  }

  void finish() {
    holds_ = false;
    end_turn(true);
    for (std::size_t i = 0; i < clients; ++i) hang_up(i);
    wait(long_ms, last_tick_ms);
    end_turn(true);
    if (edge_.table.size() != 0) tell("a connection is still there long after its client has gone");
    if (!(core::recompute_digest(state_) == state_.digest())) tell("the active's digest has drifted");
    if (!(core::recompute_digest(standby_.state()) == standby_.state().digest())) tell("the standby's has drifted");
    if (!(state_.digest() == standby_.state().digest())) tell("the standby's State is another one");
    for (const Transcript& transcript : outcome_.connections) tell(broken_rule_of(transcript));
  }

  Outcome outcome() { return std::move(outcome_); }

 private:
  struct Client {
    int fd = -1;
    std::size_t transcript = 0;
    bool may_open = true;
  };

  // edge::PacketSink
  bool on_packet(edge::Connection& connection, mqtt::Packet& packet) override {
    const auto* const connect = std::get_if<mqtt::Connect>(&packet);
    Transcript& transcript = outcome_.connections[std::stoul(connection.remote())];
    if (connect != nullptr && !connection.is_established()) {
      transcript.version = connect->version;
      transcript.max_packet_bytes = connect->properties.maximum_packet_bytes.value_or(0xFFFFFFFF);
      transcript.topic_alias_maximum = connect->properties.topic_alias_maximum.value_or(0);
    }
    const bool goes_on = active_.on_packet(connection, packet);
    if (!holds_) end_turn(true);  // a turn a packet: what it causes does not depend on what came with it
    return goes_on;
  }
  void on_malformed(edge::Connection& connection, const mqtt::Decoded& error) override {
    Transcript& transcript = outcome_.connections[std::stoul(connection.remote())];
    if (!connection.is_established() && error.connect_version) transcript.version = *error.connect_version;
    active_.on_malformed(connection, error);
  }
  void on_closed(edge::Connection& connection, edge::CloseCause cause) override {
    active_.on_closed(connection, cause);
  }

  void tell(const std::string& sentence) {
    if (outcome_.broken.empty()) outcome_.broken = sentence;
  }

  // What the turn logged goes to the standby; the gate opens for it, or for what the turn before logged.
  void end_turn(bool release_all) {
    const Lsn before = safe_;
    for (const Batch& batch : active_.take_batches()) {
      outcome_.records += *batch.bytes;
      const Status applied = standby_.apply(batch);
      if (!applied.ok()) tell("the standby: " + applied.error().message);
      safe_ = batch.last();
    }
    active_.end_turn();
    active_.release(release_all ? safe_ : before);
  }

  bool open(std::size_t index) {
    Client& client = clients_[index];
    if (client.fd >= 0) return true;
    if (!client.may_open || outcome_.connections.size() == connections_max) return false;
    int pair[2];
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    client = {.fd = pair[0], .transcript = outcome_.connections.size(), .may_open = false};
    outcome_.connections.emplace_back().client = index;
    edge::ConnectionIo::start(edge_, {edge::ClientSocket(pair[1]), {}, {}, std::to_string(client.transcript)});
    return true;
  }

  void send(std::size_t index, ByteView bytes, const Cut& cut) {
    while (!bytes.empty() && open(index)) {
      const ByteView piece = bytes.substr(0, cut(bytes.size()));
      const ssize_t sent = ::send(clients_[index].fd, piece.data(), piece.size(), MSG_NOSIGNAL);
      if (sent < 0) return settle();  // the broker has closed it
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      settle();
    }
  }

  void hang_up(std::size_t index) {
    Client& client = clients_[index];
    if (client.fd < 0) return;
    ::shutdown(client.fd, SHUT_WR);
    settle();
    end_turn(!holds_);
    settle();
    if (client.fd >= 0) ::close(std::exchange(client.fd, -1));
    settle();
  }

  void wait(std::int64_t ms, std::int64_t a_tick_ms) {
    for (const std::int64_t end = now_ms_ + ms; now_ms_ < end;) {
      now_ms_ = std::min(now_ms_ + a_tick_ms, end);
      end_turn(!holds_);
      active_.set_time(Instant{now_ms_}, Steady{now_ms_});
      active_.do_what_is_due();
      tick();
      end_turn(!holds_);
      settle();
    }
  }

  void tick() {
    edge_.now_ms = now_ms_;
    for (std::size_t slot = 0; slot < edge_.table.slots(); ++slot) {
      if (edge_.table.check_at_ms(slot) > now_ms_) continue;
      if (const edge::IoPtr connection = edge_.table.at(slot)) connection->check(now_ms_);
    }
  }

  // Until nobody has anything to do.
  void settle() {
    for (bool busy = true; busy;) {
      loop_.restart();
      busy = loop_.poll() != 0;
      for (const edge::IoPtr& connection : std::exchange(edge_.to_write, {})) connection->write_now();
      edge_.read_buffer.new_turn();
      for (const edge::IoPtr& connection : std::exchange(edge_.to_read, {})) connection->read_next_turn();
      for (std::size_t i = 0; i < clients; ++i) busy |= receive(i);
    }
  }

  // True: something came.
  bool receive(std::size_t index) {
    Client& client = clients_[index];
    if (client.fd < 0) return false;
    std::array<char, 16'384> buffer;
    const ssize_t count = ::recv(client.fd, buffer.data(), buffer.size(), 0);
    Transcript& transcript = outcome_.connections[client.transcript];
    if (count > 0) {
      transcript.received.append(buffer.data(), static_cast<std::size_t>(count));
      return true;
    }
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    transcript.closed = true;
    ::close(std::exchange(client.fd, -1));
    return true;
  }

  void forget_lists() {
    edge_.to_write.clear();
    edge_.to_read.clear();
    edge_.warm.clear();
  }

  bool holds_;
  std::uint64_t dice_ = 0;
  std::int64_t now_ms_ = 1'790'000'000'000;
  boost::asio::io_context loop_{1};
  edge::EdgeState edge_{loop_, edge_options(), *this};
  core::State state_;
  broker::Active active_{small_policy(), {}, nullptr};
  broker::Replica standby_;
  Lsn safe_;
  std::array<Client, clients> clients_;
  Outcome outcome_;
};

mqtt::Connect connect_of(std::string_view id, mqtt::Version version, bool stays) {
  mqtt::Connect connect;
  connect.version = version;
  connect.client_id = id;
  connect.clean_start = !stays;
  if (stays && version == mqtt::Version::v5) connect.properties.session_expiry_s = 10;
  return connect;
}

void begin(House& house, const Header& header, const Cut& cut) {
  const auto send = [&](std::size_t client, const mqtt::Packet& packet, mqtt::Version version) {
    ByteBuffer bytes;
    mqtt::encode(packet, version, bytes);
    house.take({.action = Action::bytes, .client = client, .bytes = bytes}, cut);
  };
  if (header.first_connects) {
    const auto version = header.first_is_v5 ? mqtt::Version::v5 : mqtt::Version::v311;
    send(0, connect_of("first", version, header.first_stays), version);
  }
  if (header.reader) {
    mqtt::Connect connect = connect_of("reader", mqtt::Version::v5, true);
    connect.properties.topic_alias_maximum = 3;
    send(1, connect, mqtt::Version::v5);
    mqtt::Subscribe subscribe;
    subscribe.packet_id = 1;
    subscribe.requests.push_back({"#", {.qos = mqtt::Qos::exactly_once}});
    subscribe.properties.subscription_identifier = 7;
    send(1, subscribe, mqtt::Version::v5);
  }
}

// What a client's decoder makes of what the broker sent.
class Listener {
 public:
  explicit Listener(const Transcript& transcript) : transcript_(transcript) {}

  std::string broken_rule() {
    const mqtt::DecodeOptions options{.version = transcript_.version, .max_packet_bytes = 0, .from_client = false};
    mqtt::Packet packet;
    for (ByteView rest = transcript_.received; !rest.empty();) {
      const mqtt::Decoded decoded = mqtt::decode(rest, options, packet);
      if (decoded.status == mqtt::DecodeStatus::incomplete) return "the broker's last packet is cut";
      if (decoded.status == mqtt::DecodeStatus::error) return std::string("the broker sent no MQTT: ") + decoded.what;
      if (decoded.used > transcript_.max_packet_bytes) return "a packet is larger than its client takes";
      const std::string broken = rule_broken_by(packet);
      if (!broken.empty()) return broken;
      rest.remove_prefix(decoded.used);
    }
    return {};
  }

 private:
  std::string rule_broken_by(const mqtt::Packet& packet) {
    const auto* const connack = std::get_if<mqtt::Connack>(&packet);
    if (ended_) return "a packet after the last one";
    if ((connack != nullptr) == accepted_) return accepted_ ? "a second CONNACK" : "a packet before CONNACK";
    if (connack != nullptr) {
      accepted_ = connack->reason == mqtt::Reason::success;
      ended_ = !accepted_;
    }
    if (std::holds_alternative<mqtt::Disconnect>(packet)) ended_ = true;
    if (const auto* const publish = std::get_if<mqtt::Publish>(&packet)) {
      if (publish->topic_alias > transcript_.topic_alias_maximum) return "a topic alias that the client does not take";
      if (publish->topic.empty() && (aliases_ & (1ULL << publish->topic_alias % 64)) == 0) return "an unknown alias";
      if (publish->topic_alias != 0) aliases_ |= 1ULL << publish->topic_alias % 64;
    }
    return {};
  }

  const Transcript& transcript_;
  bool accepted_ = false;
  bool ended_ = false;
  std::uint64_t aliases_ = 0;  // told already
};

}  // namespace

Outcome run(const Script& script, const Cut& cut) {
  House house(script.header.holds);
  begin(house, script.header, cut);
  for (const Step& step : script.steps) house.take(step, cut);
  house.finish();
  return house.outcome();
}

std::string broken_rule_of(const Transcript& transcript) {
  return Listener(transcript).broken_rule();
}

std::string examine(ByteView input, std::uint64_t dice) {
  const Script script = parse(input);
  std::minstd_rand random(static_cast<unsigned>(dice | 1));
  const Outcome whole = run(script, [](std::size_t left) { return left; });
  if (!whole.broken.empty()) return whole.broken;
  const bool singly = random() % 2 == 0;
  const Outcome cut = run(script, [&](std::size_t left) { return singly ? 1 : 1 + random() % left; });
  if (!cut.broken.empty()) return cut.broken;
  // What is held back and what may pass it come in another order, and a malformed packet ends what still waits.
  if (!script.header.holds && !(cut == whole)) return "the same bytes, cut elsewhere, have another outcome";
  return {};
}

}  // namespace tandem::fuzz
