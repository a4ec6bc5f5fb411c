#!/usr/bin/env python3
"""Counts the broker's instructions a delivered message (tandem-hot-path under callgrind): the same on a busy machine.

usage: instructions.py BIN_FOLDER [CASE]...            prints them
       instructions.py BIN_FOLDER --check FILE         fails if a case costs more than FILE says, by more than 5 %
"""
import argparse
import re
import subprocess
import sys

CASES = ("pairs-q0", "pairs-q1", "pairs-q2", "pairs-v5", "fanout-q0", "fanout-q1", "durable-q1", "standby-q1")
FEW_TURNS, MANY_TURNS = 4, 12  # what connecting costs is in both
WORSE_AT_MOST = 1.05


def run(bin_folder, case, turns):
    """Instructions, and messages that were delivered."""
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                           "--toggle-collect=*FakeClient::send*", "--toggle-collect=*House::end_turn*",
                           f"{bin_folder}/tandem-hot-path", case, str(turns)],
                          check=True, capture_output=True, text=True)
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1)), int(done.stdout)


def instructions(bin_folder, case):
    few, few_messages = run(bin_folder, case, FEW_TURNS)
    many, many_messages = run(bin_folder, case, MANY_TURNS)
    return round((many - few) / (many_messages - few_messages))


def noted(path):
    with open(path, encoding="ascii") as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return {case: int(figure) for case, figure in lines}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("case", nargs="*")
    parser.add_argument("--check", metavar="FILE")
    arguments = parser.parse_args()
    limits = noted(arguments.check) if arguments.check else {}
    worse = []
    for case in arguments.case or limits or CASES:
        found = instructions(arguments.bin, case)
        print(f"{case:12} {found:6} instructions a message" + (f", noted {limits[case]}" if case in limits else ""), flush=True)
        if case in limits and found > limits[case] * WORSE_AT_MOST:
            worse.append(case)
    if worse:
        print(f"More than {WORSE_AT_MOST - 1:.0%} above what {arguments.check} notes: {', '.join(worse)}. If it buys "
              "something that is worth it, say so in the commit that notes the new figure.")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
