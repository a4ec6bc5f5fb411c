"""Tandem's nodes for measurements on this machine: one box, or a mirrored pair, each on a core of its own."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
from on_this_machine import PACE_S, free_port, status_of, until  # noqa: E402

QUIET_S = 0.5  # no change of the store's files for so long: its threads have nothing to do


def pinned(core, command):
    return ["taskset", "-c", str(core)] + command if shutil.which("taskset") and os.cpu_count() > 1 else command


def rss_bytes(pid):
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid):
    """All its threads, also those that ended; 10 ms steps."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Node:
    """One tandemd with its files in `home`. `node_keys` are lines of TOML for [node], `tables` is more behind the keys of
    [limits] that every node has."""

    def __init__(self, bin_dir, home, name, core):
        self.bin, self.name, self.core = bin_dir, name, core
        self.port = free_port()
        self.dir = os.path.join(home, name)
        self.log = os.path.join(home, name + ".log")
        self.process = None

    def write_config(self, tables="", node_keys=""):
        with open(self.dir + ".toml", "w") as f:
            f.write(f"""[node]
name = "{self.name}"
data_dir = "{self.dir}"
{node_keys}
[[listener]]
address = "127.0.0.1"
port = {self.port}
[security]
allow_anonymous = true
[control]
socket = "{self.dir}.sock"
[limits]
max_sessions = 1000000
{tables}""")

    def start(self):
        with open(self.log, "a") as out:
            command = [os.path.join(self.bin, "tandemd"), "--config", self.dir + ".toml"]
            self.process = subprocess.Popen(pinned(self.core, command), stdout=out, stderr=out)

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

    def stop(self):
        """In order; returns how long it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.process = None
        return time.monotonic() - began

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Box(Node):
    """One of a pair, by the configuration that mirrors() writes: it holds from the next start on."""

    def __init__(self, pair, name, core):
        super().__init__(pair.bin, pair.dir, name, core)
        self.pair, self.mirror_port = pair, free_port()

    def mirrors(self, peer, tables="", node_keys=""):
        with open(os.path.join(self.pair.dir, "keys", peer.name + ".pub")) as f:
            key = f.readline().strip()
        self.write_config(f"""{tables}
[mirror]
listen = ["127.0.0.1:{self.mirror_port}"]
peer = ["127.0.0.1:{peer.mirror_port}"]
key_file = "{self.pair.dir}/keys/{self.name}.key"
peer_public_key = "{key}"
[takeover]
arbiter = "heartbeat"
boot_wait_ms = 3000
""", node_keys)


class Pair:
    def __init__(self, bin_dir, scratch):
        self.bin, self.dir = bin_dir, tempfile.mkdtemp(dir=scratch)
        subprocess.run([os.path.join(bin_dir, "tandemctl"), "keygen", "--out", self.dir + "/keys", "--name", "boxa",
                        "--name", "boxb"], check=True, stdout=subprocess.DEVNULL)
        self.a, self.b = Box(self, "boxa", 0), Box(self, "boxb", 1)
        self.a.mirrors(self.b)
        self.b.mirrors(self.a)

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
