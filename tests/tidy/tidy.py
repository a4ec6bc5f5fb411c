#!/usr/bin/env python3
"""The shape of the house, checked: floors, sizes, paths named in documents, words that may not stay, formatting.

usage: tidy.py ROOT    prints "path:line: what is wrong" a line each; exit status 1 if there is any.
"""
import os
import sys

sys.dont_write_bytecode = True

import docs_check
import floors_check
import format_check
import packages_check
import size_check
import tree_check
import words_check

CHECKS = [tree_check, floors_check, size_check, docs_check, words_check, packages_check, format_check]


def problems(root):
    """Every problem of the tree at root, as text lines in the order of the checks."""
    found = []
    for check in CHECKS:
        found.extend(check.problems(root))
    return found


def main():
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        print(__doc__, file=sys.stderr)
        return 2
    found = problems(sys.argv[1])
    for line in found:
        print(line)
    print(f"{len(found)} problems" if found else "tidy")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
