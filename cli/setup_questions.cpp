// See setup_questions.hpp. Each answer is looked at by itself; what must hold between them, and on this box, is checked
// before anything is written.
#include "cli/setup_questions.hpp"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <istream>
#include <ostream>
#include <sstream>

#include "cli/keepalived_check.hpp"
#include "cli/pair_plan.hpp"

namespace tandem::cli {

namespace {

struct Question {
  const char* text;
  std::string& answer;
  std::string proposal;                                  // empty: none
  std::function<std::string(const std::string&)> wrong;  // why the answer cannot be; empty: it can
  bool optional = false;                                 // "-" means none
};

std::string is_name(const std::string& text) {
  return is_node_name(text) ? "" : "1 to 64 of a-z A-Z 0-9 . _ - and no dot in front";
}
std::string is_address(const std::string& text) {
  return text == bare(text) && parse_network(text) ? "" : "an IP address, such as 192.0.2.12";
}
std::string is_network(const std::string& text) {
  return text != bare(text) && parse_network(text) ? "" : "an address with prefix, such as 192.0.2.10/24";
}
std::string is_yes_or_no(const std::string& text) {
  return text == "yes" || text == "no" ? "" : "yes or no";
}

// Routes are in the byte order of the network, written as one hexadecimal number of this machine.
void find_gateway(Surroundings& here) {
  std::ifstream routes("/proc/net/route");
  std::string line;
  std::getline(routes, line);
  while (std::getline(routes, line)) {
    std::istringstream words(line);
    std::string interface;
    std::uint32_t destination = 0;
    std::uint32_t gateway = 0;
    words >> interface >> std::hex >> destination >> gateway;
    if (!words || destination != 0 || gateway == 0) continue;
    const in_addr address{gateway};
    std::array<char, INET_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET, &address, text.data(), text.size());
    here.gateway = text.data();
    here.gateway_interface = interface;
    return;
  }
}

bool stays_here(const OwnAddress& one) {
  if (one.text.empty() || one.interface == "lo") return false;
  return !one.network.address.v6 || (one.network.address.bytes[0] != 0xfe);  // not link-local
}

std::string proposed_interface(const Surroundings& here) {
  if (!here.gateway_interface.empty()) return here.gateway_interface;
  std::string only;
  for (const OwnAddress& one : here.addresses) {
    if (!stays_here(one)) continue;
    if (!only.empty() && only != one.interface) return {};
    only = one.interface;
  }
  return only;
}

// The first IPv4 address there, else the first.
std::string proposed_own(const Surroundings& here, const std::string& interface) {
  std::string found;
  for (const OwnAddress& one : on_interface(here.addresses, interface)) {
    if (!stays_here(one)) continue;
    if (!one.network.address.v6) return one.text;
    if (found.empty()) found = one.text;
  }
  return found;
}

std::string proposed_reach(const Surroundings& here, const std::string& interface) {
  return interface == here.gateway_interface ? here.gateway : "";
}

// An address of another interface: perhaps that is the cross cable.
std::string proposed_link(const Surroundings& here, const std::string& interface) {
  for (const OwnAddress& one : here.addresses) {
    if (stays_here(one) && one.interface != interface) return one.text;
  }
  return {};
}

bool ask(const Question& question, std::istream& in, std::ostream& out) {
  if (!question.answer.empty()) return true;
  for (;;) {
    out << question.text;
    if (!question.proposal.empty()) out << " [" << question.proposal << "]";
    out << ": " << std::flush;
    std::string line;
    if (!std::getline(in, line)) return false;
    line.erase(0, line.find_first_not_of(" \t"));
    line.erase(line.find_last_not_of(" \t\r") + 1);
    if (line.empty()) line = question.proposal;
    if (question.optional && (line.empty() || line == "-")) return true;
    const std::string why = question.wrong(line);
    if (why.empty()) {
      question.answer = line;
      return true;
    }
    out << "  Needed: " << why << "\n";
  }
}

}  // namespace

Surroundings look_around() {
  Surroundings here;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0) here.host_name = name.data();
  here.host_name = here.host_name.substr(0, here.host_name.find('.'));
  here.addresses = own_addresses();
  find_gateway(here);
  return here;
}

std::string name_of_twin(const std::string& name) {
  if (name.empty()) return {};
  std::string twin = name;
  switch (name.back()) {
    case 'a':
    case 'A':
    case '1':
      ++twin.back();
      return twin;
    case 'b':
    case 'B':
    case '2':
      --twin.back();
      return twin;
    default:
      return {};
  }
}

bool ask_missing(SetupPairArguments& arguments, const Surroundings& here, std::istream& in, std::ostream& out) {
  SetupPairArguments& a = arguments;
  const auto interface_there = [&here](const std::string& text) {
    const bool there = std::any_of(here.addresses.begin(), here.addresses.end(),
                                   [&text](const OwnAddress& one) { return one.interface == text; });
    return there ? std::string() : "an interface of this box (ip addr shows them)";
  };
  std::string vip = a.vips.empty() ? "" : a.vips.front();
  std::string reach = a.reach.empty() ? "" : a.reach.front();
  const auto asked = [&](const Question& question) { return ask(question, in, out); };
  if (!asked({"Name of this box", a.name, here.host_name, is_name}) ||
      !asked({"Name of the other box", a.peer_name, name_of_twin(a.name), is_name}) ||
      !asked({"Interface where the clients are", a.interface, proposed_interface(here), interface_there}) ||
      !asked({"Address of this box there", a.own, proposed_own(here, a.interface), is_address}) ||
      !asked({"Address of the other box there", a.peer, "", is_address}) ||
      !asked({"Virtual IP, which the clients use, with prefix", vip, "", is_network}) ||
      !asked({"Address of this box on a cable from box to box, or -", a.link_own, proposed_link(here, a.interface),
              is_address, true})) {
    return false;
  }
  if (!a.link_own.empty() && !asked({"Address of the other box on that cable", a.link_peer, "", is_address})) {
    return false;
  }
  if (!asked({"A host on the LAN that always answers ping (gateway, switch), or -", reach,
              proposed_reach(here, a.interface), is_address, true})) {
    return false;
  }
  if (a.durability.empty() &&
      !asked({"Do both boxes hang on one breaker (yes or no)", a.same_breaker, "", is_yes_or_no})) {
    return false;
  }
  if (a.vips.empty()) a.vips.push_back(vip);
  if (a.reach.empty() && !reach.empty()) a.reach.push_back(reach);
  return true;
}

std::vector<std::string> missing_options(const SetupPairArguments& arguments, const Surroundings& here) {
  const SetupPairArguments& a = arguments;
  std::vector<std::string> missing;
  const auto need = [&missing](bool there, const std::string& option, const std::string& what,
                               const std::string& proposal) {
    if (there) return;
    missing.push_back(option + " is missing: " + what + (proposal.empty() ? "" : "; perhaps " + proposal));
  };
  need(!a.name.empty(), "--name NAME", "the name of this box", here.host_name);
  need(!a.peer_name.empty(), "--peer-name NAME", "the name of the other box", name_of_twin(a.name));
  need(!a.interface.empty(), "--interface NAME", "where the clients are", proposed_interface(here));
  need(!a.own.empty(), "--own ADDR", "the address of this box there", proposed_own(here, a.interface));
  need(!a.peer.empty(), "--peer ADDR", "the address of the other box there", "");
  need(!a.vips.empty(), "--vip ADDR/PREFIX", "the virtual IP, which the clients use", "");
  need(!a.same_breaker.empty() || !a.durability.empty(), "--same-breaker yes|no",
       "do both boxes hang on one breaker? (or --durability peer, disk or peer+disk)", "");
  return missing;
}

}  // namespace tandem::cli
