// tandemctl setup keepalived: what it makes keepalived takes, and what does not fit this box is said. In a network
// namespace of its own where that is possible, else skipped with a word.
#include "tests/vip/folder.hpp"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "cli/keepalived_conf.hpp"
#include "cli/takeover_keys.hpp"
#include "tests/cli/setup_run.hpp"
#include "tests/own_network.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

Ran setup(const std::string& arguments) {
  return shell(std::string(TANDEMCTL) + " setup keepalived " + arguments);
}

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// A box with an interface `lan` that has 10.77.0.11/24 and fd77::11/64.
void on_a_box(const std::function<void()>& test) {
  const auto set_up = [] {
    return shell(
               "ip link set lo up && ip link add lan type veth peer name far && ip link set lan up && "
               "ip link set far up && ip addr add 10.77.0.11/24 dev lan && ip addr add fd77::11/64 dev lan nodad")
               .code == 0;
  };
  tandem::test::in_own_network("setup keepalived test", set_up, test);
}

const std::string plain = "--interface lan --vip 10.77.0.10/24 --peer 10.77.0.12 ";

void keepalived_takes(const std::string& file) {
  if (shell("command -v keepalived").code != 0) {
    std::printf("skipped: keepalived is not installed: its own look at %s\n", file.c_str());
    return;
  }
  const Ran looked = shell("keepalived --config-test -f " + file);
  CAPTURE(looked.output);
  CHECK(looked.code == 0);
}

}  // namespace

TEST_CASE("setup keepalived: the example is what comes out, and keepalived takes it") {
  on_a_box([] {
    const Folder folder;
    const Ran ran = setup(plain);
    CHECK(ran.code == 0);
    CHECK(ran.output == text_of(KEEPALIVED_EXAMPLE));
    CHECK(setup(plain + "--output " + folder.file("k.conf")).code == 0);
    CHECK(text_of(folder.file("k.conf")) == text_of(KEEPALIVED_EXAMPLE));
    keepalived_takes(folder.file("k.conf"));
  });
}

TEST_CASE("setup keepalived: an IPv6 address beside it, IPv6 alone, another router id") {
  on_a_box([] {
    const Folder folder;
    const Ran both = setup(plain + "--vip fd77::10/64 --router-id 7 --output " + folder.file("both.conf"));
    CHECK(both.code == 0);
    const std::string text = text_of(folder.file("both.conf"));
    CHECK(text.find("virtual_router_id 7\n") != std::string::npos);
    CHECK(text.find("fd77::10/64 dev lan\n") > text.find("virtual_ipaddress_excluded"));
    keepalived_takes(folder.file("both.conf"));
    CHECK(setup("--interface lan --vip fd77::10/64 --peer fd77::12 --output " + folder.file("v6.conf")).code == 0);
    CHECK(text_of(folder.file("v6.conf")).find("unicast_src_ip fd77::11\n") != std::string::npos);
    keepalived_takes(folder.file("v6.conf"));
  });
}

TEST_CASE("setup keepalived: what does not fit this box is said, and nothing is written") {
  on_a_box([] {
    const Folder folder;
    const std::string output = "--output " + folder.file("k.conf") + " ";
    const auto refused = [&](const std::string& arguments, const std::string& why) {
      CAPTURE(arguments);
      const Ran ran = setup(output + arguments);
      CHECK(ran.code == 1);
      CHECK(has(ran, why));
      CHECK_FALSE(std::filesystem::exists(folder.file("k.conf")));
    };
    refused("--interface eth7 --vip 10.77.0.10/24 --peer 10.77.0.12", "no such interface, but ");
    refused(plain + "--own 10.77.0.10", "is the virtual IP");
    refused(plain + "--own 10.77.0.13", "is not an address of lan");
    refused(plain + "--own fd77::11", "not both IPv4 or both IPv6");
    refused("--interface lan --vip 10.77.0.10/24 --peer 10.77.0.10", "--peer 10.77.0.10 is the virtual IP");
    refused("--interface lan --vip 10.77.0.10/24 --peer 10.77.0.11", "is an address of this box (lan)");
    refused("--interface lan --vip 10.77.0.10/24 --peer boxb", "is no IP address");
    refused("--interface lan --vip 10.77.0.10/24 --peer 10.99.0.12", "--own ADDR is needed");
    refused("--interface lan --vip 10.77.0.10 --peer 10.77.0.12", "is no address with prefix");
    refused("--interface lan --vip 10.78.0.10/24 --peer 10.77.0.12",
            "is in no network of lan, which has 10.77.0.11/24");
    refused("--interface lan --vip 10.77.0.10/16 --peer 10.77.0.12", "the prefix must be the same");
    refused("--interface lan --vip fd77::10/64 --peer 10.77.0.12", "at least one must be IPv4");
    refused(plain + "--config " + folder.file("none.toml"), "cannot be read");
    CHECK(setup(output + plain + "--router-id 256").code == 2);
  });
}

TEST_CASE("setup keepalived: it agrees with tandem.toml") {
  on_a_box([] {
    const Folder folder;
    const auto with = [&](const std::string& lines) {
      std::ofstream(folder.file("tandem.toml")) << "[node]\nvip = \"x\"\n[takeover]\n" << lines << "[store]\n";
      return setup(plain + "--config " + folder.file("tandem.toml"));
    };
    const Ran good = with(
        "arbiter = \"keepalived\"  # \"heartbeat\"\nvip = [\"fd77::10\", '10.77.0.10']\nweight_file = \"/run/t/w\"\n"
        "notify_fifo = \"/run/t/f\"\nvrrp_instance = \"V1\"\n");
    CHECK(good.code == 0);
    CHECK(has(good, "file /run/t/w\n"));
    CHECK(has(good, "vrrp_notify_fifo /run/t/f\n"));
    CHECK(has(good, "vrrp_instance V1 {\n"));
    CHECK(has(with("arbiter = \"heartbeat\"\nvip = \"10.77.0.10\"\n"), "must be \"keepalived\""));
    CHECK(has(with("arbiter = \"keepalived\"\nvip = \"10.77.0.9\"\n"), "without 10.77.0.10"));
  });
}

TEST_CASE("setup keepalived: a file that is there is replaced with --force only") {
  on_a_box([] {
    const Folder folder;
    std::ofstream(folder.file("k.conf")) << "somebody's own\n";
    const std::string arguments = plain + "--output " + folder.file("k.conf");
    const Ran ran = setup(arguments);
    CHECK(ran.code == 1);
    CHECK(has(ran, "--force"));
    CHECK(text_of(folder.file("k.conf")) == "somebody's own\n");
    CHECK(setup(arguments + " --force").code == 0);
    CHECK(text_of(folder.file("k.conf")) == text_of(KEEPALIVED_EXAMPLE));
  });
}

TEST_CASE("systemd: when keepalived dies the addresses of its configuration are taken off this box, and only those") {
  on_a_box([] {
    const Folder folder;
    REQUIRE(setup(plain + "--vip fd77::10/64 --output " + folder.file("k.conf")).code == 0);
    const std::string script = folder.file("stop.sh");
    REQUIRE(shell("sed -n 's/^ExecStopPost=-//p' " KEEPALIVED_DROP_IN
                  " | grep addr | sed -e 's/[$][$]/$/g' -e 's|/etc/keepalived/keepalived.conf|" +
                  (folder.file("k.conf")) + "|' > " + script)
                .code == 0);
    REQUIRE(shell("ip addr add 10.77.0.10/24 dev lan && ip addr add fd77::10/64 dev lan nodad").code == 0);
    CHECK(shell("sh " + script).output.empty());
    const Ran left = shell("ip -o addr show dev lan");
    CHECK(left.output.find("10.77.0.10/") == std::string::npos);
    CHECK(left.output.find("fd77::10/") == std::string::npos);
    CHECK(has(left, "10.77.0.11/24"));
    CHECK(has(left, "fd77::11/64"));
    CHECK(shell("sh " + script).output.empty());  // keepalived had taken them off itself
  });
}

TEST_CASE("takeover keys: plain lines of [takeover] only") {
  const auto keys = cli::takeover_keys(
      "vip = \"0\"\n[takeover] # here\n  vip=\"1\" # \"2\"\r\n# vip = \"3\"\nheartbeat_ms = 50\nvrrp_instance = [\n"
      "\"a\", # one\n\"b\" ]\n[mirror]\nvip = \"4\"",
      "box.toml");
  REQUIRE(keys.ok());
  CHECK(keys.value() == cli::TakeoverKeys{{"vip", {"1"}}, {"vrrp_instance", {"a", "b"}}});
  CHECK(cli::takeover_keys("[node]\nname = \"x\"", "box.toml").value().empty());
  for (const char* broken : {"[takeover]\nvip = \"x", "[\xc3\xa9]", "[\xd2\x99]"}) {
    const auto none = cli::takeover_keys(broken, "box.toml");
    REQUIRE_FALSE(none.ok());
    CHECK(none.error().message.find("box.toml is no valid configuration") == 0);
  }
}

TEST_CASE("setup keepalived: its defaults are those of the sample configuration") {
  const std::string sample = text_of(SAMPLE_CONFIG);
  const cli::KeepalivedConf conf;
  CHECK(sample.find("# weight_file = \"" + conf.weight_file + "\"") != std::string::npos);
  CHECK(sample.find("# notify_fifo = \"" + conf.notify_fifo + "\"") != std::string::npos);
  CHECK(sample.find("# vrrp_instance = \"" + conf.instance + "\"") != std::string::npos);
}
