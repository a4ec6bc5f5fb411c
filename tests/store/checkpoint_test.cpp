// Checkpoints: the rows of State at one lsn, old or new but never mixed.
#include <map>

#include "base/limits.hpp"
#include "raw.hpp"
#include "test.hpp"

namespace tandem::store::testing {

TEST_CASE("Rows load by kind and key, in memcmp order") {
  Directory directory;
  Running run(directory.path());
  const Lsn last = run.append(2);
  std::vector<Row> rows = {make_row(2, "b", "1"),
                           make_row(1, "zz", "2"),
                           make_row(1, "a", "3"),
                           make_row(2, "", ""),
                           make_row(255, std::string("\0x", 2), "4"),
                           make_row(1, "\xff", "5"),
                           make_row(0, "k", std::string("\0\0", 2))};
  REQUIRE(run.checkpoint(last, "some info", rows));
  CHECK(run.checkpoints == std::vector<Lsn>{last});
  const std::vector<std::string> expected = {
      "0:k=" + std::string("\0\0", 2),      "1:a=3", "1:zz=2", "1:\xff=5", "2:=", "2:b=1",
      "255:" + std::string("\0x", 2) + "=4"};
  CHECK(shown(run.rows()) == expected);
  run.close();
  run.open();
  CHECK(run.store().found().checkpoint == last);
  CHECK(run.store().found().checkpoint_info == "some info");
  CHECK(shown(run.rows()) == expected);
}

TEST_CASE("A checkpoint changes, adds and takes away; what it does not name stays") {
  Directory directory;
  Running run(directory.path());
  REQUIRE(run.checkpoint(run.append(1), "", {make_row(1, "a", "1"), make_row(1, "b", "1"), make_row(1, "c", "1")}));
  REQUIRE(
      run.checkpoint(run.append(1), "",
                     {make_row(1, "b", "2"), erased_row(1, "c"), make_row(1, "d", "2"), erased_row(9, "never there")}));
  CHECK(shown(run.rows()) == std::vector<std::string>{"1:a=1", "1:b=2", "1:d=2"});
}

TEST_CASE("replace_all drops what it does not name") {
  Directory directory;
  Running run(directory.path());
  REQUIRE(run.checkpoint(run.append(1), "", {make_row(1, "a", "1"), make_row(2, "big", std::string(200'000, 'x'))}));
  REQUIRE(run.checkpoint(run.append(1), "", {make_row(1, "b", "2")}, true));
  CHECK(shown(run.rows()) == std::vector<std::string>{"1:b=2"});
  CHECK(Raw(directory.file("state.db")).text("SELECT count(*) FROM part") == "0");
}

TEST_CASE("Values of any size come back, and their parts go when they shrink or are erased") {
  Directory directory;
  Running run(directory.path());
  const std::size_t part = limits::max_row_bytes;
  std::map<std::string, std::string> expected;
  const auto value = [](std::size_t size, char start) {
    std::string text(size, start);
    for (std::size_t i = 0; i < size; i += 97) text[i] = static_cast<char>(i);
    return text;
  };
  std::vector<Row> rows;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, part - 1, part, part + 1, 2 * part, 2 * part + 1, std::size_t{2'000'000}}) {
    const std::string key = "size " + std::to_string(size);
    expected[key] = value(size, 'a');
    rows.push_back(make_row(4, key, expected[key]));
  }
  const auto check = [&] {
    std::map<std::string, std::string> found;
    for (const Row& row : run.rows()) found[row.key] = row.value;
    CHECK((found == expected));
  };
  REQUIRE(run.checkpoint(run.append(1), "", rows));
  check();
  run.close();
  run.open();
  check();
  const std::string key = "size 2000000";
  for (const std::size_t size : {std::size_t{150'000}, std::size_t{10}, std::size_t{70'000}}) {
    expected[key] = value(size, 'b');
    REQUIRE(run.checkpoint(run.append(1), "", {make_row(4, key, expected[key])}));
    check();
  }
  rows.clear();
  for (const auto& [name, content] : expected) rows.push_back(erased_row(4, name));
  expected.clear();
  REQUIRE(run.checkpoint(run.append(1), "", rows));
  check();
  CHECK(Raw(directory.file("state.db")).text("SELECT count(*) FROM part") == "0");
}

TEST_CASE("A checkpoint that is not committed leaves no trace") {
  Directory directory;
  Running run(directory.path());
  REQUIRE(run.checkpoint(run.append(1), "old", {make_row(1, "a", "old")}));
  SUBCASE("aborted") {
    run.store().begin_checkpoint(run.append(1), "new", true);
    run.store().put_rows({make_row(1, "a", "new"), make_row(1, "b", "new")});
    run.store().abort_checkpoint();
    REQUIRE(run.until([&] { return run.store().rows_in_flight_bytes() == 0; }));
  }
  SUBCASE("the store closes before") {
    run.store().begin_checkpoint(run.append(1), "new", false);
    run.store().put_rows({make_row(1, "a", "new"), make_row(1, "b", "new")});
    run.close();
    run.open();
    CHECK(run.store().found().checkpoint == Lsn{3});
  }
  CHECK(shown(run.rows()) == std::vector<std::string>{"1:a=old"});
  REQUIRE(run.checkpoint(run.append(1), "later", {make_row(1, "c", "later")}));
  CHECK(shown(run.rows()) == std::vector<std::string>{"1:a=old", "1:c=later"});
}

TEST_CASE("The log is durable up to a checkpoint before the checkpoint is") {
  Directory directory;
  StoreOptions options = test_options();
  options.group_commit_ms = 3'600'000;
  Running run(directory.path(), options);
  const Lsn last = run.append(5);
  REQUIRE(run.checkpoint(last, "", {}));
  CHECK(run.durable >= last);
}

TEST_CASE("Rows in flight are counted until the writer has them") {
  Directory directory;
  Running run(directory.path());
  run.store().begin_checkpoint(Lsn{0}, "", false);
  std::vector<Row> rows;
  for (int i = 0; i < 2'000; ++i) rows.push_back(make_row(1, std::to_string(i), std::string(1'000, 'x')));
  run.store().put_rows(std::move(rows));
  run.store().commit_checkpoint(7);
  REQUIRE(run.until_token(7));
  REQUIRE(run.until([&] { return run.store().rows_in_flight_bytes() == 0; }));
  CHECK(run.rows().size() == 2'000);
}

TEST_CASE("An image is committed, then the log goes on behind it") {
  Directory directory;
  Running run(directory.path());
  run.append(10);
  run.store().wipe(Lsn{30}, "stale", 1);
  run.store().begin_checkpoint(Lsn{1'000}, "image", true);
  run.store().put_rows({make_row(1, "a", "image")});
  run.store().commit_checkpoint(2);
  run.store().restart_log(Lsn{1'000});
  run.set_next(Lsn{1'001});
  const Lsn last = run.append(3, 2, 50, true);
  REQUIRE(run.until_durable(last));
  CHECK(run.tokens == std::vector<std::uint64_t>{1, 2});
  CHECK(run.store().log_first() == Lsn{1'001});
  CHECK(run.store().log_bytes() == 150);
  run.close();
  run.open();
  CHECK(run.store().found().checkpoint == Lsn{1'000});
  CHECK(run.store().found().log_first == Lsn{1'001});
  CHECK(run.store().found().log_last == Lsn{1'006});
  CHECK(run.log(Lsn{1'000}).size() == 3);
  CHECK(shown(run.rows()) == std::vector<std::string>{"1:a=image"});
}

TEST_CASE("An image whose log was not yet started anew is complete after a restart") {
  Directory directory;
  Running run(directory.path());
  SUBCASE("into an empty store") {}
  SUBCASE("over an old log") {
    REQUIRE(run.until_durable(run.append(5, 2, 50, true)));
  }
  REQUIRE(run.checkpoint(Lsn{500}, "image", {make_row(1, "a", "image")}, true));
  run.close();
  run.open();
  CHECK(run.store().found().checkpoint == Lsn{500});
  CHECK(run.store().found().log_first == Lsn{0});
  CHECK(run.store().log_first() == Lsn{501});
  run.until([] { return true; });
  CHECK(run.durable == Lsn{500});
  const Lsn last = run.append(1, 1, 10, true);
  CHECK(last == Lsn{501});
  CHECK(run.until_durable(last));
}

}  // namespace tandem::store::testing
