// The keys of the mirror link are replaced, one box after the other, as docs/runbook.md says, under load: the same box
// serves throughout, and the pair is protected but for moments.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "tests/pair/plant.hpp"

using namespace tandem::test;

namespace {

constexpr Millis unprotected_at_most{1'000};

// Asks the active again and again.
class ProtectionWatch {
 public:
  explicit ProtectionWatch(Node& active)
      : thread_([this, &active] {
          SteadyTime good = std::chrono::steady_clock::now();
          while (!end_) {
            const auto status = active.status();
            const SteadyTime now = std::chrono::steady_clock::now();
            longest_ = std::max(longest_, std::chrono::duration_cast<Millis>(now - good));
            if (status && status->is_protected) good = now;
          }
        }) {}
  ~ProtectionWatch() { stop(); }
  ProtectionWatch(const ProtectionWatch&) = delete;
  ProtectionWatch& operator=(const ProtectionWatch&) = delete;

  // The longest time without a good answer.
  Millis stop() {
    end_ = true;
    if (thread_.joinable()) thread_.join();
    return longest_;
  }

 private:
  std::atomic<bool> end_{false};
  Millis longest_{0};
  std::thread thread_;
};

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

void replace(const std::string& file, const std::string& from, const std::string& to) {
  std::string text = read_text_file(file);
  REQUIRE(count(text, from) == 1);
  write_text_file(file, text.replace(text.find(from), from.size(), to));
}

std::string public_key_of(const std::string& key_file) {
  const std::string text = read_text_file(key_file);
  const std::string start = "public_key = \"";
  const size_t at = text.find(start);
  REQUIRE(at != std::string::npos);
  return text.substr(at + start.size(), 40);
}

// systemctl reload tandemd; returns when the keys have been taken.
void reload(Node& node) {
  const std::string told = "The mirror link's keys are now";
  const size_t before = count(node.journal(), told);
  node.process().signal(SIGHUP);
  until([&] { return count(node.journal(), told) > before; }, node.name() + " takes the keys");
}

void replace_key(const Folder& folder, Pair& pair, Node& node) {
  const std::string key_file = folder.file("keys/" + node.name() + ".key");
  Node& other = pair.other(node);
  const std::string config = folder.file(other.name() + ".toml");
  const std::string former = public_key_of(key_file);
  const Ran made = node.control({"keygen", "--next", "--key-file", key_file});
  REQUIRE_MESSAGE(made.code == 0, made.output);
  const std::string next = public_key_of(key_file + ".next");
  CHECK(made.output.find("[\"" + former + "\", \"" + next + "\"]") != std::string::npos);

  const std::string both = "[\"" + former + "\", \"" + next + "\"]";
  replace(config, "\"" + former + "\"", both);
  reload(other);
  REQUIRE(node.control({"keygen", "--use-next", "--key-file", key_file}).code == 0);
  reload(node);
  pair.await_protected();
  replace(config, both, "\"" + next + "\"");
  reload(other);
  pair.await_protected();
}

}  // namespace

TEST_CASE("both boxes' keys are replaced under load: nobody takes over, nothing is lost, protected but for moments") {
  Folder folder("keys");
  Pair pair(folder, PairOptions{});
  pair.start();
  Plant plant(pair.endpoints());
  plant.start();
  Node& active = pair.await_active();
  ProtectionWatch watch(active);
  replace_key(folder, pair, active);
  plant.goes_on();
  replace_key(folder, pair, pair.other(active));
  plant.goes_on();
  const Millis longest = watch.stop();
  MESSAGE("longest time without protection: ", longest.count(), " ms");
  CHECK(longest < scaled(unprotected_at_most));
  CHECK(active.is_active());
  CHECK(count(active.journal(), "ACTIVE in epoch") == 1);
  CHECK(count(pair.other(active).journal(), "ACTIVE in epoch") == 0);
  CHECK(plant.finish());
  plant.check();

  // The new keys hold over restarts, and without the ones of before.
  Node& standby = pair.other(active);
  CHECK(standby.stop() == 0);
  standby.start();
  pair.await_equal();
}

TEST_CASE("a reload with keys that cannot be: the ones of before stay, and the journal says why") {
  Folder folder("badkeys");
  Pair pair(folder, PairOptions{});
  pair.start();
  Node& active = pair.await_active();
  const std::string config = folder.file(active.name() + ".toml");
  replace(config, "peer_public_key = \"", "peer_public_key = \"short");
  active.process().signal(SIGHUP);
  until([&] { return active.journal().find("keys of before stay") != std::string::npos; }, "it says so");
  pair.await_equal();
}
