#!/usr/bin/env python3
"""Holds raw reports of the bench against the project's goals and prints a Markdown table: what was measured, the goal, met or missed.

    tests/bench/goals.py FILE...    FILE: JSON lines of bench.sh, start.py and steps.py, all together

Ratios are taken within a round; shown are median, smallest and largest; the median decides. A goal without reports is left out.
"""
import sys

from reports import by_round, cases_of, combined, field, is_core, is_link, is_store, load, median, ratios, spread, threads

ALONE, PAIR, FLASHMQ, MOSQUITTO = "tandem", "tandem-pair", "flashmq", "mosquitto"


class Goals:
    def __init__(self, reports):
        self.reports, self.rows = reports, []

    def of(self, case, label, read):
        return by_round(self.reports, case, label, read)

    def row(self, what, values, most, unit="x"):
        """values: {round: value}; met if their median is at most `most`."""
        if values:
            verdict = "met" if median(values) <= most else "**missed**"
            self.rows.append(f"| {what} | {spread(values, unit)} | at most {most:g}{unit} | {verdict} |")

    def ratio(self, what, one, other, most):
        self.row(what, ratios(one, other), most)


def cpu_goals(goals):
    cpu = field("cpu_us")
    for case, most in (("pairs-q0", 0.25), ("pairs-q1", 0.25), ("pairs-q2", 0.25), ("fanout-q0", 0.4), ("fanout-q1", 0.4),
                       ("fanin-q1", 0.45), ("pairs-4k", 0.55)):
        goals.ratio(f"{case}: CPU, Tandem / FlashMQ", goals.of(case, ALONE, cpu), goals.of(case, FLASHMQ, cpu), most)
    core, store = threads(is_core), threads(is_store)
    core_and_link = threads(lambda name: is_core(name) or is_link(name))
    durable, flashmq = "durable-q1", goals.of("durable-q1", FLASHMQ, cpu)
    mirrored = goals.of(durable, PAIR, core_and_link)
    goals.ratio(f"{durable}: core and edge, Tandem / FlashMQ", goals.of(durable, ALONE, core), flashmq, 0.25)
    goals.ratio(f"{durable}: core, edge and link, mirrored / FlashMQ", mirrored, flashmq, 0.35)
    goals.row(f"{durable}: store threads, mirrored", goals.of(durable, PAIR, store), 0.5, " us")
    goals.ratio(f"{durable}: core thread, mirrored / alone", goals.of(durable, PAIR, core), goals.of(durable, ALONE, core), 1.1)
    goals.ratio(f"{durable} mirrored (core, edge and link) / pairs-q1 of FlashMQ", mirrored, goals.of("pairs-q1", FLASHMQ, cpu), 1)
    for way in ("in", "out"):
        read = field(way + "_us")
        goals.ratio(f"offline, {way}: CPU, Tandem / FlashMQ", goals.of("offline", ALONE, read), goals.of("offline", FLASHMQ, read), 0.3)
    goals.row("paced-2k: CPU, mirrored", goals.of("paced-2k", PAIR, cpu), 110, " us")


def memory_goals(goals):
    goals.row("offline: RSS a queued message of 64 bytes", goals.of("offline", ALONE, field("rss_bytes_per_message")), 200, " B")
    goals.row("start: RSS a queued message, ten a session", goals.of("start", ALONE, field("rss_bytes_per_queued")), 200, " B")
    goals.row("idle: RSS a connection", goals.of("idle", ALONE, field("rss_bytes_per_connection")), 1500, " B")


def latency_goals(goals):
    p50, p99 = field("latency_us", "p50"), field("latency_us", "p99")
    added = combined(goals.of("paced-2k", PAIR, p50), goals.of("paced-clean", PAIR, p50), lambda one, other: one - other)
    goals.row("paced-2k: p50 that the gate adds, mirrored", added, 100, " us")
    for case in ("paced-2k", "paced-20k"):
        goals.ratio(f"{case}: p99, mirrored / Mosquitto", goals.of(case, PAIR, p99), goals.of(case, MOSQUITTO, p99), 1)
    step = field("latency_us", "p99.9")
    for case in (case for case in cases_of(goals.reports) if case.startswith("steps-")):
        for kind in ("checkpoint", "statistics", "image"):
            goals.ratio(f"{case}: p99.9, {kind} / calm", goals.of(case, kind, step), goals.of(case, "calm", step), 1.5)


def growth_goals(goals):
    for label, name in ((ALONE, "Tandem"), (PAIR, "mirrored")):
        few, many = (goals.of(case, label, field("cpu_us")) for case in ("conns-10", "conns-10k"))
        goals.ratio(f"CPU with 10,000 connections / with 10, {name}", many, few, 1.5)
    for how in ("kill", "stop"):
        goals.row(f"start with 100,000 sessions and 1,000,000 queued to CONNACK, after {how}",
                  goals.of("start", ALONE, field(f"start_after_{how}_s")), 3, " s")


def table(reports):
    goals = Goals(reports)
    for part in (cpu_goals, memory_goals, latency_goals, growth_goals):
        part(goals)
    return "| what | measured | goal | |\n|---|---|---|---|\n" + "\n".join(goals.rows)


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    print(table(load(sys.argv[1:])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
