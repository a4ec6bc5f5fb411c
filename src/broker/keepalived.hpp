// keepalived as the node sees it (Vrrp of parts.hpp): who holds the virtual IP, and what this box is worth.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/clocks.hpp"
#include "broker/config.hpp"
#include "broker/parts.hpp"
#include "vip/address_watch.hpp"
#include "vip/notify_fifo.hpp"
#include "vip/reach.hpp"
#include "vip/weight_file.hpp"
#include "vip/weight_readers.hpp"

namespace tandem::broker {

class Keepalived final : public Vrrp {
 public:
  // Until the node has a weight, and again at the end, this box is worth nothing.
  Keepalived(const TakeoverConfig& config, const Clocks& clocks);
  ~Keepalived() override;

  Status open(std::uint16_t echo_id);  // Error: the word cannot be known. `echo_id`: random
  std::vector<int> fds() const;        // readable: ask for the word

  bool master() override;
  bool reaches_somebody() override;
  void set_weight(int weight) override;
  std::map<std::string, std::string> troubles() override;

 private:
  void write();
  std::string unguarded();

  const TakeoverConfig config_;
  const Clocks& clocks_;
  vip::WeightFile weight_file_;
  vip::WeightReaders weight_readers_;
  std::unique_ptr<vip::AddressWatch> addresses_;
  std::unique_ptr<vip::NotifyFifo> fifo_;  // null: cannot be opened
  std::string fifo_trouble_;
  std::unique_ptr<vip::Reach> reach_;  // null: nobody is asked
  std::string reach_trouble_;
  std::set<std::string, std::less<>> not_master_;  // own instances whose last notice said so
  int weight_;
  Status written_;
  Steady written_at_;
  Steady read_at_;  // keepalived read the weight
};

}  // namespace tandem::broker
