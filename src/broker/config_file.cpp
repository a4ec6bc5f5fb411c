#include "broker/config_file.hpp"

#include "admin/config_difference.hpp"
#include "base/limits.hpp"
#include "base/printable.hpp"
#include "base/text_file.hpp"
#include "broker/config.hpp"

namespace tandem::broker {

namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : ", ") + printable(part);
  return all;
}

std::string joined(const std::vector<admin::TakenOver::Left>& parts) {
  std::vector<std::string> texts;
  for (const admin::TakenOver::Left& part : parts) texts.push_back(part.key + " (" + part.why + ")");
  return joined(texts);
}

}  // namespace

Result<std::string> take_over_config(const std::string& file, const ConfigValues& there) {
  const FileText before = read_file(file, limits::mib);
  if (before.larger) return Error{file + " is larger than 1 MiB"};
  if (!before.ok()) return Error{file + " cannot be read: " + before.reason()};
  const Result<Config> old = parse_config(before.text, file);
  if (!old.ok()) return Error{"the file is wrong as it is: " + old.error().message};
  const admin::TakenOver taken = admin::take_over(before.text, differences(shared_values(old.value().values), there));
  const std::string rest = taken.left.empty() ? "" : " Left as they are: " + joined(taken.left) + ".";
  if (taken.written.empty() && taken.left.empty()) return file + " has these values already; they wait for a restart.";
  if (taken.written.empty()) return Error{"nothing in " + file + " was changed." + rest};
  const Result<Config> now = parse_config(taken.text, file);
  if (!now.ok()) return Error{"this box cannot run with it: " + now.error().message};
  if (own_values(now.value().values) != own_values(old.value().values))
    return Error{"it would change what is this box's own"};
  if (const Status done = admin::replace_keeping_before(file, before, taken.text); !done.ok())
    return Error{file + " cannot be written by tandemd: " + done.error().message};
  return file + " has now: " + joined(taken.written) + ". The old one is " + file + ".before." + rest;
}

}  // namespace tandem::broker
