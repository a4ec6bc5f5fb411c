// The process around a node: sockets, timers, descriptors. With stale_clients.cpp all of src/broker that knows Asio.
#include "broker/process.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "admin/control.hpp"
#include "admin/http.hpp"
#include "admin/http_token.hpp"
#include "admin/pages.hpp"
#include "admin/protocol.hpp"
#include "base/flow.hpp"
#include "base/journal.hpp"
#include "broker/certificates.hpp"
#include "broker/config_file.hpp"
#include "broker/events_file.hpp"
#include "broker/followed_files.hpp"
#include "broker/keepalived.hpp"
#include "broker/maintenance_file.hpp"
#include "broker/memory_use.hpp"
#include "broker/mirror_keys.hpp"
#include "broker/node.hpp"
#include "broker/passwords.hpp"
#include "broker/salvage.hpp"
#include "broker/scram_mechanism.hpp"
#include "broker/service_manager.hpp"
#include "broker/stale_clients.hpp"
#include "edge/edge.hpp"
#include "mirror/link.hpp"

namespace tandem::broker {

namespace {

namespace asio = boost::asio;
constexpr auto listen_retry = std::chrono::milliseconds(10);
constexpr auto http_retry = std::chrono::seconds(5);

std::uint64_t random_u64() {
  std::uint64_t value = 0;
  CHECK(::getrandom(&value, sizeof value, 0) == sizeof value);
  return value;
}

// With few cores the core thread, the link's and the store's have them already.
std::size_t edge_threads(const NodeConfig& node) {
  const bool enough_cores = std::thread::hardware_concurrency() >= limits::edge_threads_cores;
  return node.threads.value_or(enough_cores ? limits::edge_threads_auto : 0);
}

edge::EdgeOptions edge_options(const Config& config, const Certificates& certificates) {
  edge::EdgeOptions options;
  for (const ListenerConfig& listener : config.listeners) {
    options.listeners.push_back({listener.address, listener.port});
    options.listeners.back().socket = listener.socket;
    options.listeners.back().socket_mode = listener.socket_mode;
    options.listeners.back().tls = certificates.of(options.listeners.size() - 1);
    options.listeners.back().trusted_proxies = listener.trusted_proxies;
    if (listener.protocol != Protocol::websocket) continue;
    options.listeners.back().websocket =
        std::make_shared<const edge::WebSocketOptions>(edge::WebSocketOptions{listener.paths, listener.origins});
  }
  if (config.by_keepalived()) options.virtual_ips = config.takeover.vip;
  options.max_packet_bytes = config.limits.max_packet_bytes;
  options.max_connect_bytes = limits::max_connect_bytes;
  options.max_connections = config.limits.max_connections;
  options.max_connects_per_s = config.limits.max_connects_per_s;
  options.max_connections_per_address = config.limits.max_connections_per_address;
  options.connect_timeout_ms = config.limits.connect_timeout_ms;
  options.threads = edge_threads(config.node);
  return options;
}

store::StoreOptions store_options(const Config& config) {
  store::StoreOptions options;
  options.directory = config.node.data_dir;
  options.group_commit_ms = config.store.group_commit_ms;
  options.group_commit_bytes = limits::group_commit_bytes;
  options.wal_fold_bytes = limits::wal_fold_bytes;
  return options;
}

// The sockets. The edge hands packets straight to the node's sink, so it is made once there is one.
class EdgeDoors final : public Doors {
 public:
  void build(asio::io_context& loop, const edge::EdgeOptions& options, edge::PacketSink& sink) {
    edge_ = std::make_unique<edge::Edge>(loop, options, sink);
  }
  void clear() { edge_.reset(); }
  std::uint64_t bytes_read_this_turn() const { return edge_->bytes_read_this_turn(); }

  edge::Connections& connections() override { return edge_->connections(); }
  Status open_listeners() override { return edge_->open_listeners(); }
  void only_loopback(bool only) override { edge_->only_loopback(only); }
  bool listening() const override { return edge_->listening(); }
  Status hold_virtual_ips() override { return edge_->hold_virtual_ips(); }
  void accept_clients() override { edge_->accept_clients(); }
  void close_listeners() override { edge_->close_listeners(); }
  void close_all_connections() override { edge_->close_all_connections(); }
  void tick(Steady now) override { edge_->tick(now); }
  void flush() override {
    edge_->flush();
    edge_->new_turn();
  }
  bool writing() const { return edge_->writing(); }
  void settle() { edge_->settle(); }

 private:
  std::unique_ptr<edge::Edge> edge_;
};

}  // namespace

struct Process::Impl {
  Impl(const Config& config_in, std::vector<AuthMechanism*> auth_mechanisms_in)
      : config(config_in),
        auth_mechanisms(std::move(auth_mechanisms_in)),
        events(config_in.node.data_dir, config_in.node.name, clocks),
        salvage(store_options(config_in), random_u64),
        stale_clients(context, config_in, clocks, events, doors) {}
  ~Impl();

  Status start();
  Status run();
  void run_first();
  Status leave(const Error& failure);
  void end_node();
  Status start_node();
  std::string answer(std::string_view request, const admin::Caller& caller, admin::Permission permission);
  Status open_link();
  Status change_mirror_keys();
  void watch(int descriptor, std::function<void()> readable);
  void beat();
  void keep_listening();
  void serve_http();
  Status read_followed_files();
  Status read_certificates();
  void on_hangup();
  std::string reload();

  const Config config;
  const std::vector<AuthMechanism*> auth_mechanisms;
  asio::io_context context{1};
  EdgeDoors doors;
  MachineClocks clocks;
  ServiceManager service_manager;
  EventsFile events;
  Salvage salvage;
  const MaintenanceFile maintenance_file{config.node.data_dir};
  std::string known_damage;  // that a look at the files would not show; of the last start_node()
  std::unique_ptr<store::Store> store;
  MirrorKeys mirror_keys;
  std::unique_ptr<mirror::Link> link;
  std::unique_ptr<Keepalived> keepalived;  // null: another arbiter, or a single broker
  Passwords passwords{context, [this](ConnectionId id, bool right) {
                        if (node) node->on_password_checked(id, right);
                      }};
  ScramMechanism scram{[this](std::string_view name) { return node ? node->state().access().user(name) : nullptr; },
                       random_u64};
  FollowedFiles followed;
  MemoryUse memory{static_cast<std::size_t>(config.limits.memory_mb) * limits::mib};
  Certificates certificates{config.listeners};
  std::unique_ptr<Node> node;
  std::unique_ptr<admin::Control> control;
  std::unique_ptr<admin::Http> http;
  asio::steady_timer http_timer{context};
  asio::steady_timer beat_timer{context};
  asio::steady_timer listen_timer{context};
  bool listen_timer_runs = false;
  StaleClients stale_clients;
  asio::signal_set signals{context};
  asio::signal_set hangup{context, SIGHUP};
  std::vector<std::unique_ptr<asio::posix::stream_descriptor>> watched;  // descriptors of link and store
  bool stopping = false;
};

// The store commits what is pending, before the link is closed: libzmq may abort in that (docs/dependencies.md).
Process::Impl::~Impl() {
  end_node();
  store.reset();
}

// The node goes before what it stands on.
void Process::Impl::end_node() {
  for (auto& stream : watched) stream->release();
  watched.clear();
  control.reset();
  http.reset();
  node.reset();
}

void Process::Impl::watch(int descriptor, std::function<void()> readable) {
  auto owned = std::make_unique<asio::posix::stream_descriptor>(context, descriptor);
  auto* stream = owned.get();
  watched.push_back(std::move(owned));
  const auto again = std::make_shared<std::function<void()>>();
  *again = [stream, readable = std::move(readable), self = std::weak_ptr(again)] {
    stream->async_wait(asio::posix::stream_descriptor::wait_read,
                       [readable, keep = self.lock()](const boost::system::error_code& error) {
                         if (error) return;
                         readable();
                         (*keep)();
                       });
  };
  (*again)();
}

Status Process::Impl::open_link() {
  if (!config.mirror) return {};
  const MirrorConfig& mirror = *config.mirror;
  Result<MirrorKeys> read = read_mirror_keys(mirror);
  if (!read.ok()) return read.error();
  mirror_keys = read.take();
  mirror::LinkOptions options;
  options.own = mirror_keys.own;
  options.peer_public_keys = mirror_keys.peer_public_keys;
  for (const Endpoint& endpoint : mirror.listen) options.listen.push_back(to_text(endpoint));
  for (const Endpoint& endpoint : mirror.peer) options.peer.push_back(to_text(endpoint));
  Result<std::unique_ptr<mirror::Link>> opened = mirror::open_link(options);
  if (!opened.ok()) return opened.error();
  link = opened.take();
  return {};
}

// Of the configuration only these two keys are taken while the process runs.
Status Process::Impl::change_mirror_keys() {
  const Result<Config> fresh = load_config(config.file);
  if (!fresh.ok()) return fresh.error();
  if (!fresh.value().mirror) return Error{config.file + ": the table [mirror] is gone; that takes a restart"};
  Result<MirrorKeys> keys = read_mirror_keys(*fresh.value().mirror);
  if (!keys.ok()) return keys.error();
  if (keys.value().own.public_key == mirror_keys.own.public_key &&
      keys.value().peer_public_keys == mirror_keys.peer_public_keys)
    return {};
  if (Status changed = link->change_keys(keys.value().own, keys.value().peer_public_keys); !changed.ok())
    return changed;
  mirror_keys = keys.take();
  node->change_pair_ids(mirror_keys.pair_ids());
  events.event(
      Level::info, "security",
      "The mirror link's keys are now: own " + mirror_keys.own.public_key + ", the peer's " +
          (mirror_keys.peer_public_keys.size() == 1 ? mirror_keys.peer_public_keys.front() : "one of several") + ".");
  return {};
}

// Store and node. On an Error both are gone again.
Status Process::Impl::start_node() {
  Result<std::unique_ptr<store::Store>> opened = store::open_store(store_options(config));
  if (!opened.ok()) return opened.error();
  store = opened.take();
  std::vector<std::string> pair_ids;
  if (link) pair_ids = mirror_keys.pair_ids();
  Parts parts{*store, link.get(), std::move(pair_ids), doors, clocks, events, random_u64, keepalived.get()};
  parts.auth_mechanisms = auth_mechanisms;
  parts.auth_mechanisms.push_back(&scram);
  parts.memory_bytes = [this] { return memory.bytes(clocks.steady()); };
  parts.max_memory_bytes = memory.most_bytes();
  parts.passwords = &passwords;
  parts.certificates = [this](Instant wall) { return certificates.status(wall); };
  parts.missing = salvage.missing();
  parts.healed = [this] { salvage.healed(); };
  parts.at_work = [this] { service_manager.alive(clocks.steady()); };
  parts.took_over = [this](const std::vector<SampledFlow>& stale) { stale_clients.took_over(stale); };
  parts.sampled = [this](const std::vector<Flow>& flows) { return stale_clients.sampled(flows); };
  parts.in_maintenance = maintenance_file.on();
  parts.take_over_config = [this](const ConfigValues& there) { return take_over_config(config.file, there); };
  parts.keep_maintenance = [this](bool on) { return maintenance_file.keep(on); };
  node = std::make_unique<Node>(config, parts);
  doors.build(context, edge_options(config, certificates), node->sink());
  events.ask_place([this] {
    return EventsFile::Place{node->has_pair() ? node->pair().epoch().number : 0, node->log_time()};
  });
  known_damage =
      store->found().log_may_be_short ? "log.db-wal is missing although the log was not closed in order" : "";
  const Status started = known_damage.empty() ? node->start() : Status(Error{known_damage});
  if (started.ok()) {
    node->follow(followed);
    return {};
  }
  events.ask_place({});
  node.reset();
  doors.clear();
  store.reset();
  return started;
}

Status Process::Impl::start() {
  // Before anything else: a box that is starting is worth nothing.
  if (config.by_keepalived()) keepalived = std::make_unique<Keepalived>(config.takeover, clocks);
  events.open();
  if (keepalived) {
    if (Status opened = keepalived->open(static_cast<std::uint16_t>(random_u64())); !opened.ok()) return opened;
  }
  if (Status opened = open_link(); !opened.ok()) return opened;
  if (Status read = read_followed_files(); !read.ok()) return read;
  if (Status read = read_certificates(); !read.ok()) return read;
  if (Status resumed = salvage.resume(); !resumed.ok()) return resumed;
  Status started = start_node();
  if (!started.ok()) {
    const Result<bool> aside = salvage.set_aside(clocks.wall(), known_damage);
    if (!aside.ok()) return aside.error();
    if (!aside.value()) return started;
    started = start_node();
  }
  if (!started.ok()) return started;
  if (const Status opened = stale_clients.open(); !opened.ok()) node->alarms().raise("tickle", opened.error().message);
  control = std::make_unique<admin::Control>(
      context, config.control.socket, admin::local_permissions(),
      [this](std::string_view request, const admin::Caller& caller, admin::Permission permission) {
        return answer(request, caller, permission);
      });
  if (Status opened = control->open(); !opened.ok()) return opened;
  if (config.http) {
    http = std::make_unique<admin::Http>(context, admin::HttpOptions{config.http->address, config.http->port},
                                         [this](std::string_view path, bool trusted) {
                                           return admin::page_of(path, trusted, [this] { return node->status(); });
                                         });
    serve_http();
  }
  return {};
}

// Error: one of them cannot be read, or is not to be understood. What was read of it before stays.
Status Process::Impl::read_followed_files() {
  Result<FollowedFiles> read = broker::read_followed_files(
      config.security, [this](const std::string& told) { events.event(Level::info, "security", told); });
  if (!read.ok()) return read.error();
  followed = read.take();
  return {};
}

// A listener that cannot prove who it is: as above.
Status Process::Impl::read_certificates() {
  std::string problems;
  for (const Certificates::Told& told : certificates.load()) {
    if (told.good) events.event(Level::info, "security", told.sentence);
    if (!told.good) problems += (problems.empty() ? "" : "\n") + told.sentence;
  }
  return problems.empty() ? Status() : Status(Error{problems});
}

void Process::Impl::on_hangup() {
  hangup.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    on_hangup();
    static_cast<void>(reload());
  });
}

// What is in files beside the configuration is read again: certificates, passwords, the mirror link's keys, the token
// of HTTP. The reply, for tandemctl.
std::string Process::Impl::reload() {
  std::vector<Certificates::Told> all = certificates.load();
  Result<FollowedFiles> read = broker::read_followed_files(config.security, [&](const std::string& told) {
    all.push_back({true, told});
  });
  if (read.ok()) {
    followed = read.take();
    node->follow(followed);
  } else {
    all.push_back({false, read.error().message + "; the users and rules of before stay."});
  }
  if (link) {
    const Status changed = change_mirror_keys();
    if (!changed.ok()) all.push_back({false, changed.error().message + "; the mirror link's keys of before stay."});
  }
  if (http) serve_http();
  bool good = true;
  std::string text;
  for (const Certificates::Told& told : all) {
    events.event(told.good ? Level::info : Level::error, "security", told.sentence);
    good = good && told.good;
    text += (text.empty() ? "" : "\n") + told.sentence;
  }
  if (all.empty()) text = "Done: no listener has TLS, and no file of users or rules is followed.";
  return good ? admin::reply_message(text) : admin::reply_error(text);
}

// Nobody's messages depend on it: a port that is taken, or a token that cannot be read, is an alarm, and is tried
// again.
void Process::Impl::serve_http() {
  Status opened;
  if (!config.http->token_file.empty()) {
    Result<std::string> token = admin::read_http_token(config.http->token_file);
    if (token.ok())
      http->ask_token(token.take());
    else
      opened = token.error();
  }
  if (opened.ok()) opened = http->open();
  if (opened.ok()) {
    node->alarms().clear("http", "health and metrics are served.");
    return;
  }
  node->alarms().raise("http", opened.error().message);
  http_timer.expires_after(http_retry);
  http_timer.async_wait([this](const boost::system::error_code& error) {
    if (!error) serve_http();
  });
}

// Who changes something is told, whatever comes of it; not with what: a command may carry a password.
std::string Process::Impl::answer(std::string_view line, const admin::Caller& caller, admin::Permission permission) {
  const Result<admin::Request> request = admin::parse_request(line);
  if (request.ok() && admin::permission_for(request.value()) == admin::Permission::operate) {
    const std::string& command = request.value().command;
    const bool may = permission == admin::Permission::operate;
    events.event(Level::info, "operator",
                 to_text(caller) + (may ? " ordered: " : " may only look, and was refused: ") + command.substr(0, 32));
    if (!may) return admin::reply_error(admin::refusal(caller, admin::Permission::operate));
  }
  if (request.ok() && request.value().command == "events") return events.answer(request.value().how);
  if (request.ok() && request.value().command == "reload") return reload();
  return node->answer(line);
}

void Process::Impl::beat() {
  beat_timer.expires_after(std::chrono::milliseconds(config.takeover.heartbeat_ms));
  beat_timer.async_wait([this](const boost::system::error_code& error) {
    if (!error) beat();
  });
  node->on_beat();
  service_manager.alive(clocks.steady());
  service_manager.status(std::string(mirror::role_name(node->pair().role())) + ", " +
                         std::string(mirror::mode_name(node->pair().mode())) + "; tandemctl status tells more");
}

// The port may still be held for a moment (by the box that served, on one machine).
void Process::Impl::keep_listening() {
  if (listen_timer_runs || !node->wants_to_listen()) return;
  listen_timer_runs = true;
  listen_timer.expires_after(listen_retry);
  listen_timer.async_wait([this](const boost::system::error_code& error) {
    listen_timer_runs = false;
    if (!error) node->try_listen();
  });
}

// The other box is told, the virtual IP is given up; the store may never be done (a dead disk) and is left as it is, as
// in a power cut.
Status Process::Impl::leave(const Error& failure) {
  service_manager.stopping();
  node->stop();
  end_node();
  doors.clear();
  keepalived.reset();
  link.reset();
  static_cast<void>(store.release());
  return failure;
}

// Waits for something to do, unless the node has it already. What the edge's threads are writing is settled first if
// nothing else is to be done.
void Process::Impl::run_first() {
  if (node->wants_turn()) {
    context.poll_one();
    return;
  }
  if (doors.writing()) {
    if (context.poll_one() != 0) return;
    doors.settle();
  }
  context.run_one();
}

Status Process::Impl::run() {
  const auto ask_stop = [this](const boost::system::error_code& error, int) {
    if (!error) stopping = true;
  };
  signals.add(SIGTERM);
  signals.add(SIGINT);
  signals.async_wait(ask_stop);
  on_hangup();
  watch(store->event_fd(), [this] { node->on_store_events(); });
  if (link) {
    for (const int descriptor : link->fds()) watch(descriptor, [this] { node->drain_link(); });
  }
  if (keepalived) {
    for (const int descriptor : keepalived->fds()) watch(descriptor, [this] { node->on_vrrp(); });
  }
  for (const int descriptor : stale_clients.fds()) watch(descriptor, [this] { stale_clients.read(); });
  beat();
  service_manager.ready();
  while (!stopping && !node->failure()) {
    using Clock = std::chrono::steady_clock;
    run_first();
    const auto end = Clock::now() + std::chrono::microseconds(limits::turn_us);
    while (!stopping && doors.bytes_read_this_turn() < limits::turn_bytes && Clock::now() < end &&
           context.poll_one() != 0) {
    }
    node->end_turn();
    keep_listening();
  }
  if (node->failure()) return leave(*node->failure());
  service_manager.stopping();
  events.event(Level::info, "node", "Stopping in order; the standby is told.");
  node->stop();
  return {};
}

Process::Process(const Config& config, std::vector<AuthMechanism*> auth_mechanisms)
    : impl_(std::make_unique<Impl>(config, std::move(auth_mechanisms))) {}
Process::~Process() = default;
Status Process::start() {
  return impl_->start();
}
Status Process::run() {
  return impl_->run();
}

}  // namespace tandem::broker
