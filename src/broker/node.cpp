#include "broker/node.hpp"

#include <sys/random.h>

#include <chrono>

#include "base/journal.hpp"
#include "broker/node_loop.hpp"
#include "vip/address.hpp"

namespace tandem::broker {

namespace {

constexpr std::int64_t tick_ms = 100;
constexpr std::int64_t info_ms = 1'000;

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  CHECK(::getrandom(&value, sizeof value, 0) == sizeof value);
  return value;
}

core::Policy policy_of(const Config& config) {
  core::Policy policy;
  policy.access.allow_anonymous = config.security.allow_anonymous;
  policy.receive_maximum = config.limits.receive_maximum;
  policy.v3_in_flight = config.limits.v3_in_flight;
  policy.max_packet_bytes = config.limits.max_packet_bytes;
  policy.topic_alias_maximum = config.limits.topic_alias_maximum;
  policy.max_queue_messages = static_cast<std::uint32_t>(config.limits.max_queue_messages);
  policy.max_queue_bytes = config.limits.max_queue_bytes;
  policy.max_sessions = config.limits.max_sessions;
  policy.max_subscriptions_per_session = config.limits.max_subscriptions_per_session;
  policy.max_retained = config.limits.max_retained;
  policy.will_grace_s = static_cast<std::uint32_t>(config.takeover.will_grace_s);
  return policy;
}

}  // namespace

Node::Node(const Config& config)
    : config_(config), loop_(std::make_unique<Loop>()), active_(policy_of(config)), started_(steady_now()) {}

Node::~Node() {
  active_.end();
  loop_.reset();   // sockets first: nothing calls back any more
  store_.reset();  // commits what is pending
}

Status Node::start() {
  if (Status opened = open_store(); !opened.ok()) return opened;
  edge::EdgeOptions options;
  for (const ListenerConfig& listener : config_.listeners)
    options.listeners.push_back({listener.address, listener.port});
  options.max_packet_bytes = config_.limits.max_packet_bytes;
  options.max_connect_bytes = limits::max_connect_bytes;
  options.max_connections = config_.limits.max_connections;
  options.connect_timeout_ms = config_.limits.connect_timeout_ms;
  loop_->edge = std::make_unique<edge::Edge>(loop_->context, options, active_);
  active_.attach(*loop_->edge);
  active_.on_turn_begin([this] { return begin_turn(); });
  if (Status opened = open_mirror(); !opened.ok()) return opened;
  loop_->control = std::make_unique<admin::Control>(loop_->context, config_.control.socket,
                                                    [this](std::string_view request) { return answer(request); });
  return loop_->control->open();
}

Status Node::open_store() {
  store::StoreOptions options;
  options.directory = config_.node.data_dir;
  options.group_commit_ms = config_.store.group_commit_ms;
  options.group_commit_bytes = limits::group_commit_bytes;
  options.wal_fold_bytes = limits::wal_fold_bytes;
  Result<std::unique_ptr<store::Store>> opened = store::open_store(options);
  if (!opened.ok()) return opened.error();
  store_ = opened.take();
  CheckpointOptions checkpoints;
  checkpoints.log_bytes = static_cast<std::size_t>(config_.store.checkpoint_mb) * limits::mib;
  checkpoints.interval_ms = config_.store.checkpoint_s * 1000;
  checkpointer_ = std::make_unique<Checkpointer>(*store_, checkpoints);
  const store::Found& found = store_->found();
  const Lsn last = std::max(found.log_last, found.checkpoint);
  if (Status loaded = replica_.load(*store_, found.checkpoint, last); !loaded.ok()) {
    return Error{"the store in " + config_.node.data_dir + " cannot be loaded: " + loaded.error().message +
                 "; move the folder away and start again: the peer has a copy"};
  }
  checkpointer_->loaded(found.checkpoint);
  const Instant image_time = decode_checkpoint_info(found.checkpoint_info);
  log_clock_.saw(std::max(replica_.last_time(), image_time), steady_now());
  journal::info("State holds " + std::to_string(replica_.state().durable_sessions()) + " sessions, " +
                std::to_string(replica_.state().queued_messages()) + " queued and " +
                std::to_string(replica_.state().retained().size()) + " retained messages at record " +
                std::to_string(replica_.last().value));
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

Status Node::open_mirror() {
  mirror::PairOptions options = pair_options();
  if (config_.mirror) {
    const MirrorConfig& mirror = *config_.mirror;
    Result<mirror::KeyPair> keys = mirror::read_key_file(mirror.key_file);
    if (!keys.ok()) return keys.error();
    mirror::LinkOptions link;
    link.own = keys.take();
    link.peer_public_keys = mirror.peer_public_keys;
    for (const Endpoint& endpoint : mirror.listen) link.listen.push_back(to_text(endpoint));
    for (const Endpoint& endpoint : mirror.peer) link.peer.push_back(to_text(endpoint));
    options.pair_id = mirror::pair_id(link.own.public_key, mirror.peer_public_keys.front());
    Result<std::unique_ptr<mirror::Link>> opened = mirror::open_link(link);
    if (!opened.ok()) return opened.error();
    link_ = opened.take();
  }
  const store::Found& found = store_->found();
  mirror::PairStart start;
  start.meta = found.meta;
  start.fresh = found.fresh;
  start.checkpoint = found.checkpoint;
  start.log_first = found.log_first;
  start.log_last = replica_.last();
  start.store_id_if_fresh = random_u64();
  start.boot_id = random_u64();
  pair_ = std::make_unique<mirror::Pair>(options, start, steady_now());
  return {};
}

// --- the turn
// ---------------------------------------------------------------------------------------------------------

Status Node::run() {
  const auto ask_stop = [this](const boost::system::error_code& error, int) {
    if (!error) stopping_ = true;
  };
  loop_->signals.add(SIGTERM);
  loop_->signals.add(SIGINT);
  loop_->signals.async_wait(ask_stop);
  loop_->watch(store_->event_fd(), [this] { on_store_events(); });
  if (link_) {
    for (const int descriptor : link_->fds()) loop_->watch(descriptor, [this] { drain_link(); });
  }
  on_beat();
  while (!stopping_ && !failure_) {
    using Clock = std::chrono::steady_clock;
    loop_->context.run_one();
    const auto end = Clock::now() + std::chrono::microseconds(limits::turn_us);
    while (!stopping_ && loop_->edge->bytes_read_this_turn() < limits::turn_bytes && Clock::now() < end &&
           loop_->context.poll_one() != 0) {
    }
    end_turn();
  }
  if (failure_) return *failure_;
  journal::info("stopping: the standby is told");
  input([this](Steady now) { pair_->stop(now); });
  end_turn();
  return {};
}

bool Node::begin_turn() {
  if (in_turn_) return active_.reigning();
  in_turn_ = true;
  const Steady now = steady_now();
  pair_->on_turn(now);
  carry_out();
  if (active_.reigning()) active_.set_time(log_clock_.now(now));
  return active_.reigning();
}

void Node::end_turn() {
  begin_turn();
  const Steady now = steady_now();
  if (now.ms - last_tick_.ms >= tick_ms) {
    last_tick_ = now;
    loop_->edge->tick(now);
  }
  if (active_.reigning()) active_.do_what_is_due();
  ship();
  if (link_) drain_link();
  if (active_.reigning()) {
    active_.end_turn();
    active_.slow_publishers(pair_->slow_publishers());
    active_.release(pair_->safe());
    ship_digest(now);
  }
  checkpoint(now);
  loop_->edge->flush();
  loop_->edge->new_turn();
  in_turn_ = false;
}

void Node::ship() {
  if (!active_.reigning()) return;
  const Steady now = steady_now();
  for (Batch& batch : active_.take_batches()) {
    replica_.advanced(batch.last(), batch.time);
    checkpointer_->on_batch(batch.bytes->size());
    store_->append(batch, pair_->wants_urgent_commit());
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
  loop_->beat.expires_after(std::chrono::milliseconds(config_.takeover.heartbeat_ms));
  loop_->beat.async_wait([this](const boost::system::error_code& error) {
    if (!error) on_beat();
  });
  input([this](Steady now) {
    if (now.ms - info_at_.ms >= info_ms) {
      info_at_ = now;
      pair_->set_info(own_info());
    }
    if (active_.reigning()) pair_->set_log_time(log_clock_.now(now), now);
    watch_vip(now);
    pair_->on_beat(now);
  });
  if (const auto heard = pair_->heard_time()) log_clock_.saw(heard->log_time, heard->at);
  if (!link_) return;
  std::vector<std::string> troubles = link_->troubles();
  if (troubles == link_troubles_) return;
  link_troubles_ = std::move(troubles);
  for (const std::string& trouble : link_troubles_) journal::warn(trouble);
}

// arbiter "keepalived": the word is whether a virtual IP is on this box.
void Node::watch_vip(Steady now) {
  if (!config_.mirror || config_.takeover.arbiter != Arbiter::keepalived) return;
  bool here = false;
  for (const std::string& vip : config_.takeover.vip) here = here || vip::address_present(vip);
  pair_->on_word(here ? mirror::Word::master : mirror::Word::backup, now);
}

void Node::drain_link() {
  // Orders are carried out once for all frames: one confirm answers many batches.
  input([this](Steady now) {
    link_->drain([this, now](std::size_t path, ByteView frame) { pair_->on_frame(path, frame, now); });
  });
}

void Node::on_store_events() {
  store::Events events = store_->take_events();
  for (const Error& error : events.errors) journal::error(error.message);
  input([&](Steady now) {
    durable_ = events.durable;
    pair_->on_durable(durable_, now);
    for (const std::uint64_t token : events.tokens) {
      const auto own = waiting_.find(token);
      if (own == waiting_.end()) {
        if (token < own_tokens) pair_->on_meta_written(token, now);
        continue;
      }
      const auto done = std::move(own->second);
      waiting_.erase(own);
      if (done) done(now);
    }
    if (events.checkpoint) checkpointer_->on_committed(*events.checkpoint, pair_->keep_log_from());
    for (store::Chunk& chunk : events.chunks) {
      if (chunk.catch_up != catch_up_) continue;  // of one that was closed
      if (chunk.error) {
        journal::error("the peer cannot be brought up to date from this disk: " + chunk.error->message);
        store_->close_catch_up(std::exchange(catch_up_, 0));
        continue;
      }
      mirror::CatchUpPiece piece;
      piece.rows_lsn = chunk.rows_lsn;
      piece.info = std::move(chunk.checkpoint_info);
      piece.rows = std::move(chunk.rows);
      piece.rows_end = chunk.rows_end;
      piece.rows_total_bytes = chunk.rows_total_bytes;
      piece.batches = std::move(chunk.batches);
      piece.at_log_end = chunk.at_log_end;
      piece.gap = chunk.gap;
      pair_->on_chunk(std::move(piece), now);
    }
  });
}

// Never past what is safe (active) or what this box has on disk; not while State is ahead of what the pair agreed on.
void Node::checkpoint(Steady now) {
  if (image_open_) return;
  Lsn allowed{};
  if (active_.reigning())
    allowed = std::min(pair_->safe(), durable_);
  else if (pair_->mode() == mirror::Mode::in_sync)
    allowed = durable_;
  else
    return;
  checkpointer_->step(replica_.state(), replica_.last(), replica_.last_time(), allowed, now, checkpoint_token);
}

void Node::ship_digest(Steady now) {
  const Lsn last = replica_.last();
  if (!link_ || last == digest_lsn_) return;
  if (last.value - digest_lsn_.value < limits::digest_every_records &&
      now.ms - digest_at_.ms < limits::digest_every_ms) {
    return;
  }
  digest_lsn_ = last;
  digest_at_ = now;
  pair_->on_digest(last, replica_.state().digest().summaries(), now);
  carry_out();
}

Node::Loop::~Loop() {
  for (auto& stream : watched) stream->release();  // the descriptors belong to store and link
}

void Node::Loop::watch(int descriptor, std::function<void()> readable) {
  auto owned = std::make_unique<boost::asio::posix::stream_descriptor>(context, descriptor);
  auto* stream = owned.get();
  watched.push_back(std::move(owned));
  const auto again = std::make_shared<std::function<void()>>();
  *again = [stream, readable = std::move(readable), self = std::weak_ptr(again)] {
    stream->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [readable, keep = self.lock()](const boost::system::error_code& error) {
                         if (error) return;
                         readable();
                         (*keep)();
                       });
  };
  (*again)();
}

}  // namespace tandem::broker
