// See publisher.hpp.
#include "tests/pair/publisher.hpp"

#include <algorithm>
#include <limits>

#include "tests/pair/process.hpp"

namespace tandem::test {

namespace {

constexpr uint32_t endless = std::numeric_limits<uint32_t>::max();
constexpr uint32_t session_expiry_s = 3'600;

SteadyTime now() {
  return std::chrono::steady_clock::now();
}

ClientOptions client_options(const PublisherOptions& options) {
  ClientOptions out;
  out.connect.version = options.version;
  out.connect.client_id = options.client_id;
  out.connect.clean = false;
  if (options.version == 5) out.connect.session_expiry_s = session_expiry_s;
  return out;
}

}  // namespace

Publisher::Publisher(PublisherOptions options) : options_(std::move(options)), client_(client_options(options_)) {}

Publisher::~Publisher() {
  goal_ = 0;  // it was left in the middle: a test that throws
  gave_up_ = true;
  if (thread_.joinable()) thread_.join();
}

void Publisher::start(uint32_t count) {
  goal_ = count == endless ? endless : next_number_ + count;
  started_number_ = next_number_;
  started_at_ = progress_at_ = now();
  thread_ = std::thread([this] { go(); });
}

void Publisher::start_endless() {
  start(endless);
}

bool Publisher::finish() {
  goal_ = 0;
  return wait();
}

bool Publisher::wait() {
  if (thread_.joinable()) thread_.join();
  return !gave_up_;
}

bool Publisher::finished() const {
  return gave_up_ || (flights_.empty() && next_number_ >= goal_);
}

void Publisher::go() {
  while (!finished()) {
    try {
      if (!client_.is_open()) connect();
      top_up();
      if (finished()) break;
      if (std::optional<Packet> packet = client_.try_read(patience())) {
        take(*packet);
      } else if (!flights_.empty() && now() - progress_at_ > scaled(options_.silence)) {
        client_.abort();
      }
    } catch (const ClientError& error) {
      if (error.kind() == ClientError::Kind::protocol) violation(error.what());
      client_.close();
    }
    if (now() - progress_at_ > scaled(options_.give_up)) {
      violation("gave up with " + std::to_string(flights_.size()) + " messages in flight");
      gave_up_ = true;
    }
  }
}

// How long to wait for the next packet: with a rate, until the next message is due.
Millis Publisher::patience() const {
  if (next_number_ >= goal_ || flights_.size() >= options_.window) return Millis(100);
  return Millis(1);
}

void Publisher::connect() {
  if (had_session_) ++reconnects_;
  Packet connack = connect_any(client_, options_.endpoints, scaled(options_.give_up));
  if (had_session_ && !connack.session_present) violation("the session is gone: session present = 0");
  had_session_ = true;
  progress_at_ = now();
  // The endpoint that worked is the last to be tried next time: it is left only when it fails.
  uint16_t port = client_.options().port;
  std::stable_partition(options_.endpoints.begin(), options_.endpoints.end(),
                        [port](const Endpoint& endpoint) { return endpoint.port != port; });
  resend();
}

void Publisher::resend() {
  for (const Flight& flight : flights_) {
    if (flight.received) {
      client_.send_ack(Type::pubrel, flight.pid);
    } else {
      client_.send_publish(message(flight, true));
    }
  }
}

uint32_t Publisher::allowed_by_rate() const {
  if (options_.rate_per_s == 0) return endless;
  auto elapsed = std::chrono::duration_cast<Millis>(now() - started_at_).count();
  return started_number_ + static_cast<uint32_t>(elapsed * options_.rate_per_s / 1000);
}

void Publisher::top_up() {
  uint32_t allowed = allowed_by_rate();
  while (next_number_ < goal_ && next_number_ <= allowed && flights_.size() < options_.window) send_new();
}

void Publisher::send_new() {
  last_pid_ = last_pid_ == 65535 ? uint16_t{1} : static_cast<uint16_t>(last_pid_ + 1);
  if (flights_.empty()) progress_at_ = now();
  // First noted, then sent: a send that fails half-way may have delivered it.
  flights_.push_back({last_pid_, next_number_++, false});
  client_.send_publish(message(flights_.back(), false));
}

std::string Publisher::payload(uint32_t number) const {
  std::string text = std::to_string(number);
  if (text.size() < options_.payload_bytes) text += " " + std::string(options_.payload_bytes - text.size() - 1, '.');
  return text;
}

Publish Publisher::message(const Flight& flight, bool dup) const {
  Publish publish;
  publish.topic = options_.topic;
  publish.payload = payload(flight.number);
  publish.qos = options_.qos;
  publish.dup = dup;
  publish.pid = flight.pid;
  return publish;
}

void Publisher::take(const Packet& packet) {
  progress_at_ = now();
  switch (packet.type) {
    case Type::puback:
    case Type::pubrec:
      take_first_answer(packet);
      break;
    case Type::pubcomp:
      take_pubcomp(packet);
      break;
    case Type::disconnect:
      client_.close();
      break;
    default:
      violation("unexpected " + describe(packet));
  }
}

// PUBACK or PUBREC: must come in the order of the PUBLISH packets (MQTT5-4.6.0-2, -3).
void Publisher::take_first_answer(const Packet& packet) {
  auto flight = std::find_if(flights_.begin(), flights_.end(), [](const Flight& f) { return !f.received; });
  Type wanted = options_.qos == 1 ? Type::puback : Type::pubrec;
  if (flight == flights_.end() || flight->pid != packet.pid || packet.type != wanted) {
    violation("not the next answer: " + describe(packet));
    return;
  }
  if (packet.code() != 0) violation("refused: " + describe(packet));
  acked_at_.push_back(now());
  ++acked_;
  if (options_.qos == 1) {
    flights_.erase(flight);
    return;
  }
  flight->received = true;
  client_.send_ack(Type::pubrel, flight->pid);
}

// A PUBCOMP for a repeated PUBREL may say that the id is not known any more (MQTT5-4.3.3: 0x92).
void Publisher::take_pubcomp(const Packet& packet) {
  if (flights_.empty() || !flights_.front().received || flights_.front().pid != packet.pid) {
    violation("not the next answer: " + describe(packet));
    return;
  }
  if (packet.code() != 0 && packet.code() != 0x92) violation("refused: " + describe(packet));
  flights_.pop_front();
}

void Publisher::violation(const std::string& what) {
  std::lock_guard lock(mutex_);
  if (violations_.size() < 20) violations_.push_back(options_.client_id + ": " + what);
}

std::vector<std::string> Publisher::violations() const {
  std::lock_guard lock(mutex_);
  return violations_;
}

}  // namespace tandem::test
