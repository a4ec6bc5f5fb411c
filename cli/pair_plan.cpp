// Checks of a plan, and what keepalived is told of it. pair_files.cpp writes and reads the texts.
#include "cli/pair_plan.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "cli/interfaces.hpp"
#include "cli/keepalived_check.hpp"

namespace tandem::cli {

namespace {

constexpr std::size_t max_name_bytes = 64;
constexpr std::size_t max_reach = 8;

bool is_word(const std::string& text, std::string_view more) {
  return std::all_of(text.begin(), text.end(), [more](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

bool is_address(const std::string& text) {
  return text == bare(text) && parse_network(text).has_value();
}

// The LAN addresses are keepalived's too: check_keepalived() says more about them.
void check_addresses(const PairPlan& plan, std::vector<std::string>& wrong) {
  if (!is_address(plan.self.own)) wrong.push_back("--own " + plan.self.own + " is no IP address");
  if (!is_address(plan.other.own)) wrong.push_back("--peer " + plan.other.own + " is no IP address");
  if (plan.vips.empty()) wrong.emplace_back("--vip is needed: the virtual IP with prefix, such as 192.0.2.10/24");
  for (const std::string& vip : plan.vips) {
    if (parse_network(vip) && vip != bare(vip)) continue;
    wrong.push_back("--vip " + vip + " is no address with prefix, such as 192.0.2.10/24");
  }
  if (plan.reach.size() > max_reach) wrong.push_back("--reach: at most " + std::to_string(max_reach) + " hosts");
  for (const std::string& host : plan.reach) {
    const std::optional<Network> address = parse_network(host);
    if (!is_address(host)) {
      wrong.push_back("--reach " + host + " is no IP address");
    } else if (host == plan.self.own || host == plan.other.own || is_vip(*address, plan.vips)) {
      wrong.push_back("--reach " + host + " is one of the pair's own: name a gateway, a switch or a PLC");
    }
  }
}

void check_link(const PairPlan& plan, std::vector<std::string>& wrong) {
  const std::string& own = plan.self.link;
  const std::string& peer = plan.other.link;
  if (own.empty() && peer.empty()) return;
  if (own.empty() || peer.empty()) {
    wrong.emplace_back("--link-own and --link-peer: give both addresses of the cross cable, or none");
  } else if (!is_address(own) || !is_address(peer)) {
    wrong.push_back((is_address(own) ? "--link-peer " + peer : "--link-own " + own) + " is no IP address");
  } else if (own == peer) {
    wrong.push_back("--link-own and --link-peer are both " + own + ": give the address of each box");
  } else if (own == plan.self.own || peer == plan.other.own) {
    wrong.emplace_back("--link-own and --link-peer: the second path needs addresses of its own, on the cross cable");
  }
}

}  // namespace

PairPlan PairPlan::of_other() const {
  PairPlan plan = *this;
  std::swap(plan.self, plan.other);
  return plan;
}

bool is_node_name(const std::string& name) {
  return !name.empty() && name.size() <= max_name_bytes && name.front() != '.' && is_word(name, "._-");
}

std::vector<std::string> contradictions(const PairPlan& plan) {
  std::vector<std::string> wrong;
  for (const auto& [option, name] :
       {std::pair("--name ", plan.self.name), std::pair("--peer-name ", plan.other.name)}) {
    if (is_node_name(name)) continue;
    wrong.push_back(option + name + " is no node name: 1 to 64 of a-z A-Z 0-9 . _ - and no dot in front");
  }
  if (plan.self.name == plan.other.name) wrong.push_back("--name and --peer-name are both " + plan.self.name);
  for (const std::string& interface : {plan.self.interface, plan.other.interface}) {
    if (interface.empty() || !is_word(interface, "._-@:")) {
      wrong.push_back("--interface " + interface + " is no name of an interface");
    }
  }
  check_addresses(plan, wrong);
  check_link(plan, wrong);
  if (plan.durability != "peer" && plan.durability != "disk" && plan.durability != "peer+disk") {
    wrong.push_back("--durability " + plan.durability + " is unknown: peer, disk or peer+disk");
  }
  if (plan.router_id < 1 || plan.router_id > 255) wrong.emplace_back("--router-id: 1 to 255");
  return wrong;
}

KeepalivedConf keepalived_of(const PairPlan& plan) {
  KeepalivedConf conf;
  conf.interface = plan.self.interface;
  conf.own = plan.self.own;
  conf.peer = plan.other.own;
  conf.vips = plan.vips;
  conf.router_id = plan.router_id;
  return conf;
}

}  // namespace tandem::cli
