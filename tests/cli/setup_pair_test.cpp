// tandemctl setup pair and join: what they write is what tandemd and keepalived take, on both boxes; what does not fit
// is said, and then nothing is written. In network namespaces of its own where that is possible, else skipped with a
// word.
#include "tests/vip/folder.hpp"

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <sstream>

#include "broker/config.hpp"
#include "cli/pair_plan.hpp"
#include "cli/setup_questions.hpp"
#include "mirror/link.hpp"
#include "tests/cli/setup_run.hpp"
#include "tests/own_network.hpp"

using namespace tandem;
using namespace tandem::test;
using cli::PairPlan;

namespace {

Ran setup(const std::string& arguments) {
  return shell(std::string(TANDEMCTL) + " setup " + arguments + " < /dev/null");
}

// A box with `lan` 10.77.0.NUMBER/24 and `xlink` 10.78.0.NUMBER/24.
void on_box(const std::string& number, const std::function<void()>& test) {
  const auto set_up = [&number] {
    const auto cable = [&number](const std::string& name, const std::string& net) {
      return shell("ip link add " + name + " type veth peer name far-" + name + " && ip link set " + name +
                   " up && ip link set far-" + name + " up && ip addr add " + net + "." + number + "/24 dev " + name)
                 .code == 0;
    };
    return shell("ip link set lo up").code == 0 && cable("lan", "10.77.0") && cable("xlink", "10.78.0") &&
           shell("ip addr add fd77::" + number + "/64 dev lan nodad").code == 0;
  };
  tandem::test::in_own_network("setup pair test", set_up, test);
}

// Where one box has its files.
struct Places {
  explicit Places(const Folder& folder, const std::string& box) : root(folder.file(box)) {
    std::filesystem::create_directories(root + "/keepalived");
  }
  std::string options() const { return " --dir " + etc() + " --keepalived " + keepalived(); }
  std::string etc() const { return root + "/tandem"; }
  std::string keepalived() const { return root + "/keepalived/keepalived.conf"; }
  bool written() const { return std::filesystem::exists(etc()) || std::filesystem::exists(keepalived()); }
  std::string root;
};

const std::string names = "pair --name boxa --peer-name boxb ";
const std::string lan = "--interface lan --own 10.77.0.11 --peer 10.77.0.12 --vip 10.77.0.10/24 ";
const std::string cross = "--link-own 10.78.0.11 --link-peer 10.78.0.12 ";

mode_t mode_of(const std::string& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mode & 0777;
}

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Takes it, with the same files and addresses; the configuration.
Config tandemd_takes(const Places& box) {
  Result<Config> config = load_config(box.etc() + "/tandem.toml");
  if (!config.ok()) FAIL(config.error().message);
  REQUIRE(config.value().mirror.has_value());
  CHECK(mirror::read_key_file(config.value().mirror->key_file).ok());
  return config.take();
}

void keepalived_takes(const Places& box) {
  if (shell("command -v keepalived").code != 0) {
    std::printf("skipped: keepalived is not installed: its own look at %s\n", box.keepalived().c_str());
    return;
  }
  const Ran looked = shell("keepalived --config-test -f " + box.keepalived());
  CAPTURE(looked.output);
  CHECK(looked.code == 0);
}

std::string own_public_key(const Config& config) {
  return mirror::read_key_file(config.mirror->key_file).value().public_key;
}

PairPlan plan() {
  PairPlan plan;
  plan.self = {"boxa", "lan", "10.77.0.11", "10.78.0.11", mirror::make_keys()};
  plan.other = {"boxb", "eth1", "10.77.0.12", "10.78.0.12", mirror::make_keys()};
  plan.vips = {"10.77.0.10/24", "fd77::10/64"};
  plan.reach = {"10.77.0.1"};
  plan.durability = "peer+disk";
  return plan;
}

}  // namespace

TEST_CASE("setup pair, then join on the other box: both programs take what was written, and the boxes agree") {
  const Folder folder;
  const Places a(folder, "a");
  const Places b(folder, "b");
  bool ran = false;
  on_box("11", [&] {
    ran = true;
    const Ran made = setup(names + lan + cross + "--vip fd77::10/64 --reach 10.77.0.1 --same-breaker no" + a.options());
    CAPTURE(made.output);
    REQUIRE(made.code == 0);
    CHECK(has(made, "tandemctl setup join boxb.tandem-join"));
    keepalived_takes(a);
  });
  if (!ran) return;
  on_box("12", [&] {
    const Ran joined = setup("join " + a.etc() + "/boxb.tandem-join" + b.options());
    CAPTURE(joined.output);
    REQUIRE(joined.code == 0);
    CHECK(has(joined, "Delete " + a.etc() + "/boxb.tandem-join"));
    CHECK(std::filesystem::exists(a.etc() + "/boxb.tandem-join"));
    keepalived_takes(b);
  });
  const Config one = tandemd_takes(a);
  const Config two = tandemd_takes(b);
  CHECK(one.node.name == "boxa");
  CHECK(two.node.name == "boxb");
  CHECK(one.mirror->listen == two.mirror->peer);
  CHECK(two.mirror->listen == one.mirror->peer);
  CHECK(to_text(one.mirror->listen.front()) == "10.78.0.11:7883");
  CHECK(one.mirror->peer_public_keys == std::vector<std::string>{own_public_key(two)});
  CHECK(two.mirror->peer_public_keys == std::vector<std::string>{own_public_key(one)});
  CHECK(one.takeover.vip == std::vector<std::string>{"10.77.0.10", "fd77::10"});
  CHECK(one.takeover.vip == two.takeover.vip);
  CHECK(two.takeover.reach == std::vector<std::string>{"10.77.0.1"});
  CHECK(one.mirror->durability == Durability::peer);
  CHECK(one.listeners.size() == 2);
  for (const Places* box : {&a, &b}) {
    CHECK(mode_of(box->etc()) == 0750);
    CHECK(mode_of(box->etc() + "/tandem.toml") == 0644);
    CHECK(mode_of(box->etc() + "/mirror.key") == 0600);
  }
  CHECK(mode_of(a.etc() + "/boxb.tandem-join") == 0600);
  CHECK(mode_of(b.etc() + "/boxa.tandem-join") == 0600);
}

TEST_CASE(
    "a lost box is replaced with the file that the other one kept: its keys are the same, the other is not touched") {
  const Folder folder;
  const Places a(folder, "a");
  const Places b(folder, "b");
  const Places again(folder, "again");
  bool ran = false;
  on_box("11", [&] {
    ran = true;
    REQUIRE(setup(names + lan + "--same-breaker yes" + a.options()).code == 0);
  });
  if (!ran) return;
  on_box("12", [&] { REQUIRE(setup("join " + a.etc() + "/boxb.tandem-join" + b.options()).code == 0); });
  on_box("11", [&] { REQUIRE(setup("join " + b.etc() + "/boxa.tandem-join" + again.options()).code == 0); });
  for (const char* file : {"/tandem.toml", "/mirror.key", "/boxb.tandem-join"}) {
    const std::string before = text_of(a.etc() + file);
    std::string after = text_of(again.etc() + file);
    if (const std::size_t at = after.find(again.etc()); at != std::string::npos) {
      after.replace(at, again.etc().size(), a.etc());
    }
    CHECK(after == before);
  }
  CHECK(text_of(again.keepalived()) == text_of(a.keepalived()));
  CHECK(tandemd_takes(again).mirror->durability == Durability::peer_and_disk);
}

TEST_CASE("setup pair without a terminal: everything that is missing is named at once") {
  const Folder folder;
  const Places box(folder, "a");
  const Ran ran = setup("pair --name boxa" + box.options());
  CHECK(ran.code == 1);
  for (const char* option : {"--peer-name", "--interface", "--own", "--peer ", "--vip", "--same-breaker"}) {
    CHECK(has(ran, std::string(option)));
  }
  CHECK(has(ran, "perhaps boxb"));
  CHECK(ran.output.find("--name NAME") == std::string::npos);
  CHECK_FALSE(box.written());
  CHECK(setup("pair --same-breaker perhaps").code == 2);
  CHECK(setup("pair --durability maybe").code == 2);
}

TEST_CASE("setup pair and join: what does not fit this box is said, and nothing is written") {
  const Folder folder;
  const Places box(folder, "a");
  const auto refused = [&](const std::string& arguments, const std::string& why) {
    CAPTURE(arguments);
    const Ran ran = setup(arguments + " --durability peer" + box.options());
    CHECK(ran.code == 1);
    CHECK(has(ran, why));
    CHECK_FALSE(box.written());
  };
  on_box("11", [&] {
    refused("pair --name boxa --peer-name boxa " + lan, "are both boxa");
    refused("pair --name box/a --peer-name boxb " + lan, "is no node name");
    refused(names + "--interface eth7 --own 10.77.0.11 --peer 10.77.0.12 --vip 10.77.0.10/24", "no such interface");
    refused(names + "--interface lan --own 10.77.0.13 --peer 10.77.0.12 --vip 10.77.0.10/24",
            "is not an address of lan");
    refused(names + "--interface lan --own 10.77.0.11 --peer 10.77.0.12 --vip 10.79.0.10/24",
            "is in no network of lan");
    refused(names + "--interface lan --own 10.77.0.11 --peer 10.77.0.12 --vip 10.77.0.10", "is no address with prefix");
    refused(names + lan + "--link-own 10.78.0.11", "give both addresses of the cross cable");
    refused(names + lan + "--link-own 10.78.0.99 --link-peer 10.78.0.12", "is on no interface of this box");
    refused(names + lan + "--link-own 10.78.0.11 --link-peer 10.99.0.12", "are not in one network");
    refused(names + lan + "--link-own 10.77.0.11 --link-peer 10.78.0.12", "needs addresses of its own");
    refused(names + lan + "--reach 10.77.0.10", "is one of the pair's own");
    const Ran relative = setup(names + lan + "--durability peer --dir etc --keepalived " + box.keepalived());
    CHECK(has(relative, "give the whole path"));
    const Ran bare_box = setup(names + lan + "--durability peer --dir " + box.etc() + " --keepalived " + box.root +
                               "/none/keepalived.conf");
    CHECK(has(bare_box, "install keepalived first"));
    CHECK_FALSE(box.written());
  });
  folder.write("boxb.tandem-join", cli::join_text(plan().of_other()));
  on_box("13", [&] {
    const Ran ran = setup("join " + folder.file("boxb.tandem-join") + " --interface lan" + box.options());
    CHECK(ran.code == 1);
    CHECK(has(ran, "This box's address 10.77.0.12 is not an address of lan"));
    CHECK(has(ran, "10.78.0.12 is on no interface of this box"));
    CHECK_FALSE(box.written());
    CHECK(has(setup("join " + folder.file("none") + box.options()), "cannot be read"));
  });
  on_box("12", [&] {
    CHECK(has(setup("join " + folder.file("boxb.tandem-join") + box.options()),
              "--interface eth1: this box has no such"));
  });
}

TEST_CASE("setup pair: a file that is there stays, unless --force; then all are made anew") {
  const Folder folder;
  const Places box(folder, "a");
  on_box("11", [&] {
    const std::string arguments = names + lan + "--durability disk" + box.options();
    std::ofstream(box.keepalived()) << "somebody's own\n";
    const Ran first = setup(arguments);
    CHECK(first.code == 1);
    CHECK(has(first, box.keepalived() + " exists"));
    CHECK_FALSE(std::filesystem::exists(box.etc()));
    CHECK(text_of(box.keepalived()) == "somebody's own\n");
    REQUIRE(setup(arguments + " --force").code == 0);
    const std::string key = text_of(box.etc() + "/mirror.key");
    CHECK(setup(arguments).code == 1);
    CHECK(text_of(box.etc() + "/mirror.key") == key);
    REQUIRE(setup(arguments + " --force").code == 0);
    CHECK(text_of(box.etc() + "/mirror.key") != key);
    CHECK(tandemd_takes(box).mirror->durability == Durability::disk);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(box.root)) {
      const std::string name = entry.path().filename();
      CHECK(name.find(".setup") == std::string::npos);
      CHECK(name.find(".new") == std::string::npos);
    }
  });
}

TEST_CASE("setup pair: nothing is left of a run that cannot write its last file") {
  const Folder folder;
  const Places box(folder, "a");
  on_box("11", [&] {
    std::filesystem::create_directories(box.keepalived() +
                                        ".setup/in the way");  // its last file cannot be written there
    const Ran ran = setup(names + lan + "--durability peer" + box.options());
    CHECK(ran.code == 1);
    CHECK(has(ran, "cannot be written"));
    CHECK(has(ran, "nothing was written"));
    CHECK(std::filesystem::is_empty(box.etc()));
    CHECK_FALSE(std::filesystem::exists(box.keepalived()));
  });
}

TEST_CASE("join file: says all that was planned, to this version; nothing else is taken for one") {
  const PairPlan planned = plan();
  const std::string text = cli::join_text(planned);
  const Result<PairPlan> read = cli::parse_join(text, "x");
  REQUIRE(read.ok());
  CHECK(cli::join_text(read.value()) == text);
  CHECK(cli::join_text(read.value().of_other().of_other()) == text);
  const auto refused = [](const std::string& wrong, const std::string& why) {
    const Result<PairPlan> none = cli::parse_join(wrong, "x");
    REQUIRE_FALSE(none.ok());
    CHECK(none.error().message.find(why) != std::string::npos);
  };
  const auto replaced = [&text](const std::string& from, const std::string& to) {
    std::string other = text;
    other.replace(other.find(from), from.size(), to);
    return other;
  };
  refused("", "no join file");
  refused("[é]", "no join file");
  refused(replaced("format = 1", "format = 2"), "newer version (format 2)");
  refused(replaced("name = \"boxa\"", "name = \"../boxa\""), "no join file");
  refused(replaced("interface = \"lan\"", "interface = \"lan\\nvrrp\""), "no join file");
  refused(replaced("10.77.0.10/24", "10.77.0.10/99"), "no join file");
  refused(replaced("secret_key = \"", "secret_key = \"x"), "no join file");
  for (std::size_t size = 0; size < text.size(); ++size) {
    const Result<PairPlan> cut = cli::parse_join(text.substr(0, size), "x");
    if (cut.ok()) CHECK(cli::contradictions(cut.value()).empty());
  }
}

TEST_CASE("questions: a proposal is taken by Enter, a wrong answer is asked again, the end of input is a no") {
  cli::Surroundings here;
  here.host_name = "pump-1";
  here.gateway = "10.77.0.1";
  here.gateway_interface = "eth0";
  for (const auto& [interface, address] :
       {std::pair("lo", "127.0.0.1"), std::pair("eth0", "10.77.0.11"), std::pair("eth1", "10.78.0.1")}) {
    here.addresses.push_back({interface, address, *cli::parse_network(address)});
  }
  const auto asked = [&here](cli::SetupPairArguments& answers, const std::string& input, std::string& output) {
    std::istringstream in(input);
    std::ostringstream out;
    const bool all = cli::ask_missing(answers, here, in, out);
    output = out.str();
    return all;
  };
  std::string output;
  cli::SetupPairArguments answers;
  CHECK(
      asked(answers, "\n\n\n\n10.77.0\n 10.77.0.12 \n10.77.0.10\n10.77.0.10/24\n\n10.78.0.2\n\nmaybe\nyes\n", output));
  CHECK(answers.name == "pump-1");
  CHECK(answers.peer_name == "pump-2");
  CHECK(answers.interface == "eth0");
  CHECK(answers.own == "10.77.0.11");
  CHECK(answers.peer == "10.77.0.12");
  CHECK(answers.vips == std::vector<std::string>{"10.77.0.10/24"});
  CHECK(answers.link_own == "10.78.0.1");
  CHECK(answers.link_peer == "10.78.0.2");
  CHECK(answers.reach == std::vector<std::string>{"10.77.0.1"});
  CHECK(answers.same_breaker == "yes");
  CHECK(output.find("Name of this box [pump-1]: ") == 0);

  cli::SetupPairArguments given;
  given.name = "boxb";
  given.interface = "eth1";
  given.own = "10.78.0.1";
  given.vips = {"10.78.0.10/24"};
  given.durability = "disk";
  CHECK(asked(given, "\n10.78.0.2\n-\n-\n", output));
  CHECK(given.peer_name == "boxa");
  CHECK(given.link_own.empty());
  CHECK(given.reach.empty());
  CHECK(given.same_breaker.empty());
  CHECK(output.find("breaker") == std::string::npos);

  cli::SetupPairArguments cut;
  CHECK_FALSE(asked(cut, "boxa\n", output));
}

TEST_CASE("setup pair asks on a terminal, and what was answered is written") {
  if (shell("command -v script").code != 0) {
    std::printf("skipped: no program script (bsdutils) to play the terminal\n");
    return;
  }
  const Folder folder;
  const Places box(folder, "a");
  on_box("11", [&] {
    folder.write("answers", "boxa\nboxb\nlan\n10.77.0.11\n10.77.0.12\n10.77.0.10/24\n-\n-\nyes\n");
    const Ran ran = shell("TERM=linux script -qec '" + std::string(TANDEMCTL) + " setup pair" + box.options() +
                          "' /dev/null < " + folder.file("answers"));
    CAPTURE(ran.output);
    CHECK(ran.code == 0);
    CHECK(has(ran, "setup pair --name boxa --peer-name boxb --interface lan --own 10.77.0.11"));
    CHECK(has(ran, "--vip 10.77.0.10/24 --same-breaker yes"));
    const Config config = tandemd_takes(box);
    CHECK(config.mirror->durability == Durability::peer_and_disk);
    CHECK(config.mirror->listen.size() == 1);
  });
}
