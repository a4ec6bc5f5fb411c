// Events as lines: there and back, torn by a crash, two generations, what a request wants.
#include "admin/events.hpp"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "admin/protocol.hpp"

#include <doctest/doctest.h>

using namespace tandem;
using namespace tandem::admin;

namespace {

Event event(std::uint64_t number) {
  return {
      number, 1'795'651'323'456, 1'795'651'323'000, "boxa", 3, "warning", "link", "The link to boxb is \"lost\".\n"};
}

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/tandem-events-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("an event is one line, and comes back as it was") {
  const std::string line = to_line(event(7));
  CHECK(line.find('\n') == std::string::npos);
  const Result<Event> back = event_from_line(line);
  REQUIRE(back.ok());
  CHECK(to_line(back.value()) == line);
  CHECK(to_text(back.value()).find("2026-11-26 00:02:03.456 UTC  boxa  epoch 3  warning  The link") == 0);
  CHECK_FALSE(event_from_line(line.substr(0, line.size() / 2)).ok());
  CHECK_FALSE(event_from_line("{}").ok());
  CHECK_FALSE(event_from_line("").ok());
}

TEST_CASE("the newest events of both files, without a torn last line") {
  const Folder folder;
  CHECK(last_event_lines(folder.path, 10).empty());
  std::ofstream(folder.path + "/" + older_events_file) << to_line(event(1)) << "\n" << to_line(event(2)) << "\n";
  std::ofstream(folder.path + "/" + events_file) << to_line(event(3)) << "\ngarbage\n"
                                                 << to_line(event(4)) << "\n"
                                                 << to_line(event(5)).substr(0, 40);
  const std::vector<std::string> all = last_event_lines(folder.path, 10);
  REQUIRE(all.size() == 4);
  CHECK(all.front() == to_line(event(1)));
  CHECK(all.back() == to_line(event(4)));
  CHECK(last_event_lines(folder.path, 2) == std::vector<std::string>{to_line(event(3)), to_line(event(4))});
}

TEST_CASE("what a request wants, and the reply with events") {
  CHECK(parse_wanted("").value().last == 50);
  CHECK(parse_wanted("last 7").value().last == 7);
  CHECK(parse_wanted("last 99999999").value().last == events_at_most);
  CHECK(parse_wanted("after 12").value().after == 12);
  for (const char* wrong : {"7", "last", "last x", "after -1", "before 2"}) CHECK_FALSE(parse_wanted(wrong).ok());
  const Result<Reply> reply = parse_reply(reply_events({to_line(event(1)), to_line(event(2))}));
  REQUIRE(reply.ok());
  CHECK(reply.value().events == std::vector<std::string>{to_line(event(1)), to_line(event(2))});
  CHECK(parse_reply(reply_events({})).value().events.empty());
}
