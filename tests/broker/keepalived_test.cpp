// The word of keepalived: the kernel is the authority, a notice of its own instance is faster when the address goes.
#include "broker/keepalived.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <functional>

#undef CHECK
#include "tests/own_network.hpp"
#include "tests/vip/folder.hpp"

using namespace tandem;

using tandem::test::ip;

namespace {

const broker::MachineClocks clocks;

constexpr const char* vip_on_lo = "127.0.9.1/32";

void in_namespace(const std::function<void()>& test) {
  tandem::test::in_own_network("keepalived word test", test);
}

TakeoverConfig takeover(const Folder& folder) {
  TakeoverConfig config;
  config.vip = {"127.0.9.1"};
  config.weight_file = folder.file("vrrp.weight");
  config.notify_fifo = folder.file("vrrp.fifo");
  return config;
}

void notice(const Folder& folder, const std::string& instance, const std::string& state) {
  const std::string line = "INSTANCE \"" + instance + "\" " + state + " 100\n";
  const int fd = ::open(folder.file("vrrp.fifo").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(fd >= 0);
  CHECK(::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
  ::close(fd);
}

void give() {
  REQUIRE(ip(std::string("addr add ") + vip_on_lo + " dev lo"));
}
void take() {
  REQUIRE(ip(std::string("addr del ") + vip_on_lo + " dev lo"));
}

void words() {
  const Folder folder;
  broker::Keepalived keepalived(takeover(folder), clocks);
  REQUIRE(keepalived.open(1).ok());
  CHECK(keepalived.fds().size() == 2);
  CHECK_FALSE(keepalived.master());
  notice(folder, "TANDEM", "MASTER");
  CHECK_FALSE(keepalived.master());  // only the kernel says MASTER
  give();
  CHECK(keepalived.master());
  notice(folder, "OTHER", "FAULT");  // somebody else's address
  CHECK(keepalived.master());
  for (const char* const state : {"FAULT", "BACKUP", "STOP"}) {
    CAPTURE(state);
    notice(folder, "TANDEM", state);
    CHECK_FALSE(keepalived.master());  // at once, although the address is still here
    CHECK_FALSE(keepalived.master());
    take();
    CHECK_FALSE(keepalived.master());
    give();
    CHECK(keepalived.master());
  }
  // It gave up and came back before tandemd looked: only what it said last counts.
  notice(folder, "TANDEM", "BACKUP");
  notice(folder, "TANDEM", "MASTER");
  CHECK(keepalived.master());
  take();
  CHECK_FALSE(keepalived.master());
}

}  // namespace

TEST_CASE("keepalived: MASTER by the kernel only, BACKUP by whoever says it first") {
  in_namespace(words);
}

TEST_CASE("keepalived: this box is worth nothing before it has a weight, and at the end") {
  const Folder folder;
  {
    broker::Keepalived keepalived(takeover(folder), clocks);
    CHECK(folder.read("vrrp.weight") == "-254\n");
    keepalived.set_weight(20);
    CHECK(folder.read("vrrp.weight") == "20\n");
  }
  CHECK(folder.read("vrrp.weight") == "-254\n");
}

TEST_CASE("keepalived: files that cannot be made are alarms, not the end") {
  const Folder folder;
  TakeoverConfig config = takeover(folder);
  config.weight_file = folder.file("missing/vrrp.weight");
  config.notify_fifo = folder.file("missing/vrrp.fifo");
  broker::Keepalived keepalived(config, clocks);
  REQUIRE(keepalived.open(1).ok());
  CHECK(keepalived.fds().size() == 1);
  CHECK_FALSE(keepalived.troubles().at("weight").empty());
  CHECK_FALSE(keepalived.troubles().at("keepalived").empty());
  std::filesystem::create_directory(folder.file("missing"));
  CHECK(keepalived.troubles().at("weight").empty());  // tried again
}
