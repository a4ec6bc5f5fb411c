// tandemctl status: asks every socket that was given and shows the best view: an active's before a standby's.
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <utility>

#include "admin/ask.hpp"
#include "admin/protocol.hpp"
#include "admin/status.hpp"
#include "base/limits.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace tandem::cli {

namespace {

constexpr int refresh_ms = 500;
constexpr std::int64_t watch_timeout_ms = 1'000;  // a stopped node must not freeze the screen for long

struct View {
  std::string json;
  admin::StatusReport report;
};

struct Asked {
  std::optional<View> view;
  NoAnswer problem;  // of the last socket, if no view
};

Asked ask_one(const std::string& socket, std::int64_t timeout_ms) {
  const admin::Answer answer = admin::ask(socket, admin::to_line({"status", ""}), timeout_ms);
  if (answer.outcome != admin::Answer::Outcome::answered) {
    return {std::nullopt, {answer.outcome == admin::Answer::Outcome::not_there, answer.text}};
  }
  const Result<admin::Reply> reply = admin::parse_reply(answer.text);
  if (!reply) return {std::nullopt, {false, socket + ": " + reply.error().message}};
  if (!reply.value().ok) return {std::nullopt, {false, socket + ": " + reply.value().error}};
  Result<admin::StatusReport> report = admin::status_from_json(reply.value().status_json);
  if (!report) return {std::nullopt, {false, socket + ": " + report.error().message}};
  return {View{reply.value().status_json, report.take()}, {}};
}

// Of two actives (a split, or one that has not noticed yet) the one with the higher epoch.
bool better(const admin::StatusReport& a, const admin::StatusReport& b) {
  const auto rank = [](const admin::StatusReport& report) {
    return std::pair(report.self.role == "active", report.self.epoch);
  };
  return rank(a) > rank(b);
}

Asked ask_all(const std::vector<std::string>& sockets, std::int64_t timeout_ms) {
  Asked best;
  for (const std::string& socket : sockets) {
    Asked asked = ask_one(socket, timeout_ms);
    if (asked.view) {
      if (!best.view || better(asked.view->report, best.view->report)) best.view = std::move(asked.view);
    } else if (best.problem.text.empty() || !asked.problem.not_there) {
      best.problem = std::move(asked.problem);
    }
  }
  return best;
}

std::string text_of(const View& view, const StatusArguments& arguments) {
  return arguments.json ? view.json + "\n" : admin::to_text(view.report, wants_colour());
}

int show_once(const std::vector<std::string>& sockets, const StatusArguments& arguments) {
  const Asked asked = ask_all(sockets, limits::control_timeout_ms);
  if (!asked.view) return complain(asked.problem);
  print(text_of(*asked.view, arguments));
  return asked.view->report.is_protected ? exit_good : exit_bad;
}

// On a terminal the screen is drawn over, line by line and without a flash; elsewhere a new state follows the
// last one.
void draw(const std::string& text, const std::string& last, bool on_screen) {
  if (!on_screen) {
    if (text != last) print(last.empty() || text.find('\n') == text.size() - 1 ? text : "\n" + text);
    return;
  }
  std::string screen = last.empty() ? "\033[2J\033[H" : "\033[H";
  for (const char c : text) {
    if (c == '\n') screen += "\033[K";
    screen += c;
  }
  print(screen + "\033[J");
}

volatile std::sig_atomic_t stop_asked = 0;

int watch(const std::vector<std::string>& sockets, const StatusArguments& arguments) {
  std::signal(SIGINT, [](int) { stop_asked = 1; });
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  const bool on_screen = is_terminal(STDOUT_FILENO) && !arguments.json;
  std::string last;
  int code = exit_not_there;
  while (stop_asked == 0 && std::ferror(stdout) == 0) {
    const Asked asked = ask_all(sockets, watch_timeout_ms);
    std::string text;
    if (asked.view) {
      text = text_of(*asked.view, arguments);
      code = asked.view->report.is_protected ? exit_good : exit_bad;
    } else if (!arguments.json) {
      text = "Nobody answers: " + asked.problem.text + "\n";
      code = asked.problem.not_there ? exit_not_there : exit_failed;
    }
    draw(text, last, on_screen);
    last = std::move(text);
    ::poll(nullptr, 0, refresh_ms);
  }
  return code;
}

}  // namespace

int run_status(const std::vector<std::string>& sockets, const StatusArguments& arguments) {
  return arguments.watch ? watch(sockets, arguments) : show_once(sockets, arguments);
}

}  // namespace tandem::cli
