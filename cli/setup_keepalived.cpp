// tandemctl setup keepalived: keepalived.conf for this box, once what it names has been checked against this box. What
// is wrong is said all at once, and then nothing is written.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <sstream>

#include "base/replace_file.hpp"
#include "base/result.hpp"
#include "cli/command.hpp"
#include "cli/interfaces.hpp"
#include "cli/keepalived_conf.hpp"
#include "cli/takeover_keys.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {

struct Checked {
  KeepalivedConf conf;
  std::vector<std::string> wrong;
  std::vector<std::string> notes;  // it is written all the same
};

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all.empty() ? "none" : all;
}

std::string bare(const std::string& address) {
  return address.substr(0, address.find('/'));
}

std::vector<OwnAddress> on_interface(const std::vector<OwnAddress>& all, const std::string& interface) {
  std::vector<OwnAddress> found;
  for (const OwnAddress& one : all) {
    if (one.interface == interface && !one.text.empty()) found.push_back(one);
  }
  return found;
}

void check_interface(const std::vector<OwnAddress>& all, Checked& checked) {
  std::vector<std::string> names;
  for (const OwnAddress& one : all) {
    if (std::find(names.begin(), names.end(), one.interface) == names.end()) names.push_back(one.interface);
  }
  if (std::find(names.begin(), names.end(), checked.conf.interface) != names.end()) return;
  checked.wrong.push_back("--interface " + checked.conf.interface + ": this box has no such interface, but " +
                          joined(names));
}

bool is_vip(const Network& address, const std::vector<std::string>& vips) {
  return std::any_of(vips.begin(), vips.end(), [&address](const std::string& vip) {
    const std::optional<Network> parsed = parse_network(vip);
    return parsed && parsed->address == address.address;
  });
}

// The own address as given, or the only one that can be meant: in the peer's network, and no virtual IP.
void find_own(const std::vector<OwnAddress>& here, const Network& peer, Checked& checked) {
  KeepalivedConf& conf = checked.conf;
  std::vector<std::string> candidates;
  for (const OwnAddress& one : here) {
    if (one.network.holds(peer) && !is_vip(one.network, conf.vips)) candidates.push_back(one.text);
  }
  if (conf.own.empty()) {
    if (candidates.size() == 1) {
      conf.own = candidates.front();
    } else {
      checked.wrong.push_back("--own ADDR is needed: addresses on " + conf.interface +
                              " in the network of the other box are " + joined(candidates));
    }
    return;
  }
  const std::optional<Network> own = parse_network(conf.own);
  if (!own || conf.own != bare(conf.own)) {
    checked.wrong.push_back("--own " + conf.own + " is no IP address");
  } else if (is_vip(*own, conf.vips)) {
    checked.wrong.push_back(
        "--own " + conf.own +
        " is the virtual IP: give the address that stays on this box; candidates: " + joined(candidates));
  } else if (own->address.v6 != peer.address.v6) {
    checked.wrong.push_back("--own " + conf.own + " and --peer " + conf.peer +
                            " are not both IPv4 or both IPv6: adverts go from one to the other");
  } else if (std::none_of(here.begin(), here.end(),
                          [&own](const OwnAddress& one) { return one.network.address == own->address; })) {
    checked.wrong.push_back("--own " + conf.own + " is not an address of " + conf.interface +
                            " on this box; in the network of the other box it has " + joined(candidates));
  }
}

void check_peer(const std::vector<OwnAddress>& all, const Network& peer, Checked& checked) {
  const KeepalivedConf& conf = checked.conf;
  if (is_vip(peer, conf.vips)) {
    checked.wrong.push_back("--peer " + conf.peer + " is the virtual IP: give the address that stays on the other box");
    return;
  }
  for (const OwnAddress& one : all) {
    if (one.text.empty() || one.network.address != peer.address) continue;
    checked.wrong.push_back("--peer " + conf.peer + " is an address of this box (" + one.interface +
                            "): give the other box's");
  }
}

void check_vip(const std::vector<OwnAddress>& all, const std::string& text, Checked& checked) {
  const std::optional<Network> vip = parse_network(text);
  if (!vip || text == bare(text)) {
    checked.wrong.push_back("--vip " + text + " is no address with prefix, such as 192.0.2.10/24");
    return;
  }
  const std::string& interface = checked.conf.interface;
  std::vector<std::string> networks;
  bool held = false;
  for (const OwnAddress& one : on_interface(all, interface)) {
    const std::string network = one.text + "/" + std::to_string(one.network.prefix);
    if (one.network.address == vip->address) {
      checked.notes.push_back("The virtual IP " + bare(text) + " is on " + interface +
                              " now. Unless keepalived put it there, take it out of this box's network configuration.");
    } else if (one.network.address.v6 == vip->address.v6) {
      networks.push_back(network);
      held = held || (one.network.holds(*vip) && one.network.prefix == vip->prefix);
    }
  }
  if (!held) {
    checked.wrong.push_back("--vip " + text + " is in no network of " + interface + ", which has " + joined(networks) +
                            " (the prefix must be the same, too)");
  }
}

std::optional<std::string> only_text(const TakeoverKeys& keys, std::string_view key) {
  const auto found = keys.find(key);
  if (found == keys.end()) return {};
  return found->second.front();
}

// Both programs must mean the same files and addresses.
void check_config(const std::string& path, Checked& checked) {
  Result<TakeoverKeys> read = read_takeover_keys(path);
  if (!read.ok()) {
    checked.wrong.push_back("--config: " + read.error().message);
    return;
  }
  const TakeoverKeys keys = read.take();
  KeepalivedConf& conf = checked.conf;
  conf.weight_file = only_text(keys, "weight_file").value_or(conf.weight_file);
  conf.notify_fifo = only_text(keys, "notify_fifo").value_or(conf.notify_fifo);
  conf.instance = only_text(keys, "vrrp_instance").value_or(conf.instance);
  const std::string arbiter = only_text(keys, "arbiter").value_or("");
  if (arbiter != "keepalived") {
    checked.wrong.push_back(path + " has takeover.arbiter = \"" + arbiter +
                            "\": tandemd would not listen to keepalived; it must be \"keepalived\"");
  }
  const auto configured = keys.find("vip");
  std::vector<std::string> vips = configured == keys.end() ? std::vector<std::string>() : configured->second;
  for (const std::string& vip : conf.vips) {
    const std::optional<Network> parsed = parse_network(vip);
    if (parsed && !is_vip(*parsed, vips)) {
      checked.wrong.push_back(path + " has takeover.vip = " + joined(vips) + ", without " + bare(vip) +
                              ": tandemd would not see that this box has it");
    }
  }
}

void look_for_keepalived(Checked& checked) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders((path == nullptr ? std::string() : std::string(path)) + ":/usr/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (!folder.empty() && ::access((folder + "/keepalived").c_str(), X_OK) == 0) return;
  }
  checked.notes.emplace_back("keepalived is not installed on this box: apt-get install keepalived");
}

Checked check(const SetupKeepalivedArguments& arguments) {
  Checked checked;
  checked.conf.interface = arguments.interface;
  checked.conf.own = arguments.own;
  checked.conf.peer = arguments.peer;
  checked.conf.vips = arguments.vips;
  checked.conf.router_id = arguments.router_id;
  const std::vector<OwnAddress> all = own_addresses();
  check_interface(all, checked);
  const std::optional<Network> peer = parse_network(arguments.peer);
  if (!peer || arguments.peer != bare(arguments.peer)) {
    checked.wrong.push_back("--peer " + arguments.peer + " is no IP address");
  } else if (checked.wrong.empty()) {
    check_peer(all, *peer, checked);
    find_own(on_interface(all, arguments.interface), *peer, checked);
    for (const std::string& vip : arguments.vips) check_vip(all, vip, checked);
    if (std::none_of(arguments.vips.begin(), arguments.vips.end(), [&peer](const std::string& vip) {
          return parse_network(vip).value_or(Network{}).address.v6 == peer->address.v6;
        })) {
      checked.wrong.push_back("--vip: at least one must be " + std::string(peer->address.v6 ? "IPv6" : "IPv4") +
                              " as --peer");
    }
  }
  if (!arguments.config.empty()) check_config(arguments.config, checked);
  look_for_keepalived(checked);
  return checked;
}

Status write_file(const std::string& path, const std::string& text, bool replace) {
  if (!replace && ::access(path.c_str(), F_OK) == 0)
    return Error{path + " exists; nothing was written. --force replaces it"};
  const Status written = replace_file(path, text, 0644, Sync::yes);
  if (!written.ok()) return Error{path + " cannot be written: " + written.error().message};
  return {};
}

}  // namespace

int run_setup_keepalived(const SetupKeepalivedArguments& arguments) {
  const Checked checked = check(arguments);
  for (const std::string& note : checked.notes) complain("note: " + note);
  for (const std::string& wrong : checked.wrong) complain(wrong);
  if (!checked.wrong.empty()) {
    complain("nothing was written");
    return exit_bad;
  }
  const std::string text = keepalived_conf(checked.conf);
  if (arguments.output == "-") {
    print(text);
    return exit_good;
  }
  if (const Status written = write_file(arguments.output, text, arguments.force); !written.ok()) {
    complain(written.error().message);
    return exit_bad;
  }
  print(arguments.output + ": written for this box (" + checked.conf.own + ", the other one is " + checked.conf.peer +
        ").\nNow: keepalived --config-test -f " + arguments.output + " && systemctl restart keepalived\n" +
        "Then the same on the other box, with --own and --peer exchanged.\n");
  return exit_good;
}

}  // namespace tandem::cli
