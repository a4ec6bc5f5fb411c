// Output that is partly somebody else's memory: the same bytes in the same order whatever is done to it, and each
// keeper is let go exactly once.
#include "edge/output.hpp"

#include <algorithm>
#include <deque>
#include <random>
#include <string>

#include <doctest/doctest.h>

namespace tandem::edge {

namespace {

// Lends pieces of memory and knows how many are still out.
class Lender {
 public:
  SharedBytes lend(std::string text) {
    std::string& kept = texts_.emplace_back(std::move(text));
    ++out_;
    return {kept, this, [](void* lender) { --static_cast<Lender*>(lender)->out_; }};
  }
  SharedBytes for_this_turn(std::string text) {
    return SharedBytes::of_this_turn(of_this_turn_.emplace_back(std::move(text)));
  }
  // Whoever still looks at what nobody keeps will see it.
  void end_turn() {
    for (std::string& text : of_this_turn_) std::fill(text.begin(), text.end(), '?');
  }
  int out() const { return out_; }

 private:
  std::deque<std::string> texts_;
  std::deque<std::string> of_this_turn_;
  int out_ = 0;
};

std::string text_of(const Output& output) {
  std::string text;
  output.append_to(text);
  CHECK(text.size() == output.size());
  CHECK(output.empty() == text.empty());
  return text;
}

// As sendmsg() sees it, so many pieces at a time.
std::string gathered(const Output& output, std::size_t at_once) {
  std::string text;
  std::vector<iovec> vectors(at_once);
  Output::Cursor at = output.begin();
  for (std::size_t count = output.gather(at, vectors); count != 0; count = output.gather(at, vectors)) {
    for (std::size_t i = 0; i < count; ++i) {
      CHECK(vectors[i].iov_len > 0);
      text.append(static_cast<const char*>(vectors[i].iov_base), vectors[i].iov_len);
    }
  }
  return text;
}

std::string some_text(std::mt19937_64& dice, std::size_t most) {
  std::string text(1 + dice() % most, ' ');
  for (char& c : text) c = static_cast<char>('a' + dice() % 26);
  return text;
}

}  // namespace

TEST_CASE("pieces come where they were shared, whatever is taken, moved or copied between") {
  std::mt19937_64 dice(7);
  for (int round = 0; round < 300; ++round) {
    Lender lender;
    std::string expected;
    {
      Output output;
      for (int step = 0; step < 60; ++step) {
        switch (dice() % 8) {
          case 0:
          case 1: {
            const std::string own = some_text(dice, 40);
            output.own() += own;
            expected += own;
            break;
          }
          case 2:
          case 3: {
            const std::string text = some_text(dice, 90);
            output.share(dice() % 2 == 0 ? lender.lend(text) : lender.for_this_turn(text));
            expected += text;
            break;
          }
          case 4: {
            const std::size_t count = dice() % (expected.size() + 1);
            output.take(count);
            expected.erase(0, count);
            break;
          }
          case 5:
            output.own_what_nobody_keeps();
            lender.end_turn();
            break;
          case 6: {
            Output other;
            other.own() = "before ";
            if (!output.has_pieces()) output.move_front(output.size() / 2, other);
            other.take(std::string_view("before ").size());
            const std::string front = text_of(other);
            CHECK(expected.starts_with(front));
            other.own() += text_of(output);
            CHECK(text_of(other) == expected);
            expected.erase(0, front.size());
            break;
          }
          default:
            output.compact();
        }
        REQUIRE(text_of(output) == expected);
        REQUIRE(gathered(output, 1 + dice() % 5) == expected);
      }
      if (round % 3 == 0) {
        output.own_what_nobody_keeps();
        lender.end_turn();
        CHECK(text_of(output) == expected);
      } else if (round % 3 == 1) {
        output.clear();
        CHECK(output.empty());
        CHECK(lender.out() == 0);
      }
    }
    CHECK(lender.out() == 0);
  }
}

TEST_CASE("whole packets move from one output to another with what they share") {
  Lender lender;
  Output from;
  Output to;
  from.own() += "[head one]";
  from.share(lender.lend("<shared one>"));
  from.own() += "[head two]";
  from.share(lender.lend("<shared two>"));
  to.own() += "before ";
  from.move_front(std::string_view("[head one]<shared one>").size(), to);
  CHECK(text_of(to) == "before [head one]<shared one>");
  CHECK(text_of(from) == "[head two]<shared two>");
  CHECK(lender.out() == 2);
  from.move_front(from.size(), to);
  CHECK(from.empty());
  to.take(std::string_view("before [head one]<shared one>").size());
  CHECK(lender.out() == 1);
  CHECK(text_of(to) == "[head two]<shared two>");
}

TEST_CASE("where somebody keeps all pieces nothing is copied at the turn's end") {
  Lender lender;
  Output output;
  output.own() += std::string(100'000, 'o');
  output.share(lender.lend("<kept>"));
  output.own() += "end";
  const char* const place = output.own().data();
  for (int turn = 0; turn < 10; ++turn) {
    output.take(10);
    output.own_what_nobody_keeps();
  }
  CHECK(output.own().data() == place);
}

TEST_CASE("a byte of its own is moved once on average, and pieces stay where they belong") {
  Lender lender;
  Output output;
  std::string expected;
  std::size_t largest = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string own(5'000, static_cast<char>('a' + i % 26));
    output.own() += own;
    output.share(lender.lend("<" + std::to_string(i) + ">"));
    expected += own + "<" + std::to_string(i) + ">";
    if (i < 4) continue;
    output.take(5'000);
    expected.erase(0, 5'000);
    output.compact();
    largest = std::max(largest, output.own().size());
    REQUIRE(text_of(output) == expected);
  }
  CHECK(largest < 200'000);
}

}  // namespace tandem::edge
