// A box.
#include "host.hpp"

#include <algorithm>
#include <utility>

#include "broker/rebuild.hpp"
#include "sim_remains.hpp"

namespace sim {

// --- a connection

SimConnection::SimConnection(Host& host, ConnectionId id) : host_(host) {
  id_ = id;
  shares_ = true;
  options_.max_packet_bytes = 65'536;
  since_ = host.now_;
}

void SimConnection::established(mqtt::Version version, std::uint16_t keep_alive_s, std::uint32_t max_packet_bytes_out) {
  version_ = version;
  established_ = true;
  max_packet_bytes_out_ = max_packet_bytes_out;
  options_.version = version;
  keep_alive_ms_ = std::int64_t{keep_alive_s} * 1500;
}

void SimConnection::close_after_flush() {
  if (closing_ || dead_) return;
  closing_ = true;
  host_.open_.remove(id_);
}

void SimConnection::close_now() {
  if (dead_) return;
  dead_ = server_gone = true;
  output_.clear();
  host_.open_.remove(id_);
}

// --- the box

Host::Host(int index, const HostOptions& options, std::uint64_t seed, Network& network, const std::int64_t& now,
           Witness& witness)
    : index_(index), options_(options), rng_(seed), network_(network), now_(now), witness_(witness) {}

Host::~Host() {
  node_.reset();
}

Steady Host::steady() const {
  return Steady{now_ + now_ * skew_permille_ / 1000};
}

void Host::event(broker::Level level, std::string_view /*kind*/, std::string_view sentence) {
  witness_.told(index_, level, sentence);
}

void Host::boot() {
  Status started = start();
  if (!started.ok()) {
    if (const Status salvaged = salvage(); !salvaged.ok()) {
      witness_.broken(name() + ": what is sound of its store cannot be written: " + salvaged.error().message);
      return;
    }
    started = start();
  }
  if (!started.ok()) return witness_.broken(name() + " does not start: " + started.error().message);
  next_beat_ = next_turn_ = now_;
  witness_.booted(index_);
}

Status Host::start() {
  paused_ = stopped_ = false;
  weight_ = mirror::weight_fault;
  if (const Status openable = SimStore::openable(disk_); !openable.ok()) return openable;
  store_ = std::make_unique<SimStore>(disk_, rng_(), options_.fsync_ms_max, now_);
  store_->on_append = [this](const Batch& batch) { witness_.appended(index_, batch); };
  store_->on_cut = [this](Lsn to) { witness_.cut(index_, to); };
  store_->on_checkpoint = [this](Lsn at) { witness_.checkpointed(index_, at); };
  link_ = std::make_unique<SimLink>(network_, index_, now_, options_.paths);
  broker::Parts parts{*store_, link_.get(), {"pair"}, *this, *this, *this, [this] { return rng_(); }, this};
  parts.missing = missing_;
  parts.healed = [this] { missing_.clear(); };
  node_ = std::make_unique<broker::Node>(options_.config, parts);
  Status started = node_->start();
  if (started.ok()) return started;
  node_.reset();
  link_.reset();
  store_.reset();
  return started;
}

Status Host::salvage() {
  const Disk old = std::exchange(disk_, Disk{});
  disk_.aside = old.aside;
  disk_.slower_ms = old.slower_ms;
  SimRemains remains(old);
  SimStore store(disk_, rng_(), options_.fsync_ms_max, now_);
  Result<std::string> report = broker::rebuild_store(remains, store, rng_(), "damaged", "");
  store.close();
  if (!report.ok()) return report.error();
  missing_ = report.take();
  return {};
}

void Host::pause() {
  paused_ = true;
  paused_since_ = steady();
}

void Host::resume() {
  if (!std::exchange(paused_, false)) return;
  step();  // its first turn finds the gap
  witness_.resumed(index_, paused_since_);
}

void Host::drop_connections() {
  for (const auto& connection : list_) {
    if (connection && !connection->dead_) connection->close_now();
  }
}

void Host::crash() {
  if (!up()) return;
  drop_connections();
  list_.clear();
  store_->crash();
  node_.reset();
  link_.reset();
  store_.reset();
  listening_ = accepting_ = paused_ = false;
  weight_ = mirror::weight_fault;
  network_.node_gone(index_);
}

void Host::replace_disk() {
  disk_ = Disk{};
  missing_.clear();
}

void Host::stop() {
  stopped_ = true;
  node_->stop();
}

void Host::order(const std::string& request) {
  const std::string reply = node_->answer(request);
  node_->end_turn();  // as the core loop does
  witness_.told(index_, broker::Level::info, "Ordered " + request + ": " + reply);
}

std::shared_ptr<SimConnection> Host::connect() {
  std::size_t slot = 0;
  while (slot < list_.size() && list_[slot]) ++slot;
  if (slot == list_.size()) list_.emplace_back();
  if (generations_.size() < list_.size()) generations_.resize(list_.size());
  const ConnectionId id{static_cast<std::uint32_t>(slot), ++generations_[slot]};
  list_[slot] = std::make_shared<SimConnection>(*this, id);
  open_.add(*list_[slot]);
  return list_[slot];
}

void Host::step() {
  if (!up() || paused_) return;
  bool work = now_ >= next_turn_;
  if (store_->advance(now_)) {
    node_->on_store_events();
    work = true;
  }
  if (network_.has_due(index_, now_)) {
    node_->drain_link();
    work = true;
  }
  work |= read_clients();
  if (now_ >= next_beat_) {
    next_beat_ = now_ + options_.config.takeover.heartbeat_ms;
    node_->on_beat();
    work = true;
  }
  if (!work) return;
  next_turn_ = now_ + 25;
  node_->end_turn();
  if (node_->failure()) witness_.broken(name() + " cannot go on: " + node_->failure()->message);
}

bool Host::read_clients() {
  bool did = false;
  for (std::size_t slot = 0; slot < list_.size(); ++slot) {
    const std::shared_ptr<SimConnection> connection = list_[slot];
    if (!connection || !connection->open() || !lan) continue;
    const bool bytes = !connection->up.empty() && connection->up.front().first <= now_;
    const bool rest = !connection->paused_ && !connection->rest_.empty();
    if (!bytes && !rest && !(connection->client_gone && connection->up.empty())) continue;
    did = true;
    read(*connection);
  }
  return did;
}

void Host::read(SimConnection& connection) {
  edge::PacketSink& sink = node_->sink();
  while (!connection.up.empty() && connection.up.front().first <= now_) {
    connection.rest_ += connection.up.front().second;
    connection.up.pop_front();
    connection.since_ = now_;
  }
  std::size_t used = 0;
  mqtt::Packet packet;
  while (connection.open() && !connection.paused_ && used < connection.rest_.size()) {
    const ByteView bytes = ByteView(connection.rest_).substr(used);
    const mqtt::Decoded decoded = mqtt::decode(bytes, connection.options_, packet);
    if (decoded.status == mqtt::DecodeStatus::incomplete) break;
    if (decoded.status == mqtt::DecodeStatus::error) {
      witness_.broken(name() + " cannot read a client's packet: " + decoded.what);
      connection.close_after_flush();
      break;
    }
    used += decoded.used;
    if (!sink.on_packet(connection, packet)) connection.close_after_flush();
  }
  connection.rest_.erase(0, used);
  if (connection.open() && connection.client_gone && connection.up.empty() && !connection.paused_) {
    connection.close_after_flush();
    sink.on_closed(connection, edge::CloseCause::peer_closed);
  }
}

void Host::tick(Steady /*now*/) {
  for (std::size_t slot = 0; slot < list_.size(); ++slot) {
    const std::shared_ptr<SimConnection> connection = list_[slot];
    if (!connection || !connection->open() || connection->paused_ || connection->keep_alive_ms_ == 0) continue;
    if (!connection->up.empty() || now_ - connection->since_ < connection->keep_alive_ms_ + 500) continue;
    connection->close_after_flush();
    node_->sink().on_closed(*connection, edge::CloseCause::keep_alive_timeout);
  }
}

void Host::flush() {
  for (std::shared_ptr<SimConnection>& connection : list_) {
    if (!connection) continue;
    if (!connection->dead_ && !connection->output_.empty()) {
      const std::int64_t due =
          now_ + static_cast<std::int64_t>(rng_() % static_cast<unsigned>(options_.lan_ms_max + 1));
      const std::int64_t last = connection->down.empty() ? due : std::max(due, connection->down.back().first);
      connection->output_.append_to(connection->down.emplace_back(last, ByteBuffer()).second);
      connection->output_.clear();
    }
    connection->write_queued_ = false;
    if (connection->closing_ || connection->dead_) {
      connection->server_gone = true;
      connection.reset();
    }
  }
}

}  // namespace sim
