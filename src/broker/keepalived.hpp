// keepalived as the node sees it (Vrrp of parts.hpp): who holds the virtual IP, and what this box is worth.
#pragma once

#include <map>
#include <string>

#include "broker/config.hpp"
#include "broker/parts.hpp"
#include "vip/weight_file.hpp"

namespace tandem::broker {

class Keepalived final : public Vrrp {
 public:
  // Until the node has a weight, and again at the end, this box is worth nothing.
  explicit Keepalived(const TakeoverConfig& config);
  ~Keepalived() override;

  bool master() override;
  void set_weight(int weight) override;
  std::map<std::string, std::string> troubles() override;

 private:
  const TakeoverConfig config_;
  vip::WeightFile weight_file_;
  int weight_;
  Status written_;
};

}  // namespace tandem::broker
