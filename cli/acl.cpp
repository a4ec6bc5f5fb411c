// tandemctl acl: what users may publish and read.
#include "base/limits.hpp"
#include "base/text_file.hpp"
#include "cli/access_change.hpp"
#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

int run_acl_show(const std::vector<std::string>& sockets) {
  if (!one_box(sockets, "acl show")) return exit_usage;
  admin::Reply reply;
  if (const int code = ask_node(sockets.front(), {"acl", "show"}, reply); code != exit_good) return code;
  print(reply.data.empty() ? "# There are no rules.\n" : reply.data);
  return exit_good;
}

int run_acl_import(const std::vector<std::string>& sockets, const std::string& path) {
  if (!one_box(sockets, "acl import")) return exit_usage;
  const Result<std::string> text =
      read_text_file("the file of access rules", path, limits::control_request_bytes / 2);  // JSON makes it longer
  if (!text.ok()) {
    complain(text.error().message +
             (text.error().message.ends_with("read") ? "; a larger one can be followed: security.acl_file" : ""));
    return exit_bad;
  }
  return change_access(sockets.front(), {"acl", "set", text.value()});
}

int run_acl_clear(const std::vector<std::string>& sockets) {
  if (!one_box(sockets, "acl clear")) return exit_usage;
  return change_access(sockets.front(), {"acl", "clear"});
}

int run_acl_test(const std::vector<std::string>& sockets, const AclTestArguments& arguments) {
  return order(sockets, {"acl", "test", arguments.user + "\n" + arguments.client_id + "\n" + arguments.topic});
}

}  // namespace tandem::cli
