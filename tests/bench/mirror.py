#!/usr/bin/env python3
"""Measures what a mirrored pair does beside its load: takeover with many sessions and queued messages, a large image, and
the round trip of the bare link. Both boxes run on this machine, on loopback; what the figures mean: docs/performance.md.

    tests/bench/mirror.py [--bin build/bin] [--sessions 100000] [--queued 1000000] [--image-mb 1000] [--only takeover,image,link]
"""
import argparse
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from datetime import datetime

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
from on_this_machine import free_port, status_of, until  # noqa: E402

GROUP = 100        # sessions that share a topic, so that one message is queued for all of them
LOAD_PER_S = 2000  # messages while an image is made
QUIET_S = 0.5      # no change of the store's files for so long: its threads have nothing to do
SETTLE_S = 300     # only a failure takes that long


def field(data):
    return len(data).to_bytes(2, "big") + data


def packet(kind, body):
    length, out = len(body), bytearray([kind])
    while True:
        length, digit = divmod(length, 128)
        out.append(digit | (128 if length else 0))
        if not length:
            return bytes(out) + body


def connect(client_id, clean):
    return packet(0x10, field(b"MQTT") + bytes([4, 2 if clean else 0, 0, 0]) + field(client_id))


def subscribe(topic, qos=1):
    return packet(0x82, b"\0\1" + field(topic) + bytes([qos]))


def publish(topic, payload, pid, retain=False):
    return packet(0x32 | retain, field(topic) + pid.to_bytes(2, "big") + payload)


DISCONNECT = b"\xe0\0"


def dial(port):
    s = socket.create_connection(("127.0.0.1", port), timeout=60)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def read_bytes(s, count):
    data = b""
    while len(data) < count:
        got = s.recv(count - len(data))
        if not got:
            raise EOFError("the broker closed the connection")
        data += got
    return data


class Box:
    def __init__(self, pair, name, core):
        self.pair, self.name, self.core = pair, name, core
        self.port, self.mirror_port = free_port(), free_port()
        self.dir = os.path.join(pair.dir, name)
        self.log = os.path.join(pair.dir, name + ".log")
        self.process = None

    def write_config(self, peer):
        with open(os.path.join(self.pair.dir, "keys", peer.name + ".pub")) as f:
            key = f.readline().strip()
        with open(self.dir + ".toml", "w") as f:
            f.write(f"""[node]
name = "{self.name}"
data_dir = "{self.dir}"
[[listener]]
address = "127.0.0.1"
port = {self.port}
[security]
allow_anonymous = true
[control]
socket = "{self.dir}.sock"
[limits]
max_sessions = 1000000
[mirror]
listen = ["127.0.0.1:{self.mirror_port}"]
peer = ["127.0.0.1:{peer.mirror_port}"]
key_file = "{self.pair.dir}/keys/{self.name}.key"
peer_public_key = "{key}"
[takeover]
arbiter = "heartbeat"
boot_wait_ms = 3000
""")

    def start(self):
        command = [os.path.join(self.pair.bin, "tandemd"), "--config", self.dir + ".toml"]
        if shutil.which("taskset") and os.cpu_count() > 1:
            command = ["taskset", "-c", str(self.core)] + command
        with open(self.log, "a") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out)

    def status(self):
        return status_of(self.dir + ".sock")

    def received(self):
        return self.status()["counters"]["received"]

    def is_quiet(self):
        """All that it was told is on its disk, and the checkpoints of it are done: its files do not change."""
        own = self.status().get("self")
        before = self.files()
        time.sleep(QUIET_S)  # so long without a change is quiet
        return own and own["durable_lsn"] == own["lsn"] and self.files() == before

    def files(self):
        with os.scandir(self.dir) as files:
            return {file.name: (file.stat().st_size, file.stat().st_mtime_ns) for file in files}

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Pair:
    def __init__(self, bin_dir, scratch):
        self.bin, self.dir = bin_dir, tempfile.mkdtemp(dir=scratch)
        subprocess.run([os.path.join(bin_dir, "tandemctl"), "keygen", "--out", self.dir + "/keys", "--name", "boxa",
                        "--name", "boxb"], check=True, stdout=subprocess.DEVNULL)
        self.a, self.b = Box(self, "boxa", 0), Box(self, "boxb", 1)
        self.a.write_config(self.b)
        self.b.write_config(self.a)

    def start(self):
        self.a.start()
        self.b.start()
        self.await_protected()

    def await_protected(self, timeout_s=300):
        until(lambda: any(box.status().get("protected") for box in (self.a, self.b)), "a protected pair", timeout_s)

    def active(self):
        for box in (self.a, self.b):
            if box.status().get("self", {}).get("role") == "active":
                return box
        raise RuntimeError("nobody is active")

    def other(self, box):
        return self.b if box is self.a else self.a

    def end(self):
        self.a.kill()
        self.b.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


def make_sessions(port, count):
    """Persistent sessions, 64 connections at a time, each with everything it has to say in one write."""
    poll, open_sockets, number = select.epoll(), {}, 0
    while number < count or open_sockets:
        while number < count and len(open_sockets) < 64:
            s = dial(port)
            s.sendall(connect(b"s%d" % number, False) + subscribe(b"g/%d" % (number // GROUP)))
            open_sockets[s.fileno()] = [s, 9]  # CONNACK and SUBACK
            poll.register(s.fileno(), select.EPOLLIN)
            number += 1
        for fd, _ in poll.poll(10):
            entry = open_sockets[fd]
            entry[1] -= len(entry[0].recv(entry[1]))
            if entry[1] == 0:
                entry[0].sendall(DISCONNECT)
                poll.unregister(fd)
                entry[0].close()
                del open_sockets[fd]


def fill(port, topics, payload, retain):
    with dial(port) as s:
        s.sendall(connect(b"filler", True))
        read_bytes(s, 4)
        in_flight, number = 0, 0
        for topic in topics:
            if in_flight == 50:
                read_bytes(s, 4)
                in_flight -= 1
            s.sendall(publish(topic, payload, number % 60000 + 1, retain))
            number, in_flight = number + 1, in_flight + 1
        read_bytes(s, 4 * in_flight)
        s.sendall(DISCONNECT)


def takeover(args, scratch):
    pair = Pair(args.bin, scratch)
    try:
        pair.start()
        active = pair.active()
        standby = pair.other(active)
        began = time.monotonic()
        make_sessions(active.port, args.sessions)
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


def first_connack(port):
    """Wall clock of the first CONNACK; tries every 0.2 ms."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
                s.sendall(connect(b"probe", True))
                if len(s.recv(4)) == 4:
                    return time.time()
        except OSError:
            pass
        time.sleep(0.0002)  # its pace: so exact is what it finds
    raise RuntimeError("no CONNACK within 30 s")


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
