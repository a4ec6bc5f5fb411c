#!/usr/bin/env python3
"""Measures what a mirrored pair does beside its load: takeover with many sessions and queued messages, a large image, and
the round trip of the bare link. Both boxes run on this machine, on loopback; what the figures mean: docs/performance.md.

    tests/bench/mirror.py [--bin build/bin] [--sessions 100000] [--queued 1000000] [--image-mb 1000] [--only takeover,image,link]
"""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime

from boxes import Pair, until
from raw_mqtt import dial, fill, first_connack, make_sessions, read_bytes

GROUP = 100        # sessions that share a topic, so that one message is queued for all of them
LOAD_PER_S = 2000  # messages while an image is made
SETTLE_S = 300     # only a failure takes that long


def takeover(args, scratch):
    pair = Pair(args.bin, scratch)
    try:
        pair.start()
        active = pair.active()
        standby = pair.other(active)
        began = time.monotonic()
        make_sessions(active.port, args.sessions, GROUP)
        groups = max(1, args.sessions // GROUP)
        rounds = max(1, args.queued // (groups * GROUP))
        fill(active.port, (b"g/%d" % (n % groups) for n in range(groups * rounds)), b"x" * 64, False)
        pair.await_protected()
        until(lambda: standby.status().get("self", {}).get("lsn") == active.status()["self"]["lsn"], "both boxes in step")
        state = standby.status()["self"]
        filled_s = time.monotonic() - began
        until(lambda: active.is_quiet() and standby.is_quiet(), "what the fill left to the store's threads is done", SETTLE_S)
        killed_at = time.time()
        active.kill()
        connack_at = first_connack(standby.port)
        promoted_at = journal_time(standby.log, "it takes over")
        active_at = journal_time(standby.log, "ACTIVE in epoch")
        print(f"takeover: {state['sessions']} sessions, {state['queued']} queued messages (made in {filled_s:.0f} s): "
              f"MASTER to first CONNACK {1000 * (connack_at - promoted_at):.1f} ms "
              f"(journal and wall clock, 1 ms steps; "
              f"of it {1000 * (active_at - promoted_at):.0f} ms until ACTIVE), kill to first CONNACK {1000 * (connack_at - killed_at):.0f} ms", flush=True)
    finally:
        pair.end()


def journal_time(path, words):
    with open(path, errors="replace") as f:
        for line in f:
            if words in line:
                stamp = re.match(r"\d+-\d+-\d+ \d+:\d+:\d+\.\d+", line).group()
                return datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S.%f").timestamp()
    raise RuntimeError(f"no line with '{words}' in {path}")


def paced_load(args, port, seconds):
    command = [os.path.join(args.bin, "tandem-load"), "pairs", "--count", "50", "--qos", "1", "--durable", "--rate", str(LOAD_PER_S),
               "--port", str(port), "--seconds", str(seconds), "--warmup", "1", "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def latency(process):
    out, _ = process.communicate()
    report = json.loads(out.strip().splitlines()[-1])
    return {key: value for key, value in report.items() if re.search(r"p50|p99|latency|lost|stalls", key)}


def image(args, scratch):
    pair = Pair(args.bin, scratch)
    try:
        pair.start()
        active = pair.active()
        standby = pair.other(active)
        standby.kill()
        shutil.rmtree(standby.dir)  # a replaced box
        body = os.urandom(1_000) * 100
        fill(active.port, (b"filled/%d" % n for n in range(args.image_mb * 10)), body, True)
        until(active.is_quiet, "what the fill left to the store's threads is done", SETTLE_S)
        alone = latency(paced_load(args, active.port, 8))
        before = active.received()
        load = paced_load(args, active.port, args.image_load_s)
        until(lambda: active.received() > before + 2 * LOAD_PER_S, "the load runs at its rate")
        began = time.monotonic()
        standby.start()
        pair.await_protected(600)
        took_s = time.monotonic() - began
        during = latency(load)
        after = latency(paced_load(args, active.port, 8))
        print(f"image: {args.image_mb} MB of retained messages, joined and protected after {took_s:.1f} s at 2,000 messages/s"
              f" (load of {args.image_load_s} s around it)\n  solo:   {alone}\n  image:  {during}\n  mirrored: {after}",
              flush=True)
    finally:
        pair.end()


def link(args, _):
    """Round trip of 100 bytes between two processes over bare TCP on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        child = os.fork()
        if child == 0:
            s, _ = server.accept()
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := s.recv(4096):
                s.sendall(data)
            os._exit(0)
        times = []
        with dial(server.getsockname()[1]) as s:
            for _ in range(20_000):
                began = time.perf_counter()
                s.sendall(b"x" * 100)
                read_bytes(s, 100)
                times.append(time.perf_counter() - began)
        os.waitpid(child, 0)
    times.sort()
    print(f"link: round trip of bare TCP p50 {1e6 * times[len(times) // 2]:.0f} us, "
          f"p99 {1e6 * times[len(times) * 99 // 100]:.0f} us", flush=True)


def main():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(root, "build/bin"))
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--queued", type=int, default=1_000_000)
    parser.add_argument("--image-mb", type=int, default=1_000)
    parser.add_argument("--image-load-s", type=int, default=60)
    parser.add_argument("--only", default="link,takeover,image")
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    out = os.path.join(root, "build", "bench")
    os.makedirs(out, exist_ok=True)  # on the disk of the build folder, not in a RAM disk
    parts = {"link": link, "takeover": takeover, "image": image}
    for name in args.only.split(","):
        for _ in range(args.rounds):
            parts[name](args, out)
    print(f"load average after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
