// See stage.hpp.
#include "tests/scenario/stage.hpp"

#include <array>
#include <string_view>

#include "admin/protocol.hpp"
#include "tests/sim/host.hpp"
#include "tests/sim/pair_config.hpp"

#include <doctest/doctest.h>

namespace tandem::test {

namespace {

constexpr std::int64_t answer_ms = 5'000;    // the longest that a client waits for a packet
constexpr std::int64_t quiet_ms = 300;       // nothing comes: for several turns, confirms and flushes
constexpr std::int64_t in_step_ms = 60'000;  // boot, image, log, confirm

// What the boxes say, for a test that fails, and what they have written.
class Journal final : public sim::Witness {
 public:
  void told(int node, broker::Level, std::string_view sentence) override {
    text += std::string(node == 0 ? "boxa: " : "boxb: ").append(sentence) + "\n";
  }
  void broken(const std::string& what) override { wrong += what + "\n"; }
  void appended(int node, const Batch&) override { ++batches[static_cast<std::size_t>(node)]; }
  void cut(int node, Lsn) override {
    is_cut[static_cast<std::size_t>(node)] = true;
    batches[static_cast<std::size_t>(node)] = 0;
  }
  void booted(int) override {}
  void resumed(int, Steady) override {}
  void checkpointed(int node, Lsn at) override { checkpoints[static_cast<std::size_t>(node)] = at; }

  std::string text;
  std::string wrong;
  std::array<Lsn, 2> checkpoints;
  std::array<bool, 2> is_cut{};  // the box has dropped its copy
  std::array<int, 2> batches{};  // since then
};

sim::HostOptions options_of(int index, const StageLimits& limits) {
  sim::HostOptions options;
  options.config = sim::pair_config(index);
  Config& config = options.config;
  config.node.sys_interval_s = 0;
  config.store.checkpoint_s = 1;
  config.limits.receive_maximum = limits.receive_maximum;
  config.limits.max_queue_messages = limits.max_queue_messages;
  if (limits.drops_oldest) config.limits.queue_policy = core::QueuePolicy::drop_oldest;
  return options;
}

}  // namespace

std::string name_of(Standby standby) {
  return standby == Standby::followed ? "the standby followed record by record" : "the standby joined with an image";
}

struct Stage::Boxes {
  explicit Boxes(const StageLimits& limits)
      : hosts{sim::Host(0, options_of(0, limits), 1, network, now, journal),
              sim::Host(1, options_of(1, limits), 2, network, now, journal)} {}

  bool in_step() {
    return hosts[0].up() && hosts[1].up() && hosts[0].node().status().is_protected &&
           hosts[1].node().status().is_protected;
  }

  std::int64_t now = 1'000'000;
  sim::Network network{7, 1};
  Journal journal;
  std::array<sim::Host, 2> hosts;
  std::size_t active = 0;
};

Stage::Stage(Standby standby, const StageLimits& limits) : standby_(standby), boxes_(std::make_unique<Boxes>(limits)) {
  for (sim::Host& host : boxes_->hosts) host.boot();
  REQUIRE(until([this] { return boxes_->in_step(); }, in_step_ms));
  REQUIRE(boxes_->hosts[0].accepts());
}

Stage::~Stage() = default;

std::int64_t Stage::now_ms() const {
  return boxes_->now;
}

void Stage::run(std::int64_t ms) {
  Boxes& boxes = *boxes_;
  for (const std::int64_t end = boxes.now + ms; boxes.now < end; ++boxes.now) {
    for (sim::Host& host : boxes.hosts) host.step();
    if (!boxes.journal.wrong.empty()) FAIL(boxes.journal.wrong);
  }
}

void Stage::run_until(std::int64_t at_ms) {
  REQUIRE(at_ms >= now_ms());
  run(at_ms - now_ms());
}

bool Stage::until(const std::function<bool()>& done, std::int64_t within_ms) {
  for (const std::int64_t end = now_ms() + within_ms; now_ms() < end;) {
    if (done()) return true;
    run(1);
  }
  return done();
}

void Stage::take_over() {
  Boxes& boxes = *boxes_;
  sim::Host& dying = boxes.hosts[boxes.active];
  sim::Host& next = boxes.hosts[1 - boxes.active];
  if (standby_ == Standby::joined) {
    // Everything comes to it as rows, nothing as records.
    const Lsn& checkpoint = boxes.journal.checkpoints[boxes.active];
    REQUIRE(until([&] { return checkpoint == dying.node().last(); }, in_step_ms));
    next.order(admin::to_line(admin::Request{"resync", ""}));
    REQUIRE_MESSAGE(until([&] { return boxes.journal.is_cut[1 - boxes.active]; }, in_step_ms), boxes.journal.text);
  }
  REQUIRE_MESSAGE(until([&] { return boxes.in_step(); }, in_step_ms), boxes.journal.text);
  if (standby_ == Standby::joined) REQUIRE(boxes.journal.batches[1 - boxes.active] == 0);
  dying.crash();
  REQUIRE_MESSAGE(until([&] { return next.accepts(); }, in_step_ms), boxes.journal.text);
  boxes.active = 1 - boxes.active;
  taken_over_ = true;
}

std::shared_ptr<sim::SimConnection> Stage::dial() {
  REQUIRE(boxes_->hosts[boxes_->active].accepts());
  return boxes_->hosts[boxes_->active].connect();
}

// --- a client

Remote::Remote(Stage& stage, Connect connect) : stage_(stage), connect_(std::move(connect)) {}

Remote::~Remote() = default;

Packet Remote::connect() {
  cut();
  connection_ = stage_.dial();
  send(encode_connect(connect_));
  Packet connack = expect(Type::connack);
  REQUIRE(connack.code() == 0);
  return connack;
}

void Remote::cut() {
  if (connection_) connection_->client_gone = true;
  if (connection_ && !connection_->server_gone) stage_.run(quiet_ms);
  connection_.reset();
  in_.clear();
  kept_.clear();
}

void Remote::disconnect(std::uint8_t code, const Properties& properties) {
  send(encode_disconnect(connect_.version, code, properties));
  cut();
}

void Remote::send(const std::string& bytes) {
  REQUIRE(connection_);
  connection_->up.emplace_back(stage_.now_ms(), bytes);
}

bool Remote::take(Packet& packet) {
  if (!kept_.empty()) {
    packet = std::move(kept_.front());
    kept_.pop_front();
    return true;
  }
  auto& down = connection_->down;
  for (; !down.empty() && down.front().first <= stage_.now_ms(); down.pop_front()) in_ += down.front().second;
  std::string_view bytes = in_;
  const std::optional<Packet> whole = take_packet(bytes, connect_.version);
  if (!whole) return false;
  in_.erase(0, in_.size() - bytes.size());
  packet = *whole;
  if (packet.type == Type::publish && packet.qos() == 2) qos2_ids_.insert(packet.pid);
  if (packet.type != Type::pubrel || qos2_ids_.count(packet.pid) != 0) return true;
  REQUIRE(stage_.taken_over_);
  send_ack(Type::pubcomp, packet.pid);
  return take(packet);
}

void Remote::send_ack(Type type, std::uint16_t pid) {
  if (type == Type::pubcomp) qos2_ids_.erase(pid);
  send(encode_ack(type, pid, connect_.version));
}

Packet Remote::read() {
  REQUIRE(connection_);
  Packet packet;
  const bool came = stage_.until([&] { return take(packet); }, answer_ms);
  REQUIRE_MESSAGE(came, connect_.client_id, " waits for a packet in vain");
  return packet;
}

Packet Remote::expect(Type type, std::uint16_t pid) {
  Packet packet = read();
  REQUIRE_MESSAGE(packet.type == type, connect_.client_id, " waits for ", name_of(type), ": ", describe(packet));
  if (pid != 0) REQUIRE(packet.pid == pid);
  return packet;
}

Packet Remote::await(Type type, std::uint16_t pid) {
  std::deque<Packet> before;
  Packet packet = read();
  for (; packet.type != type || packet.pid != pid; packet = read()) before.push_back(packet);
  kept_.insert(kept_.begin(), before.begin(), before.end());
  return packet;
}

Packet Remote::expect_publish(const std::string& payload) {
  Packet packet = expect(Type::publish);
  REQUIRE(packet.payload == payload);
  return packet;
}

void Remote::expect_nothing() {
  stage_.run(quiet_ms);
  send(encode_pingreq());
  expect(Type::pingresp);
}

void Remote::expect_closed() {
  REQUIRE(connection_);
  REQUIRE(stage_.until([&] { return connection_->server_gone; }, answer_ms));
}

void Remote::subscribe(const std::vector<Filter>& filters, const Properties& properties) {
  const std::uint16_t pid = ++last_pid_;
  send(encode_subscribe(pid, filters, connect_.version, properties));
  for (const std::uint8_t code : await(Type::suback, pid).codes) REQUIRE(code <= 2);
}

void Remote::publish(const Publish& publish) {
  Publish sent = publish;
  if (sent.qos != 0 && sent.pid == 0) sent.pid = ++last_pid_;
  send_publish(sent);
  if (sent.qos == 1) CHECK(await(Type::puback, sent.pid).code() < 0x80);
  if (sent.qos != 2) return;
  CHECK(await(Type::pubrec, sent.pid).code() < 0x80);
  send_ack(Type::pubrel, sent.pid);
  CHECK(await(Type::pubcomp, sent.pid).code() == 0);
}

Packet Remote::receive(const std::string& payload) {
  Packet packet = expect_publish(payload);
  if (packet.qos() == 1) send_ack(Type::puback, packet.pid);
  if (packet.qos() == 2) {
    send_ack(Type::pubrec, packet.pid);
    await(Type::pubrel, packet.pid);
    send_ack(Type::pubcomp, packet.pid);
  }
  return packet;
}

Connect durable(const std::string& id, std::uint8_t version) {
  Connect connect;
  connect.version = version;
  connect.client_id = id;
  connect.clean = false;
  connect.keepalive_s = 0;
  if (version == 5) connect.session_expiry_s = 3'600;
  return connect;
}

Publish message(const std::string& topic, const std::string& payload, std::uint8_t qos, std::uint16_t pid) {
  Publish publish;
  publish.topic = topic;
  publish.payload = payload;
  publish.qos = qos;
  publish.pid = pid;
  return publish;
}

}  // namespace tandem::test
