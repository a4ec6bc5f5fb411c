// See keepalived_check.hpp.
#include "cli/keepalived_check.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <sstream>

namespace tandem::cli {

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

bool is_vip(const Network& address, const std::vector<std::string>& vips) {
  return std::any_of(vips.begin(), vips.end(), [&address](const std::string& vip) {
    const std::optional<Network> parsed = parse_network(vip);
    return parsed && parsed->address == address.address;
  });
}

namespace {

void check_interface(const std::vector<OwnAddress>& all, CheckedConf& checked) {
  std::vector<std::string> names;
  for (const OwnAddress& one : all) {
    if (std::find(names.begin(), names.end(), one.interface) == names.end()) names.push_back(one.interface);
  }
  if (std::find(names.begin(), names.end(), checked.conf.interface) != names.end()) return;
  checked.wrong.push_back("--interface " + checked.conf.interface + ": this box has no such interface, but " +
                          joined(names));
}

// The own address as given, or the only one that can be meant: in the peer's network, and no virtual IP.
void find_own(const std::vector<OwnAddress>& here, const Network& peer, CheckedConf& checked) {
  KeepalivedConf& conf = checked.conf;
  std::vector<std::string> candidates;
  for (const OwnAddress& one : here) {
    if (one.network.holds(peer) && !is_vip(one.network, conf.vips)) candidates.push_back(one.text);
  }
  if (conf.own.empty()) {
    if (candidates.size() == 1) {
      conf.own = candidates.front();
    } else {
      checked.wrong.push_back(checked.called.own + " ADDR is needed: addresses on " + conf.interface +
                              " in the network of the other box are " + joined(candidates));
    }
    return;
  }
  const std::optional<Network> own = parse_network(conf.own);
  if (!own || conf.own != bare(conf.own)) {
    checked.wrong.push_back(checked.called.own + " " + conf.own + " is no IP address");
  } else if (is_vip(*own, conf.vips)) {
    checked.wrong.push_back(
        checked.called.own + " " + conf.own +
        " is the virtual IP: give the address that stays on this box; candidates: " + joined(candidates));
  } else if (own->address.v6 != peer.address.v6) {
    checked.wrong.push_back(checked.called.own + " " + conf.own + " and " + checked.called.peer + " " + conf.peer +
                            " are not both IPv4 or both IPv6: adverts go from one to the other");
  } else if (std::none_of(here.begin(), here.end(),
                          [&own](const OwnAddress& one) { return one.network.address == own->address; })) {
    checked.wrong.push_back(checked.called.own + " " + conf.own + " is not an address of " + conf.interface +
                            " on this box; in the network of the other box it has " + joined(candidates));
  }
}

void check_peer(const std::vector<OwnAddress>& all, const Network& peer, CheckedConf& checked) {
  const KeepalivedConf& conf = checked.conf;
  if (is_vip(peer, conf.vips)) {
    checked.wrong.push_back(checked.called.peer + " " + conf.peer +
                            " is the virtual IP: give the address that stays on the other box");
    return;
  }
  for (const OwnAddress& one : all) {
    if (one.text.empty() || one.network.address != peer.address) continue;
    checked.wrong.push_back(checked.called.peer + " " + conf.peer + " is an address of this box (" + one.interface +
                            "): give the other box's");
  }
}

void check_vip(const std::vector<OwnAddress>& all, const std::string& text, CheckedConf& checked) {
  const std::optional<Network> vip = parse_network(text);
  if (!vip || text == bare(text)) {
    checked.wrong.push_back(checked.called.vip + " " + text + " is no address with prefix, such as 192.0.2.10/24");
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
    checked.wrong.push_back(checked.called.vip + " " + text + " is in no network of " + interface + ", which has " +
                            joined(networks) + " (the prefix must be the same, too)");
  }
}

void look_for_keepalived(CheckedConf& checked) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders((path == nullptr ? std::string() : std::string(path)) + ":/usr/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (!folder.empty() && ::access((folder + "/keepalived").c_str(), X_OK) == 0) return;
  }
  checked.notes.emplace_back("keepalived is not installed on this box: apt-get install keepalived");
}

}  // namespace

CheckedConf check_keepalived(const KeepalivedConf& wanted, const std::vector<OwnAddress>& all,
                             const WhatItIsCalled& called) {
  CheckedConf checked{wanted, called, {}, {}};
  check_interface(all, checked);
  const std::optional<Network> peer = parse_network(wanted.peer);
  if (!peer || wanted.peer != bare(wanted.peer)) {
    checked.wrong.push_back(called.peer + " " + wanted.peer + " is no IP address");
  } else if (checked.wrong.empty()) {
    check_peer(all, *peer, checked);
    find_own(on_interface(all, wanted.interface), *peer, checked);
    for (const std::string& vip : wanted.vips) check_vip(all, vip, checked);
    if (std::none_of(wanted.vips.begin(), wanted.vips.end(), [&peer](const std::string& vip) {
          return parse_network(vip).value_or(Network{}).address.v6 == peer->address.v6;
        })) {
      checked.wrong.push_back(called.vip + ": at least one must be " + std::string(peer->address.v6 ? "IPv6" : "IPv4") +
                              " as " + called.peer);
    }
  }
  look_for_keepalived(checked);
  return checked;
}

}  // namespace tandem::cli
