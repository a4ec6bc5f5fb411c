#!/usr/bin/env python3
"""Follows docs/runbook.md on two bare Debian machines in the lab: every command must do what the page says. Once there is a
pair, the units are put to the test (units.py).

usage: runbook_test.py ROOT BUILD [--keep] [--from BARE] [--base FOLDER]
  ROOT    this repository; BUILD: its build folder, in which the package is made
  --keep  leaves the machines' folders there
  --from  a bare Debian that tests/package/root.sh has made: a copy of it is used, not a new one
  --base  the bare Debian that an earlier run kept, not a new one
Needs root, debootstrap, network namespaces, a kernel with overlayfs, a mirror of Debian. Exit status 77: not here.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lab"))

import console  # noqa: E402
import lab  # noqa: E402  (tests/lab)
import units  # noqa: E402
from machines import BOXES, Machine, Network  # noqa: E402

SKIP = 77
REPEAT_S = 120  # the runbook's two minutes
# What a Debian 12 has that somebody has installed on a computer, and a minimal root file system has not.
BARE = ["systemd", "systemd-sysv", "dbus", "iproute2", "iputils-ping", "netbase", "perl", "procps", "shared-mime-info"]

# What boot.sh needs of this computer, tried.
TRY = """
mount -t tmpfs tmpfs /mnt && mkdir /mnt/{base,changes,work,root,groups} &&
mount -t overlay -o volatile,lowerdir=/mnt/base,upperdir=/mnt/changes,workdir=/mnt/work overlay /mnt/root &&
mount -t cgroup2 none /mnt/groups && mkdir "/mnt/groups/$1" && rmdir "/mnt/groups/$1"
"""


class Failed(Exception):
    pass


def missing_right(build):
    reason = lab.missing_right()
    if reason:
        return reason
    if not os.path.exists(os.path.join(build, "CPackConfig.cmake")):
        return f"no package is made in {build}"
    for program in ("debootstrap", "dpkg-deb", "nsenter", "setpriv"):
        if shutil.which(program) is None:
            return f"needs the program {program} (etc/dev/packages.txt)"
    tried = subprocess.run(["unshare", "--cgroup", "--pid", "--mount", "--uts", "--ipc", "--fork", "bash", "-c", TRY, "bash",
                            f"runbooktry{os.getpid()}"], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else f"needs namespaces, mounts and control groups: {tried.stderr.strip()}"


def make_package(build, stick):
    """The package of this build, and the machine packages that it needs."""
    done = subprocess.run(["cpack", "-G", "DEB", "-B", stick], cwd=build, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    found = glob.glob(os.path.join(stick, "tandem_*.deb"))
    if done.returncode != 0 or len(found) != 1:
        raise Failed(f"the package could not be made:\n{done.stdout}")
    shutil.rmtree(os.path.join(stick, "_CPack_Packages"), ignore_errors=True)
    depends = subprocess.run(["dpkg-deb", "-f", found[0], "Depends"], capture_output=True, text=True, check=True).stdout
    return found[0], re.findall(r"(?:^|, )([a-z0-9.+-]+)", depends)


def make_base(folder, packages, bare):
    """A bare Debian, with what the runbook installs in its package cache; None if no mirror is reachable."""
    base = os.path.join(folder, "base")
    source = ["--from", bare] if bare else []
    made = subprocess.run([os.path.join(HERE, "../package/root.sh"), *source, base, *BARE, "keepalived", *packages], check=False)
    if made.returncode != 0:
        return None
    for words in (["--no-install-recommends", "install", *BARE], ["--download-only", "install", "keepalived", *packages]):
        subprocess.run(["chroot", base, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "apt-get", "-q", "-y", *words],
                       check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(base, "etc/apt/apt.conf.d/00no-network"), "w", encoding="utf-8") as file:
        file.write('Acquire::Retries "0";\n')
    os.unlink(os.path.join(base, "usr/sbin/policy-rc.d"))  # services start
    os.truncate(os.path.join(base, "etc/machine-id"), 0)  # each machine makes its own; but it is no first boot
    return base


def newer_package(package, folder):
    """The same program as a later version."""
    tree = os.path.join(folder, "newer")
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = os.path.join(tree, "DEBIAN/control")
    with open(control, encoding="utf-8") as file:
        text = file.read()
    version = re.search(r"^Version: (.*)$", text, re.MULTILINE)[1] + "+next"
    with open(control, "w", encoding="utf-8") as file:
        file.write(re.sub(r"^Version: .*$", f"Version: {version}", text, flags=re.MULTILINE))
    newer = os.path.join(os.path.dirname(package), f"tandem_{version}_amd64.deb")
    os.unlink(package)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-b", tree, newer], check=True, stdout=subprocess.DEVNULL)
    return newer


class Reader:
    """Does what the page says."""

    def __init__(self, network, machines, package, folder, stick):
        self.network, self.machines = network, machines
        self.package, self.folder, self.stick = package, folder, stick
        self.dead = None
        self.begun_s = time.monotonic()

    def tell(self, block, name, what):
        print(f"{time.monotonic() - self.begun_s:6.1f} s  line {block.line:3}  {name}: {what}", flush=True)

    def named(self, where):
        """The machines that `where` means now."""
        if where in self.machines:
            return [self.machines[where]]
        if where == "both":
            return list(self.machines.values())
        if where == "the dead one":
            return [self.dead]
        if where == "the other":
            return [machine for machine in self.machines.values() if machine not in self.named("that box")]
        if where == "that box":
            made = subprocess.run(["tar", "-xzOf", os.path.join(self.stick, "tandem-backup.tar.gz"), "--wildcards",
                                   "*/tandem.toml"], capture_output=True, text=True, check=True).stdout
            return [self.machines[re.search(r'^name = "(.*)"$', made, re.MULTILINE)[1]]]
        if where in ("active", "standby"):
            return [lab.until(lambda: next((m for m in self.machines.values() if m.role() == where), None), f"one is {where}")]
        raise Failed(f"where is \"{where}\"?")

    def places(self, where):
        """(name, what runs a command there) each."""
        if where == "client":
            return [("client", self.network.client)]
        if where == "stick":
            return [("client", lambda command: self.network.client(command.replace("/media/usb", self.stick)))]
        return [(machine.name, machine.run) for machine in self.named(where)]

    def follow(self, block):
        if block.kind == "hands":
            self.by_hand(block)
            return
        places = self.places(block.where)
        with ThreadPoolExecutor() as hands:  # on both boxes at a time
            for command, expected in block.commands():
                for done in [hands.submit(self.type, block, name, run, command, expected) for name, run in places]:
                    done.result()

    def type(self, block, name, run, command, expected):
        end = time.monotonic() + (REPEAT_S if block.repeat else 0)
        while True:
            ran = run(command)
            missing = console.missing_line(ran.text, expected)
            if ran.code == block.status and missing is None:
                self.tell(block, name, command)
                return
            if time.monotonic() >= end:
                raise Failed(f"docs/runbook.md:{block.line}: on {name}: {command}\nexit status {ran.code}, not "
                             f"{block.status}" + (f"; without the line: {missing}" if missing else "") +
                             f"\n{ran.text}\n{self.describe()}")
            time.sleep(0.2)  # a pace

    def by_hand(self, block):
        what = " ".join(block.lines)
        self.tell(block, block.where, what)
        if block.where == "stick":
            self.package = newer_package(self.package, self.folder)
            return
        for machine in self.named(block.where):
            if what == "Pull the power plug.":
                machine.power_off()
                self.dead = machine
            elif what == "Plug it in again.":
                machine.power_on()
            elif what == "Put a new machine in its place.":
                machine.replace()
            else:
                raise Failed(f"docs/runbook.md:{block.line}: no hands for: {what}")

    def describe(self):
        text = ""
        for machine in self.machines.values():
            for command in ("tandemctl status", "systemctl --failed --no-legend", "ip -br addr",
                            "journalctl -n 30 --no-pager -o short-precise -u tandemd -u keepalived"):
                text += f"--- {machine.name}: {command}\n{machine.run(command).text}\n"
        return text


def follow_all(root, build, folder, base, bare):
    stick = os.path.join(folder, "stick")
    os.mkdir(stick)
    with open(os.path.join(root, "docs/runbook.md"), encoding="utf-8") as page:
        text = page.read()
    blocks = console.blocks(text)
    first_pair = text[:text.index("\n## 2.")].count("\n")  # from here on there is one
    units_seen = False
    package, packages = make_package(build, stick)
    base = base or make_base(folder, packages, bare)
    if base is None:
        print("skipped: no bare Debian 12 could be made here (above)")
        return SKIP
    network = Network()
    machines = {}
    try:
        for name in BOXES:
            machines[name] = Machine(network, name, base, folder, stick)
            machines[name].power_on()
        reader = Reader(network, machines, package, folder, stick)
        for block in blocks:
            if block.line > first_pair and not units_seen:
                units.check(machines)
                units_seen = True
                print("the units hold what they promise", flush=True)
            reader.follow(block)
    finally:
        for machine in machines.values():
            machine.end()
        network.down()
    print(f"docs/runbook.md: {sum(len(block.commands()) for block in blocks if block.kind == 'console')} commands followed")
    return 0


def main():
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    options = sys.argv[3:]
    base, bare = (os.path.abspath(options[options.index(key) + 1]) if key in options else None for key in ("--base", "--from"))
    reason = missing_right(sys.argv[2])
    if reason:
        print(f"skipped: {reason}")
        return SKIP
    folder = tempfile.mkdtemp(prefix="tandem-runbook-")
    try:
        return follow_all(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), folder, base, bare)
    except (Failed, AssertionError) as error:
        print(f"FAILED: {error}")
        return 1
    finally:
        if "--keep" in options:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
