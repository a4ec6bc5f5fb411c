// A store that cannot be loaded is set aside as a whole, and a new one is begun with what is sound of it, marked STALE:
// the node never takes over by itself with that, and fetches everything from the peer. docs/roles.md, "As built".
//
// data_dir/damage says how far this has come, so that it is finished after a crash, and what is missing until the
// peer's copy is here. Its first line is "moving FOLDER" or "done FOLDER"; the rest is for people.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "store/store.hpp"

namespace tandem::broker {

class Salvage {
 public:
  Salvage(store::StoreOptions options, std::function<std::uint64_t()> random)
      : options_(std::move(options)), random_(std::move(random)) {}

  // Before the store is opened: finishes one that a crash interrupted.
  Status resume();
  // The store was refused, and is closed. True: it is damaged, has been set aside, and a new one is there. `known`:
  // what is known to be wrong with it, if looking at the files does not show it. False: that is no damage.
  Result<bool> set_aside(Instant wall, const std::string& known);
  // What this store lacks, for people; empty: nothing known.
  std::string missing() const;
  // The peer's copy is here: the report moves to what was set aside.
  void healed();

 private:
  Status write_marker(const std::string& text) const;
  Status move_files(const std::string& folder) const;
  Status rebuild(const std::string& folder, const std::string& known);
  std::string path(const std::string& name) const { return options_.directory + "/" + name; }

  store::StoreOptions options_;
  std::function<std::uint64_t()> random_;
};

}  // namespace tandem::broker
