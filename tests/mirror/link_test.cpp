// The link on loopback with real sockets and keys.
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <zmq.hpp>

#include "doctest.hpp"
#include "mirror/link.hpp"

using namespace tandem;
using mirror::KeyPair;
using mirror::Link;
using mirror::LinkOptions;

namespace {

using Clock = std::chrono::steady_clock;

// Two keys, the first of which is the lower: it dials.
std::pair<KeyPair, KeyPair> two_keys() {
  KeyPair a = mirror::make_keys();
  KeyPair b = mirror::make_keys();
  if (b.public_key < a.public_key) std::swap(a, b);
  return {a, b};
}

std::string free_address() {
  zmq::context_t context;
  zmq::socket_t socket(context, zmq::socket_type::rep);
  socket.bind("tcp://127.0.0.1:*");
  const std::string endpoint = socket.get(zmq::sockopt::last_endpoint);
  return endpoint.substr(std::string("tcp://").size());
}

struct Setup {
  explicit Setup(std::size_t paths) {
    std::tie(dial_keys, bind_keys) = two_keys();
    for (std::size_t i = 0; i < paths; ++i) {
      dial_at.push_back(free_address());
      bind_at.push_back(free_address());
    }
  }
  LinkOptions dialer() const { return {dial_keys, {bind_keys.public_key}, dial_at, bind_at}; }
  LinkOptions binder() const { return {bind_keys, {dial_keys.public_key}, bind_at, dial_at}; }
  KeyPair dial_keys;
  KeyPair bind_keys;
  std::vector<std::string> dial_at;
  std::vector<std::string> bind_at;
};

std::unique_ptr<Link> open(const LinkOptions& options) {
  auto link = mirror::open_link(options);
  REQUIRE(link.ok());
  return link.take();
}

// Until one of the two may have something to drain. Not for long: that a path is connected now, so that what was sent
// in vain can be sent again, no descriptor tells.
void await_any(const Link& one, const Link& other) {
  std::vector<pollfd> watched;
  for (const Link* link : {&one, &other}) {
    for (const int fd : link->fds()) watched.push_back({fd, POLLIN, 0});
  }
  ::poll(watched.data(), watched.size(), 5);
}

// Whether a socket was turned away, as libzmq tells of it.
class Refusal : public zmq::monitor_t {
 public:
  explicit Refusal(zmq::socket_t& socket) {
    init(socket, "inproc://refusal",
         ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
             ZMQ_EVENT_DISCONNECTED);
  }
  bool came() {
    while (check_event(0)) {
    }
    return came_;
  }
  void on_event_handshake_failed_no_detail(const zmq_event_t&, const char*) override { came_ = true; }
  void on_event_handshake_failed_protocol(const zmq_event_t&, const char*) override { came_ = true; }
  void on_event_handshake_failed_auth(const zmq_event_t&, const char*) override { came_ = true; }
  void on_event_disconnected(const zmq_event_t&, const char*) override { came_ = true; }

 private:
  bool came_ = false;
};

// Sends `text` until it has come out at `to`: at first nobody may be there to take it. Not at once again: frames that
// are still on their way when a link is closed may make libzmq abort (docs/dependencies.md).
bool passes(Link& from, Link& to, std::size_t path, const std::string& text, std::int64_t within_ms = 5'000) {
  const auto end = Clock::now() + std::chrono::milliseconds(within_ms);
  auto again = Clock::now();
  bool came = false;
  while (!came && Clock::now() < end) {
    const bool due = Clock::now() >= again;
    if (due && from.send(path, text.substr(0, text.size() / 2), text.substr(text.size() / 2))) {
      again = Clock::now() + std::chrono::milliseconds(100);
    }
    from.drain([](std::size_t, ByteView) {});
    to.drain([&](std::size_t at, ByteView frame) { came = came || (at == path && frame == text); });
    if (!came) await_any(from, to);
  }
  return came;
}

// The binder learns its caller from the first frame: the dialer goes on sending until it hears something, as
// heartbeats do. A frame may still come out of a connection that is no more.
bool both_ways(Link& dialer, Link& binder, std::size_t path, const std::string& text) {
  const auto end = Clock::now() + std::chrono::seconds(10);
  while (Clock::now() < end) {
    if (passes(dialer, binder, path, text, 500) && passes(binder, dialer, path, text + " back", 500)) return true;
  }
  for (const Link* link : {&dialer, &binder}) {
    for (const std::string& trouble : link->troubles()) MESSAGE(trouble);
  }
  return false;
}

}  // namespace

TEST_CASE("frames pass both ways on two paths, each on its own") {
  const Setup setup(2);
  const auto binder = open(setup.binder());
  const auto dialer = open(setup.dialer());
  CHECK(dialer->paths() == 2);
  CHECK(both_ways(*dialer, *binder, 0, "one"));
  CHECK(both_ways(*dialer, *binder, 1, "two"));
  CHECK(passes(*dialer, *binder, 0, std::string(2'000'000, 'x')));
  CHECK_FALSE(dialer->send(0, std::string(5'000'000, 'x'), {}));
  CHECK_FALSE(dialer->send(7, "x", {}));
}

TEST_CASE("order is kept and nothing is lost on a standing connection") {
  const Setup setup(1);
  const auto binder = open(setup.binder());
  const auto dialer = open(setup.dialer());
  REQUIRE(both_ways(*dialer, *binder, 0, "start"));
  constexpr int count = 20'000;
  int next = 0;
  int sent = 0;
  const auto end = Clock::now() + std::chrono::seconds(20);
  while (next < count && Clock::now() < end) {
    while (sent < count && sent - next < 5'000 && dialer->send(0, "n", std::to_string(sent))) ++sent;
    binder->drain([&](std::size_t, ByteView frame) {
      if (frame[0] != 'n') return;
      CHECK(frame.substr(1) == std::to_string(next));
      ++next;
    });
  }
  CHECK(next == count);
}

TEST_CASE("the other side restarts: the link comes back by itself, either way") {
  const Setup setup(1);
  auto binder = open(setup.binder());
  auto dialer = open(setup.dialer());
  REQUIRE(both_ways(*dialer, *binder, 0, "first"));
  binder.reset();
  binder = open(setup.binder());
  CHECK(both_ways(*dialer, *binder, 0, "second"));
  dialer.reset();
  dialer = open(setup.dialer());
  CHECK(both_ways(*dialer, *binder, 0, "third"));
}

TEST_CASE("a wrong key gets nothing through, in either direction") {
  const Setup setup(1);
  const auto binder = open(setup.binder());
  SUBCASE("a stranger dials with a key of its own") {
    LinkOptions stranger = setup.dialer();
    do stranger.own = mirror::make_keys();
    while (!(stranger.own.public_key < setup.bind_keys.public_key));
    const auto dialer = open(stranger);
    CHECK_FALSE(passes(*dialer, *binder, 0, "let me in", 700));
  }
  SUBCASE("the dialer expects another server") {
    LinkOptions other = setup.dialer();
    KeyPair expected;
    do expected = mirror::make_keys();
    while (!(other.own.public_key < expected.public_key));
    other.peer_public_keys = {expected.public_key};
    const auto dialer = open(other);
    CHECK_FALSE(passes(*dialer, *binder, 0, "are you it", 700));
  }
  SUBCASE("no encryption at all") {
    zmq::context_t context;
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::linger, 0);
    Refusal refusal(socket);
    socket.connect("tcp://" + setup.bind_at[0]);
    socket.send(zmq::str_buffer("plain"), zmq::send_flags::dontwait);
    bool came = false;
    const auto end = Clock::now() + std::chrono::seconds(10);
    while (!refusal.came() && Clock::now() < end) {
      binder->drain([&](std::size_t, ByteView) { came = true; });
      await_any(*binder, *binder);
    }
    CHECK(refusal.came());
    binder->drain([&](std::size_t, ByteView) { came = true; });
    CHECK_FALSE(came);
  }
  const auto dialer = open(setup.dialer());  // the right one still gets in
  CHECK(both_ways(*dialer, *binder, 0, "it is me"));
}

TEST_CASE("while keys are rotated the dialer tries each of the peer's keys") {
  const Setup setup(1);
  const auto binder = open(setup.binder());
  LinkOptions options = setup.dialer();
  KeyPair earlier;
  do earlier = mirror::make_keys();
  while (!(options.own.public_key < earlier.public_key));
  options.peer_public_keys = {earlier.public_key, setup.bind_keys.public_key};
  const auto dialer = open(options);
  CHECK(both_ways(*dialer, *binder, 0, "second key"));
}

TEST_CASE(
    "a box replaces its key while both go on, whichever of the two; the key of before gets nobody in afterwards") {
  const Setup setup(1);
  const auto binder = open(setup.binder());
  const auto dialer = open(setup.dialer());
  REQUIRE(both_ways(*dialer, *binder, 0, "before"));
  bool dialers = false;
  SUBCASE("the one that dials") {
    dialers = true;
  }
  SUBCASE("the one that listens") {}
  const KeyPair& mine = dialers ? setup.dial_keys : setup.bind_keys;
  const KeyPair& theirs = dialers ? setup.bind_keys : setup.dial_keys;
  Link& me = dialers ? *dialer : *binder;
  Link& peer = dialers ? *binder : *dialer;
  const KeyPair next = mirror::next_keys(mine.public_key);
  REQUIRE((next.public_key < theirs.public_key) == (mine.public_key < theirs.public_key));

  REQUIRE(peer.change_keys(theirs, {mine.public_key, next.public_key}).ok());
  CHECK(both_ways(*dialer, *binder, 0, "both keys are valid"));
  REQUIRE(me.change_keys(next, {theirs.public_key}).ok());
  CHECK(both_ways(*dialer, *binder, 0, "the next one is in use"));
  REQUIRE(peer.change_keys(theirs, {next.public_key}).ok());
  CHECK(both_ways(*dialer, *binder, 0, "the one before is gone"));

  REQUIRE(me.change_keys(mine, {theirs.public_key}).ok());
  CHECK_FALSE(passes(me, peer, 0, "with the key of before", 700));
}

TEST_CASE("new keys that would turn around who dials are refused, and nothing has changed") {
  const Setup setup(1);
  const auto binder = open(setup.binder());
  const auto dialer = open(setup.dialer());
  KeyPair high;
  do high = mirror::make_keys();
  while (high.public_key < setup.bind_keys.public_key);
  const Status refused = dialer->change_keys(high, {setup.bind_keys.public_key});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("keygen --next") != std::string::npos);
  CHECK_FALSE(dialer->change_keys(setup.dial_keys, {}).ok());
  CHECK(both_ways(*dialer, *binder, 0, "as before"));
}

TEST_CASE("who is refused at the door is told, with his address") {
  const Setup setup(1);
  const auto binder = open(setup.binder());
  CHECK(binder->troubles().empty());
  LinkOptions stranger = setup.dialer();
  do stranger.own = mirror::make_keys();
  while (!(stranger.own.public_key < setup.bind_keys.public_key));
  const auto dialer = open(stranger);
  const auto end = Clock::now() + std::chrono::seconds(5);
  while (binder->troubles().empty() && Clock::now() < end) dialer->drain([](std::size_t, ByteView) {});
  REQUIRE(binder->troubles().size() == 1);
  CHECK(binder->troubles()[0].find("127.0.0.1") != std::string::npos);
  CHECK(binder->troubles()[0].find("another key") != std::string::npos);
}

TEST_CASE("an address that is not here yet: told, retried, and the other path works meanwhile") {
  Setup setup(2);
  zmq::context_t context;
  zmq::socket_t squatter(context, zmq::socket_type::rep);
  squatter.set(zmq::sockopt::linger, 0);
  squatter.bind("tcp://" + setup.bind_at[0]);
  const auto binder = open(setup.binder());
  REQUIRE(binder->troubles().size() == 1);
  CHECK(binder->troubles()[0].find(setup.bind_at[0]) != std::string::npos);
  const auto dialer = open(setup.dialer());
  CHECK(both_ways(*dialer, *binder, 1, "path two"));
  squatter.close();
  context.close();
  CHECK(both_ways(*dialer, *binder, 0, "path one"));
  CHECK(binder->troubles().empty());
}

TEST_CASE("nothing is queued for a peer that is not there") {
  const Setup setup(1);
  const auto dialer = open(setup.dialer());
  dialer->drain([](std::size_t, ByteView) {});
  CHECK_FALSE(dialer->send(0, "stale", {}));
  const auto binder = open(setup.binder());
  CHECK_FALSE(binder->send(0, "nobody", {}));
}

TEST_CASE("key files: written 0600, read back, refused when readable by others or damaged") {
  std::string folder = (std::filesystem::temp_directory_path() / "tandem-keys-XXXXXX").string();
  REQUIRE(mkdtemp(folder.data()) != nullptr);
  const std::string path = folder + "/mirror.key";
  const KeyPair keys = mirror::make_keys();
  REQUIRE(mirror::write_key_file(path, keys).ok());
  CHECK_FALSE(mirror::write_key_file(path, keys).ok());  // never replaced
  const auto read = mirror::read_key_file(path);
  REQUIRE(read.ok());
  CHECK(read.value().public_key == keys.public_key);
  CHECK(read.value().secret_key == keys.secret_key);
  REQUIRE(chmod(path.c_str(), 0640) == 0);
  CHECK(mirror::read_key_file(path).error().message.find("chmod 600") != std::string::npos);
  REQUIRE(chmod(path.c_str(), 0600) == 0);
  std::ofstream(path) << "public_key = \"" << mirror::make_keys().public_key << "\"\nsecret_key = \"" << keys.secret_key
                      << "\"\n";
  CHECK(mirror::read_key_file(path).error().message.find("do not belong together") != std::string::npos);
  std::ofstream(path) << "rubbish";
  CHECK_FALSE(mirror::read_key_file(path).ok());
  CHECK_FALSE(mirror::read_key_file(folder + "/none").ok());
  std::filesystem::remove_all(folder);
}

TEST_CASE("pair id: the same on both nodes, another for another pair") {
  const auto [a, b] = two_keys();
  CHECK(mirror::pair_id(a.public_key, b.public_key) == mirror::pair_id(b.public_key, a.public_key));
  CHECK(mirror::pair_id(a.public_key, b.public_key) != mirror::pair_id(a.public_key, a.public_key));
}

TEST_CASE("pair ids while a key is replaced: each box knows by which the other may call the pair") {
  const auto [a, b] = two_keys();
  const KeyPair next = mirror::next_keys(a.public_key);
  const auto of_a = mirror::pair_ids({next.public_key, a.public_key}, {b.public_key});
  const auto of_b = mirror::pair_ids({b.public_key}, {a.public_key, next.public_key});
  const auto knows = [](const std::vector<std::string>& ids, const std::string& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  CHECK(of_a.front() == mirror::pair_id(next.public_key, b.public_key));
  CHECK(of_b.front() == mirror::pair_id(a.public_key, b.public_key));
  CHECK(knows(of_a, of_b.front()));
  CHECK(knows(of_b, of_a.front()));
}

TEST_CASE("own key as peer key, or addresses that do not match, are refused with a sentence") {
  const Setup setup(1);
  LinkOptions options = setup.dialer();
  options.peer_public_keys = {options.own.public_key};
  CHECK_FALSE(mirror::open_link(options).ok());
  options = setup.dialer();
  options.peer.clear();
  CHECK_FALSE(mirror::open_link(options).ok());
}
