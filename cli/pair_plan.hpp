// What the two boxes of a pair must agree about, and the files that follow from it. tandemctl setup pair makes one and
// carries it to the other box in a join file, so that nothing has to be typed twice.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "cli/keepalived_conf.hpp"
#include "mirror/link.hpp"

namespace tandem::cli {

struct BoxPlan {
  std::string name;
  std::string interface;  // where the virtual IP goes
  std::string own;        // the address that stays on this box
  std::string link;       // its address on the cross cable; empty: there is none
  mirror::KeyPair keys;
};

struct PairPlan {
  BoxPlan self;
  BoxPlan other;
  std::vector<std::string> vips;   // with prefix
  std::vector<std::string> reach;  // hosts on the LAN that answer ping (takeover.reach); none: the cable decides
  int router_id = 51;
  std::string durability;  // mirror.durability

  PairPlan of_other() const;
  // Alike on both boxes, so that a person sees at once which join file belongs to which pair.
  std::string join_file_name() const { return self.name + ".tandem-join"; }
};

// As [node] name in the configuration, and a file name.
bool is_node_name(const std::string& name);

// What cannot be right on any box; empty if nothing. The words are the options of `tandemctl setup pair`.
std::vector<std::string> contradictions(const PairPlan& plan);

KeepalivedConf keepalived_of(const PairPlan& plan);

// tandem.toml of `self`, whose key is in `key_file`.
std::string tandem_toml(const PairPlan& plan, const std::string& key_file);

// The join file of `self` (TOML): both boxes with their keys, so that it also replaces `self` when that box is dead.
std::string join_text(const PairPlan& plan);
// `name` stands for the file in errors. The plan has no contradictions.
Result<PairPlan> parse_join(std::string_view text, const std::string& name);
// At most 64 KiB.
Result<PairPlan> read_join(const std::string& path);

}  // namespace tandem::cli
