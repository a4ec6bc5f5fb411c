// tandemctl setup keepalived: keepalived.conf for this box, once what it names has been checked against this box. What
// is wrong is said all at once, and then nothing is written.
#include <unistd.h>

#include <optional>

#include "base/replace_file.hpp"
#include "base/result.hpp"
#include "cli/command.hpp"
#include "cli/keepalived_check.hpp"
#include "cli/takeover_keys.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {

std::optional<std::string> only_text(const TakeoverKeys& keys, std::string_view key) {
  const auto found = keys.find(key);
  if (found == keys.end()) return {};
  return found->second.front();
}

// Both programs must mean the same files and addresses.
void check_config(const std::string& path, CheckedConf& checked) {
  Result<TakeoverKeys> read = read_takeover_keys(path);
  if (!read.ok()) {
    checked.wrong.push_back("--config: " + read.error().message);
    return;
  }
  const TakeoverKeys keys = read.take();
  KeepalivedConf& conf = checked.conf;
  conf.weight_file = only_text(keys, "weight_file").value_or(conf.weight_file);
  conf.notify_fifo = only_text(keys, "notify_fifo").value_or(conf.notify_fifo);
  conf.instance = only_text(keys, "vrrp_instance").value_or(conf.instance);
  const std::string arbiter = only_text(keys, "arbiter").value_or("");
  if (arbiter != "keepalived") {
    checked.wrong.push_back(path + " has takeover.arbiter = \"" + arbiter +
                            "\": tandemd would not listen to keepalived; it must be \"keepalived\"");
  }
  const auto configured = keys.find("vip");
  std::vector<std::string> vips = configured == keys.end() ? std::vector<std::string>() : configured->second;
  for (const std::string& vip : conf.vips) {
    const std::optional<Network> parsed = parse_network(vip);
    if (parsed && !is_vip(*parsed, vips)) {
      checked.wrong.push_back(path + " has takeover.vip = " + joined(vips) + ", without " + bare(vip) +
                              ": tandemd would not see that this box has it");
    }
  }
}

CheckedConf check(const SetupKeepalivedArguments& arguments) {
  KeepalivedConf wanted;
  wanted.interface = arguments.interface;
  wanted.own = arguments.own;
  wanted.peer = arguments.peer;
  wanted.vips = arguments.vips;
  wanted.router_id = arguments.router_id;
  CheckedConf checked = check_keepalived(wanted, own_addresses());
  if (!arguments.config.empty()) check_config(arguments.config, checked);
  return checked;
}

Status write_file(const std::string& path, const std::string& text, bool replace) {
  if (!replace && ::access(path.c_str(), F_OK) == 0)
    return Error{path + " exists; nothing was written. --force replaces it"};
  const Status written = replace_file(path, text, 0644, Sync::yes);
  if (!written.ok()) return Error{path + " cannot be written: " + written.error().message};
  return {};
}

}  // namespace

int run_setup_keepalived(const SetupKeepalivedArguments& arguments) {
  const CheckedConf checked = check(arguments);
  for (const std::string& note : checked.notes) complain("note: " + note);
  for (const std::string& wrong : checked.wrong) complain(wrong);
  if (!checked.wrong.empty()) {
    complain("nothing was written");
    return exit_bad;
  }
  const std::string text = keepalived_conf(checked.conf);
  if (arguments.output == "-") {
    print(text);
    return exit_good;
  }
  if (const Status written = write_file(arguments.output, text, arguments.force); !written.ok()) {
    complain(written.error().message);
    return exit_bad;
  }
  print(arguments.output + ": written for this box (" + checked.conf.own + ", the other one is " + checked.conf.peer +
        ").\nNow: keepalived --config-test -f " + arguments.output + " && systemctl restart keepalived\n" +
        "Then the same on the other box, with --own and --peer exchanged.\n");
  return exit_good;
}

}  // namespace tandem::cli
