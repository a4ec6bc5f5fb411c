// Not fsynced: it lies in /run, and a box that starts is worth nothing anyway.
#include "vip/weight_file.hpp"

#include "base/replace_file.hpp"

namespace tandem::vip {

Status WeightFile::write(int weight) const {
  const Status written = replace_file(path_, std::to_string(weight) + "\n", 0644, Sync::no);
  if (written.ok()) return {};
  return Error{"keepalived cannot be told what this box is worth: " + path_ + " cannot be written (" +
               written.error().message +
               "). Check that its folder exists and belongs to the user of tandemd (systemd/tandem.tmpfiles)"};
}

}  // namespace tandem::vip
