// The durable events: numbers go on across restarts, two bounded generations, a torn last line is tolerated.
#include "broker/events_file.hpp"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "admin/protocol.hpp"
#include "base/journal.hpp"
#include "base/limits.hpp"

#include <doctest/doctest.h>

using namespace tandem;
using namespace tandem::broker;

namespace {

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/tandem-eventsfile-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

struct Still final : Clocks {
  Steady steady() const override { return Steady{5}; }
  Instant wall() const override { return Instant{1'795'651'323'456}; }
  std::int64_t work_us() const override { return 0; }
};

std::vector<std::string> asked(const EventsFile& events, const std::string& how) {
  const Result<admin::Reply> reply = admin::parse_reply(events.answer(how));
  REQUIRE(reply.ok());
  return reply.value().events;
}

std::uint64_t number_of(const std::string& line) {
  return admin::event_from_line(line).value().number;
}

}  // namespace

TEST_CASE("events survive the process; numbers go on; each has its place") {
  const Folder folder;
  const Still clocks;
  {
    EventsFile events(folder.path + "/data", "boxa", clocks);
    events.open();
    events.event(Level::info, "role", "first");
    events.ask_place([] { return EventsFile::Place{4, Instant{99}}; });
    events.event(Level::error, "alarm", "second");
  }
  std::ofstream(folder.path + "/data/events.log", std::ios::app) << R"({"number":3,"te)";  // torn by a crash
  EventsFile events(folder.path + "/data", "boxa", clocks);
  events.open();
  events.event(Level::warn, "link", "third");
  const std::vector<std::string> all = asked(events, "");
  REQUIRE(all.size() == 3);
  const admin::Event second = admin::event_from_line(all[1]).value();
  CHECK(second.epoch == 4);
  CHECK(second.log_ms == 99);
  CHECK(second.level == "error");
  CHECK(second.node == "boxa");
  CHECK(number_of(all[2]) == 3);
  CHECK(asked(events, "after 2") == std::vector<std::string>{all[2]});
  CHECK(asked(events, "last 1") == std::vector<std::string>{all[2]});
  CHECK(admin::last_event_lines(folder.path + "/data", 10) == all);
  CHECK_FALSE(admin::parse_reply(events.answer("nonsense")).value().ok);
}

TEST_CASE("what a client is named cannot forge an event, a line or an escape sequence") {
  const Folder folder;
  const Still clocks;
  EventsFile events(folder.path + "/data", "boxa", clocks);
  events.open();
  events.event(Level::info, "merge", "merged: pump\n<3>boxa: forged\x1b[31m red");
  const std::vector<std::string> lines = asked(events, "last 5");
  REQUIRE(lines.size() == 1);
  const admin::Event event = admin::event_from_line(lines.front()).value();
  CHECK(event.text == "merged: pump\\x0a<3>boxa: forged\\x1b[31m red");
  CHECK(to_text(event).find_first_of("\n\x1b") == std::string::npos);
}

TEST_CASE("the files stay bounded and hold the newest events") {
  const Folder folder;
  const Still clocks;
  EventsFile events(folder.path, "boxa", clocks);
  events.open();
  const std::string sentence(20'000, 'x');
  journal::open("boxa", journal::Level::error);                               // not into the test's output
  for (int i = 0; i < 200; ++i) events.event(Level::info, "link", sentence);  // 4 MB
  CHECK(std::filesystem::file_size(folder.path + "/events.log") <= admin::events_file_bytes + sentence.size());
  CHECK(std::filesystem::file_size(folder.path + "/events.log.1") <= admin::events_file_bytes + sentence.size());
  const std::vector<std::string> kept = admin::last_event_lines(folder.path, 10'000);
  CHECK(number_of(kept.back()) == 200);
  CHECK(kept.size() >= 50);
  CHECK(events.answer("last 1000").size() < limits::control_reply_bytes);
}
