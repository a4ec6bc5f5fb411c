// tandemctl setup join FILE: makes this box the second one of a pair, or takes the place of a box that is lost.
#include <sys/stat.h>

#include "cli/box_setup.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

int run_setup_join(const SetupJoinArguments& arguments) {
  Result<PairPlan> read = read_join(arguments.file);
  if (!read.ok()) {
    complain(read.error().message + "\ntandemctl: nothing was written");
    return exit_bad;
  }
  PairPlan plan = read.take();
  if (!arguments.interface.empty()) plan.self.interface = arguments.interface;
  if (!set_up_box(plan, arguments.places, words_of_join())) return exit_bad;
  print("\nNow:\n  1. Delete " + arguments.file +
        ", here and on what carried it: it has the secret keys of the pair.\n"
        "  2. systemctl restart tandemd keepalived\n"
        "  3. tandemctl status says what to do until it says PROTECTED.\n"
        "Keep " +
        join_file_path(plan, arguments.places) + ": it replaces " + plan.other.name + " should that box be lost.\n");
  return exit_good;
}

}  // namespace tandem::cli
