// Both boxes tell each other how they are configured.
#include <doctest/doctest.h>

#include "tests/pair/node.hpp"

using namespace tandem::test;

TEST_CASE("config diff names what differs, but for what is a box's own; status says so until it is over") {
  Folder folder("drift");
  Pair pair(folder, PairOptions{});
  pair.b().options().limits_lines = "max_sessions = 77\n";
  pair.b().write_config();
  pair.start();
  const auto alarmed = [&](Node& node) {
    const auto status = node.status();
    return status && status->text.find("configured differently: limits.max_sessions is") != std::string::npos;
  };
  until([&] { return alarmed(pair.a()) && alarmed(pair.b()); }, "the alarm on both boxes");
  const Ran differs = pair.a().control({"config", "diff"});
  CHECK(differs.code == 1);
  CHECK(differs.output ==
        "key                  here    other box\n"
        "limits.max_sessions  100000  77\n");
  const std::string file = folder.file(pair.b().name() + ".toml");
  const std::string before = read_text_file(file);
  const Ran pushed = pair.a().control({"config", "push"});
  CHECK(pushed.code == 1);
  CHECK_MESSAGE(
      pushed.output.find("on " + pair.b().name() + " type\n\n    sudo tandemctl config pull\n") != std::string::npos,
      pushed.output);
  CHECK(read_text_file(file) == before);
  const Ran pulled = pair.b().control({"config", "pull", "--config", file});
  CHECK_MESSAGE(pulled.code == 0, pulled.output);
  CHECK(read_text_file(file).find("\nmax_sessions = 100000\n") != std::string::npos);
  CHECK(read_text_file(file + ".before").find("\nmax_sessions = 77\n") != std::string::npos);
  pair.b().stop();
  pair.b().start();
  pair.await_protected();
  until([&] { return pair.a().control({"config", "diff"}).code == 0; }, "no difference");
  until([&] { return !alarmed(pair.a()); }, "the end of the alarm");
  CHECK(pair.a().control({"config", "diff"}).output == "Both boxes are configured alike.\n");
}
