"""The network of a run (lab.sh: two boxes, a client, a switch, all network namespaces), and what may run in it.

A thread that calls Lab.enter("client") makes its sockets in that namespace; nothing of this process's other threads
changes. Whatever ends this process, a guard beside it takes the lab down.
"""
import ctypes
import importlib.util
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
from on_this_machine import holds_within, status_of, until  # noqa: E402,F401  (the lab's tests take them from here)

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lab.sh")
VIP = "10.77.0.10"
VIP6 = "fd77:0:0:1::10"
CLIENT = "10.77.0.100"
LAN = {"boxa": "10.77.0.11", "boxb": "10.77.0.12"}
XLINK = {"boxa": "10.78.0.1", "boxb": "10.78.0.2"}
PROGRAMS = ("ip", "nft", "ping", "keepalived", "mosquitto_sub", "mosquitto_pub")
CLONE_NEWNET = 0x40000000
DEADLINE_S = 30

_libc = ctypes.CDLL(None, use_errno=True)


def missing_right():
    """Why no lab can be made here; None if one can."""
    if os.geteuid() != 0:
        return "needs root (network namespaces)"
    for program in PROGRAMS:
        if shutil.which(program) is None:
            return f"needs the program {program} (etc/dev/packages.txt)"
    if importlib.util.find_spec("paho") is None:
        return "needs python3-paho-mqtt, and Debian's own Python (etc/dev/packages.txt)"
    name = f"labtry{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return None if made.returncode == 0 else f"needs network namespaces: {made.stderr.strip()}"


class Lab:
    def __init__(self):
        self.prefix = f"tlab{os.getpid()}"
        self.environment = dict(os.environ, LAB_PREFIX=self.prefix)
        # Reads until the last end of the pipe that it is not given is closed: that is, until this process is gone.
        self.guard = subprocess.Popen(["sh", "-c", 'cat >/dev/null; exec "$0" down', SCRIPT], stdin=subprocess.PIPE,
                                      env=self.environment, start_new_session=True)
        self.run("up")

    def down(self):
        self.guard.stdin.close()
        self.guard.wait()

    def run(self, *command):
        """lab.sh COMMAND; what it printed."""
        done = subprocess.run([SCRIPT, *command], env=self.environment, capture_output=True, text=True, timeout=90,
                              check=False)
        if done.returncode != 0:
            raise RuntimeError(f"lab.sh {' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def fault(self, *command):
        """A cut or poweroff; the monotonic time just before it, in s."""
        offset_s = time.monotonic() - time.time()
        return float(self.run(*command).split()[1]) + offset_s

    def popen(self, node, command, **options):
        """Runs in the node's namespace; `ip netns exec` becomes the program, so the process id is the program's."""
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(["ip", "netns", "exec", f"{self.prefix}-{node}", *command], **options)

    def enter(self, node):
        """Moves the calling thread, and only it, into the node's network."""
        with open(f"/run/netns/{self.prefix}-{node}", "rb") as namespace:
            if _libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"cannot enter {node}")

    def vip_holders(self):
        return self.run("vipat").split()


class VipWatch(threading.Thread):
    """When the virtual IP came to a box, as its kernel tells (netlink), in monotonic s."""
    GROUP_IPV4_ADDRESS = 0x10
    NEW_ADDRESS = 20

    def __init__(self, lab, node):
        super().__init__(daemon=True)
        self.lab, self.node = lab, node
        self.came_s = None
        self.ready = threading.Event()
        self.socket = None
        self.start()
        self.ready.wait(DEADLINE_S)

    def run(self):
        self.lab.enter(self.node)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as self.socket:
            self.socket.bind((0, self.GROUP_IPV4_ADDRESS))
            self.socket.settimeout(0.2)
            self.ready.set()
            end = time.monotonic() + DEADLINE_S
            while self.came_s is None and time.monotonic() < end:
                try:
                    data = self.socket.recv(65536)
                except TimeoutError:
                    continue
                if struct.unpack_from("=H", data, 4)[0] == self.NEW_ADDRESS and socket.inet_aton(VIP) in data:
                    self.came_s = time.monotonic()
