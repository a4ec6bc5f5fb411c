// tandemctl setup pair: sets up the first box of a pair and makes the file that sets up the other one.
#include <unistd.h>

#include <iostream>
#include <utility>

#include "cli/box_setup.hpp"
#include "cli/command.hpp"
#include "cli/setup_questions.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {

// Both boxes on one breaker lose power in the same instant: then only the disks remember.
std::string durability_of(const SetupPairArguments& arguments) {
  if (!arguments.durability.empty()) return arguments.durability;
  return arguments.same_breaker == "yes" ? "peer+disk" : "peer";
}

PairPlan plan_of(const SetupPairArguments& arguments) {
  PairPlan plan;
  plan.self = {arguments.name, arguments.interface, arguments.own, arguments.link_own, mirror::make_keys()};
  plan.other = {arguments.peer_name, arguments.interface, arguments.peer, arguments.link_peer, mirror::make_keys()};
  plan.vips = arguments.vips;
  plan.reach = arguments.reach;
  plan.router_id = arguments.router_id;
  plan.durability = durability_of(arguments);
  return plan;
}

// What was answered, as options: to change one of them and try again without being asked for all.
std::string as_command(const SetupPairArguments& a) {
  std::string text = "tandemctl setup pair";
  const auto add = [&text](const char* option, const std::string& value) {
    if (!value.empty()) text += std::string(" ") + option + " " + value;
  };
  add("--name", a.name);
  add("--peer-name", a.peer_name);
  add("--interface", a.interface);
  add("--own", a.own);
  add("--peer", a.peer);
  for (const std::string& vip : a.vips) add("--vip", vip);
  add("--link-own", a.link_own);
  add("--link-peer", a.link_peer);
  for (const std::string& host : a.reach) add("--reach", host);
  add("--same-breaker", a.same_breaker);
  add("--durability", a.durability);
  return text;
}

bool complete(SetupPairArguments& arguments) {
  const Surroundings here = look_around();
  if (is_terminal(STDIN_FILENO)) {
    if (ask_missing(arguments, here, std::cin, std::cout)) {
      print("\nThe same without questions:\n  " + as_command(arguments) + "\n\n");
      return true;
    }
    complain("no answer");
  } else {
    const std::vector<std::string> missing = missing_options(arguments, here);
    if (missing.empty()) return true;
    for (const std::string& one : missing) complain(one);
  }
  complain("nothing was written");
  return false;
}

}  // namespace

int run_setup_pair(SetupPairArguments arguments) {
  if (!complete(arguments)) return exit_bad;
  const PairPlan plan = plan_of(arguments);
  if (plan.durability != "peer+disk" && arguments.same_breaker == "yes") {
    complain("note: Both boxes hang on one breaker, and durability \"" + plan.durability +
             "\" may lose the last 50 ms when it trips; \"peer+disk\" loses nothing.");
  }
  if (!set_up_box(plan, arguments.places, {})) return exit_bad;
  const std::string join = join_file_path(plan, arguments.places);
  print("\nNow:\n  1. Carry " + join + " to " + plan.other.name + " (scp, or a USB stick) and run there:\n" +
        "       tandemctl setup join " + plan.of_other().join_file_name() +
        "\n  2. Delete what carried it. It has the secret keys of the pair; the file here may stay.\n"
        "  3. On both boxes: systemctl restart tandemd keepalived\n"
        "  4. tandemctl status says what to do until it says PROTECTED.\n");
  return exit_good;
}

}  // namespace tandem::cli
