"""A bare Debian 12 in a folder (root.sh), what is run in it, and what it looks like from outside."""
import hashlib
import json
import os
import shutil
import socket
import stat
import subprocess
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
SKIPPED = 77
# What installing anything at all leaves behind, and `systemd-analyze verify`.
TRACES_OF_APT = ("var/lib/dpkg/", "var/lib/apt/", "var/cache/", "var/log/", "etc/ld.so.cache", "etc/.pwd.lock",
                 "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "run/lock", "run/systemd", "var/backups/")

# Plays systemd's systemctl: says of tandemd.service what the file "state" has, and notes each order as "WHAT UNIT".
SYSTEMCTL = """#!/bin/sh
case "$*" in
  *--property=ActiveState*) cat /run/played/state ;;
  *is-enabled*) echo enabled ;;
esac
for word; do
  case "$word" in
    start | stop | restart | try-restart | reload-or-restart) order=$word ;;
    *.service) if [ -n "$order" ]; then echo "$order $word" >>/run/played/asked; fi ;;
  esac
done
"""


class BareDebian:
    def __init__(self, folder, packages, copied_from=None):
        """Exits with 77 where this machine cannot make one."""
        self.root = folder
        source = ["--from", copied_from] if copied_from else []
        made = subprocess.run([os.path.join(HERE, "root.sh"), *source, folder, *packages], check=False)
        if made.returncode == SKIPPED:
            print("skipped: see above")
            raise SystemExit(SKIPPED)
        if made.returncode != 0:
            raise SystemExit("no bare Debian could be made")

    def path(self, inside):
        return os.path.join(self.root, inside.lstrip("/"))

    def run(self, *command, check=True):
        """What it printed, both streams. An exit status other than 0 is an error."""
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C",
                       "DEBIAN_FRONTEND": "noninteractive"}
        # With a /proc of its own, gone with the command, and without a network: all that is needed has been brought.
        inside = ["unshare", "--mount", "--net", "sh", "-c", 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"', self.root]
        ran = subprocess.run([*inside, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             stdin=subprocess.DEVNULL, text=True, check=False, timeout=200, env=environment)
        if check and ran.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit status {ran.returncode}\n{ran.stdout}")
        return ran.stdout

    def apt(self, *words):
        return self.run("apt-get", "-q", "-y", "--no-install-recommends", *words)

    def bring(self, file):
        shutil.copy(file, self.path("root"))
        return "/root/" + os.path.basename(file)

    def write(self, inside, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(inside)), exist_ok=True)
        with open(self.path(inside), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(inside), mode)

    def read(self, inside):
        with open(self.path(inside), encoding="utf-8") as file:
            return file.read()

    def exists(self, inside):
        return os.path.lexists(self.path(inside))

    def mode(self, inside):
        return stat.S_IMODE(os.lstat(self.path(inside)).st_mode)

    def snapshot(self):
        """{path: what it is}, without what apt and dpkg note for themselves."""
        seen = {}
        for place, folders, names in os.walk(self.root):
            for name in folders + names:
                whole = os.path.join(place, name)
                inside = os.path.relpath(whole, self.root)
                if not inside.startswith(TRACES_OF_APT):
                    seen[inside] = described(whole)
        return seen

    def play_systemd(self):
        """From now on maintainer scripts believe that systemd runs; what they ask of it is in asked()."""
        os.remove(self.path("usr/sbin/policy-rc.d"))
        os.makedirs(self.path("run/systemd/system"))
        self.write("usr/local/bin/systemctl", SYSTEMCTL, 0o755)
        self.play_state("inactive")

    def play_state(self, state):
        """The ActiveState of tandemd.service; forgets what was asked."""
        self.write("run/played/state", state + "\n")
        self.write("run/played/asked", "")

    def asked(self):
        return [line for line in self.read("run/played/asked").split("\n") if line]

    def end_systemd(self):
        self.write("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
        os.rmdir(self.path("run/systemd/system"))
        os.remove(self.path("usr/local/bin/systemctl"))
        shutil.rmtree(self.path("run/played"))


def described(path):
    """Kind, mode, owner and content; enough to see that something is another thing than before."""
    found = os.lstat(path)
    kind = [stat.filemode(found.st_mode), found.st_uid, found.st_gid]
    if stat.S_ISLNK(found.st_mode):
        return (*kind, os.readlink(path))
    if stat.S_ISREG(found.st_mode):
        with open(path, "rb") as file:
            return (*kind, hashlib.sha256(file.read()).hexdigest())
    return tuple(kind)


class PlayedNode:
    """Plays tandemd on the control socket of a root: answers each request with this status."""

    def __init__(self, path, status):
        self.path, self.answer = path, json.dumps({"ok": True, "status": status}).encode() + b"\n"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        os.unlink(self.path)

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                connection.sendall(self.answer)
