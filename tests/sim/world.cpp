// The world: time, clients and boxes; the rules.
#include "world.hpp"

#include <algorithm>

#include "chaos.hpp"

namespace sim {

namespace {

constexpr std::int64_t patience_ms = 2'500;  // a client that waits for an answer
constexpr std::size_t story_lines = 400;

Config config_of(std::mt19937_64& rng, bool keepalived) {
  Config config;
  config.security.allow_anonymous = true;
  config.listeners.emplace_back().address = "0.0.0.0";
  MirrorConfig mirror;
  constexpr Durability kinds[] = {Durability::peer, Durability::peer, Durability::disk, Durability::peer_and_disk};
  mirror.durability = kinds[rng() % 4];
  mirror.solo = rng() % 6 == 0 ? Solo::refuse : Solo::allow;
  mirror.reconcile = rng() % 6 == 0 ? Reconcile::ask : Reconcile::automatic;
  const std::size_t paths = 1 + rng() % 2;
  mirror.listen.resize(paths);
  mirror.peer.resize(paths);
  config.mirror = mirror;
  config.takeover.arbiter = keepalived ? Arbiter::keepalived : Arbiter::heartbeat;
  config.takeover.boot_wait_ms = 3'000;
  config.takeover.unsure = rng() % 8 == 0 ? Unsure::wait : Unsure::promote;
  config.takeover.vip = {"10.77.0.100"};
  config.store.checkpoint_s = static_cast<std::int64_t>(1 + rng() % 6);
  config.limits.receive_maximum = static_cast<std::uint16_t>(rng() % 3 == 0 ? 4 : 100);
  return config;
}

}  // namespace

World::World(std::uint64_t seed, bool trace, const std::string& watched)
    : seed_(seed), trace_(trace), rng_(seed * 0x9E3779B97F4A7C15ULL + 1) {
  keepalived_ = chance(35);
  options_.config = config_of(rng_, keepalived_);
  options_.paths = options_.config.mirror->listen.size();
  options_.fsync_ms_max = static_cast<int>(1 + random(chance(25) ? 30 : 6));
  network_ = std::make_unique<Network>(rng_(), static_cast<int>(chance(20) ? random(30) : random(4)));
  make_hosts();
  make_clients();
  watched_ = watched;
  if (!watched.empty()) history_.watch(watched, [this](const std::string& what) { note(what); });
}

void World::make_hosts() {
  const bool skewed = chance(30);
  for (int i = 0; i < 2; ++i) {
    HostOptions options = options_;
    options.config.node.name = i == 0 ? "boxa" : "boxb";
    hosts_.push_back(std::make_unique<Host>(i, options, rng_(), *network_, now_, *this));
    if (skewed) hosts_.back()->set_skew(static_cast<int>(random(40)) - 20);
  }
}

void World::make_clients() {
  const auto add = [this](ClientPlan plan) {
    plan.version = chance(50) ? mqtt::Version::v5 : mqtt::Version::v311;
    plan.keep_alive_s = static_cast<std::uint16_t>(3 + random(6));
    Seat seat;
    seat.client =
        std::make_unique<Client>(plan, rng_(), history_, groups_, [this](const std::string& what) { broken(what); });
    seats_.push_back(std::move(seat));
  };
  const std::size_t publishers = 1 + random(3);
  for (std::size_t i = 0; i < publishers; ++i) {
    ClientPlan plan;
    plan.id = "pub" + std::to_string(i);
    plan.publish_every_ms = static_cast<int>(15 + random(120));
    plan.publish_qos = static_cast<int>(1 + random(2));
    plan.topic = "t/" + std::to_string(i);
    plan.retain = chance(40);
    plan.durable = !chance(25);
    plan.will = chance(30);
    plan.away_permille = chance(40) ? 80 : 0;
    if (chance(20)) plan.subscriptions.emplace_back("t/#", 2);
    add(plan);
  }
  const std::size_t subscribers = 1 + random(3);
  for (std::size_t i = 0; i < subscribers; ++i) {
    ClientPlan plan;
    plan.id = "sub" + std::to_string(i);
    plan.durable = i == 0 || !chance(25);
    if (chance(20)) {  // a member of a group gets its messages apart from other subscriptions
      plan.subscriptions.emplace_back("$share/g/t/#", static_cast<int>(1 + random(2)));
    } else {
      plan.subscriptions.emplace_back(chance(50) ? "t/#" : "t/+", 2);
      if (chance(40)) plan.subscriptions.emplace_back("t/0", static_cast<int>(random(3)));
    }
    if (chance(30)) plan.subscriptions.emplace_back("r/#", 1);
    if (chance(30)) plan.subscriptions.emplace_back("w/#", 1);
    plan.ack_delay_ms = chance(50) ? static_cast<int>(random(300)) : 0;
    plan.away_permille = chance(60) ? 120 : 0;
    plan.changes_subscriptions = chance(25);
    plan.will = chance(20);
    add(plan);
  }
}

// --- what happens

void World::note(const std::string& what) {
  story_.push_back(std::to_string(now_ - 1'000'000) + " ms " + what);
  if (story_.size() > story_lines && !trace_) story_.pop_front();
}

void World::told(int node, broker::Level level, std::string_view sentence) {
  constexpr const char* marks[] = {"", "", "(!) ", "(!!) "};  // debug, info, warn, error
  note(hosts_[static_cast<std::size_t>(node)]->name() + ": " + marks[static_cast<int>(level)] + std::string(sentence));
  if (sentence.starts_with("Merging what only")) history_.note_merge(now_);
  if (sentence.find("From what only") != std::string_view::npos) {
    ++result_.merged;
    history_.note_merge(now_);
    if (!history_.split()) history_.note_split(0);  // a tail that nobody served from: a takeover that was broken off
  }
  if (sentence.find("takes over, marked UNCLEAN") != std::string_view::npos) {
    sure_.takes_over_unclean(node, *hosts_[static_cast<std::size_t>(node)]);
  }
  // UNCLEAN: this lineage goes on without what the other box, which is down, has recorded: a split in time.
  if (sentence.ends_with(", UNCLEAN.")) history_.note_unclean(std::min(mirrored_at_, fork_time(node)), now_);
  if (sentence.find("copy differs from the active's") != std::string_view::npos) broken(std::string(sentence));
}

void World::broken(const std::string& what) {
  if (result_.violation.empty()) result_.violation = what;
  note("VIOLATION " + what);
}

void World::appended(int node, const Batch& batch) {
  const Host& host = *hosts_[static_cast<std::size_t>(node)];
  wills_.appended(node, host.serving(), batch, host.state());
  tails_.appended(node, batch);
  if (host.serving()) made_at_.emplace(batch.first, now_);
}

// When the first record was made that this box lacks.
std::int64_t World::fork_time(int node) {
  const auto lacks = made_at_.upper_bound(hosts_[static_cast<std::size_t>(node)]->node().last());
  return lacks == made_at_.end() ? now_ : lacks->second;
}

void World::booted(int node) {
  sure_.booted(node);
  tails_.booted(node, hosts_[static_cast<std::size_t>(node)]->disk());
}

void World::resumed(int node, Steady since) {
  sure_.resumed(node, *hosts_[static_cast<std::size_t>(node)], since);
}

void World::checkpointed(int node, Lsn at) {
  Host& host = *hosts_[static_cast<std::size_t>(node)];
  if (!host.serving() || at <= host.pair().safe()) return;
  broken(host.name() + " commits a checkpoint at record " + std::to_string(at.value) + ", past what is safe (" +
         std::to_string(host.pair().safe().value) + ")");
}

void World::cut(int node, Lsn to) {
  Host& other = *hosts_[static_cast<std::size_t>(1 - node)];
  sure_.cut(node, other);
  if (!history_.lossy()) tails_.check_cut(node, *hosts_[static_cast<std::size_t>(node)], other);
  tails_.cut(node, to);
  wills_.forget(node);
}

void World::fault(const std::string& kind, const std::string& what) {
  ++result_.faults[kind];
  note("fault: " + what);
}

namespace {
Lsn on_disk(Host& host) {
  return std::max(host.disk().log_last(), host.disk().base);
}
}  // namespace

void World::crashed(int index) {
  const std::int64_t other_at = crashed_at_.count(1 - index) != 0 ? crashed_at_[1 - index] : INT64_MIN / 2;
  crashed_at_[index] = now_;
  sure_.shortened(index, hosts_[static_cast<std::size_t>(index)]->disk().log_last());
  wills_.forget(index);
  if (options_.config.mirror->durability != Durability::peer) return;
  // A box that stood still until it crashed did not get to its fsync.
  const std::int64_t still_ms = now_ - awake_at_[static_cast<std::size_t>(index)];
  const std::int64_t window = 500 + still_ms + 3 * slow_ms_ + 3 * options_.fsync_ms_max;
  // Two memories lost at nearly the same time (roles.md, Limits).
  if (now_ - other_at <= window) history_.may_lose(other_at - window, now_ + window);
  // Or the second one's disk was full, and had none of it until it crashed.
  const std::size_t own = static_cast<std::size_t>(index);
  const Lsn only_in_memory = memory_[1 - own].of_other_at_crash;
  const bool on_a_disk = on_disk(*hosts_[own]) >= only_in_memory || on_disk(*hosts_[1 - own]) >= only_in_memory;
  if (!on_a_disk) history_.may_lose(std::min(other_at, memory_[own].on_disk_until) - window, now_ + window);
  memory_[own].of_other_at_crash = memory_[1 - own].last;
}

void World::watch_memory(int index) {
  Host& host = *hosts_[static_cast<std::size_t>(index)];
  Memory& memory = memory_[static_cast<std::size_t>(index)];
  if (!host.up()) return;
  const Lsn last = host.node().last();
  if (last != memory.last) memory.not_on_disk.emplace_back(now_, last);
  memory.last = last;
  while (!memory.not_on_disk.empty() && memory.not_on_disk.front().second <= on_disk(host)) {
    memory.on_disk_until = memory.not_on_disk.front().first;
    memory.not_on_disk.pop_front();
  }
}

void World::step() {
  ++now_;
  if (keepalived_ && now_ % 100 == 0 && !vrrp_wild_) agree_on_master();
  for (auto& host : hosts_) {
    host->step();
    if (host->up() && !host->paused()) awake_at_[host == hosts_[0] ? 0 : 1] = now_;
    if (host->disk().slower_ms >= slow_ms_) {
      slow_ms_ = host->disk().slower_ms;
      slow_at_ = now_;
    }
  }
  constexpr std::int64_t remembered_ms = 2'000;  // what began while a disk was slow may end later
  if (now_ - slow_at_ > remembered_ms) slow_ms_ = 0;
  for (Seat& seat : seats_) step_client(seat);
  if (hosts_[0]->serving() && hosts_[1]->serving() && !hosts_[0]->paused() && !hosts_[1]->paused()) {
    history_.note_split(mirrored_at_);
  }
  for (const auto& host : hosts_) {
    if (host->up() && !host->paused() && host->pair().sure(host->clock())) mirrored_at_ = now_;
  }
  sure_.watch({hosts_[0].get(), hosts_[1].get()}, history_.lossy());
  for (int i = 0; i < 2; ++i) {
    Host& host = *hosts_[static_cast<std::size_t>(i)];
    watch_memory(i);
    tails_.acknowledged(i, host);
    if (host.serving() && !host.paused()) wills_.safe(host.server(), host.pair().safe(), now_);
    if (!host.serving()) wills_.reign_ended(i);
  }
  if (now_ % 10 == 0) watch();
  if (!watched_.empty()) watch_message();
}

void World::find_box(Seat& seat) {
  std::vector<int> able;
  for (int i = 0; i < 2; ++i) {
    Host& host = *hosts_[static_cast<std::size_t>(i)];
    if (host.accepts() && host.lan && (!keepalived_ || host.has_address())) able.push_back(i);
  }
  if (able.empty()) return;
  seat.host = able[random(able.size())];
  Host& host = *hosts_[static_cast<std::size_t>(seat.host)];
  seat.connection = host.connect();
  if (trace_) note(seat.client->plan().id + " connects to " + host.name());
  seat.client->connected(now_, host.server());
}

void World::leave(Seat& seat, bool ours) {
  if (seat.connection) seat.connection->client_gone = true;
  seat.connection.reset();
  if (trace_) {
    const std::optional<mqtt::Reason> reason = seat.client->refused_with();
    note(seat.client->plan().id + (ours ? " closes its connection" : " loses its connection") +
         (reason ? ", told reason " + std::to_string(static_cast<int>(*reason)) : ""));
  }
  seat.client->disconnected(now_, ours);
}

void World::step_client(Seat& seat) {
  Client& client = *seat.client;
  if (!seat.connection) {
    if (client.wants_connection(now_)) find_box(seat);
    return;
  }
  client.tick(now_);
  SimConnection& connection = *seat.connection;
  if (ByteBuffer bytes = client.give(); !bytes.empty() && !connection.server_gone) {
    const std::int64_t due = now_ + static_cast<std::int64_t>(random(3));
    const std::int64_t last = connection.up.empty() ? due : std::max(due, connection.up.back().first);
    connection.up.emplace_back(last, std::move(bytes));
  }
  const bool reached = hosts_[static_cast<std::size_t>(seat.host)]->lan;
  while (reached && !connection.down.empty() && connection.down.front().first <= now_) {
    const ByteBuffer bytes = std::move(connection.down.front().second);
    connection.down.pop_front();
    client.take(bytes, now_);
  }
  if (client.wants_close()) return leave(seat, true);
  if (connection.server_gone && connection.down.empty() && reached) return leave(seat, false);
  if (client.silent_since() != 0 && now_ - client.silent_since() > patience_ms) leave(seat, true);
}

// --- VRRP: the weight file decides; who has the address keeps it among equals. A box that is cut off from the LAN
// hears no other and takes it.

int World::weight(const Host& host) {
  return host.paused() ? mirror::weight_fault : host.weight();  // the watchdog
}

void World::agree_on_master() {
  if (!hosts_[0]->lan || !hosts_[1]->lan) {
    for (auto& host : hosts_) host->give_address(host->up() && weight(*host) >= 0);
    return;
  }
  int best = -1;
  int most = -1;
  for (int i = 0; i < 2; ++i) {
    Host& host = *hosts_[static_cast<std::size_t>(i)];
    const int own = weight(host);
    if (own > most || (own == most && own >= 0 && host.has_address())) {
      best = i;
      most = own;
    }
  }
  for (int i = 0; i < 2; ++i) hosts_[static_cast<std::size_t>(i)]->give_address(i == best);
}

// --- rules

void World::watch() {
  for (int i = 0; i < 2; ++i) {
    Host& host = *hosts_[static_cast<std::size_t>(i)];
    if (!host.serving()) continue;
    const Epoch epoch = host.node().pair().epoch();
    const auto [at, fresh] = reigns_.emplace(epoch, i);
    if (at->second != i) broken("both boxes served in epoch " + std::to_string(epoch.number));
  }
  watch_digests();
}

void World::watch_digests() {
  if (!hosts_[0]->up() || !hosts_[1]->up()) return;
  const bool first = hosts_[0]->serving();
  Host& active = first ? *hosts_[0] : *hosts_[1];
  Host& standby = first ? *hosts_[1] : *hosts_[0];
  if (!active.serving() || standby.serving() || standby.node().pair().mode() != mirror::Mode::in_sync) return;
  if (active.node().last() != standby.node().last()) return;
  if (active.node().pair().epoch() != standby.node().pair().epoch()) return;
  ++digests_compared_;
  if (active.node().state().digest() == standby.node().state().digest()) return;
  broken("the States differ at record " + std::to_string(active.node().last().value));
}

void World::watch_message() {
  std::map<std::string, std::string> at;
  for (const auto& host : hosts_) {
    if (!host->up()) continue;
    for (const auto& [id, session] : host->state().sessions()) {
      if (!session->durable) continue;
      for (core::Sequence s = session->queue.head(); s < session->queue.tail(); ++s) {
        const core::QueueEntry& entry = session->queue.at(s);
        if (!entry.message || message_in(entry.message->view().payload) != watched_) continue;
        at[host->name() + "'s queue of " + session->client_id] =
            "packet id " + std::to_string(core::Queue::packet_id(s)) + (entry.sent ? ", sent" : "") +
            (entry.in_flight ? ", in flight" : "") + (entry.released ? ", released" : "");
      }
    }
  }
  for (const auto& [where, how] : at) {
    if (watched_at_[where] != how) note(watched_ + " is in " + where + ": " + how);
  }
  for (const auto& [where, how] : watched_at_) {
    if (!at.contains(where)) note(watched_ + " left " + where);
  }
  watched_at_ = std::move(at);
}

bool World::protected_and_equal() {
  for (int i = 0; i < 2; ++i) {
    Host& host = *hosts_[static_cast<std::size_t>(i)];
    Host& other = *hosts_[static_cast<std::size_t>(1 - i)];
    if (!host.serving() || !other.up() || other.serving()) continue;
    if (!host.node().pair().status(Steady{now_}).is_protected) return false;
    return host.node().last() == other.node().last() && host.node().state().digest() == other.node().state().digest();
  }
  return false;
}

bool World::drained() {
  for (const Seat& seat : seats_) {
    if (!seat.client->drained()) return false;
  }
  for (auto& host : hosts_) {
    if (!host->serving()) continue;
    for (const auto& [id, session] : host->node().state().sessions()) {
      if (session->durable && session->connected && session->queue.size() != 0) return false;
    }
  }
  return true;
}

// What a person does when everything is repaired: what waits for an order gets it.
void World::operate() {
  if (hosts_[0]->up() && hosts_[1]->up() && !hosts_[0]->serving() && !hosts_[1]->serving()) {
    for (auto& host : hosts_) {
      const bool other_empty = hosts_[host == hosts_[0] ? 1 : 0]->pair().mode() == mirror::Mode::empty;
      const bool waits = options_.config.takeover.unsure == Unsure::wait && host->pair().mode() == mirror::Mode::unsure;
      if (waits && other_empty) host->order(R"({"command":"promote","how":"force"})");
    }
  }
  for (auto& host : hosts_) {
    const bool asks = options_.config.mirror->reconcile == Reconcile::ask;
    if (asks && host->up() && !host->serving() && host->pair().pending_tail())
      host->order(R"({"command":"reconcile"})");
  }
}

bool World::settle(std::int64_t within_ms, const std::function<bool()>& done) {
  const std::int64_t end = now_ + within_ms;
  while (now_ < end) {
    step();
    if (now_ % 1'000 == 0) operate();
    if (now_ % 50 == 0 && done()) return true;
  }
  return false;
}

void World::check_retained() {
  if (history_.split() || history_.lossy()) return;
  std::map<std::string, const History::Message*> newest;
  for (const auto& [id, message] : history_.all()) {
    if (!message.retain || message.qos == 0 || message.acked_at == 0) continue;
    const History::Message*& last = newest[message.topic];
    if (last == nullptr || last->number < message.number) last = &message;
  }
  for (auto& host : hosts_) {
    for (const auto& [topic, message] : newest) {
      const auto& retained = host->node().state().retained();
      const auto found = retained.find(topic);
      if (found == retained.end()) {
        broken("retained message of " + topic + " is gone at " + host->name());
        continue;
      }
      const std::string payload = message_in(found->second.message->view().payload);
      const std::uint64_t number = std::stoull(payload.substr(payload.rfind('-') + 1));
      const History::Message& shown = history_.all().at(payload);
      const bool repeated =
          shown.qos == 1 && shown.transmissions > 1;  // it may have come after the newer one once more
      if (number < message->number && !repeated) {
        broken("retained message of " + topic + " is " + payload + " at " + host->name() + ", older than the " +
               std::to_string(message->number) + " that was acknowledged");
      }
    }
  }
}

void World::check_end() {
  history_.check_deliveries(
      [this](const std::string& what) { broken(what); },
      [this](const auto& message, const std::string& subscriber) { return groups_.may_be_late(message, subscriber); });
  groups_.check(history_, [this](const std::string& what) { broken(what); });
  check_retained();
}

Result World::run() {
  Chaos chaos(*this);
  chaos.play();
  chaos.heal();
  const auto tell_state = [this] {
    for (auto& host : hosts_) {
      if (!host->up()) continue;
      const mirror::PairStatus status = host->node().pair().status(Steady{now_});
      note(host->name() + " is " + std::string(mirror::role_name(status.self.role)) + ", " +
           std::string(mirror::mode_name(status.self.mode)) + ", record " + std::to_string(status.self.lsn.value) +
           ", " + status.why);
    }
  };
  if (!settle(90'000, [this] { return protected_and_equal(); })) {
    tell_state();
    broken("not protected 90 s after everything was healed");
  }
  chaos.words();
  for (Seat& seat : seats_) seat.client->go_quiet();
  if (result_.violation.empty() && !settle(60'000, [this] { return drained() && protected_and_equal(); })) {
    tell_state();
    broken("not drained 60 s after the last message");
  }
  if (result_.violation.empty()) check_end();
  result_.simulated_ms = now_ - 1'000'000;
  result_.messages = history_.messages();
  result_.acked = history_.acked_count();
  result_.permitted_duplicates = history_.permitted_duplicates();
  if (!result_.violation.empty()) {
    for (const std::string& line : story_) result_.story += line + "\n";
  }
  return result_;
}

}  // namespace sim
