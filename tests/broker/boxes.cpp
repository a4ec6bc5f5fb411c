#include "tests/broker/boxes.hpp"

#include "admin/protocol.hpp"
#include "core/apply.hpp"
#include "tests/sim/pair_config.hpp"

#include <doctest/doctest.h>

namespace tandem::test {

namespace {
constexpr int fsync_ms_max = 2;
constexpr std::size_t paths = 1;
}  // namespace

Box::Box(int index, const Config& config, sim::Network& network, const std::int64_t& now)
    : index_(index), config_(config), network_(network), now_(now) {}

Box::~Box() {
  node_.reset();
}

void Box::boot() {
  store_ = std::make_unique<sim::SimStore>(disk_, ++dice_, fsync_ms_max, now_);
  link_ = std::make_unique<sim::SimLink>(network_, index_, now_, paths);
  const broker::Parts parts{*store_,
                            link_.get(),
                            {"pair"},
                            *this,
                            *this,
                            *this,
                            // Even: apart from each other even with the lowest bit set.
                            [this] { return (++dice_ * 2 + static_cast<unsigned>(index_)) * 1'000'006; },
                            {}};
  node_ = std::make_unique<broker::Node>(config_, parts);
  const Status started = node_->start();
  REQUIRE(started.ok());
  next_beat_ = now_;
}

void Box::crash() {
  close_all_connections();
  store_->crash();
  node_.reset();
  link_.reset();
  store_.reset();
  listening_ = false;
  network_.node_gone(index_);
}

void Box::step() {
  if (!up()) return;
  if (store_->advance(now_)) node_->on_store_events();
  if (network_.has_due(index_, now_)) node_->drain_link();
  if (now_ >= next_beat_) {
    next_beat_ = now_ + config_.takeover.heartbeat_ms;
    node_->on_beat();
  }
  node_->end_turn();
  if (node_->failure()) FAIL(node_->failure()->message);
}

void Box::retain(std::string_view topic, std::string_view payload) {
  REQUIRE(node_->reigning());
  if (!client_) {
    client_ = std::make_unique<FakeClient>(ConnectionId{0, ++generation_});
    open_.add(*client_);
    mqtt::Connect connect;
    connect.version = mqtt::Version::v311;
    connect.client_id = "writer";
    connect.clean_start = true;
    mqtt::Packet packet(connect);
    REQUIRE(node_->sink().on_packet(*client_, packet));
  }
  mqtt::Publish publish;
  publish.topic = topic;
  publish.payload = payload;
  publish.qos = mqtt::Qos::at_least_once;
  publish.retain = true;
  publish.packet_id = 1;
  mqtt::Packet packet(publish);
  REQUIRE(node_->sink().on_packet(*client_, packet));
}

std::string Box::retained(const std::string& topic) const {
  const auto& all = node_->state().retained();
  const auto found = all.find(topic);
  return found == all.end() ? std::string() : std::string(found->second.message->view().payload);
}

void Box::corrupt(std::string_view topic, std::string_view payload) {
  core::Effects effects;
  core::Applying to{const_cast<core::State&>(node_->state()), node_->last().value + 1'000'000, wall(), effects};
  core::Published published;
  published.message.topic = topic;
  published.message.payload = payload;
  published.message.qos = mqtt::Qos::at_least_once;
  published.message.retain = true;
  core::apply(to, core::Record(published));
}

std::size_t Box::told(std::string_view part) const {
  std::size_t count = 0;
  for (const std::string& sentence : events_) count += sentence.find(part) != std::string::npos ? 1 : 0;
  return count;
}

std::string Box::tandemctl(std::string_view command, std::string_view how) {
  return node_->answer(admin::to_line(admin::Request{std::string(command), std::string(how)}));
}

void Box::close_all_connections() {
  if (!client_) return;
  open_.remove(client_->id());
  client_.reset();
}

void Box::flush() {
  if (client_) client_->written();
}

void Box::event(broker::Level, std::string_view, std::string_view sentence) {
  events_.emplace_back(sentence);
}

Boxes::Boxes(const std::function<void(Config&)>& edit) {
  for (int i = 0; i < 2; ++i) {
    Config config = sim::pair_config(i);
    if (edit) edit(config);
    boxes_[static_cast<std::size_t>(i)] = std::make_unique<Box>(i, config, network_, now_);
  }
  a().boot();
  b().boot();
  REQUIRE(until_protected());
  REQUIRE(a().node().reigning());
}

void Boxes::run(std::int64_t ms) {
  for (const std::int64_t end = now_ + ms; now_ < end; ++now_) {
    a().step();
    b().step();
  }
}

bool Boxes::until(const std::function<bool()>& done, std::int64_t within_ms) {
  constexpr std::int64_t look_ms = 50;
  for (const std::int64_t end = now_ + within_ms; now_ < end;) {
    if (done()) return true;
    run(look_ms);
  }
  return done();
}

}  // namespace tandem::test
