// What `tandemctl setup pair` was not told: asked on a terminal, with a proposal where this box gives one; elsewhere
// named, all at once.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/interfaces.hpp"

namespace tandem::cli {

struct Surroundings {
  std::string host_name;
  std::vector<OwnAddress> addresses;
  std::string gateway;            // of IPv4; empty: there is none
  std::string gateway_interface;  // the way to it
};
Surroundings look_around();

// "boxb" for "boxa", "node-2" for "node-1"; empty if the name gives no hint.
std::string name_of_twin(const std::string& name);

// False: the input ended before all was answered.
bool ask_missing(SetupPairArguments& arguments, const Surroundings& here, std::istream& in, std::ostream& out);

// A line each, with a proposal.
std::vector<std::string> missing_options(const SetupPairArguments& arguments, const Surroundings& here);

}  // namespace tandem::cli
