// keepalived.conf of one box of a pair, as text. Proven in tests/lab; docs/takeover.md says why each line is there.
#pragma once

#include <string>
#include <vector>

namespace tandem::cli {

struct KeepalivedConf {
  std::string interface;
  std::string own;                // address of this box on it
  std::string peer;               // of the other box, of the same family
  std::vector<std::string> vips;  // with prefix; those of another family than `peer` may not go into the adverts
  int router_id = 51;             // the same on both boxes, and nobody else's in this network
  std::string weight_file = "/run/tandem/vrrp.weight";
  std::string notify_fifo = "/run/tandem/vrrp.fifo";
  std::string instance = "TANDEM";
};

std::string keepalived_conf(const KeepalivedConf& conf);

}  // namespace tandem::cli
