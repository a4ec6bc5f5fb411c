"""Two boxes as they are installed: tandemd with arbiter "keepalived", keepalived beside it, and what systemd does for both.

There is no systemd in a network namespace: Service does what the unit files ask of it (start again, ExecStopPost,
watchdog) for one program.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import lab as network
from lab import status_of, until

MIRROR_PORT = 7883
WEBSOCKET_PORT = 9001
WRONG_CONFIGURATION = 2  # tandemd's exit code (RestartPreventExitStatus)
WEIGHT_FAULT = "-254"  # keepalived gives the VIP up, whatever the priority

TANDEMD = """[node]
name = "{name}"
data_dir = "{folder}/data"
[[listener]]
address = "0.0.0.0"
[[listener]]
address = "::"
[[listener]]
address = "0.0.0.0"
port = {websocket_port}
protocol = "websocket"
[security]
allow_anonymous = true
[control]
socket = "{folder}/sock"
[mirror]
listen = ["{xlink}:{port}", "{lan}:{port}"]
peer = ["{peer_xlink}:{port}", "{peer_lan}:{port}"]
key_file = "{keys}/{name}.key"
peer_public_key = "{peer_key}"
[takeover]
arbiter = "keepalived"
vip = ["{vip}", "{vip6}"]
weight_file = "{folder}/vrrp.weight"
notify_fifo = "{folder}/vrrp.fifo"
boot_wait_ms = 3000
{more}"""


class Service:
    """One program under a supervisor that does what systemd does with Restart=always, ExecStopPost and WatchdogSec.

    start_post, if set: called when the program has said that it is ready.
    """

    def __init__(self, lab, node, command, log, stop_post, restart_s, watchdog_s=None):
        self.lab, self.node, self.command, self.log = lab, node, command, log
        self.stop_post, self.restart_s, self.watchdog_s = stop_post, restart_s, watchdog_s
        self.process, self.wanted, self.thread, self.start_post = None, False, None, None
        self.notify_path = log + ".notify"
        self.fed_s = None  # the last WATCHDOG=1 of this start
        self.watchdog_signal = signal.SIGABRT  # systemd's default

    def start(self):
        self.wanted = True
        self.thread = threading.Thread(target=self.supervise, daemon=True)
        self.thread.start()

    def supervise(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, open(self.log, "ab") as out:
            notify.bind(self.notify_path)
            notify.settimeout(0.02)
            while self.wanted:
                self.run_once(notify, out)
                if self.process.returncode == WRONG_CONFIGURATION:
                    self.wanted = False
                if self.wanted:
                    time.sleep(self.restart_s)  # as long as systemd waits
        os.unlink(self.notify_path)

    def run_once(self, notify, out):
        environment = dict(os.environ, NOTIFY_SOCKET=self.notify_path)
        if self.watchdog_s:
            environment["WATCHDOG_USEC"] = str(int(self.watchdog_s * 1e6))
        self.fed_s = None
        self.process = self.lab.popen(self.node, self.command, stdout=out, stderr=out, env=environment,
                                      start_new_session=True)
        waiter = threading.Thread(target=self.await_end, daemon=True)  # the stop command follows without a poll's delay
        waiter.start()
        while waiter.is_alive():
            self.feed(notify)
            if self.watchdog_s and self.fed_s and time.monotonic() - self.fed_s > self.watchdog_s:
                self.fed_s = None
                os.kill(self.process.pid, self.watchdog_signal)
                os.kill(self.process.pid, signal.SIGCONT)  # as systemd does, so that a stopped program gets it
        waiter.join()

    def await_end(self):
        self.process.wait()
        if self.wanted:
            self.stop_post()

    def feed(self, notify):
        try:
            said = notify.recv(4096)
            if b"WATCHDOG=1" in said:
                self.fed_s = time.monotonic()
            if b"READY=1" in said and self.start_post:
                self.start_post()
        except TimeoutError:
            pass

    def kill(self, number=signal.SIGKILL):
        """The whole group, and the supervisor reacts."""
        os.killpg(self.process.pid, number)

    def end(self):
        """The supervisor does nothing about what happens from now on."""
        self.wanted = False

    def stop(self):
        self.end()
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        if self.thread:
            self.thread.join()


def unit_seconds(root, key):
    """A time of systemd/tandemd.service in s; None if the unit does not have it."""
    found = re.fullmatch(r"(\d+)(ms|s|)", unit_value(root, key) or "")
    return int(found[1]) / (1000 if found[2] == "ms" else 1) if found else None


def unit_value(root, key):
    with open(os.path.join(root, "systemd/tandemd.service"), encoding="utf-8") as unit:
        found = re.search(rf"^{key}=(.*)$", unit.read(), re.MULTILINE)
    return found[1] if found else None


class InstalledBox:
    """A broker and keepalived on one box, with a file by which the one tells the other whether it can serve."""

    def __init__(self, pair, name):
        self.pair, self.name, self.lab = pair, name, pair.lab
        self.folder = os.path.join(pair.folder, name)
        os.mkdir(self.folder)
        self.broker = None  # a Service
        self.keepalived = Service(self.lab, name,
                                  ["keepalived", "--dont-fork", "--log-console", "--log-detail", "--vrrp", "--use-file",
                                   self.path("keepalived.conf"), "--pid", self.path("keepalived.pid"), "--vrrp_pid",
                                   self.path("vrrp.pid")],
                                  self.path("keepalived.log"), self.remove_vip, 1)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def weight_to_fault(self):
        self.write("vrrp.weight", WEIGHT_FAULT + "\n")

    def remove_vip(self):
        for address in (network.VIP + "/24", network.VIP6 + "/64"):
            subprocess.run(["ip", "-n", f"{self.lab.prefix}-{self.name}", "addr", "del", address, "dev", "lan"],
                           capture_output=True, check=False)

    def start(self):
        self.weight_to_fault()  # tmpfiles
        for stale in ("keepalived.pid", "vrrp.pid"):
            if os.path.exists(self.path(stale)):
                os.unlink(self.path(stale))
        self.keepalived.start()
        self.broker.start()

    def stop(self):
        self.keepalived.stop()
        self.broker.stop()

    def power_off(self, loss_percent=0):
        """The monotonic time of the cut, in s. From then on the client's LAN loses so much."""
        self.keepalived.end()
        self.broker.end()
        at_s = self.lab.fault("poweroff", self.name, f"{loss_percent}%")
        self.stop()
        return at_s

    def power_on(self):
        self.lab.run("poweron", self.name)
        self.booted()
        self.start()

    def booted(self):
        """What the machine does before the services start."""


class Box(InstalledBox):
    """tandemd."""

    def __init__(self, pair, name, peer):
        super().__init__(pair, name)
        with open(os.path.join(pair.keys, peer + ".pub"), encoding="utf-8") as file:
            peer_key = file.readline().strip()
        values = {"name": name, "folder": self.folder, "keys": pair.keys, "peer_key": peer_key, "port": MIRROR_PORT,
                  "websocket_port": WEBSOCKET_PORT,
                  "lan": network.LAN[name], "peer_lan": network.LAN[peer], "xlink": network.XLINK[name],
                  "peer_xlink": network.XLINK[peer], "vip": network.VIP, "vip6": network.VIP6,
                  "more": f'reach = ["{network.CLIENT}"]\n' if pair.reach else ""}
        self.write("tandemd.toml", TANDEMD.format(**values))
        self.apply_sysctl()
        # As a technician makes it.
        self.lab.run("exec", name, os.path.join(pair.bin, "tandemctl"), "setup", "keepalived", "--interface", "lan",
                     "--vip", network.VIP + "/24", "--vip", network.VIP6 + "/64", "--own", network.LAN[name],
                     "--peer", network.LAN[peer], "--config", self.path("tandemd.toml"),
                     "--output", self.path("keepalived.conf"))
        self.broker = Service(self.lab, name, [os.path.join(pair.bin, "tandemd"), "--config", self.path("tandemd.toml")],
                              self.path("tandemd.log"), self.weight_to_fault,
                              unit_seconds(pair.root, "RestartSec"), unit_seconds(pair.root, "WatchdogSec"))
        self.broker.watchdog_signal = signal.Signals[unit_value(pair.root, "WatchdogSignal") or "SIGABRT"]

    def program(self):
        """The folder of the tandemd that runs here."""
        return os.path.dirname(self.broker.command[0])

    def restart(self, bin_dir):
        """`systemctl restart`, with the tandemd of that folder; returns when it answers."""
        before, self.broker.command[0] = self.broker.process, os.path.join(bin_dir, "tandemd")
        before.terminate()
        until(lambda: self.broker.process is not before and self.status(), f"{self.name} is started anew")

    def booted(self):
        self.apply_sysctl()

    def apply_sysctl(self):
        """systemd/tandem.sysctl, for the interface that is there now: a namespace has no "default", and a power cut takes it."""
        with open(os.path.join(self.pair.root, "systemd/tandem.sysctl"), encoding="utf-8") as lines:
            for key, value in re.findall(r"^([\w.]+) = (\d+)$", lines.read(), re.MULTILINE):
                self.lab.run("exec", self.name, "sysctl", "-qw", f"{key.replace('default', 'lan')}={value}")

    def status(self):
        """The JSON of `tandemctl status`; {} if nobody answers."""
        return status_of(self.path("sock"), within_s=1)

    def role(self):
        return self.status().get("self", {}).get("role")

    def status_text(self):
        done = subprocess.run(self.tandemctl("status"), capture_output=True, text=True, timeout=10, check=False)
        return done.stdout + done.stderr

    def tandemctl(self, *arguments):
        return [os.path.join(self.program(), "tandemctl"), "--socket", self.path("sock"), *arguments]


class BoxPair:
    """Two boxes in `self.boxes`, their files in `self.folder`."""

    def start(self):
        for box in self.boxes:
            box.start()
        self.await_protected()

    def end(self, keep):
        for box in self.boxes:
            box.stop()
        if not keep:
            shutil.rmtree(self.folder)

    def other(self, box):
        return self.boxes[1] if box is self.boxes[0] else self.boxes[0]

    def await_protected(self):
        raise NotImplementedError


class Pair(BoxPair):
    """Two tandemds."""

    def __init__(self, lab, root, bin_dir, reach=False):
        """reach: the boxes must reach the clients' machine (takeover.reach)."""
        self.lab, self.root, self.bin, self.reach = lab, root, bin_dir, reach
        self.folder = tempfile.mkdtemp(prefix="tandem-lab-")
        self.keys = os.path.join(self.folder, "keys")
        subprocess.run([os.path.join(bin_dir, "tandemctl"), "keygen", "--out", self.keys, "--name", "boxa", "--name",
                        "boxb"], check=True, stdout=subprocess.DEVNULL)
        self.boxes = [Box(self, "boxa", "boxb"), Box(self, "boxb", "boxa")]

    def active(self):
        """The box that serves and holds the virtual IP; None if it is not just one."""
        active = [box for box in self.boxes if box.role() == "active"]
        return active[0] if len(active) == 1 and self.lab.vip_holders() == [active[0].name] else None

    def await_protected(self):
        def whole():
            box = self.active()
            return box if box and box.status().get("protected") else None
        try:
            return until(whole, "one active box, with the virtual IP, and protected")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.describe()}") from None

    def await_equal(self):
        def equal():
            sides = [box.status().get("self", {}) for box in self.boxes]
            return sides[0].get("digest") and all(sides[0].get(key) == sides[1].get(key) for key in ("digest", "lsn"))
        until(equal, "equal digests at the same record")

    def describe(self):
        text = f"virtual IP at: {self.lab.vip_holders()}\n"
        for box in self.boxes:
            status = box.status()
            text += f"{box.name}: {status.get('self', {}).get('role')}, {status.get('why')}\n"
        return text
