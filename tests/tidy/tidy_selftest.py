#!/usr/bin/env python3
"""The checks of tidy.py find what they are for: each gets bad and good samples in a folder of its own."""
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

import docs_check
import floors_check
import format_check
import packages_check
import size_check
import tidy
import tree_check
import words_check


class Sample(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text=""):
        whole = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "w", encoding="utf-8") as file:
            file.write(text)

    def expect(self, check, *starts):
        """The check finds exactly these problems (by how their lines start)."""
        found = check.problems(self.root)
        self.assertEqual(len(found), len(starts), found)
        for line, start in zip(found, starts):
            self.assertTrue(line.startswith(start), f"{line!r} does not start with {start!r}")


class Floors(Sample):
    def setUp(self):
        super().setUp()
        for path in ("src/base/ids.hpp", "src/mqtt/packet.hpp", "src/store/store.hpp", "src/core/state.hpp",
                     "src/broker/turn.hpp", "mirror/role.hpp", "cli/command.hpp"):
            self.write(path)

    def test_down_and_inside_is_right(self):
        self.write("src/core/a.cpp", '#include "core/state.hpp"\n#include "mqtt/packet.hpp"\n#include "base/ids.hpp"\n')
        self.write("cli/a.cpp", '#include "mirror/role.hpp"\n#include "core/state.hpp"\n#include <vector>\n')
        self.write("mirror/a.cpp", '#include "mirror/role.hpp"\n#include "base/ids.hpp"\n')
        self.expect(floors_check)

    def test_up(self):
        self.write("src/base/a.cpp", '// a\n#include "mqtt/packet.hpp"\n')
        self.write("src/core/a.cpp", '#  include "broker/turn.hpp"\n')
        self.write("mirror/a.cpp", '#include "core/state.hpp"\n')
        self.expect(floors_check, 'mirror/a.cpp:1: "core/state.hpp" goes up',
                    'src/base/a.cpp:2: "mqtt/packet.hpp" goes up', 'src/core/a.cpp:1: "broker/turn.hpp" goes up')

    def test_sideways(self):
        self.write("src/mqtt/a.cpp", '#include "store/store.hpp"\n')
        self.write("src/store/a.hpp", '#include "mirror/role.hpp"\n')
        self.write("cli/a.cpp", '#include "broker/turn.hpp"\n')
        self.expect(floors_check, 'cli/a.cpp:1: "broker/turn.hpp" goes sideways',
                    'src/mqtt/a.cpp:1: "store/store.hpp" goes sideways',
                    'src/store/a.hpp:1: "mirror/role.hpp" goes sideways')

    def test_unknown_folder_and_file(self):
        self.write("src/misc/a.hpp")
        self.write("src/core/a.cpp", '#include "misc/a.hpp"\n#include "../base/ids.hpp"\n#include "state.hpp"\n')
        self.expect(floors_check, 'src/core/a.cpp:1: "misc/a.hpp" is in src/misc', 'src/core/a.cpp:2: "../base/ids.hpp"',
                    'src/core/a.cpp:3: "state.hpp" is no file', "src/misc/a.hpp: its folder is on no floor")

    def test_walls(self):
        self.write("mirror/link.cpp", "#include <zmq.hpp>\n")
        self.write("mirror/sender.cpp", "#include <zmq.hpp>\n")
        self.write("src/core/a.cpp", "#include <sqlite3.h>\n#include <doctest/doctest.h>\n")
        self.expect(floors_check, "mirror/sender.cpp:1: <zmq.hpp>", "src/core/a.cpp:1: <sqlite3.h>",
                    "src/core/a.cpp:2: <doctest/doctest.h>")


def body(lines):
    return "".join(f"  step({number});\n" for number in range(lines))


class Sizes(Sample):
    def names(self, text):
        return [(name, length) for name, _, length in size_check.functions(text)]

    def test_a_long_file(self):
        self.write("src/core/a.hpp", "\n" * 600)
        self.write("src/core/b.hpp", "\n" * 601)
        self.write("tests/core/c.cpp", "\n" * 601)
        self.expect(size_check, "src/core/b.hpp: 601 lines")

    def test_a_long_function(self):
        self.write("cli/a.cpp", "namespace a {\n\nvoid right() {\n" + body(58) + "}\n\nvoid wrong() {\n" + body(59) +
                   "}\n}\n")
        self.expect(size_check, "cli/a.cpp:64: wrong has 61 lines")

    def test_functions_wherever_they_stand(self):
        self.assertEqual(self.names("namespace a::b {\nstruct S : T {\n  int x = 3;\n  int get() const {\n    return x;\n"
                                    "  }\n};\n}\n"), [("get", 3)])
        self.assertEqual(self.names("template <class T, class U = V<T>>\nvoid f(T t) {\n}\n"), [("f", 3)])
        self.assertEqual(self.names("template <class T>\nclass C {\n public:\n  C(T t)\n      : t_(t) {\n  }\n};\n"),
                         [("C", 3)])
        self.assertEqual(self.names("bool operator==(const A& a, const A& b) {\n  return true;\n}\n"), [("operator==", 3)])
        self.assertEqual(self.names("struct P f(int a) {\n\n}\n"), [("f", 3)])
        self.assertEqual([length for _, length in self.names("auto g = [](int a) {\n  return a;\n};\nvoid h() { }\n")],
                         [3, 1])

    def test_what_is_no_function(self):
        self.assertEqual(self.names("constexpr int table[] = {\n1,\n2,\n};\nenum class E : char { a, b };\n"
                                    'extern "C" {\nint c;\n}\nstruct X { int a{f(1)}; };\n')[:1], [])

    def test_braces_in_text_do_not_count(self):
        text = ("void f() {\n  char c = '{';\n  auto s = \"}{{\\\"{\";\n  auto r = R\"x(}}}\"{)x\";  // }}\n  /* } \n } */\n"
                "#define OPEN {\n  int n = 1'000'000;\n}\nvoid g() {\n}\n")
        self.assertEqual(self.names(text), [("f", 9), ("g", 2)])

    def test_lambdas_and_blocks_belong_to_their_function(self):
        text = "void f() {\n  auto l = [&](int a) {\n    if (a) {\n    }\n  };\n  struct L { void m() { } };\n}\n"
        self.assertEqual(self.names(text), [("f", 7)])

    def test_unbalanced_text_ends(self):
        self.assertEqual(self.names("void f() {\n  {\n"), [("f", 2)])
        self.names("}}}} ) ( {{{{ \" ' R\"(")


class Docs(Sample):
    def test_paths_that_are_not_there(self):
        self.write("src/core/state.hpp")
        self.write("docs/a.md", "`src/core/state.hpp`, src/core/state.{hpp,cpp}, src/core, /etc/tandem/x, build/etc/x.\n"
                                "[b](b.md) [c](a.md#x) [d](https://example.org/src/x)\n")
        self.write("README.md", "See docs/a.md, docs/none.md and src/core/*.hpp; src/vip/*.hpp.\n")
        self.expect(docs_check, "README.md:1: names docs/none.md", "README.md:1: names src/vip/*.hpp",
                    "docs/a.md:1: names src/core/state.{hpp,cpp}", "docs/a.md:2: links to b.md")

    def test_documents_named_in_comments(self):
        self.write("docs/a.md")
        self.write("src/core/a.hpp", "// docs/a.md\n// see docs/b.md.\n")
        self.expect(docs_check, "src/core/a.hpp:2: names docs/b.md")


class Words(Sample):
    def test_unfinished_work(self):
        self.write("src/core/a.hpp", "// TO" "DO later\n// todos are fine, mktemp XXXXXX too\n// good for" " now.\n")
        self.write("etc/x.toml", "# place" "holder\n")
        self.write("tests/a.cpp", "// TO" "DO\n")
        self.expect(words_check, 'etc/x.toml:1: "place' 'holder"', 'src/core/a.hpp:1: "TO' 'DO"',
                    'src/core/a.hpp:3: "for' ' now"')

    def test_somebodys_paths(self):
        self.write("docs/a.md", "cd /ho" "me/me/tandem\n/var/lib/tandem and a/home/x are fine\n")
        self.write("Makefile", "x = /wo" "rk/main\n")
        self.expect(words_check, 'docs/a.md:1: "/ho' 'me/m"', 'Makefile:1: "/wo' 'rk/m"')


class Packages(Sample):
    def test_list_and_reasons_agree(self):
        self.write("etc/dev/packages.txt", "# all\nbuild g++\ntest python3\n")
        self.write("docs/dependencies.md", "| package | why |\n|---|---|\n| `g++` | compiler |\n| `perl` | none |\n")
        self.expect(packages_check, "docs/dependencies.md: no reason for python3", "docs/dependencies.md: perl is not in")


class Tree(Sample):
    def test_top_level(self):
        for name in tree_check.TOP_LEVEL - {"LICENSE"}:
            self.write(name) if "." in name[1:] or name in ("Makefile",) else os.makedirs(os.path.join(self.root, name))
        for name in ("build", "build-x", ".git", "misc"):
            os.makedirs(os.path.join(self.root, name))
        self.expect(tree_check, "LICENSE: missing", "misc: not in the list")


class Format(Sample):
    @unittest.skipIf(format_check.formatter() is None, "clang-format 14 is not installed")
    def test_unformatted(self):
        self.write(".clang-format", "BasedOnStyle: Google\n")
        self.write("src/core/a.cpp", "int a;\n")
        self.write("tests/core/b.cpp", "int a;\nint   b ;\n")
        self.expect(format_check, "tests/core/b.cpp:2: not formatted")


class Whole(Sample):
    def test_an_empty_tree_lacks_its_top_level_only(self):
        self.assertEqual(len(tidy.problems(self.root)), len(tree_check.TOP_LEVEL))


if __name__ == "__main__":
    unittest.main(verbosity=1)
