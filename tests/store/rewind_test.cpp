// Rewind, wipe, and the files of batches that they set aside.
#include <filesystem>

#include "raw.hpp"
#include "store/seal.hpp"
#include "store/set_aside.hpp"
#include "test.hpp"

namespace tandem::store::testing {

namespace {

std::vector<std::string> set_aside_names(const Directory& directory) {
  std::vector<std::string> names;
  for (const std::string& name : directory.names()) {
    if (name.rfind("set-aside", 0) == 0) names.push_back(name);
  }
  return names;
}

struct Content {
  std::string note;
  std::vector<Batch> batches;
};

Content read(const std::string& path) {
  Content content;
  const auto read = read_set_aside(path, [&](Batch&& batch) {
    content.batches.push_back(std::move(batch));
    return Status{};
  });
  REQUIRE(read.ok());
  CHECK(read.value().batches == content.batches.size());
  content.note = read.value().note;
  return content;
}

const std::string name_7_22_30 = "set-aside-7.626f786100000000-22-30.batches";

}  // namespace

TEST_CASE("Rewind moves the tail into a file, durable and pending batches alike") {
  Directory directory;
  StoreOptions options = test_options();
  options.group_commit_ms = 3'600'000;
  Running run(directory.path(), options);
  REQUIRE(run.until_durable(run.append(8, 3, 200, true)));
  run.append(2, 3, 200, false);  // pending: 25-30
  run.store().rewind(Lsn{21}, "a note\nof two lines", 5);
  REQUIRE(run.until_token(5));
  CHECK(run.durable == Lsn{21});
  CHECK(run.store().log_bytes() == 7 * 200);
  REQUIRE(set_aside_names(directory) == std::vector<std::string>{name_7_22_30});
  const Content content = read(directory.file(name_7_22_30));
  CHECK(content.note == "a note\nof two lines");
  REQUIRE(content.batches.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(same(content.batches[i], make_batch(Lsn{22 + 3 * i}, 3, 200)));

  run.set_next(Lsn{22});
  Batch other = make_batch(Lsn{22}, 5, 300, 1);
  run.store().append(other, true);
  REQUIRE(run.until_durable(Lsn{26}));
  run.close();
  run.open();
  const std::vector<Batch> log = run.log(Lsn{18});
  REQUIRE(log.size() == 2);
  CHECK(same(log[1], other));
  CHECK(run.store().log_bytes() == 7 * 200 + 300);
}

TEST_CASE("Rewind with nothing behind makes no file") {
  Directory directory;
  Running run(directory.path());
  const Lsn last = run.append(3);
  run.store().rewind(last, "", 1);
  run.store().rewind(Lsn{last.value + 100}, "", 2);
  REQUIRE(run.until_token(2));
  CHECK(run.durable == last);
  CHECK(set_aside_names(directory).empty());
  CHECK(run.log(Lsn{0}).size() == 3);
}

TEST_CASE("Files that were set aside are never written over") {
  Directory directory;
  Running run(directory.path());
  for (std::uint64_t flavour = 0; flavour < 3; ++flavour) {
    for (Lsn at{1}; at < Lsn{10}; at = at.plus(3)) run.store().append(make_batch(at, 3, 50, flavour), false);
    run.store().rewind(Lsn{0}, "round", flavour + 1);
  }
  // Once more the same bytes as the last time: the file is there already.
  for (Lsn at{1}; at < Lsn{10}; at = at.plus(3)) run.store().append(make_batch(at, 3, 50, 2), false);
  run.store().rewind(Lsn{0}, "round", 9);
  REQUIRE(run.until_token(9));
  const std::string stem = "set-aside-7.626f786100000000-1-9";
  CHECK(set_aside_names(directory) ==
        std::vector<std::string>{stem + "-2.batches", stem + "-3.batches", stem + ".batches"});
  CHECK(same(read(directory.file(stem + ".batches")).batches[0], make_batch(Lsn{1}, 3, 50, 0)));
  CHECK(same(read(directory.file(stem + "-3.batches")).batches[0], make_batch(Lsn{1}, 3, 50, 2)));
}

TEST_CASE("A trim that was asked for before a rewind does not touch what is appended after it") {
  Directory directory;
  Running run(directory.path());
  REQUIRE(run.until_durable(run.append(10, 3, 100, true)));
  REQUIRE(run.checkpoint(Lsn{15}, "", {}));
  run.store().trim(Lsn{30});  // up to the checkpoint
  REQUIRE(run.until([&] { return run.trimmed_to == Lsn{15}; }));
  run.store().rewind(Lsn{15}, "", 1);
  run.set_next(Lsn{16});
  REQUIRE(run.until_durable(run.append(4, 3, 100, true)));
  REQUIRE(run.until_token(1));
  CHECK(run.log(Lsn{15}).size() == 4);
  CHECK(run.store().log_first() == Lsn{16});
}

TEST_CASE("Wipe drops rows and log and keeps meta; the tail goes into a file") {
  Directory directory;
  Running run(directory.path());
  run.append(10, 3, 100);
  REQUIRE(run.checkpoint(Lsn{24}, "info", {make_row(1, "a", "b")}));
  run.store().write_meta("kept", 1);
  run.store().wipe(Lsn{21}, "wiped", 2);
  REQUIRE(run.until_token(2));
  CHECK(run.durable == Lsn{0});
  CHECK(run.store().log_bytes() == 0);
  CHECK(run.store().log_first() == Lsn{1});
  REQUIRE(set_aside_names(directory) == std::vector<std::string>{name_7_22_30});
  CHECK(read(directory.file(name_7_22_30)).note == "wiped");
  CHECK(run.rows().empty());
  SUBCASE("at once") {}
  SUBCASE("after a restart") {
    run.close();
    run.open();
    CHECK_FALSE(run.store().found().fresh);
    CHECK(run.store().found().meta == "kept");
    CHECK(run.store().found().checkpoint == Lsn{0});
    CHECK(run.store().found().checkpoint_info.empty());
    CHECK(run.store().found().log_last == Lsn{0});
  }
  run.set_next(Lsn{1});
  REQUIRE(run.until_durable(run.append(1, 1, 10, true)));
  CHECK(run.log(Lsn{0}).size() == 1);
}

TEST_CASE("Wipe with an open checkpoint drops that too") {
  Directory directory;
  Running run(directory.path());
  run.append(2, 3, 100);
  run.store().begin_checkpoint(Lsn{6}, "", false);
  run.store().put_rows({make_row(1, "a", "b")});
  run.store().wipe(Lsn{1'000}, "", 1);
  REQUIRE(run.until_token(1));
  CHECK(set_aside_names(directory).empty());
  CHECK(run.rows().empty());
  run.set_next(Lsn{1});
  REQUIRE(run.checkpoint(run.append(1), "", {make_row(1, "c", "d")}));
  CHECK(shown(run.rows()) == std::vector<std::string>{"1:c=d"});
}

TEST_CASE("A wipe that a crash interrupted is finished at the next start") {
  Directory directory;
  Running run(directory.path());
  run.append(10, 3, 100);
  REQUIRE(run.checkpoint(Lsn{15}, "info", {make_row(1, "a", "b")}));
  run.store().trim(Lsn{15});
  REQUIRE(run.until([&] { return run.trimmed_to == Lsn{15}; }));
  run.close();
  {
    Raw raw(directory.file("log.db"));
    const std::uint64_t identity = static_cast<std::uint64_t>(std::stoll(raw.text("SELECT identity FROM head")));
    raw.run("UPDATE head SET wiping = 1, seal = " + std::to_string(head_seal(identity, Lsn{15}, false, true)));
    SUBCASE("before the rows were dropped") {}
    SUBCASE("after the rows were dropped") {
      Raw(directory.file("state.db")).run("DELETE FROM entity; DELETE FROM checkpoint");
    }
  }
  run.open();
  CHECK(run.store().found().checkpoint == Lsn{0});
  CHECK(run.store().found().log_last == Lsn{0});
  CHECK(run.store().log_first() == Lsn{1});
  CHECK(run.rows().empty());
}

TEST_CASE("A damaged file of batches is an Error that names file and lsn") {
  Directory directory;
  Running run(directory.path());
  run.append(10, 3, 1'000);
  run.store().rewind(Lsn{21}, "note", 1);
  REQUIRE(run.until_token(1));
  const std::string path = directory.file(name_7_22_30);
  const std::uintmax_t size = file_bytes(path);
  for (const std::uintmax_t at :
       {std::uintmax_t{0}, std::uintmax_t{9}, std::uintmax_t{15}, std::uintmax_t{20}, size / 2, size - 500, size - 2}) {
    CAPTURE(at);
    flip_byte(path, at);
    const auto damaged = read_set_aside(path, [](Batch&&) { return Status{}; });
    CHECK_FALSE(damaged.ok());
    if (!damaged.ok()) CHECK(damaged.error().message.find(name_7_22_30) != std::string::npos);
    flip_byte(path, at);
  }
  CHECK(read(path).batches.size() == 3);
  std::filesystem::resize_file(path, size - 1);
  CHECK_FALSE(read_set_aside(path, [](Batch&&) { return Status{}; }).ok());
  CHECK_FALSE(read_set_aside(directory.file("no such file"), [](Batch&&) { return Status{}; }).ok());
}

TEST_CASE("A batch that is damaged in the log goes aside as it is") {
  Directory directory;
  Running run(directory.path());
  run.append(10, 3, 1'000);
  run.close();
  Raw(directory.file("log.db")).run("UPDATE batch SET bytes = x'00' WHERE first = 25");
  run.open();
  run.store().rewind(Lsn{21}, "", 1);
  REQUIRE(run.until_token(1));
  int good = 0;
  const auto damaged = read_set_aside(directory.file(name_7_22_30), [&](Batch&&) {
    ++good;
    return Status{};
  });
  REQUIRE_FALSE(damaged.ok());
  CHECK(damaged.error().message.find("lsn 25") != std::string::npos);
  CHECK(good == 1);
  CHECK(run.log(Lsn{0}).size() == 7);
}

}  // namespace tandem::store::testing
