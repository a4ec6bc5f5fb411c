#!/usr/bin/env python3
"""Hostile clients against a pair, one attack after the other, and what becomes of a well-behaved client meanwhile.

usage: hostile.py BIN_FOLDER [--seconds N] [--only ATTACK]...     a network of its own, if this machine allows that

It prints a table and fails if a box ends, is not protected, takes more memory than it may, or if the well-behaved client waits
more than five times as long as it does in peace.
"""
import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from attacks import ATTACKS  # noqa: E402
from mqtt import Client, publish, subscribe  # noqa: E402
from pair import ADDRESS, USERS, Pair, holds_within  # noqa: E402

MEMORY_MB = 1_024       # of a box
SLOWER_AT_MOST = 5      # p99 against p99 in peace
SLOW_ANYWAY_MS = 5      # a p99 below it is good whatever it was in peace: this machine's own noise
UNPROTECTED_MS = 0
PER_S = 100             # messages of the well-behaved client
LEFT_ALONE_S = 30       # only a failure takes that long
OWN_DESCRIPTORS = 10    # of files that a box may open for itself meanwhile


def good_client(name):
    return Client(ADDRESS, name, "good", USERS["good"])


def well_behaved(stop, results):
    """Publishes at QoS 1 to itself; gives the milliseconds from publish to arrival, and how often it was disconnected."""
    times, lost, number, client = [], 0, 0, None
    while not stop.is_set():
        began = time.monotonic()
        try:
            if client is None:
                client = good_client("well-behaved")
                client.send(subscribe(["good/self"], qos=1))
            number = number % 60_000 + 1
            client.send(publish("good/self", str(number).encode(), qos=1, packet_id=number))
            arrived = acked = False
            while not (arrived and acked):
                first, body = client.read()
                if first >> 4 == 3:
                    arrived = True
                    client.send(b"\x40\x02" + body[11:13])
                acked = acked or first >> 4 == 4
            times.append((time.monotonic() - began) * 1_000)
        except OSError:
            client, lost = None, lost + 1
            times.append((time.monotonic() - began) * 1_000)
        time.sleep(max(0, 1 / PER_S - (time.monotonic() - began)))  # its pace
    results.put((times, lost))


def p99(times):
    return sorted(times)[int(len(times) * 0.99)] if times else float("inf")


def from_elsewhere(attack, end):
    """An attacker's own work is done on his machine, not on the boxes: here it comes last."""
    os.nice(19)
    attack(end)


class Watch:
    """Status and memory of the pair, ten times a second."""

    def __init__(self, pair):
        self.pair, self.end, self.memory_mb, self.unprotected_ms = pair, False, 0, 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        good = time.monotonic()
        while not self.end:
            asked = time.monotonic()
            if self.pair.protected():
                # The time between two good answers counts only if there was a bad one between them.
                good = None
            elif good is None:
                good = asked
            else:
                self.unprotected_ms = max(self.unprotected_ms, (time.monotonic() - good) * 1_000)
            self.memory_mb = max(self.memory_mb, self.pair.memory_mb())
            time.sleep(0.1)  # its pace

    def stop(self):
        self.end = True
        self.thread.join()


def measure(pair, seconds, attack):
    stop, results = multiprocessing.Event(), multiprocessing.Queue()
    client = multiprocessing.Process(target=well_behaved, args=(stop, results))
    client.start()
    watch = Watch(pair)
    attacker = None
    if attack:
        attacker = multiprocessing.Process(target=from_elsewhere, args=(attack, time.monotonic() + seconds))
        attacker.start()
    time.sleep(seconds)  # the attack takes that long
    newcomer_ms = connect_ms()
    stop.set()
    times, lost = results.get(timeout=60)
    client.join()
    watch.stop()
    if attacker:
        attacker.kill()
        attacker.join()
    return {"p99": p99(times), "max": max(times), "lost": lost, "memory": watch.memory_mb,
            "unprotected": watch.unprotected_ms, "newcomer": newcomer_ms, "messages": len(times)}


def connect_ms():
    """How long a well-behaved newcomer needs to be connected; infinite: it is not let in."""
    began = time.monotonic()
    try:
        good_client("newcomer").close()
    except OSError:
        return float("inf")
    return (time.monotonic() - began) * 1_000


def left_alone(pair, quiet):
    """What the attackers had open is closed, and the boxes answer."""
    return pair.protected() and pair.descriptors() <= quiet + OWN_DESCRIPTORS


def verdict(found, peace, pair):
    wrong = pair.ended()
    if found["unprotected"] > UNPROTECTED_MS:
        wrong.append(f"not protected for {found['unprotected']:.0f} ms")
    if found["memory"] > MEMORY_MB:
        wrong.append(f"more than {MEMORY_MB} MB")
    if found["p99"] > max(SLOWER_AT_MOST * peace["p99"], SLOW_ANYWAY_MS):
        wrong.append(f"p99 is {found['p99'] / peace['p99']:.0f} times what it is in peace")
    if found["lost"]:
        wrong.append(f"the well-behaved client was disconnected {found['lost']} times")
    if found["newcomer"] == float("inf"):
        wrong.append("a newcomer is not let in")
    return wrong


def row(name, found, wrong):
    newcomer = "-" if found["newcomer"] == float("inf") else f"{found['newcomer']:.0f}"
    print(f"{name:16} {found['p99']:9.1f} {found['max']:9.0f} {newcomer:>9} {found['memory']:7} {found['unprotected']:8.0f}  "
          f"{'; '.join(wrong) or 'good'}", flush=True)


def run(arguments):
    folder = tempfile.mkdtemp(prefix="tandem-hostile-")
    pair = Pair(folder, arguments.bin)
    bad = 0
    try:
        pair.start()
        quiet = pair.descriptors()
        peace = measure(pair, max(2, arguments.seconds // 2), None)
        print("attack              p99 ms    max ms  connect  RSS MB  unprot ms")
        row("none", peace, [])
        for attack in ATTACKS:
            if arguments.only and attack.__name__ not in arguments.only:
                continue
            found = measure(pair, arguments.seconds, attack)
            wrong = verdict(found, peace, pair)
            if not wrong and not holds_within(lambda: left_alone(pair, quiet), LEFT_ALONE_S):
                wrong.append(f"{pair.descriptors() - quiet} descriptors more than before are open {LEFT_ALONE_S} s later")
            bad += bool(wrong)
            row(attack.__name__, found, wrong)
            if pair.ended():
                break
    finally:
        pair.stop()
        if bad:
            print(f"kept for you to look at: {folder}")
        else:
            shutil.rmtree(folder)
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--only", action="append")
    arguments = parser.parse_args()
    if "TANDEM_HOSTILE_INSIDE" not in os.environ and subprocess.run(
            ["unshare", "-rn", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        os.environ["TANDEM_HOSTILE_INSIDE"] = "1"
        inside = 'ip link set lo up && exec "$0" "$@"'
        os.execvp("unshare", ["unshare", "-rn", "sh", "-c", inside, sys.executable, "-B", *sys.argv])
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
