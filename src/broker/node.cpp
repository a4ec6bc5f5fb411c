// The node: start, the turn, beats. node_orders.cpp carries out the pair's orders, node_store.cpp takes what the store
// has done, node_merge.cpp is RECONCILE, node_status.cpp answers people.
#include "broker/node.hpp"

#include "broker/client_flows.hpp"

#include <algorithm>

#include "base/journal.hpp"

namespace tandem::broker {

namespace {

constexpr std::int64_t tick_ms = 100;
constexpr std::int64_t info_ms = 1'000;

core::Policy policy_of(const Config& config) {
  core::Policy policy;
  policy.allow_anonymous = config.security.allow_anonymous;
  policy.receive_maximum = config.limits.receive_maximum;
  policy.v3_in_flight = config.limits.v3_in_flight;
  policy.max_packet_bytes = config.limits.max_packet_bytes;
  policy.topic_alias_maximum = config.limits.topic_alias_maximum;
  policy.max_queue_messages = static_cast<std::uint32_t>(config.limits.max_queue_messages);
  policy.max_queue_bytes = config.limits.max_queue_bytes;
  policy.queue_policy = config.limits.queue_policy;
  policy.response_prefix = config.mqtt.response_prefix;
  policy.max_sessions = config.limits.max_sessions;
  policy.max_subscriptions_per_session = config.limits.max_subscriptions_per_session;
  policy.max_retained = config.limits.max_retained;
  policy.max_retained_bytes = config.limits.max_retained_bytes;
  policy.max_connections_per_user = config.limits.max_connections_per_user;
  policy.max_publishes_per_s = config.limits.max_publishes_per_s;
  policy.max_keep_alive_s = config.limits.max_keep_alive_s;
  policy.will_grace_s = static_cast<std::uint32_t>(config.takeover.will_grace_s);
  return policy;
}

CheckpointOptions checkpoint_options(const Config& config) {
  CheckpointOptions options;
  options.log_bytes = static_cast<std::size_t>(config.store.checkpoint_mb) * limits::mib;
  options.interval_ms = config.store.checkpoint_s * 1000;
  return options;
}

}  // namespace

Node::Node(const Config& config, const Parts& parts)
    : config_(config),
      shared_config_(shared_values(config.values)),
      parts_(parts),
      checkpointer_(parts.store, parts.clocks, checkpoint_options(config)),
      active_(policy_of(config), parts.auth_mechanisms, parts.passwords),
      tail_source_(parts.store),
      tail_merger_(parts.store),
      started_(parts.clocks.steady()),
      alarms_(parts_.events, parts_.clocks),
      config_push_(parts_.random() | 1U),
      vips_(virtual_ips(config)) {
  active_.on_turn_begin([this] { return begin_turn(); });
}

Node::~Node() {
  parts_.doors.close_all_connections();  // what they have not sent yet may be the active's
  active_.end();
}

Status Node::start() {
  active_.attach(parts_.doors.connections(), parts_.random);
  const store::Found& found = parts_.store.found();
  const Lsn last = std::max(found.log_last, found.checkpoint);
  if (Status loaded = replica_.load(parts_.store, found.checkpoint, last, parts_.at_work); !loaded.ok()) {
    return Error{"the store in " + config_.node.data_dir + " cannot be loaded: " + loaded.error().message +
                 "; move the folder away and start again: the peer has a copy"};
  }
  checkpointer_.loaded(found.checkpoint);
  checkpointer_.on_batch(replica_.replayed_bytes());  // else each restart would replay more
  const Instant image_time = decode_checkpoint_info(found.checkpoint_info);
  log_clock_.saw(std::max(replica_.last_time(), image_time), steady_now());
  parts_.events.event(Level::info, "node",
                      "Started. State holds " + std::to_string(replica_.state().durable_sessions()) + " sessions, " +
                          std::to_string(replica_.state().queued_messages()) + " queued and " +
                          std::to_string(replica_.state().retained().size()) + " retained messages at record " +
                          std::to_string(replica_.last().value));
  make_pair();
  if (!parts_.missing.empty()) alarms_.raise("damage", parts_.missing);
  // A box that was set up anew as a single one meanwhile has no use for it.
  if (parts_.in_maintenance) static_cast<void>(set_maintenance(true, steady_now()));
  return {};
}

mirror::PairOptions Node::pair_options() const {
  mirror::PairOptions options;
  options.node_name = config_.node.name;
  options.heartbeat_ms = config_.takeover.heartbeat_ms;
  options.after_ms = config_.takeover.after_ms;
  options.lease_ms = config_.takeover.lease_ms;
  options.solo_wait_ms = config_.takeover.solo_wait_ms;
  options.boot_wait_ms = config_.takeover.boot_wait_ms;
  options.promote_when_unsure = config_.takeover.unsure == Unsure::promote;
  if (config_.mirror) options.reconcile_auto = config_.mirror->reconcile == Reconcile::automatic;
  options.heartbeat_arbiter = config_.takeover.arbiter == Arbiter::heartbeat;
  if (!config_.mirror) return options;
  options.has_peer = true;
  options.paths = config_.mirror->listen.size();
  options.solo_allowed = config_.mirror->solo == Solo::allow;
  switch (config_.mirror->durability) {
    case Durability::peer:
      options.durability = mirror::Durability::peer;
      break;
    case Durability::disk:
      options.durability = mirror::Durability::disk;
      break;
    case Durability::peer_and_disk:
      options.durability = mirror::Durability::peer_disk;
      break;
  }
  return options;
}

void Node::change_pair_ids(std::vector<std::string> ids) {
  if (pair_) pair_->change_pair_ids(std::move(ids));
}

void Node::make_pair() {
  mirror::PairOptions options = pair_options();
  options.pair_ids = parts_.pair_ids;
  const store::Found& found = parts_.store.found();
  mirror::PairStart start;
  start.meta = found.meta;
  start.fresh = found.fresh;
  start.checkpoint = found.checkpoint;
  start.log_first = found.log_first;
  start.log_last = replica_.last();
  start.damaged = !parts_.missing.empty();
  start.store_id_if_fresh = parts_.random();
  start.boot_id = parts_.random() | 1U;
  pair_ = std::make_unique<mirror::Pair>(options, start, steady_now());
}

// --- the turn
// ---------------------------------------------------------------------------------------------------------

bool Node::begin_turn() {
  if (in_turn_) return active_.reigning();
  in_turn_ = true;
  const Steady now = steady_now();
  pair_->on_turn(now);
  carry_out();
  if (active_.reigning()) {
    active_.set_time(log_clock_.now(now), now);
    active_.set_common_level(pair_->common_level());
    if (followed_pending_) follow_files();
  }
  return active_.reigning();
}

void Node::end_turn() {
  begin_turn();
  const Steady now = steady_now();
  if (now.ms - last_tick_.ms >= tick_ms) {
    last_tick_ = now;
    parts_.doors.tick(now);
  }
  if (active_.reigning()) active_.do_what_is_due();
  ship();
  run_merge();
  if (parts_.link != nullptr) drain_link();
  take_word_before_acks(now);
  if (active_.reigning()) {
    active_.end_turn();
    active_.slow_publishers(pair_->slow_publishers() || disk_lag_.too_far());
    active_.hold_publishers(pair_->hold_publishers());
    active_.release(pair_->safe());
    redirect_clients();
    ship_digest(now);
  }
  checkpoint(now);
  tell_weight(now);
  parts_.doors.flush();
  in_turn_ = false;
}

void Node::ship() {
  if (!active_.reigning()) return;
  const Steady now = steady_now();
  for (Batch& batch : active_.take_batches()) {
    replica_.advanced(batch.last(), batch.time);
    checkpointer_.on_batch(batch.bytes->size());
    tail_merger_.on_own_batch(replica_.state(), batch);
    parts_.store.append(batch, pair_->wants_urgent_commit());
    disk_lag_.appended(batch.last(), batch.bytes->size(), now);
    pair_->on_batch(batch, now);
  }
  carry_out();
}

void Node::input(const std::function<void(Steady)>& give) {
  begin_turn();
  ship();  // a demotion must find State and log at the same record
  give(steady_now());
  carry_out();
}

void Node::on_beat() {
  input([this](Steady now) {
    if (now.ms - info_at_.ms >= info_ms) {
      info_at_ = now;
      pair_->set_info(own_info());
      watch_alarms(now);
    }
    if (active_.reigning()) pair_->set_log_time(log_clock_.now(now), now);
    watch_reach(now);
    take_word(now);
    pair_->on_beat(now);
    watch_both_active();
    hold_virtual_ips(now);
    run_verify(now);
    tell_clients(now);
    tell_sys(now);
  });
  if (const auto heard = pair_->heard_time()) log_clock_.saw(heard->log_time, heard->at);
  tell_link_troubles();
}

void Node::on_password_checked(ConnectionId id, bool right) {
  if (begin_turn()) active_.on_password_checked(id, right);
}

void Node::tell_link_troubles() {
  if (parts_.link == nullptr) return;
  std::vector<std::string> troubles = parts_.link->troubles();
  if (troubles == link_troubles_) return;
  link_troubles_ = std::move(troubles);
  for (const std::string& trouble : link_troubles_) parts_.events.event(Level::warn, "link", trouble);
}

void Node::stop() {
  input([this](Steady now) { pair_->stop(now); });
  end_turn();
}

void Node::drain_link() {
  // Orders are carried out once for all frames: one confirm answers many batches.
  input([this](Steady now) {
    parts_.link->drain([this, now](std::size_t path, ByteView frame) {
      pair_->on_frame(path, frame, now);
      watch_both_active();
    });
  });
}

std::optional<Lsn> Node::checkpoint_may_reach() const {
  if (image_open_) return std::nullopt;
  if (active_.reigning()) return std::min(pair_->safe(), durable_);
  if (pair_->mode() == mirror::Mode::in_sync) return durable_;
  return std::nullopt;
}

void Node::checkpoint(Steady now) {
  const std::optional<Lsn> allowed = checkpoint_may_reach();
  if (!allowed) return;
  checkpointer_.step(replica_.state(), replica_.last(), replica_.last_time(), *allowed, now, checkpoint_token);
}

void Node::ship_digest(Steady now) {
  const Lsn last = replica_.last();
  if (parts_.link == nullptr || last == digest_lsn_) return;
  if (last.value - digest_lsn_.value < limits::digest_every_records &&
      now.ms - digest_at_.ms < limits::digest_every_ms) {
    return;
  }
  digest_lsn_ = last;
  digest_at_ = now;
  pair_->on_digest(last, replica_.state().digest().summaries(pair_->common_level()), now);
  carry_out();
}

}  // namespace tandem::broker
