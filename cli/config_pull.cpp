// tandemctl config pull: this box's file takes over what the other box runs with. It is ordered on the box whose file
// changes: nobody on one box can write root's files on the other one.
#include <unistd.h>

#include "base/limits.hpp"
#include "base/replace_file.hpp"
#include "base/text_file.hpp"
#include "base/toml_edit.hpp"
#include "cli/command.hpp"
#include "cli/config_differences.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {
constexpr mode_t config_mode = 0644;
}

int run_config_pull(const std::vector<std::string>& sockets, const ConfigPullArguments& arguments) {
  std::vector<ConfigDifference> differences;
  const int code = config_differences(sockets, "config pull", differences);
  if (code != exit_good || differences.empty()) return code;
  const Result<std::string> before = read_text_file("the configuration", arguments.file, limits::mib);
  if (!before.ok()) {
    complain(before.error().message);
    return exit_bad;
  }
  std::string text = before.value();
  int left = 0;
  for (const ConfigDifference& one : differences) {
    Result<std::string> made = one.there == "-" ? Result<std::string>(Error{"the other box does not know it"})
                                                : set_toml_key(text, toml_place(one.key), one.there);
    if (!made.ok()) {
      complain(one.key + " stays as it is: " + made.error().message);
      ++left;
      continue;
    }
    text = made.take();
    print(one.key + " = " + one.there + "\n");
  }
  Status kept = replace_file(arguments.file + ".before", before.value(), config_mode, Sync::yes);
  if (kept.ok()) kept = replace_file(arguments.file, text, config_mode, Sync::yes);
  if (!kept.ok()) {
    complain(arguments.file + " cannot be written: " + kept.error().message);
    return exit_bad;
  }
  print(arguments.file + " is written; the old one is " + arguments.file +
        ".before. It holds from the next start: tandemd --check-config, then restart tandemd on a standby.\n");
  return left == 0 ? exit_good : exit_bad;
}

}  // namespace tandem::cli
