#!/usr/bin/env python3
"""Measures whether what a mirrored pair does beside serving shows in latency: paced load into durable sessions while nothing else
happens (calm), while checkpoints follow each other (checkpoint), while statistics are told and asked for each second (statistics),
and while a standby with an empty disk gets the image (image). Each round does them in turn, on the same State. What the figures
mean: docs/performance.md.

    tests/bench/steps.py [--bin build/bin] [--rounds 3] [--seconds 10] [--rates 2000,20000] [--results FILE]

Each run is a JSON line on stdout and in FILE, as tandem-bench-table reads them: the busy kinds are the columns.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request

from boxes import PACE_S, Pair, free_port, pinned, until
from raw_mqtt import fill, make_sessions

SETTLE_S = 300         # only a failure takes that long
STATISTICS_EACH_S = 1  # $SYS: ten times as often as the default; Prometheus: as its most eager
WARMUP_S = 1
NEVER = "[store]\nlog_max_mb = 100000\ncheckpoint_mb = 50000\ncheckpoint_s = 86400\n"
STEADY = "[store]\ncheckpoint_mb = 1\ncheckpoint_s = 1\n"  # the next as soon as there is anything new
KINDS = ("calm", "checkpoint", "statistics", "image")


class Scraper(threading.Thread):
    """Asks both boxes for /metrics and /status each second, as long as it lives."""

    def __init__(self, ports):
        super().__init__(daemon=True)
        self.ports, self.over, self.answers = ports, threading.Event(), 0

    def run(self):
        while not self.over.wait(STATISTICS_EACH_S):
            for place in (f"{port}/{path}" for port in self.ports for path in ("metrics", "status")):
                with urllib.request.urlopen("http://127.0.0.1:" + place, timeout=10) as answer:
                    self.answers += len(answer.read()) > 0

    def end(self):
        self.over.set()
        self.join()


class Checkpoints(threading.Thread):
    """Counts how often the State on this box's disk changes: that there were checkpoints at all."""

    def __init__(self, box):
        super().__init__(daemon=True)
        self.box, self.over, self.seen = box, threading.Event(), 0

    def run(self):
        before = self.look()
        while not self.over.wait(5 * PACE_S):
            now = self.look()
            self.seen, before = self.seen + (now != before), now

    def look(self):
        return {name: stamp for name, stamp in self.box.files().items() if name.startswith("state")}

    def end(self):
        self.over.set()
        self.join()


class Steps:
    def __init__(self, args, scratch):
        self.args, self.pair, self.http_ports = args, Pair(args.bin, scratch), (free_port(), free_port())

    def configure(self, kind):
        told = kind == "statistics"
        for box, peer, port in zip((self.pair.a, self.pair.b), (self.pair.b, self.pair.a), self.http_ports):
            tables = STEADY if kind == "checkpoint" else NEVER
            if told:
                tables += f'[http]\naddress = "127.0.0.1"\nport = {port}\n'
            box.mirrors(peer, tables, f"sys_interval_s = {STATISTICS_EACH_S if told else 0}")

    def make_state(self):
        """Sessions with a message each, and retained messages: something to write down and to send."""
        self.configure("calm")
        self.pair.start()
        port, sessions = self.pair.active().port, self.args.sessions
        make_sessions(port, sessions, 1)
        fill(port, (b"g/%d" % n for n in range(sessions)), b"x" * 64, False, 16)
        fill(port, (b"retained/%d" % n for n in range(self.args.image_mb * 100)), os.urandom(100) * 100, True, 4)
        self.pair.await_protected()
        self.stop()

    def stop(self):
        self.pair.b.stop()
        self.pair.a.stop()

    def load(self, kind, rate, number):
        active = self.pair.active()
        command = [os.path.join(self.args.bin, "tandem-load"), "pairs", "--count", "50", "--qos", "1", "--durable",
                   "--rate", str(rate), "--port", str(active.port), "--seconds", str(self.args.seconds),
                   "--warmup", str(WARMUP_S), "--broker-pid", f"active={active.process.pid}", "--label", kind,
                   "--case", f"steps-{rate}", "--round", str(number), "--json"]
        return subprocess.Popen(pinned(1, command), stdout=subprocess.PIPE, text=True)

    def lose_standby(self):
        """A box that is to be replaced: nothing is on its disk."""
        active = self.pair.active()
        standby = self.pair.other(active)
        standby.kill()
        shutil.rmtree(standby.dir)
        until(lambda: active.status().get("self", {}).get("mode") == "solo", "the active serves alone", SETTLE_S)
        return active, standby

    def measure(self, kind, rate, number):
        """One run; the pair serves when it begins and is protected when it ends."""
        helper = None
        if kind == "statistics":
            helper = Scraper(self.http_ports)
        elif kind == "checkpoint":
            helper = Checkpoints(self.pair.active())
        joined_s = None
        if kind == "image":
            active, standby = self.lose_standby()
            before = active.received()
            load = self.load(kind, rate, number)
            until(lambda: active.received() > before + (WARMUP_S + 1) * rate, "the load is measured", SETTLE_S)
            began = time.monotonic()
            standby.start()
            self.pair.await_protected()
            joined_s = time.monotonic() - began
        else:
            load = self.load(kind, rate, number)
            if helper:
                helper.start()
        out, _ = load.communicate()
        report = json.loads(out)
        if helper:
            helper.end()
            report["times"] = helper.answers if kind == "statistics" else helper.seen
        if joined_s:
            report["joined_s"] = round(joined_s, 2)
        return report

    def run(self):
        self.make_state()
        for number in range(1, self.args.rounds + 1):
            for kind in self.args.kinds.split(","):
                self.configure(kind)
                self.pair.start()
                until(lambda: self.pair.a.is_quiet() and self.pair.b.is_quiet() or kind == "checkpoint",
                      "what the start left to the store's threads is done", SETTLE_S)
                for rate in self.args.rates.split(","):
                    yield self.measure(kind, int(rate), number)
                self.stop()


def main():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(root, "build/bin"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rates", default="2000,20000")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--sessions", type=int, default=20_000)
    parser.add_argument("--image-mb", type=int, default=200)
    parser.add_argument("--results", help="file to append the reports to")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    scratch = os.path.join(root, "build", "bench")
    os.makedirs(scratch, exist_ok=True)  # on the disk of the build folder, not in a RAM disk
    steps = Steps(args, scratch)
    try:
        for report in steps.run():
            line = json.dumps(report)
            print(line, flush=True)
            if args.results:
                with open(args.results, "a") as f:
                    f.write(line + "\n")
    finally:
        steps.pair.end()


if __name__ == "__main__":
    main()
