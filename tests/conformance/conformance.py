#!/usr/bin/python3
"""Every statement of the MQTT standards that concerns a server, and the test that proves it.

usage: conformance.py ROOT --check    exit 1 if docs/conformance.md is old, or a statement has neither test nor reason
       conformance.py ROOT --write    writes docs/conformance.md
       conformance.py ROOT --missing  lists what has neither

A test claims a statement in its TEST_CASE's name or by COVERS("MQTT5-3.3.1-2", "U-07") inside (tests/covers.hpp); in a Python
test by a comment "# COVERS MQTT5-3.3.1-2". checklist.md has the statements, not_tested.txt those without a test and why.
"""
import argparse
import collections
import os
import re
import sys

ID = re.compile(r"MQTT5-\d[\d.]*-\d+|MQTT311-\d[\d.]*-\d+|\b[UT]-\d\d\b")
TEXT = r'(?:"(?:[^"\\]|\\.)*"\s*)+'
CLAIM = re.compile(rf"TEST_CASE\(\s*({TEXT})\)|\bCOVERS\(([^)]*)\)", re.DOTALL)
PYTHON_CLAIM = re.compile(r"^\s*def (\w+)|# COVERS (.*)$", re.MULTILINE)
PARTS = {"A": "MQTT5-", "B": "MQTT311-", "C": "", "G": ""}
TITLES = {"A": "MQTT 5.0", "B": "MQTT 3.1.1, where it differs from 5.0", "C": "Rules of 5.0 without a number",
          "G": "Traps: what brokers get wrong"}

Statement = collections.namedtuple("Statement", "id part text")


def statements(checklist):
    """In the order of the checklist."""
    part, found = None, []
    for line in checklist.splitlines():
        heading = re.match(r"## Part (\w)\.", line)
        if heading:
            part = heading[1]
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if part in PARTS and len(cells) > 2 and re.fullmatch(r"[\d.]+-\d+|[UT]-\d\d", cells[0]):
            text = cells[2] if part in "AC" else cells[1]
            found.append(Statement(PARTS[part] + cells[0], part, text))
    return found


def claims_of(path, text):
    """[(id, test)]"""
    found, test = [], ""
    if path.endswith(".py"):
        for function, ids in PYTHON_CLAIM.findall(text):
            test = function or test
            found += [(one, f"{path}: {test}") for one in ID.findall(ids)]
        return found
    for name, ids in CLAIM.findall(text):
        if name:
            test = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', name)).replace('\\"', '"')
        found += [(one, f"{path}: {test}") for one in ID.findall(name or ids)]
    return found


def claims(root):
    """{id: [test]}"""
    found = collections.defaultdict(list)
    for folder, _, names in sorted(os.walk(os.path.join(root, "tests"))):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if name.endswith(("_test.cpp", "_test.py")):
                with open(path, encoding="utf-8") as file:
                    for one, test in claims_of(os.path.relpath(path, root), file.read()):
                        if test not in found[one]:
                            found[one].append(test)
    return found


def reasons(text):
    """{id: why there is no test}; lines "ID: reason"."""
    lines = [line.split(": ", 1) for line in text.splitlines() if line and not line.startswith("#")]
    return {one: reason for ids, reason in lines for one in ids.split()}


def document(all_statements, tests, why_not):
    tested = sum(statement.id in tests for statement in all_statements)
    out = ["# Conformance", "",
           "Made by tests/conformance/conformance.py; `make test` fails when it is not up to date. Each statement of the MQTT standards, "
           "the first test that proves it, or why there is none.", "",
           f"{len(all_statements)} statements; {tested} with a test, {len(all_statements) - tested} without.", ""]
    for part, title in TITLES.items():
        out += [f"## {title}", "", "| statement | what it asks | test, or why there is none |", "|---|---|---|"]
        for statement in all_statements:
            if statement.part == part:
                claimed = tests.get(statement.id)
                more = f" (and {len(claimed) - 1} more)" if claimed and len(claimed) > 1 else ""
                told = claimed[0] + more if claimed else "*" + why_not.get(statement.id, "NEITHER") + "*"
                out.append(f"| {statement.id} | {statement.text} | {told.replace('|', chr(92) + '|')} |")
        out.append("")
    return "\n".join(out)


def problems(all_statements, tests, why_not):
    known = {statement.id for statement in all_statements}
    for one in sorted(known - set(tests) - set(why_not)):
        yield f"{one}: neither a test nor a reason in not_tested.txt"
    for one in sorted(set(why_not) & set(tests)):
        yield f"{one}: has a test ({tests[one][0]}): take it out of not_tested.txt"
    for one in sorted(set(why_not) - known):
        yield f"{one} in not_tested.txt: no such statement"


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root")
    what = parser.add_mutually_exclusive_group(required=True)
    for option in ("--check", "--write", "--missing"):
        what.add_argument(option, action="store_true")
    arguments = parser.parse_args()
    here = os.path.join(arguments.root, "tests", "conformance")
    all_statements = statements(read(here, "checklist.md"))
    tests, why_not = claims(arguments.root), reasons(read(here, "not_tested.txt"))
    text, path = document(all_statements, tests, why_not), os.path.join(arguments.root, "docs", "conformance.md")
    if arguments.write:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return 0
    if arguments.missing:
        for statement in all_statements:
            if statement.id not in tests and statement.id not in why_not:
                print(f"{statement.id}: {statement.text}")
        return 0
    wrong = list(problems(all_statements, tests, why_not))
    if not os.path.exists(path) or read(path) != text:
        wrong.append("docs/conformance.md is not up to date: tests/conformance/conformance.py . --write")
    print("\n".join(wrong) or f"{len(all_statements)} statements")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
