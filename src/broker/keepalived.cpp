// Weight out, word in.
#include "broker/keepalived.hpp"

#include "mirror/weight.hpp"
#include "vip/address.hpp"

namespace tandem::broker {

Keepalived::Keepalived(const TakeoverConfig& config)
    : config_(config), weight_file_(config.weight_file), weight_(mirror::weight_fault) {
  set_weight(mirror::weight_fault);
}

Keepalived::~Keepalived() {
  if (weight_ != mirror::weight_fault) set_weight(mirror::weight_fault);
}

bool Keepalived::master() {
  bool here = false;
  for (const std::string& vip : config_.vip) here = here || vip::address_present(vip);
  return here;
}

void Keepalived::set_weight(int weight) {
  weight_ = weight;
  written_ = weight_file_.write(weight);
}

std::map<std::string, std::string> Keepalived::troubles() {
  if (!written_.ok()) written_ = weight_file_.write(weight_);
  return {{"weight", written_.ok() ? "" : written_.error().message + "."}};
}

}  // namespace tandem::broker
