#!/usr/bin/python3
"""Real keepalived, real kernels, two boxes in network namespaces: every failure of failures.py, with clients at work.

usage: lab_test.py ROOT BIN [--only power,kill] [--together] [--rounds N] [--crowd N [--patience S]]
                   [--workers N] [--loss PERCENT] [--keep] [--status]
       lab_test.py ROOT BIN --compare [--rounds N]
       lab_test.py ROOT BIN --upgrade-from OLD_BIN [--rounds N]     (each second round goes back to OLD_BIN)

ROOT is the project, BIN has tandemd and tandemctl. Rounds of each failure: --rounds, else TANDEM_LAB_ROUNDS, else 1.
Figures (median and maximum) are printed and never judged.
--together  one pair for all failures (and one for those that need takeover.reach), else one each
--crowd     N more clients, none of which may wait for an answer for longer than --patience (3 s)
--workers   N more clients that publish once a second, QoS 0, 1 and 2
--loss      so many packets of the clients are lost, either way, from a power cut on (with a crowd give it more
            patience: a SYN that is lost twice takes 3 s)
--status    shows what `tandemctl status` says during each failure
--keep      leaves configuration and journals of the boxes
--compare   a table of figures beside a pair of Mosquittos with keepalived
Exit: 0 holds, 1 does not, 77 skipped.
"""
import argparse
import signal
import statistics
import sys
import time
import traceback

import boxes
import checks
import compare
import crowd
import failures
import rounds
from lab import Lab, missing_right

SKIPPED = 77


def show(name, figures):
    """figures: {what: [ms or None]}; None: not seen while the test waited."""
    for what, values in figures.items():
        seen = [value for value in values if value is not None]
        text = f"median {statistics.median(seen):.0f} ms, max {max(seen):.0f} ms" if seen else "never"
        unseen = f", {len(values) - len(seen)} times not seen" if len(seen) < len(values) else ""
        print(f"  {name}: {what}: {text} of {len(values)}{unseen}", flush=True)


def show_kept(name, rounds):
    """rounds: [{what: (kept, wanted)}]"""
    sums = {what: [sum(column) for column in zip(*(one[what] for one in rounds))] for one in rounds for what in one}
    if sums:
        print(f"  {name}: stored state: " + ", ".join(f"{kept}/{wanted} {what}" for what, (kept, wanted) in sums.items()))


class Results:
    """What the rounds of one failure told."""

    def __init__(self, name):
        self.name, self.figures, self.kept, self.status = name, {}, [], ""

    def add(self, one):
        for what, value in one.figures.items():
            self.figures.setdefault(what, []).append(value)
        if one.kept:
            self.kept.append(one.kept)
        self.status = one.status or self.status

    def show(self, with_status):
        show(self.name, self.figures)
        show_kept(self.name, self.kept)
        if with_status:
            print(self.status)


def run_failures(lab, arguments, names):
    """All rounds of these failures with one pair and its clients; [(name, the reason if something does not hold)]."""
    lab.run("heal")
    pair = boxes.Pair(lab, arguments.root, arguments.bin, reach=failures.FAILURES[names[0]].reach)
    many = crowd.Crowd(lab, arguments.crowd, arguments.patience) if arguments.crowd else None
    plant, results, problem = checks.Plant(lab, many, arguments.workers), [], None
    try:
        pair.start()
        plant.start()
        for number, name in enumerate(name for name in names for _ in range(arguments.rounds)):
            if not results or results[-1].name != name:
                results.append(Results(name))
            one = rounds.Round(pair, plant, failures.FAILURES[name], number)
            try:
                one.run()
            finally:
                results[-1].add(one)
        plant.finish()
        pair.await_equal()
    except AssertionError as error:
        problem = f"{error}\n{pair.describe()}journals: {pair.folder}"
    finally:
        plant.abandon()
        pair.end(keep=arguments.keep or problem is not None)
    for result in results:
        result.show(arguments.status)
    if many:
        print(f"  crowd of {many.number}: {', '.join(f'{what} {count}' for what, count in many.counts.items())}")
    done = [result.name for result in results] or names[:1]
    return [(name, None) for name in done[:-1]] + [(done[-1], problem)]


def groups(names, together):
    """The failures that share a pair."""
    if not together:
        return [[name] for name in names]
    by_reach = [[name for name in names if failures.FAILURES[name].reach == reach] for reach in (False, True)]
    return [group for group in by_reach if group]


def verdict(name, problem):
    """True if it is as it should be, or as it is known to be."""
    known = failures.EXPECTED_TO_FAIL.get(name)
    what = failures.FAILURES[name].__doc__
    if problem is None:
        print(f"{name} ({what}): holds" + (f"; take it off the list of expected failures: {known}" if known else ""))
    elif known:
        print(f"{name} ({what}): expected failure: {known}")
    else:
        print(f"{name} ({what}): DOES NOT HOLD: {problem}")
    sys.stdout.flush()
    return problem is None or known is not None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root")
    parser.add_argument("bin")
    parser.add_argument("--only", default=",".join(failures.FAILURES))
    parser.add_argument("--rounds", type=int, default=rounds.rounds_wanted())
    parser.add_argument("--together", action="store_true")
    parser.add_argument("--crowd", type=int, default=0)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--patience", type=float, default=3)
    parser.add_argument("--loss", type=float, default=0, metavar="PERCENT")
    parser.add_argument("--upgrade-from", metavar="BIN")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--status", action="store_true")
    arguments = parser.parse_args()
    reason = missing_right()
    if reason:
        print(f"skipped: the lab {reason}")
        return SKIPPED
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    failures.FAILURES["power"].loss_percent = arguments.loss
    crowd.raise_file_limit()
    lab = Lab()
    good = True
    try:
        if arguments.compare:
            compare.Comparison(lab, arguments.root, arguments.bin, arguments.rounds).run()
            return 0
        names = arguments.only.split(",")
        if arguments.upgrade_from:
            names, failures.FAILURES = ["upgrade"], {"upgrade": failures.Upgrade([arguments.upgrade_from, arguments.bin])}
            arguments.bin = arguments.upgrade_from  # the pair begins with these
        for group in groups(names, arguments.together):
            began_s = time.monotonic()
            try:
                problems = run_failures(lab, arguments, group)
            except Exception:  # the lab itself: never an expected failure
                traceback.print_exc()
                return 1
            good = all([verdict(*one) for one in problems]) and good
            print(f"  ({time.monotonic() - began_s:.1f} s)", flush=True)
    finally:
        lab.down()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
