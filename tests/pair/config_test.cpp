// Both boxes tell each other how they are configured.
#include <doctest/doctest.h>

#include "tests/pair/node.hpp"

using namespace tandem::test;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

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
  CHECK_MESSAGE(contains(pushed.output, pair.b().name() + " takes no configuration from the other box"), pushed.output);
  CHECK_MESSAGE(contains(pushed.output, "On " + pair.b().name() + " type\n\n    sudo tandemctl config pull\n"),
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

TEST_CASE("config push writes the other box's file if that box allows it, but nothing that is its own, and only once") {
  Folder folder("push");
  PairOptions options;
  options.mirror_lines = "accept_config = true\n";
  Pair pair(folder, options);
  pair.b().options().limits_lines = "max_sessions = 77  # too few\n";
  pair.b().write_config();
  pair.start();
  const std::string file = folder.file(pair.b().name() + ".toml");
  const std::string before = read_text_file(file);
  until([&] { return contains(pair.a().control({"config", "diff"}).output, "max_sessions"); }, "the difference");
  const Ran pushed = pair.a().control({"config", "push"});
  CHECK_MESSAGE(pushed.code == 0, pushed.output);
  CHECK(contains(pushed.output, "On " + pair.b().name() + " " + file + " has now: limits.max_sessions = 100000."));
  std::string wanted = before;
  const std::string old = "max_sessions = 77  # too few";
  wanted.replace(wanted.find(old), old.size(), "max_sessions = 100000  # too few");
  CHECK(read_text_file(file) == wanted);
  CHECK(read_text_file(file + ".before") == before);
  CHECK(contains(pair.b().control({"events"}).output, "On the other box 'config push' was ordered"));
  const Ran again = pair.a().control({"config", "push"});
  CHECK_MESSAGE(contains(again.output, "has these values already; they wait for a restart"), again.output);
  pair.b().options().limits_lines = "max_sessions = 78\n";
  pair.b().stop();
  pair.b().write_config();
  pair.b().start();
  pair.await_protected();
  until([&] { return contains(pair.a().control({"config", "diff"}).output, "78"); }, "the other difference");
  CHECK_MESSAGE(contains(read_text_file(file), "max_sessions = 78"), "an order of yesterday");
  const std::string wrong = "[limits\n";
  write_text_file(file, wrong);
  const Ran refused = pair.a().control({"config", "push"});
  CHECK(refused.code == 1);
  CHECK_MESSAGE(contains(refused.output, "the file is wrong as it is"), refused.output);
  CHECK(read_text_file(file) == wrong);
}
