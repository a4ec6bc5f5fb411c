// tandemctl config pull: this box's file takes over what the other box runs with. It is ordered on the box whose file
// changes; the other way round there is config push, for boxes that allow it.
#include "admin/config_difference.hpp"
#include "base/limits.hpp"
#include "base/text_file.hpp"
#include "cli/command.hpp"
#include "cli/config_differences.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

int run_config_pull(const std::vector<std::string>& sockets, const ConfigPullArguments& arguments) {
  std::vector<admin::ConfigDifference> differences;
  const int code = config_differences(sockets, "config pull", differences);
  if (code != exit_good || differences.empty()) return code;
  const FileText before = read_file(arguments.file, limits::mib);
  if (!before.ok() || before.larger) {
    complain("the configuration " + arguments.file +
             (before.larger ? " is larger than 1 MiB" : " cannot be read: " + before.reason()));
    return exit_bad;
  }
  const admin::TakenOver taken = admin::take_over(before.text, differences);
  for (const admin::TakenOver::Left& one : taken.left) complain(one.key + " stays as it is: " + one.why);
  for (const std::string& setting : taken.written) print(setting + "\n");
  if (const Status done = admin::replace_keeping_before(arguments.file, before, taken.text); !done.ok()) {
    complain(arguments.file + " cannot be written: " + done.error().message);
    return exit_bad;
  }
  print(arguments.file + " is written; the old one is " + arguments.file +
        ".before. It holds from the next start: tandemd --check-config, then restart tandemd on a standby.\n");
  return taken.left.empty() ? exit_good : exit_bad;
}

}  // namespace tandem::cli
