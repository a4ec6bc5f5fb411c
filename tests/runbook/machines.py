"""Two bare Debian machines and a client in the lab's network, with the addresses of docs/runbook.md.

A machine is a real systemd as process 1 (boot.sh) on a copy-on-write copy of one root file system.
"""
import json
import os
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))

from lab import Lab, until  # noqa: E402  (tests/lab)

BOXES = ("boxa", "boxb")
LAN = {"boxa": "192.0.2.11/24", "boxb": "192.0.2.12/24", "client": "192.0.2.100/24"}
CABLE = {"boxa": "10.0.0.1/30", "boxb": "10.0.0.2/30"}
GATEWAY = "192.0.2.1/24"
GATEWAY_MAC = "02:00:00:00:02:01"
BOOT_S = 240
COMMAND_S = 120  # the longest that one command may take

# As soon as the last process in it has been reaped.
REMOVE_GROUP = """
groups=$(mktemp -d) && mount -t cgroup2 none "$groups"
for i in $(seq 100); do
  find "$groups/$1" -depth -type d -exec rmdir {} + 2>/dev/null
  [ -e "$groups/$1" ] || break
  sleep 0.1  # a pace
done
umount "$groups" && rmdir "$groups"
"""


class Ran:
    """What a command gave and printed."""

    def __init__(self, code, text):
        self.code, self.text = code, text


def ran(words):
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=COMMAND_S, check=False)
        return Ran(done.returncode, done.stdout)
    except subprocess.TimeoutExpired as late:
        return Ran(None, (late.stdout or b"").decode(errors="replace") + f"\n(ended after {COMMAND_S} s)")


class Machine:
    """One box; `network` is the Network that it is in."""

    def __init__(self, network, name, base, folder, stick):
        self.network, self.name, self.base, self.stick = network, name, base, stick
        self.folder = os.path.join(folder, name)
        self.console = os.path.join(folder, name + ".console")
        self.group = f"{network.lab.prefix}-{name}"  # its control groups, on this computer
        self.process = None
        os.mkdir(self.folder)

    def power_on(self):
        self.network.plug(self.name)
        with open(self.console, "ab") as out:
            self.process = self.network.lab.popen(
                self.name, [os.path.join(HERE, "boot.sh"), self.base, self.folder, self.name, self.stick, self.group],
                stdout=out, stderr=out, start_new_session=True)
        until(lambda: self.run("systemctl is-system-running").text.strip() in ("running", "degraded"),
              f"{self.name} has booted; its console: {self.console}", BOOT_S)

    def power_off(self):
        """Nothing that it sends from now on arrives anywhere; then it is dead."""
        if self.process is None:
            return
        self.network.lab.run("poweroff", self.name)
        self.end()

    def end(self):
        if self.process is None:
            return
        for pid in [self.first_process(), self.process.pid]:
            if pid is not None:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.process.wait()
        self.process = None
        subprocess.run(["bash", "-c", REMOVE_GROUP, "bash", self.group], check=True)

    def replace(self):
        """A new machine, bare, with the same name and cables."""
        self.power_off()
        shutil.rmtree(self.folder)
        os.mkdir(self.folder)
        self.power_on()

    def first_process(self):
        """Its process 1, as this computer counts; None if it has not come that far."""
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as children:
                found = children.read().split()
            return int(found[0]) if found else None
        except OSError:
            return None

    def run(self, command):
        first = self.first_process() if self.process else None
        if first is None:
            return Ran(None, "the machine is off")
        return ran(
            ["nsenter", "-t", str(first), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "env", "-i", "HOME=/root",
             "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "bash", "-c", command])

    def role(self):
        """"active", "standby", or None."""
        try:
            return json.loads(self.run("tandemctl status --json").text)["self"]["role"]
        except (ValueError, KeyError):
            return None


class Network:
    """The lab's cables with the runbook's names and addresses, and a gateway that answers ping."""

    def __init__(self):
        self.lab = Lab()
        # Else a bridge has the least address of its ports, and the gateway would be another one after a power cut.
        self.ip("switch", "link", "set", "lan", "address", GATEWAY_MAC)
        self.ip("switch", "addr", "add", GATEWAY, "dev", "lan")
        self.name("client", "lan", "eth0", LAN["client"])
        self.plugged = set(BOXES)  # by lab.sh up
        for box in BOXES:
            self.dress(box)

    def ip(self, node, *words):
        subprocess.run(["ip", "-n", f"{self.lab.prefix}-{node}", *words], check=True)

    def name(self, node, interface, new_name, address):
        self.ip(node, "link", "set", interface, "down")
        self.ip(node, "link", "set", interface, "name", new_name)
        self.ip(node, "addr", "flush", "dev", new_name)
        self.ip(node, "addr", "add", address, "dev", new_name)
        self.ip(node, "link", "set", new_name, "up")

    def dress(self, box):
        self.name(box, "lan", "eth0", LAN[box])
        self.name(box, "xlink", "eth1", CABLE[box])

    def plug(self, box):
        if box not in self.plugged:
            self.lab.run("poweron", box)
            self.dress(box)
        self.plugged.discard(box)  # the next time it is plugged in it has lost power before

    def client(self, command):
        return ran(["ip", "netns", "exec", f"{self.lab.prefix}-client", "bash", "-c", command])

    def down(self):
        self.lab.down()
