#!/usr/bin/env python3
"""docs/runbook.md by itself: its blocks can be read, and it has every alarm and every order of tandemctl that a person gives.

usage: text_test.py ROOT
"""
import os
import re
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import console  # noqa: E402

ROOT = sys.argv.pop(1) if len(sys.argv) > 1 else "."


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


class Page(unittest.TestCase):
    def test_every_alarm_that_tandemd_knows_is_explained(self):
        kinds = re.search(r"alarm_kinds\[\] = \{(.*?)\}", read("src/admin/status.hpp"), re.DOTALL)[1]
        table = read("docs/runbook.md").split("## What each alarm means")[1]
        explained = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
        self.assertEqual(sorted(re.findall(r'"(\w+)"', kinds)), sorted(explained))

    def test_every_block_says_what_it_is_and_has_a_place(self):
        blocks = console.blocks(read("docs/runbook.md"))
        self.assertGreater(len(blocks), 20)
        for block in blocks:
            self.assertTrue(block.where and block.lines, f"line {block.line}")
            if block.kind == "console":
                self.assertTrue(block.commands(), f"line {block.line}")


class Reading(unittest.TestCase):
    def test_commands_and_what_they_print(self):
        block, = console.blocks("  ```console boxa repeat status=1\n  # one\n  seen ...\n  $ two\n  ```\n")
        self.assertEqual((block.where, block.repeat, block.status), ("boxa", True, 1))
        self.assertEqual(block.commands(), [("one", ["seen ..."]), ("two", [])])

    def test_a_block_without_a_kind_or_without_an_end_is_an_error(self):
        for text in ("```\n# one\n```", "```console boxa\n# one\n"):
            with self.assertRaises(ValueError):
                console.blocks(text)

    def test_expected_lines_stand_in_order_and_dots_stand_for_anything(self):
        printed = "note\n  PROTECTED: all is well\nmore\n"
        self.assertIsNone(console.missing_line(printed, ["PROTECTED: ... well", "...", "more"]))
        self.assertEqual(console.missing_line("NOT " + printed.strip(), ["PROTECTED: ...", "note"]), "note")
        self.assertEqual(console.missing_line("NOT PROTECTED: no\n", ["PROTECTED: ..."]), "PROTECTED: ...")


if __name__ == "__main__":
    unittest.main()
