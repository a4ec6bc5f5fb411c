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

// Every command's arguments, and what the one that was given does.
struct Commands {
  std::vector<std::string> sockets;
  StatusArguments status;
  PromoteArguments promote;
  SwitchoverArguments switchover;
  EventsArguments events;
  KeygenArguments keygen;
  SetupKeepalivedArguments keepalived;
  SetupPairArguments pair;
  SetupJoinArguments join;
  UserArguments user;
  AclTestArguments acl_test;
  ConfigPullArguments pull;
  std::string file;
  bool dry_run = false;
  int code = exit_usage;
};

// `action` runs once the arguments have been read.
template <class Action>
CLI::App* add(CLI::App& app, const char* name, const char* what, Action action) {
  CLI::App* const command = app.add_subcommand(name, what);
  command->final_callback(action);
  return command;
}

void add_looking(CLI::App& app, Commands& c) {
  CLI::App* const status = add(app, "status", "both boxes at a glance; exit code 0: protected, 1: not",
                               [&c] { c.code = run_status(c.sockets, c.status); });
  status->add_flag("--json", c.status.json, "one line of JSON");
  status->add_flag("--watch", c.status.watch, "again and again, every 500 ms, until Ctrl-C");

  CLI::App* const events = add(app, "events", "what happened to this box (several sockets: to each), and why",
                               [&c] { c.code = run_events(c.sockets, c.events); });
  events->add_flag("--json", c.events.json, "one line of JSON an event");
  events->add_flag("--follow", c.events.follow, "go on until Ctrl-C");
  events->add_option("-n", c.events.count, "how many of the newest (default 50)")->check(CLI::Range(1, 1000));
  events->add_option("--dir", c.events.directory, "read DATA_DIR itself, for a tandemd that is down");

  CLI::App* const config = app.add_subcommand("config", "the configuration of both boxes");
  config->require_subcommand(1);
  config->fallthrough();
  add(*config, "diff", "in what they are configured differently; exit code 0: in nothing, 1: in something",
      [&c] { c.code = run_config_diff(c.sockets); });
  CLI::App* const pull = add(*config, "pull", "write into this box's file what the other box runs with",
                             [&c] { c.code = run_config_pull(c.sockets, c.pull); });
  pull->add_option("--config", c.pull.file, "the file (default /etc/tandem/tandem.toml)");
  add(*config, "push", "write into the other box's file what this one runs with, if it allows that",
      [&c] { c.code = run_config_push(c.sockets); });

  add(app, "verify", "compare both boxes entity by entity (at the standby)", [&c] { c.code = run_verify(c.sockets); });
  add(app, "upgrade-check", "may this box's tandemd be restarted now without an outage? exit code 0: yes, 1: no",
      [&c] { c.code = run_upgrade_check(c.sockets); });
}

void add_planned(CLI::App& app, Commands& c) {
  CLI::App* const switchover =
      add(app, "switchover", "let the other box serve, without losing anything (at either box)",
          [&c] { c.code = run_switchover(c.sockets, c.switchover); });
  switchover->add_flag("--force", c.switchover.force,
                       "although the standby is not in sync: nobody is served meanwhile");
  switchover->add_flag("--yes", c.switchover.yes, "do not ask");

  CLI::App* const maintenance =
      app.add_subcommand("maintenance", "this standby does not take over while somebody works on it");
  maintenance->require_subcommand(1);
  maintenance->fallthrough();
  add(*maintenance, "on", "it does not take over", [&c] { c.code = run_maintenance(c.sockets, true); });
  add(*maintenance, "off", "it takes over again when it must", [&c] { c.code = run_maintenance(c.sockets, false); });
}

void add_users(CLI::App& app, Commands& c) {
  CLI::App* const user = app.add_subcommand("user", "who may connect (at the active; both boxes have it then)");
  user->require_subcommand(1);
  user->fallthrough();
  const auto with_name = [&](const char* name, const char* what, auto run) {
    CLI::App* const command = add(*user, name, what, [&c, run] { c.code = run(c.sockets, c.user); });
    command->add_option("NAME", c.user.name, "the user")->required();
    return command;
  };
  CLI::App* const added =
      with_name("add", "a new user; asks for the password, or reads it from standard input", run_user_add);
  CLI::App* const passwd = with_name("passwd", "another password for a user", run_user_passwd);
  for (CLI::App* const command : {added, passwd}) {
    command->add_flag("--generate", c.user.generate, "make a password and show it");
  }
  added
      ->add_option("--client-id", c.user.client_ids, "the client ids it may use, '*' for any characters; several times")
      ->allow_extra_args(false);
  CLI::App* const clients = with_name("clients", "the client ids that a user may use", run_user_clients);
  clients->add_option("PATTERN", c.user.client_ids, "such as 'plc-*'; none: any");
  CLI::App* const removed = add(*user, "remove", "a user goes; its clients are disconnected",
                                [&c] { c.code = run_user_remove(c.sockets, c.user.name); });
  removed->add_option("NAME", c.user.name, "the user")->required();
  add(*user, "list", "all users (at either box)", [&c] { c.code = run_user_list(c.sockets); });
  CLI::App* const import = add(*user, "import", "users of a file that mosquitto_passwd wrote",
                               [&c] { c.code = run_user_import(c.sockets, c.file); });
  import->add_option("FILE", c.file, "the file")->required();
}

void add_rules(CLI::App& app, Commands& c) {
  CLI::App* const acl =
      app.add_subcommand("acl", "what users may publish and read (at the active; both boxes have it then)");
  acl->require_subcommand(1);
  acl->fallthrough();
  add(*acl, "show", "all rules, as a file (at either box)", [&c] { c.code = run_acl_show(c.sockets); });
  CLI::App* const import =
      add(*acl, "import", "the rules of a file such as Mosquitto's acl_file, in place of all others",
          [&c] { c.code = run_acl_import(c.sockets, c.file); });
  import->add_option("FILE", c.file, "the file")->required();
  add(*acl, "clear", "no rules any more: every user may publish and read everything",
      [&c] { c.code = run_acl_clear(c.sockets); });
  CLI::App* const test =
      add(*acl, "test", "what the rules say (at either box)", [&c] { c.code = run_acl_test(c.sockets, c.acl_test); });
  test->add_option("USER", c.acl_test.user, "the user; '' for a client without one")->required();
  test->add_option("TOPIC", c.acl_test.topic, "a topic, or a filter for subscribing")->required();
  test->add_option("--client-id", c.acl_test.client_id, "its client id (default client)");
}

void add_operating(CLI::App& app, Commands& c) {
  CLI::App* const promote =
      add(app, "promote", "make this box the active one by hand", [&c] { c.code = run_promote(c.sockets, c.promote); });
  CLI::Option_group* const how = promote->add_option_group("how");
  how->add_flag("--first", c.promote.first, "the first box of a new pair, which holds nothing");
  how->add_flag("--force", c.promote.force, "although messages may be missing here (the other box is lost)");
  how->require_option(1);
  promote->add_flag("--yes", c.promote.yes, "do not ask");

  add(app, "reload", "read passwords and certificates again; clients stay connected",
      [&c] { c.code = run_reload(c.sockets); });

  CLI::App* const reconcile =
      add(app, "reconcile", "merge what only this box acknowledged into the active (mirror.reconcile = \"ask\")",
          [&c] { c.code = run_reconcile(c.sockets, c.dry_run); });
  reconcile->add_flag("--dry-run", c.dry_run, "only tell what it would bring");

  add(app, "resync", "a standby sets its copy aside and fetches it all again",
      [&c] { c.code = run_resync(c.sockets); });

  CLI::App* const keygen =
      add(app, "keygen", "make the keys of the mirror link", [&c] { c.code = run_keygen(c.keygen); });
  CLI::Option* const out = keygen->add_option("--out", c.keygen.folder, "folder for NAME.key and NAME.pub");
  keygen->add_option("--name", c.keygen.names, "node name of a box; give one for each box")->allow_extra_args(false);
  keygen->add_flag("--force", c.keygen.force, "replace existing files");
  CLI::Option* const next = keygen->add_flag("--next", c.keygen.next, "a new key for this box, beside the present one");
  CLI::Option* const use =
      keygen->add_flag("--use-next", c.keygen.use_next, "the new key is the present one from now on");
  keygen->add_option("--key-file", c.keygen.key_file, "of --next and --use-next (default /etc/tandem/mirror.key)");
  next->excludes(out)->excludes(use);
  use->excludes(out);
}

void add_places(CLI::App& command, SetupPlaces& places) {
  command.add_option("--dir", places.folder, "folder of tandem.toml and the key (default /etc/tandem)");
  command.add_option("--keepalived", places.keepalived,
                     "keepalived's configuration (default /etc/keepalived/keepalived.conf)");
  command.add_flag("--force", places.force, "replace existing files");
}

void add_setup_pair(CLI::App& setup, Commands& c) {
  SetupPairArguments& p = c.pair;
  CLI::App* const pair = add(setup, "pair", "set up the first box of a pair; asks for what is not given",
                             [&c] { c.code = run_setup_pair(c.pair); });
  pair->add_option("--name", p.name, "name of this box");
  pair->add_option("--peer-name", p.peer_name, "name of the other box");
  pair->add_option("--interface", p.interface, "where the clients are and the virtual IP goes");
  pair->add_option("--own", p.own, "this box's own address there");
  pair->add_option("--peer", p.peer, "the other box's own address there");
  pair->add_option("--vip", p.vips, "the virtual IP with prefix, 192.0.2.10/24; one IPv4 and one IPv6 are possible")
      ->allow_extra_args(false);
  pair->add_option("--link-own", p.link_own, "this box's address on a cable from box to box, the second path");
  pair->add_option("--link-peer", p.link_peer, "the other box's address on that cable");
  pair->add_option("--reach", p.reach, "a host on the LAN that always answers ping; several are better")
      ->allow_extra_args(false);
  pair->add_option("--same-breaker", p.same_breaker, "do both boxes hang on one breaker? yes: durability peer+disk")
      ->check(CLI::IsMember({"yes", "no"}));
  pair->add_option("--durability", p.durability, "when a client gets its acknowledgement")
      ->check(CLI::IsMember({"peer", "disk", "peer+disk"}));
  pair->add_option("--router-id", p.router_id, "VRRP router id, nobody else's in this network (default 51)")
      ->check(CLI::Range(1, 255));
  add_places(*pair, p.places);

  CLI::App* const join = add(setup, "join", "set up the other box, from the file that `setup pair` made",
                             [&c] { c.code = run_setup_join(c.join); });
  join->add_option("FILE", c.join.file, "NAME.tandem-join of this box")->required();
  join->add_option("--interface", c.join.interface,
                   "where the clients are, if it has another name than on the first box");
  add_places(*join, c.join.places);
}

void add_setup(CLI::App& app, Commands& c) {
  CLI::App* const setup = app.add_subcommand("setup", "configuration of this box: tandemd, its keys, keepalived");
  setup->require_subcommand(1);
  setup->fallthrough();
  add_setup_pair(*setup, c);
  SetupKeepalivedArguments& k = c.keepalived;
  CLI::App* const keepalived =
      add(*setup, "keepalived", "keepalived.conf of this box, checked against what this box has",
          [&c] { c.code = run_setup_keepalived(c.keepalived); });
  keepalived->add_option("--interface", k.interface, "where the virtual IP goes")->required();
  keepalived
      ->add_option("--vip", k.vips, "the virtual IP with prefix, 192.0.2.10/24; one IPv4 and one IPv6 are possible")
      ->required()
      ->allow_extra_args(false);
  keepalived->add_option("--peer", k.peer, "the other box's own address")->required();
  keepalived->add_option("--own", k.own, "this box's own address, if there are several");
  keepalived->add_option("--router-id", k.router_id, "VRRP router id, the same on both boxes (default 51)")
      ->check(CLI::Range(1, 255));
  keepalived->add_option("--config", k.config, "tandem.toml of this box, to agree with");
  keepalived->add_option("--output", k.output, "file to write, such as /etc/keepalived/keepalived.conf (default -)");
  keepalived->add_flag("--force", k.force, "replace an existing file");
}

int run(int argc, char** argv) {
  CLI::App app{
      "tandemctl: status and operation of a Tandem box (exit codes: 0 good, 1 not protected or refused, "
      "2 wrong arguments, 3 no tandemd there, 4 no answer)",
      "tandemctl"};
  app.set_version_flag("--version", "tandemctl " TANDEM_VERSION);
  app.set_help_all_flag("--help-all", "Print the help of all subcommands and exit");
  app.require_subcommand(1);
  app.fallthrough();
  Commands commands;
  app.add_option("--socket", commands.sockets,
                 "control socket of tandemd (default /run/tandem/tandemd.sock); status and events take several")
      ->allow_extra_args(false);
  app.parse_complete_callback([&commands] {
    if (commands.sockets.empty()) commands.sockets.emplace_back("/run/tandem/tandemd.sock");
  });
  add_looking(app, commands);
  add_planned(app, commands);
  add_operating(app, commands);
  add_users(app, commands);
  add_rules(app, commands);
  add_setup(app, commands);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_good : exit_usage;
  }
  return commands.code;
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
