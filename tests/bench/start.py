#!/usr/bin/env python3
"""Measures a broker with very many durable sessions and queued messages, each message queued for one session only: memory of a
session and of a queued message, and the time from the start of the process to the first CONNACK, once after kill -9 right behind
the last acknowledgement and once after SIGTERM. What the figures mean: docs/performance.md.

    tests/bench/start.py [--bin build/bin] [--sessions 100000] [--queued 1000000] [--rounds 1] [--brokers tandem,mosquitto]
                         [--mosquitto PROGRAM] [--results FILE]

Each run is a JSON line on stdout and in FILE, as tandem-bench-table reads them.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from boxes import Node, cpu_s, pinned, rss_bytes, until
from raw_mqtt import connect, dial, fill, first_connack, make_sessions, read_bytes

SESSIONS, QUEUED = 100_000, 1_000_000
PAYLOAD = b"x" * 64
FILLERS = 16    # connections that publish
SERVES_S = 120  # only a failure takes that long
CORE = 0


class Tandem(Node):
    survives_kill = True

    def __init__(self, args, home):
        super().__init__(args.bin, home, "box", CORE)
        self.write_config()

    def await_quiet(self):
        until(self.is_quiet, "what the fill left to the store's threads is done", SERVES_S)


class Mosquitto(Node):
    """Writes its database when it ends in order, and each half hour: after kill -9 there is nothing to start from."""
    survives_kill = False

    def __init__(self, args, home):
        super().__init__(args.bin, home, "mosquitto", CORE)
        self.program = args.mosquitto
        os.mkdir(self.dir)
        with open(self.dir + ".conf", "w") as f:
            f.write(f"""listener {self.port} 127.0.0.1
user root
allow_anonymous true
persistence true
persistence_location {self.dir}/
max_inflight_messages 0
max_queued_messages 0
log_dest none
""")

    def start(self):
        self.process = subprocess.Popen(pinned(self.core, [self.program, "-c", self.dir + ".conf"]))

    def await_quiet(self):
        pass  # it has one thread


KINDS = {"tandem": Tandem, "mosquitto": Mosquitto}


def start_and_serve(node):
    """Seconds from the start of the process to the first CONNACK."""
    began = time.monotonic()
    node.start()
    first_connack(node.port, SERVES_S)
    return time.monotonic() - began


def kept(node, session, each):
    """Whether this session is there with so many messages. Takes none: nothing is acknowledged."""
    whole = 2 + 2 + len(b"g/%d" % session) + 2 + len(PAYLOAD)
    with dial(node.port) as s:
        s.sendall(connect(b"s%d" % session, False))
        if read_bytes(s, 4) != b"\x20\x02\x01\x00":
            return False
        read_bytes(s, each * whole)
        return True


def disk_bytes(node):
    return sum(size for size, _ in node.files().values())


def restart(node, how, report, args, each):
    """`how`: node.kill or node.stop."""
    name = how.__name__
    took_s = how()
    if took_s is not None:
        report["stop_s"] = round(took_s, 3)
    report["disk_bytes_after_" + name] = disk_bytes(node)
    report[f"start_after_{name}_s"] = round(start_and_serve(node), 3)
    report[f"start_after_{name}_cpu_s"] = cpu_s(node.process.pid)
    node.await_quiet()
    report["rss_bytes_after_" + name] = rss_bytes(node.process.pid)
    report["lost_after_" + name] = sum(not kept(node, n, each) for n in range(0, args.sessions, max(1, args.sessions // 100)))


def measure(kind, args, scratch):
    home = tempfile.mkdtemp(dir=scratch)
    node = KINDS[kind](args, home)
    each = max(1, args.queued // args.sessions)
    queued = each * args.sessions
    usual = (args.sessions, queued) == (SESSIONS, QUEUED)
    case = "start" if usual else f"start-{args.sessions}-{queued}"
    report = {"label": kind, "case": case, "sessions": args.sessions, "queued": queued, "payload_bytes": len(PAYLOAD)}
    try:
        start_and_serve(node)
        memory = [rss_bytes(node.process.pid)]
        began = time.monotonic()
        make_sessions(node.port, args.sessions, 1)
        node.await_quiet()
        memory.append(rss_bytes(node.process.pid))
        fill(node.port, (b"g/%d" % (n % args.sessions) for n in range(queued)), PAYLOAD, False, FILLERS)
        report["fill_s"] = round(time.monotonic() - began, 1)
        memory.append(rss_bytes(node.process.pid))
        report["rss_bytes_full"] = memory[2]
        report["rss_bytes_per_session"] = round((memory[1] - memory[0]) / args.sessions)
        report["rss_bytes_per_queued"] = round((memory[2] - memory[1]) / queued)
        if node.survives_kill:
            restart(node, node.kill, report, args, each)
        restart(node, node.stop, report, args, each)
        return report
    finally:
        node.kill()
        shutil.rmtree(home, ignore_errors=True)


def main():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(root, "build/bin"))
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--queued", type=int, default=QUEUED)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--brokers", default="tandem,mosquitto")
    parser.add_argument("--mosquitto", default=os.environ.get("MOSQUITTO") or shutil.which("mosquitto", path="/usr/sbin:/usr/bin"))
    parser.add_argument("--results", help="file to append the reports to")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    scratch = os.path.join(root, "build", "bench")
    os.makedirs(scratch, exist_ok=True)  # on the disk of the build folder, not in a RAM disk
    for number in range(args.rounds):
        for kind in args.brokers.split(","):
            if kind == "mosquitto" and not args.mosquitto:
                print("start: no mosquitto here, left out", file=sys.stderr)
                continue
            line = json.dumps(measure(kind, args, scratch) | {"round": number + 1})
            print(line, flush=True)
            if args.results:
                with open(args.results, "a") as f:
                    f.write(line + "\n")


if __name__ == "__main__":
    main()
