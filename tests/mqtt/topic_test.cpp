// Topic names, filters, shared filters, matching.
#include <doctest/doctest.h>

#include <string>

#include "base/limits.hpp"
#include "mqtt/topic.hpp"
#include "tests/covers.hpp"

namespace tandem::mqtt::test {

using namespace std::string_view_literals;

namespace {

std::string levels(std::size_t count) {
  std::string topic;
  for (std::size_t i = 1; i < count; ++i) topic += "/";
  return topic;
}

}  // namespace

TEST_CASE("MQTT5-4.7.0-1, 4.7.3-1, -2, -3: topic names") {
  COVERS("MQTT5-4.7.3-1", "MQTT5-4.7.3-3");
  for (const std::string_view good : {"a"sv, "/"sv, "a/b"sv, "/a"sv, "a//b"sv, " "sv, "$SYS/x"sv, "\xC3\xA9"sv}) {
    CHECK_MESSAGE(valid_topic_name(good), good);
  }
  for (const std::string_view bad : {""sv, "+"sv, "#"sv, "a/+"sv, "a/#"sv, "a+b"sv, "#a"sv, "a\0b"sv, "\0"sv}) {
    CHECK_MESSAGE(!valid_topic_name(bad), bad);
  }
  CHECK(valid_topic_name(std::string(65'535, 'a')));
  CHECK_FALSE(valid_topic_name(std::string(65'536, 'a')));
  CHECK(valid_topic_name("a" + levels(limits::max_topic_levels)));
  CHECK_FALSE(valid_topic_name("a" + levels(limits::max_topic_levels + 1)));
}

TEST_CASE("MQTT5-4.7.1-1, -2, 4.7.3-1: topic filters") {
  for (const std::string_view good : {"#"sv, "+"sv, "a/#"sv, "+/+"sv, "/+"sv, "+/"sv, "/#"sv, "a/+/b"sv, "a"sv, "/"sv,
                                      "+/tennis/#"sv, "$SYS/#"sv, "a//b"sv}) {
    CHECK_MESSAGE(valid_topic_filter(good), good);
  }
  for (const std::string_view bad : {""sv, "a#"sv, "#/a"sv, "a/#/b"sv, "##"sv, "+a"sv, "a+"sv, "a/b+/c"sv, "++"sv,
                                     "+#"sv, "a/b#"sv, "#/"sv, "a\0"sv}) {
    CHECK_MESSAGE(!valid_topic_filter(bad), bad);
  }
  CHECK_FALSE(valid_topic_filter("+" + levels(limits::max_topic_levels + 1)));
}

TEST_CASE("MQTT5-4.8.2-1, -2: shared filters") {
  CHECK_FALSE(parse_shared("a/b").has_value());
  CHECK_FALSE(parse_shared("$share").has_value());
  CHECK_FALSE(parse_shared("$SHARE/g/f").has_value());
  CHECK_FALSE(parse_shared("/$share/g/f").has_value());
  const auto shared = parse_shared("$share/g/a/#");
  REQUIRE(shared.has_value());
  CHECK_EQ(shared->group, "g");
  CHECK_EQ(shared->filter, "a/#");
  CHECK_EQ(parse_shared("$share/g//a")->filter, "/a");
  for (const char* bad :
       {"$share/", "$share//f", "$share/g", "$share/g/", "$share/+/f", "$share/g#/f", "$share/a+b/f"}) {
    CAPTURE(bad);
    REQUIRE(parse_shared(bad).has_value());
    CHECK(parse_shared(bad)->filter.empty());
  }
}

TEST_CASE("MQTT5-4.7.2-1, 4.7.3-4: matching") {
  struct Row {
    const char* filter;
    const char* topic;
    bool matches;
  };
  const Row rows[] = {
      {"a", "a", true},           {"a", "b", false},          {"a", "A", false},          {"a", "a/", false},
      {"/a", "a", false},         {"a/b", "a/b", true},       {"a/b", "a/b/c", false},    {"a/b/c", "a/b", false},
      {"#", "a", true},           {"#", "a/b", true},         {"#", "/", true},           {"#", "$SYS", false},
      {"+", "a", true},           {"+", "/a", false},         {"+", "a/", false},         {"/+", "/a", true},
      {"+/+", "/a", true},        {"+/+", "a", false},        {"a/#", "a", true},         {"a/#", "a/", true},
      {"a/#", "a/b/c", true},     {"a/#", "ab", false},       {"a/+", "a", false},        {"a/+", "a/", true},
      {"a/+", "a/b/c", false},    {"a/+/c", "a/b/c", true},   {"a/+/c", "a/b/d", false},  {"+/b/#", "a/b", true},
      {"+/SYS", "$a/SYS", false}, {"$SYS/#", "$SYS/a", true}, {"$SYS/+", "$SYS/a", true}, {"#", "$", false},
      {"a/$b", "a/$b", true},     {"a/+", "a/$b", true},      {"+/#", "a", true},         {"+/#", "a/b/c", true},
      {"//", "//", true},         {"//", "/", false},         {"+/+/+", "//", true},      {"a/b/#", "a", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.filter);
    CAPTURE(row.topic);
    CHECK_EQ(topic_matches(row.filter, row.topic), row.matches);
  }
  CHECK_FALSE(topic_matches("", "a"));
  CHECK_FALSE(topic_matches("#", ""));
}

TEST_CASE("next_level walks over all levels, empty ones too") {
  const auto split = [](std::string_view topic) {
    std::string joined;
    for (bool more = true; more;) joined += "[" + std::string(next_level(topic, more)) + "]";
    return joined;
  };
  CHECK_EQ(split("a"), "[a]");
  CHECK_EQ(split("a/"), "[a][]");
  CHECK_EQ(split("/"), "[][]");
  CHECK_EQ(split("/a//bc"), "[][a][][bc]");
  CHECK_EQ(split(""), "[]");
}

}  // namespace tandem::mqtt::test
