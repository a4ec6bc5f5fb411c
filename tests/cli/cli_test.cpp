// tandemctl as a process, against control sockets that a thread of this test serves.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include "admin/control.hpp"
#include "admin/events.hpp"
#include "admin/protocol.hpp"
#include "admin/status.hpp"
#include "mirror/link.hpp"

#include <doctest/doctest.h>

using namespace tandem;

namespace {

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/tandem-cli-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const std::string& file) const { return path + "/" + file; }
};

// Plays tandemd: answers each request with what the test has set, and notes the requests.
class FakeNode {
 public:
  using Replies = std::function<std::string(std::string_view request)>;

  FakeNode(const std::string& path, const std::string& reply)
      : FakeNode(path, Replies([reply](std::string_view) { return reply; })) {}
  FakeNode(const std::string& path, Replies replies)
      : replies_(std::move(replies)),
        control_(loop_, path, admin::local_permissions(),
                 [this](std::string_view request, const admin::Caller&, admin::Permission) {
                   const std::lock_guard lock(mutex_);
                   requests_.emplace_back(request);
                   return replies_(request);
                 }) {
    REQUIRE(control_.open().ok());
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~FakeNode() {
    boost::asio::post(loop_, [this] {
      control_.close();
      work_.reset();
    });
    thread_.join();
  }
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  boost::asio::io_context loop_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{loop_.get_executor()};
  std::mutex mutex_;
  Replies replies_;
  std::vector<std::string> requests_;
  admin::Control control_;
  std::thread thread_;
};

std::string status_reply(const std::string& name, const std::string& role, std::uint64_t epoch, bool is_protected) {
  admin::StatusReport report;
  report.is_protected = is_protected;
  report.why = "seen by " + name;
  report.self.name = name;
  report.self.role = role;
  report.self.epoch = epoch;
  return admin::reply_status(admin::to_json(report));
}

// A running tandemctl; output and errors in one stream, no terminal anywhere.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    output_ = ends[0];
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    std::vector<std::string> words{TANDEMCTL};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    REQUIRE(::posix_spawn(&pid_, TANDEMCTL, &actions, nullptr, argv.data(), environ) == 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
  }
  ~Process() { ::close(output_); }

  // Until `text` has come or ten seconds have passed.
  bool prints(const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (printed.find(text) == std::string::npos) {
      if (std::chrono::steady_clock::now() > deadline || !read_some(100)) return false;
    }
    return true;
  }
  void interrupt() { ::kill(pid_, SIGINT); }
  int wait() {
    while (read_some(10'000)) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string printed;

 private:
  bool read_some(int timeout_ms) {  // false: end of output
    pollfd waiting{output_, POLLIN, 0};
    if (::poll(&waiting, 1, timeout_ms) <= 0) return true;
    char piece[4096];
    const ssize_t count = ::read(output_, piece, sizeof piece);
    if (count > 0) printed.append(piece, static_cast<std::size_t>(count));
    return count > 0;
  }
  pid_t pid_ = -1;
  int output_ = -1;
};

struct Run {
  int code = -1;
  std::string printed;
};

Run run(const std::vector<std::string>& arguments) {
  Process process(arguments);
  const int code = process.wait();
  return {code, process.printed};
}

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("version, and wrong arguments") {
  CHECK(run({"--version"}).code == 0);
  CHECK(contains(run({"--version"}).printed, "tandemctl "));
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {}, {"dance"}, {"status", "--jsn"}, {"promote"}, {"promote", "--first", "--force"}, {"keygen"}}) {
    CHECK(run(wrong).code == 2);
  }
}

TEST_CASE("nobody there: a clear message and code 3") {
  Folder folder;
  const Run none = run({"--socket", folder / "none.sock", "status"});
  CHECK(none.code == 3);
  CHECK(contains(none.printed, "no socket at " + (folder / "none.sock")));
  CHECK(contains(none.printed, "Is tandemd running"));
  CHECK(run({"--socket", folder / "none.sock", "promote", "--first"}).code == 3);
}

TEST_CASE("status: the code tells whether the pair is protected") {
  Folder folder;
  FakeNode good(folder / "good.sock", status_reply("boxa", "active", 3, true));
  FakeNode bad(folder / "bad.sock", status_reply("boxb", "active", 3, false));
  const Run first = run({"--socket", folder / "good.sock", "status"});
  CHECK(first.code == 0);
  CHECK(contains(first.printed, "PROTECTED: seen by boxa\n"));
  CHECK_FALSE(contains(first.printed, "\033"));
  CHECK(good.requests() == std::vector<std::string>{R"({"command":"status"})"});
  const Run second = run({"status", "--socket", folder / "bad.sock"});
  CHECK(second.code == 1);
  CHECK(contains(second.printed, "NOT PROTECTED: seen by boxb\n"));
}

TEST_CASE("status --json is one line, as tandemd gave it") {
  Folder folder;
  FakeNode node(folder / "a.sock", status_reply("boxa", "active", 3, true));
  const Run json = run({"--socket", folder / "a.sock", "status", "--json"});
  CHECK(json.code == 0);
  CHECK(contains(status_reply("boxa", "active", 3, true), json.printed.substr(0, json.printed.size() - 1)));
  CHECK(json.printed.find('\n') == json.printed.size() - 1);
}

TEST_CASE("status with several sockets: the active's view, of two the later reign's, whoever is gone") {
  Folder folder;
  FakeNode standby(folder / "a.sock", status_reply("boxa", "standby", 9, false));
  FakeNode active(folder / "b.sock", status_reply("boxb", "active", 8, true));
  FakeNode stale(folder / "c.sock", status_reply("boxc", "active", 7, true));
  const auto ask = [&](const std::vector<std::string>& names) {
    std::vector<std::string> arguments;
    for (const std::string& name : names) {
      arguments.emplace_back("--socket");
      arguments.push_back(folder / name);
    }
    arguments.emplace_back("status");
    return run(arguments).printed;
  };
  CHECK(contains(ask({"a.sock", "b.sock", "c.sock"}), "seen by boxb"));
  CHECK(contains(ask({"c.sock", "b.sock", "a.sock"}), "seen by boxb"));
  CHECK(contains(ask({"gone.sock", "a.sock"}), "seen by boxa"));
}

TEST_CASE("a refused status and an answer that is none: code 4") {
  Folder folder;
  FakeNode refusing(folder / "a.sock", admin::reply_error("not now"));
  FakeNode other(folder / "b.sock", "220 smtp ready");
  const Run refused = run({"--socket", folder / "a.sock", "status"});
  CHECK(refused.code == 4);
  CHECK(contains(refused.printed, "not now"));
  CHECK(run({"--socket", folder / "b.sock", "status"}).code == 4);
}

TEST_CASE("status --watch shows every state until it is interrupted, and waits for a node that is not there yet") {
  Folder folder;
  Process watching({"--socket", folder / "a.sock", "status", "--watch"});
  REQUIRE(watching.prints("Nobody answers"));
  {
    FakeNode node(folder / "a.sock", status_reply("boxa", "active", 1, true));
    REQUIRE(watching.prints("seen by boxa"));
  }
  watching.printed.clear();
  REQUIRE(watching.prints("Nobody answers"));
  FakeNode again(folder / "a.sock", status_reply("boxb", "active", 2, true));
  REQUIRE(watching.prints("seen by boxb"));
  watching.interrupt();
  CHECK(watching.wait() == 0);
}

TEST_CASE("promote: says what was asked, shows the answer") {
  Folder folder;
  FakeNode node(folder / "a.sock", admin::reply_message("boxa is active in epoch 4"));
  const Run first = run({"--socket", folder / "a.sock", "promote", "--first"});
  CHECK(first.code == 0);
  CHECK(first.printed == "boxa is active in epoch 4\n");
  CHECK(run({"--socket", folder / "a.sock", "promote", "--force", "--yes"}).code == 0);
  CHECK(node.requests() ==
        std::vector<std::string>{R"({"command":"promote","how":"first"})", R"({"command":"promote","how":"force"})"});
  FakeNode refusing(folder / "b.sock", admin::reply_error("boxb is linked and not empty"));
  const Run refused = run({"--socket", folder / "b.sock", "promote", "--first"});
  CHECK(refused.code == 1);
  CHECK(contains(refused.printed, "boxb is linked and not empty"));
  CHECK(run({"--socket", folder / "a.sock", "--socket", folder / "b.sock", "promote", "--first"}).code == 2);
}

namespace {

// A node whose peer boxb has another value; `pushed` is its reply to that.
FakeNode::Replies differing(const std::string& role, const std::string& pushed) {
  return [role, pushed](std::string_view request) {
    if (contains(std::string(request), "diff")) return admin::reply_data("limits.max_sessions\t1\t22\n");
    if (contains(std::string(request), "pushed")) return pushed;
    if (contains(std::string(request), "push")) return admin::reply_message("Asked.");
    admin::StatusReport report;
    report.peer.emplace();
    report.peer->name = "boxb";
    report.peer->role = role;
    return admin::reply_status(admin::to_json(report));
  };
}

}  // namespace

TEST_CASE("config push: what the other box wrote, and when it holds there, by its role") {
  Folder folder;
  FakeNode node(folder / "a.sock",
                differing("standby", admin::reply_message("FILE has now: limits.max_sessions = 1.")));
  const Run push = run({"--socket", folder / "a.sock", "config", "push"});
  CHECK(push.code == 0);
  CHECK(push.printed ==
        "key                  here  other box\n"
        "limits.max_sessions  1     22\n\n"
        "On boxb FILE has now: limits.max_sessions = 1.\nIt holds there from the next start: on boxb type\n\n"
        "    tandemd --check-config\n    sudo systemctl restart tandemd\n\n"
        "The restart disturbs nobody while boxb is the standby.\n");
  CHECK(node.requests() ==
        std::vector<std::string>{R"({"command":"config","how":"diff"})", R"({"command":"config","how":"push"})",
                                 R"({"command":"config","how":"pushed"})", R"({"command":"status"})"});
  FakeNode standby(folder / "b.sock", differing("active", admin::reply_message("done")));
  const Run at_standby = run({"--socket", folder / "b.sock", "config", "push"});
  CHECK(at_standby.code == 0);
  CHECK(contains(at_standby.printed, "    tandemctl switchover\n    sudo systemctl restart tandemd\n"));
  FakeNode alike(folder / "c.sock", admin::reply_data(""));
  const Run nothing = run({"--socket", folder / "c.sock", "config", "push"});
  CHECK(nothing.code == 0);
  CHECK(nothing.printed == "Both boxes are configured alike.\n");
}

TEST_CASE("config push: refused over there, it says what to type there") {
  Folder folder;
  FakeNode node(folder / "a.sock", differing("standby", admin::reply_error("boxb takes no configuration.")));
  const Run push = run({"--socket", folder / "a.sock", "config", "push"});
  CHECK(push.code == 1);
  CHECK(contains(
      push.printed,
      "boxb takes no configuration.\nOn boxb type\n\n    sudo tandemctl config pull\n    tandemd --check-config\n"));
  FakeNode refusing(folder / "e.sock", admin::reply_error("This is a single broker"));
  CHECK(run({"--socket", folder / "e.sock", "config", "push"}).code == 1);
}

TEST_CASE("keygen: files that tandemd reads, for their owner only, never replaced by accident") {
  Folder folder;
  const std::string out = folder / "keys";
  const Run made = run({"keygen", "--out", out, "--name", "boxa", "--name", "boxb"});
  REQUIRE(made.code == 0);
  for (const std::string name : {"boxa", "boxb"}) {
    const auto keys = mirror::read_key_file(out + "/" + name + ".key");
    REQUIRE(keys.ok());
    CHECK(keys.value().public_key.size() == 40);
    CHECK(keys.value().secret_key.size() == 40);
    CHECK(content(out + "/" + name + ".pub") == keys.value().public_key + "\n");
    CHECK_FALSE(contains(made.printed, keys.value().secret_key));
    struct stat found {};
    REQUIRE(::stat((out + "/" + name + ".key").c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
  }
  CHECK(content(out + "/boxa.pub") != content(out + "/boxb.pub"));
  CHECK(contains(made.printed, "peer_public_key"));

  const std::string before = content(out + "/boxb.key");
  const Run again = run({"keygen", "--out", out, "--name", "boxc", "--name", "boxb"});
  CHECK(again.code == 1);
  CHECK(contains(again.printed, "boxb.key exists; nothing was written"));
  CHECK(content(out + "/boxb.key") == before);
  CHECK_FALSE(std::filesystem::exists(out + "/boxc.key"));
  CHECK(run({"keygen", "--out", out, "--name", "boxb", "--force"}).code == 0);
  CHECK(content(out + "/boxb.key") != before);
}

TEST_CASE("keygen does not write through a link, and refuses names that are none") {
  Folder folder;
  std::ofstream(folder / "precious") << "data";
  std::filesystem::create_symlink(folder / "precious", folder / "boxa.key");
  CHECK(run({"keygen", "--out", folder.path, "--name", "boxa"}).code == 1);
  CHECK(run({"keygen", "--out", folder.path, "--name", "boxa", "--force"}).code == 0);
  CHECK(content(folder / "precious") == "data");
  for (const std::string name : {"../boxa", "", ".hidden", "a b"}) {
    CHECK(run({"keygen", "--out", folder.path, "--name", name}).code == 2);
  }
  CHECK(run({"keygen", "--out", folder.path, "--name", "a", "--name", "a"}).code == 2);
  CHECK(run({"keygen", "--out", folder / "no/such/folder", "--name", "a"}).code == 1);
}

TEST_CASE(
    "events of two boxes are one list, by time, each box in its own order; a box that is down does not hide the "
    "other") {
  Folder folder;
  const auto event = [](std::uint64_t number, std::int64_t wall_ms, const char* node, const char* text) {
    return admin::to_line(admin::Event{number, wall_ms, 0, node, 1, "info", "role", text});
  };
  // boxb's clock was set back between its two.
  FakeNode a(folder / "a.sock", admin::reply_events({event(7, 1'000, "boxa", "A1"), event(8, 3'000, "boxa", "A2")}));
  FakeNode b(folder / "b.sock", admin::reply_events({event(1, 2'000, "boxb", "B1"), event(2, 1'500, "boxb", "B2")}));
  const auto order_of = [](const std::string& printed) {
    std::string order;
    for (std::size_t at = 0; at + 1 < printed.size(); ++at) {
      const std::string two = printed.substr(at, 2);
      if (two == "A1" || two == "A2" || two == "B1" || two == "B2") order += two + " ";
    }
    return order;
  };
  const std::vector<std::string> both = {"--socket", folder / "a.sock", "--socket", folder / "b.sock"};
  const auto with = [&both](std::vector<std::string> more) {
    more.insert(more.begin(), both.begin(), both.end());
    return run(more);
  };
  CHECK(with({"events"}).code == 0);
  CHECK(order_of(with({"events"}).printed) == "A1 B1 B2 A2 ");
  CHECK(order_of(with({"events", "-n", "2"}).printed) == "B2 A2 ");
  CHECK(order_of(with({"events", "--json"}).printed) == "A1 B1 B2 A2 ");
  const Run half = run({"--socket", folder / "none.sock", "--socket", folder / "b.sock", "events"});
  CHECK(half.code == 0);
  CHECK(order_of(half.printed) == "B1 B2 ");
  CHECK(half.printed.find("none.sock") != std::string::npos);
  CHECK(run({"--socket", folder / "none.sock", "--socket", folder / "nor.sock", "events"}).code == 3);
}

TEST_CASE("events: from tandemd, as text and as JSON; from the files when it is down; followed") {
  Folder folder;
  const admin::Event first{1, 1'795'651'323'456, 0, "boxa", 2, "info", "role", "ACTIVE in epoch 2."};
  const admin::Event second{2, 1'795'651'323'457, 0, "boxa", 2, "error", "alarm", "disk full"};
  FakeNode node(folder / "a.sock", admin::reply_events({admin::to_line(first), admin::to_line(second)}));
  const Run text = run({"--socket", folder / "a.sock", "events", "-n", "2"});
  CHECK(text.code == 0);
  CHECK(text.printed == admin::to_text(first) + "\n" + admin::to_text(second) + "\n");
  CHECK(node.requests() == std::vector<std::string>{R"({"command":"events","how":"last 2"})"});
  CHECK(run({"--socket", folder / "a.sock", "events", "--json"}).printed ==
        admin::to_line(first) + "\n" + admin::to_line(second) + "\n");

  std::ofstream(folder / "events.log") << admin::to_line(second) << "\n{\"number\":";
  const Run files = run({"events", "--dir", folder.path});
  CHECK(files.code == 0);
  CHECK(files.printed == admin::to_text(second) + "\n");
  CHECK(run({"--socket", folder / "none.sock", "events"}).code == 3);
  CHECK(run({"events", "-n", "0"}).code == 2);

  Process following({"events", "--dir", folder.path, "--follow"});
  REQUIRE(following.prints("disk full"));
  std::ofstream(folder / "events.log") << admin::to_line({3, 0, 0, "boxa", 2, "info", "alarm", "space again"}) << "\n";
  CHECK(following.prints("space again"));
  following.interrupt();
  CHECK(following.wait() == 0);
}

TEST_CASE("resync, reconcile and verify: what they ask, what they print, how they end") {
  Folder folder;
  FakeNode node(folder / "a.sock", admin::reply_message("It is done."));
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"resync"}, {"reconcile"}, {"reconcile", "--dry-run"}, {"verify"}}) {
    std::vector<std::string> arguments{"--socket", folder / "a.sock"};
    arguments.insert(arguments.end(), command.begin(), command.end());
    const Run done = run(arguments);
    CHECK(done.code == 0);
    CHECK(done.printed == "It is done.\n");
  }
  CHECK(node.requests() == std::vector<std::string>{R"({"command":"resync"})", R"({"command":"reconcile"})",
                                                    R"({"command":"reconcile","how":"dry-run"})",
                                                    R"({"command":"verify","how":"start"})",
                                                    R"({"command":"verify","how":"result"})"});
  FakeNode refusing(folder / "b.sock", admin::reply_error("The boxes differ in: retained."));
  const Run differing = run({"--socket", folder / "b.sock", "verify"});
  CHECK(differing.code == 1);
  CHECK(contains(differing.printed, "The boxes differ in: retained."));
  CHECK(run({"--socket", folder / "b.sock", "resync"}).code == 1);
  CHECK(run({"--socket", folder / "none.sock", "reconcile"}).code == 3);
}

TEST_CASE("upgrade-check: yes only where another box is known to serve, or none could; else no, and what to do first") {
  Folder folder;
  const auto asked = [&folder](bool is_protected, const admin::NodeStatus& self,
                               std::optional<admin::NodeStatus> peer) {
    admin::StatusReport report;
    report.is_protected = is_protected;
    report.why = "A reason.";
    report.self = self;
    report.peer = std::move(peer);
    FakeNode node(folder / "a.sock", admin::reply_status(admin::to_json(report)));
    return run({"--socket", folder / "a.sock", "upgrade-check"});
  };
  const auto box = [](const char* name, const char* role, bool reachable = true) {
    admin::NodeStatus node;
    node.name = name;
    node.role = role;
    node.reachable = reachable;
    return node;
  };
  CHECK(asked(false, box("boxa", "active"), std::nullopt).code == 0);
  CHECK(asked(true, box("boxa", "standby"), box("boxb", "active")).code == 0);
  CHECK(asked(false, box("boxa", "standby"), box("boxb", "active")).code == 0);  // still loading: nobody needs it now
  for (const auto& peer : {box("boxb", "active", false), box("boxb", "standby"), box("", "", false)}) {
    const Run alone = asked(false, box("boxa", "standby"), peer);
    CHECK(alone.code == 1);
    CHECK(contains(alone.printed, "may have to take over"));
  }
  const Run active = asked(true, box("boxa", "active"), box("boxb", "standby"));
  CHECK(active.code == 1);
  CHECK(active.printed ==
        "No: boxa is active and serves the clients. First: tandemctl switchover, then systemctl restart tandemd.\n");
  const Run unprotected = asked(false, box("boxa", "active"), box("boxb", "standby"));
  CHECK(unprotected.code == 1);
  CHECK(contains(unprotected.printed, "boxb cannot take over now: A reason. Once `tandemctl status` says PROTECTED: "));
  CHECK(contains(asked(false, box("boxa", "active"), box("", "", false)).printed, "the other box cannot take over"));
  CHECK(contains(asked(false, box("boxa", "active"), box("boxb", "active")).printed, "both say that they serve"));
  CHECK(asked(false, box("boxa", "promoting"), box("boxb", "active")).code == 1);
  FakeNode refusing(folder / "b.sock", admin::reply_error("not now"));
  CHECK(run({"--socket", folder / "b.sock", "upgrade-check"}).code == 4);
  CHECK(run({"--socket", folder / "none.sock", "upgrade-check"}).code == 3);
}
