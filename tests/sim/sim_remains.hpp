// What can still be read of a simulated disk on which something is rotten.
#pragma once

#include "sim_store.hpp"
#include "store/remains.hpp"

namespace sim {

class SimRemains final : public store::Remains {
 public:
  explicit SimRemains(const Disk& disk);
  void read_rows(const std::function<void(Row&&)>& visit) override;
  void read_log(Lsn after, const std::function<void(Batch&&)>& visit) override;

 private:
  const Disk& disk_;
};

}  // namespace sim
