// Who may do what at the control socket: the rule, and real callers of other users (as root).
#include "admin/caller.hpp"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "admin/ask.hpp"
#include "admin/control.hpp"
#include "admin/protocol.hpp"

#include <doctest/doctest.h>

using namespace tandem;
using namespace tandem::admin;

namespace {

constexpr gid_t operators = 64'001;
constexpr gid_t viewers = 64'002;
constexpr uid_t stranger = 64'003;

// A server that says which permission its caller has, in a folder that anybody may pass.
class Door {
 public:
  explicit Door(const Permissions& permissions)
      : control_(loop_, folder_ + "/t.sock", permissions,
                 [](std::string_view, const Caller& caller, Permission permission) {
                   return std::to_string(caller.uid) + (permission == Permission::operate ? " operates" : " reads");
                 }) {
    REQUIRE(::chmod(folder_.c_str(), 0755) == 0);
    REQUIRE(control_.open().ok());
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Door() {
    boost::asio::post(loop_, [this] {
      control_.close();
      work_.reset();
    });
    thread_.join();
    ::rmdir(folder_.c_str());
  }
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  std::string answer() const { return ask(folder_ + "/t.sock", "x", 10'000).text; }
  // The same to a thread that is another user: Linux keeps credentials a thread.
  std::string answer_to(uid_t user, std::vector<gid_t> groups) const {
    std::string text;
    std::thread([&] {
      const bool changed = ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0 &&
                           ::syscall(SYS_setresgid, user, user, user) == 0 &&
                           ::syscall(SYS_setresuid, user, user, user) == 0;
      text = changed ? answer() : "not changed";
    }).join();
    return text;
  }

 private:
  static std::string make_folder() {
    char name[] = "/tmp/tandem-caller-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    return name;
  }

  const std::string folder_ = make_folder();
  boost::asio::io_context loop_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{loop_.get_executor()};
  Control control_;
  std::thread thread_;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("permissions: root, the own user and the operators everything, viewers read, others nothing") {
  const Permissions permissions{1000, operators, viewers};
  CHECK(permissions.of({0, 1, {}}) == Permission::operate);
  CHECK(permissions.of({1000, 1, {}}) == Permission::operate);
  CHECK(permissions.of({1001, 1, {7, operators}}) == Permission::operate);
  CHECK(permissions.of({1001, 1, {viewers, operators}}) == Permission::operate);
  CHECK(permissions.of({1001, 1, {viewers}}) == Permission::read);
  CHECK(permissions.of({1001, 1, {7}}) == Permission::none);
}

TEST_CASE("permissions: a group that is not there has no members") {
  const Permissions permissions{1000, std::nullopt, std::nullopt};
  CHECK(permissions.of({1001, 1, {0, operators, viewers}}) == Permission::none);
  CHECK(permissions.of({1000, 1, {}}) == Permission::operate);
}

TEST_CASE("what changes nothing may be read; whatever is not known takes the whole permission") {
  for (const char* command : {"status", "events", "verify"}) CHECK(permission_for({command, ""}) == Permission::read);
  CHECK(permission_for({"reconcile", "dry-run"}) == Permission::read);
  for (const char* command : {"reconcile", "promote", "switchover", "maintenance", "resync", "", "of a later version"})
    CHECK(permission_for({command, ""}) == Permission::operate);
}

TEST_CASE("callers of other users: who is in a group gets its permission, others one sentence that says what to do") {
  const Door door({::geteuid(), operators, viewers});
  CHECK(door.answer() == std::to_string(::geteuid()) + " operates");
  if (::geteuid() != 0) {
    MESSAGE("not root: no other user can be tried");
    return;
  }
  CHECK(door.answer_to(stranger, {operators}) == std::to_string(stranger) + " operates");
  CHECK(door.answer_to(stranger, {1, 2, viewers}) == std::to_string(stranger) + " reads");
  const std::string refused = door.answer_to(stranger, {1, 2});
  CHECK(has(refused, "you are not in the group tandem: sudo usermod -aG tandem USER, then log in again"));
  CHECK(has(refused, "tandem-view"));
}

TEST_CASE("callers who are refused take no place of those who may") {
  if (::geteuid() != 0) return;
  const Door door({0, operators, viewers});
  for (int i = 0; i < 50; ++i) REQUIRE(has(door.answer_to(stranger, {}), "\"ok\":false"));
  CHECK(door.answer() == "0 operates");
}

TEST_CASE("a caller in words: its name, if /etc/passwd knows one, and its numbers") {
  CHECK(to_text(Caller{0, 17, {}}) == "root (uid 0, pid 17)");
  CHECK(to_text(Caller{stranger, 17, {}}) == "a user (uid 64003, pid 17)");
}
