// tandemctl: looks at a Tandem box and tells it what to do, over its control socket. This file parses the
// arguments.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace {

using namespace tandem::cli;

int run(int argc, char** argv) {
  CLI::App app{
      "tandemctl: status and operation of a Tandem box (exit codes: 0 good, 1 not protected or refused, "
      "2 wrong arguments, 3 no tandemd there, 4 no answer)",
      "tandemctl"};
  app.set_version_flag("--version", "tandemctl " TANDEM_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  std::vector<std::string> sockets;
  app.add_option("--socket", sockets,
                 "control socket of tandemd (default /run/tandem/tandemd.sock); status takes several")
      ->allow_extra_args(false);

  StatusArguments status;
  CLI::App* const status_command =
      app.add_subcommand("status", "both boxes at a glance; exit code 0: protected, 1: not");
  status_command->add_flag("--json", status.json, "one line of JSON");
  status_command->add_flag("--watch", status.watch, "again and again, every 500 ms, until Ctrl-C");

  PromoteArguments promote;
  CLI::App* const promote_command = app.add_subcommand("promote", "make this box the active one by hand");
  CLI::Option_group* const how = promote_command->add_option_group("how");
  how->add_flag("--first", promote.first, "the first box of a new pair, which holds nothing");
  how->add_flag("--force", promote.force, "although messages may be missing here (the other box is lost)");
  how->require_option(1);
  promote_command->add_flag("--yes", promote.yes, "do not ask");

  KeygenArguments keygen;
  CLI::App* const keygen_command = app.add_subcommand("keygen", "make the keys of the mirror link");
  keygen_command->add_option("--out", keygen.folder, "folder for NAME.key and NAME.pub")->required();
  keygen_command->add_option("--name", keygen.names, "node name of a box; give one for each box")
      ->required()
      ->allow_extra_args(false);
  keygen_command->add_flag("--force", keygen.force, "replace existing files");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_good : exit_usage;
  }
  if (sockets.empty()) sockets.emplace_back("/run/tandem/tandemd.sock");
  if (status_command->parsed()) return run_status(sockets, status);
  if (promote_command->parsed()) return run_promote(sockets, promote);
  return run_keygen(keygen);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {  // CLI11 on a mistake of this file, or no memory
    complain(error.what());
    return exit_failed;
  }
}
