#!/usr/bin/env python3
"""Writes what docs/performance.md shows from the raw reports in a folder: its charts, and figures.md with goals and tables.

    tests/bench/figures.py [--bin build/bin] FOLDER    FOLDER: has standard.jsonl, latency.jsonl, ... (etc/dev/measure.sh)
"""
import argparse
import os
import subprocess

import chart
import goals
from reports import load, notes

# Part, what it is, and the broker that all others are compared with; otherwise the first is, with each other one.
PARTS = (("standard", "Speed and memory", ""), ("latency", "Latency at a factory's load", "mosquitto"),
         ("growth", "Connections", ""), ("steps", "Latency beside a checkpoint, statistics, an image (mirrored)", "calm"),
         ("start", "Start with 100,000 sessions and 1 million queued messages", ""))


def said_of(path):
    return "; ".join(f"{note['date']}, {note['rounds']} rounds, commit {note['commit']}, {note['cores']} cores ({note['cpu']}), "
                     f"kernel {note['kernel']}, load average before {note['load_average_before']:.1f}" for note in notes(path))


def table(bin_dir, path, against):
    command = [os.path.join(bin_dir, "tandem-bench-table"), path, against]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(root, "build/bin"))
    parser.add_argument("folder")
    args = parser.parse_args()
    there = [(part, title, against, path) for part, title, against in PARTS
             if os.path.exists(path := os.path.join(args.folder, part + ".jsonl"))]
    reports = load([path for *_, path in there])
    charts = chart.draw_all(reports, args.folder)
    out = ["# Figures", "Written by `etc/dev/measure.sh`; what they mean: [performance](../performance.md). Medians (smallest-largest); "
           "a ratio is taken within a round. Below 10 % apart is no difference.", "## Goals", goals.table(reports)]
    out += [f"![{name}]({name}.svg)" for name in charts]
    for part, title, against, path in there:
        out += [f"## {title}", f"`{part}.jsonl`: {said_of(path)}.", table(args.bin, path, against).strip()]
    with open(os.path.join(args.folder, "figures.md"), "w") as f:
        f.write("\n\n".join(out) + "\n")
    print(os.path.join(args.folder, "figures.md"))


if __name__ == "__main__":
    main()
