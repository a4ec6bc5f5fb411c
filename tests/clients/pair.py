"""The pair of `make run`, in a folder and on a port of its own."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
from on_this_machine import free_port, status_of, until  # pylint: disable=wrong-import-position

NODES = ("boxa", "boxb")
SCRIPT_S = 120


class Pair:
    def __init__(self, root, bin_folder):
        self.root, self.bin = os.path.abspath(root), os.path.abspath(bin_folder)
        self.folder = tempfile.TemporaryDirectory(prefix="tandem-clients-")
        self.port = free_port()

    def script(self, name, *arguments):
        environment = dict(os.environ, TANDEM_PORT=str(self.port), TANDEM_RUN_DIR=self.folder.name,
                           TANDEM_BIN_DIR=self.bin)
        run = subprocess.run([os.path.join(self.root, "etc/dev", name), *arguments], env=environment, text=True,
                             stdin=subprocess.DEVNULL, capture_output=True, timeout=SCRIPT_S, check=False)
        if run.returncode:
            raise AssertionError(run.stdout + run.stderr)

    def start(self):
        self.script("run.sh", "--detach")
        until(self.is_protected, "a standby in step")

    def stop(self):
        self.script("stop.sh")
        self.folder.cleanup()

    def status(self, node):
        return status_of(os.path.join(self.folder.name, node + ".sock")) or {"protected": False, "self": {}}

    def is_protected(self):
        return all(self.status(node)["protected"] for node in NODES)

    def active(self):
        return next((node for node in NODES if self.status(node)["self"].get("role") == "active"), None)

    def kill_active(self):
        """Its name. It is started again after 3 s, as systemd would do it."""
        node = until(self.active, "an active node")
        with open(os.path.join(self.folder.name, node + ".pid"), encoding="utf-8") as file:
            os.kill(int(file.read()), 9)
        return node

    def journals(self):
        for node in NODES:
            with open(os.path.join(self.folder.name, node + ".log"), encoding="utf-8", errors="replace") as journal:
                yield f"--- {node}.log\n" + "".join(journal.readlines()[-60:])
