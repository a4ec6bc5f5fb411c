// Does a keepalived.conf fit this box? What the commands of `tandemctl setup` have in common.
#pragma once

#include <string>
#include <vector>

#include "cli/interfaces.hpp"
#include "cli/keepalived_conf.hpp"

namespace tandem::cli {

// What the person who reads a complaint knows these by: options, or lines of a file.
struct WhatItIsCalled {
  std::string own = "--own";
  std::string peer = "--peer";
  std::string vip = "--vip";
};

struct CheckedConf {
  KeepalivedConf conf;  // `own` filled in if it was empty and only one address can be meant
  WhatItIsCalled called;
  std::vector<std::string> wrong;  // then nothing is written
  std::vector<std::string> notes;  // it is written all the same
};

// Against `all`, the addresses of this box, and the programs that it has.
CheckedConf check_keepalived(const KeepalivedConf& wanted, const std::vector<OwnAddress>& all,
                             const WhatItIsCalled& called = {});

std::string joined(const std::vector<std::string>& texts);  // "a, b"; "none"
std::string bare(const std::string& address);               // without prefix
bool is_vip(const Network& address, const std::vector<std::string>& vips);
// Those with an address.
std::vector<OwnAddress> on_interface(const std::vector<OwnAddress>& all, const std::string& interface);

}  // namespace tandem::cli
