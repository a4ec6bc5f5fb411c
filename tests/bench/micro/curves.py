#!/usr/bin/env python3
"""Growth curves out of Google Benchmark's JSON: a table, a chart a subject, and the raw figures.

usage: curves.py BENCHMARK.json FOLDER      writes FOLDER/microbench.{md,jsonl} and FOLDER/microbench-SUBJECT.svg
       curves.py --table FILE.jsonl         prints the table again

Each benchmark is named SUBJECT/CURVE/SIZE and counts its items. A figure is CPU time an item, the median of the
repetitions. A curve with a goal is met if no size costs more than LIMIT times what the smallest one costs.
"""
import argparse
import json
import os
import statistics
import sys
from collections import namedtuple

import chart

LIMIT = 1.5
Subject = namedtuple("Subject", "title sizes goal")
SUBJECTS = {
    "connections": Subject("A message by connections", "connections", True),
    "matching-hot": Subject("A look-up by subscriptions, 100 topics in use", "subscriptions", True),
    "matching-spread": Subject("A look-up by subscriptions, all topics in use", "subscriptions", True),
    "retained": Subject("A message by retained messages", "retained messages", True),
    "queued": Subject("A message by messages that wait", "messages in queues", True),
    "sessions": Subject("Durable sessions", "durable sessions", False),
    "subscriptions": Subject("A change of a subscription", "subscriptions", False),
    "retained-subscribe": Subject("A SUBSCRIBE by retained messages", "retained messages", False),
    "image": Subject("A row of an image", "rows", False),
    "codec": Subject("Codec: a packet by its payload", "bytes of payload", False),
    "filters": Subject("Codec: SUBSCRIBE, a filter", "filters in the packet", False),
    "record": Subject("A record by its payload", "bytes of payload", False),
    "batch": Subject("A record by its batch", "records in the batch", False),
}
Curve = namedtuple("Curve", "subject name points")  # points: (size, nanoseconds of each repetition), by size


def measured(path):
    """Lines of raw figures: {"subject", "curve", "size", "ns"}."""
    with open(path, encoding="utf-8") as file:
        runs = json.load(file)["benchmarks"]
    found = {}
    for run in runs:
        if run["run_type"] == "iteration":
            found.setdefault(run["run_name"], []).append(round(1e9 / run["items_per_second"], 2))
    lines = []
    for name, figures in found.items():
        subject, rest = name.split("/", 1)
        curve, size = rest.rsplit("/", 1)
        size = size.split("/")[0]
        lines.append({"subject": subject, "curve": curve, "size": int(size), "ns": figures})
    return lines


def curves_of(lines):
    found = {}
    for line in lines:
        found.setdefault((line["subject"], line["curve"]), []).append((line["size"], line["ns"]))
    order = list(SUBJECTS)
    curves = [Curve(subject, name, sorted(points)) for (subject, name), points in found.items()]
    return sorted(curves, key=lambda curve: order.index(curve.subject))


def medians(curve):
    return [(size, statistics.median(figures)) for size, figures in curve.points]


def verdict(curve):
    if not SUBJECTS[curve.subject].goal:
        return ""
    costs = [cost for _, cost in medians(curve)]
    return "met" if max(costs) <= LIMIT * costs[0] else "**missed**"


def table(curves):
    lines = []
    for subject, facts in SUBJECTS.items():
        own = [curve for curve in curves if curve.subject == subject]
        if not own:
            continue
        sizes = sorted({size for curve in own for size, _ in curve.points})
        lines += [f"### {facts.title}", "", f"![{facts.title}](microbench-{subject}.svg)", "",
                  f"| {facts.sizes}: | " + " | ".join(chart.count(size) for size in sizes) +
                  " | largest / smallest |" + (f" within {LIMIT} x |" if facts.goal else ""),
                  "|---|" + "---|" * (len(sizes) + 1 + facts.goal)]
        for curve in own:
            costs = dict(medians(curve))
            ends = list(costs.values())
            cells = [chart.duration(costs[size]) if size in costs else "" for size in sizes]
            lines.append(f"| {curve.name} | " + " | ".join(cells) + f" | {ends[-1] / ends[0]:.2f} x |" +
                         (f" {verdict(curve)} |" if facts.goal else ""))
        lines.append("")
    return "\n".join(lines)


def write(folder, lines):
    curves = curves_of(lines)
    with open(os.path.join(folder, "microbench.jsonl"), "w", encoding="ascii") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    with open(os.path.join(folder, "microbench.md"), "w", encoding="ascii") as file:
        file.write("# Growth curves\n\nWritten by `make microbench`; docs/performance.md says how, and what to think of them. CPU time, "
                   "medians of all repetitions (`microbench.jsonl`).\n\n" + table(curves))
    for subject, facts in SUBJECTS.items():
        own = {curve.name: medians(curve) for curve in curves if curve.subject == subject}
        if own:
            with open(os.path.join(folder, f"microbench-{subject}.svg"), "w", encoding="utf-8") as file:
                file.write(chart.log_log(facts.title, facts.sizes, own))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    if arguments.table:
        with open(arguments.file, encoding="ascii") as file:
            print(table(curves_of([json.loads(line) for line in file])))
    else:
        write(arguments.folder, measured(arguments.file))
    return 0


if __name__ == "__main__":
    sys.exit(main())
