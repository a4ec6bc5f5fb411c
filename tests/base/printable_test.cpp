// Text from outside as one harmless line.
#include "base/printable.hpp"

#include <doctest/doctest.h>

using tandem::printable;

TEST_CASE("printable: what a terminal or a journal would obey is shown instead") {
  CHECK(printable("pump 7, Größe \xE2\x82\xAC") == "pump 7, Größe \xE2\x82\xAC");
  CHECK(printable("a\n<3>boxa: forged") == "a\\x0a<3>boxa: forged");
  CHECK(printable("\x1b[2J\x1b]0;title\x07") == "\\x1b[2J\\x1b]0;title\\x07");
  CHECK(printable(std::string_view("\0\x7f", 2)) == "\\x00\\x7f");
  CHECK(printable("\xC2\x9B"
                  "31m") == "\\xc2\\x9b31m");  // CSI as one character
  CHECK(printable("\xE2\x80\xAE"
                  "gnp.exe") == "\\xe2\\x80\\xaegnp.exe");  // right to left
  CHECK(printable("\xE2\x80") == "\xE2\x80");               // cut short
}
