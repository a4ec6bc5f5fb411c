#!/usr/bin/env python3
"""What a stranger does with `make run`: publish with mosquitto_pub, kill the active, find nothing lost, kill the other.

usage: make_run_test.py ROOT BIN    runs etc/dev/run.sh and stop.sh in a temporary folder, on a port of its own
"""
import os
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
from on_this_machine import free_port, status_of, until  # pylint: disable=wrong-import-position

ROOT, BIN = "", ""


class MakeRun(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tandem-run-")
        self.port = free_port()
        self.environment = dict(os.environ, TANDEM_PORT=str(self.port), TANDEM_RUN_DIR=self.folder.name,
                                TANDEM_BIN_DIR=BIN)

    def tearDown(self):
        self.script("stop.sh")
        if not self._outcome.success:
            for node in ("boxa", "boxb"):
                self.show_journal(node)
        self.folder.cleanup()

    def show_journal(self, node):
        path = os.path.join(self.folder.name, node + ".log")
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as journal:
                print(f"--- {node}.log\n" + "".join(journal.readlines()[-60:]), file=sys.stderr)

    def script(self, name, *arguments):
        return subprocess.run([os.path.join(ROOT, "etc/dev", name), *arguments], env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)

    def start(self, *arguments):
        run = self.script("run.sh", "--detach", *arguments)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertNotIn("not in step", run.stderr)
        return run.stdout

    def publish(self, *arguments):
        subprocess.run(["mosquitto_pub", "-h", "localhost", "-p", str(self.port), "-q", "1", *arguments], timeout=60,
                       check=True)

    def publish_until_taken(self, *arguments):
        """As somebody who tries again while nobody has the port."""
        def taken():
            run = subprocess.run(["mosquitto_pub", "-h", "localhost", "-p", str(self.port), "-q", "1", *arguments],
                                 capture_output=True, timeout=60, check=False)
            return run.returncode == 0
        until(taken, "a publish after the kill")

    def receive(self, count, *arguments):
        """The first messages as "topic payload" lines; fewer if no more come within 5 s."""
        def taken():
            run = subprocess.run(["mosquitto_sub", "-h", "localhost", "-p", str(self.port), "-v", "-C", str(count), "-W",
                                  "5", *arguments], capture_output=True, text=True, timeout=60, check=False)
            return (run.stdout.splitlines(),) if run.returncode in (0, 27) else None
        return until(taken, "a subscriber")[0]

    def receive_behind_repeats(self, repeated, *arguments):
        """The first message that is not `repeated`: QoS 1 brings it again if a kill swallowed an acknowledgement."""
        def other():
            lines = self.receive(1, *arguments)
            return lines[0] if lines and lines[0] != repeated else None
        return until(other, f"something else than {repeated}")

    def status(self):
        for node in ("boxa", "boxb"):
            if status := status_of(os.path.join(self.folder.name, node + ".sock")):
                return status
        return {"protected": False, "self": {}, "peer": {}}

    def active(self):
        status = self.status()
        for side in ("self", "peer"):
            if status[side].get("role") == "active":
                return status[side]["name"]
        return None

    def pid(self, node):
        try:
            with open(os.path.join(self.folder.name, node + ".pid"), encoding="utf-8") as file:
                return int(file.read())
        except (FileNotFoundError, ValueError):
            return None

    def kill_active(self):
        node = until(self.active, "an active node")
        pid = self.pid(node)
        os.kill(pid, 9)
        return node, pid

    def test_kill_one_and_then_the_other(self):
        self.assertIn(f"port {self.port}", self.start())
        session = ("-i", "reader", "-c", "-q", "1", "-t", "plant/#")
        self.receive(1, *session, "-E")  # makes the session and leaves
        self.publish("-t", "plant/pump", "-m", "while you were away")
        self.publish("-r", "-t", "state", "-m", "running")
        killed, pid = self.kill_active()
        self.publish_until_taken("-t", "plant/pump", "-m", "after the kill")
        self.assertEqual(self.receive(2, *session), ["plant/pump while you were away", "plant/pump after the kill"])
        self.assertEqual(self.receive(1, "-t", "state"), ["state running"])
        until(lambda: self.pid(killed) not in (None, pid), f"{killed} started again")
        until(lambda: self.status()["protected"], "a standby in step")
        self.assertNotEqual(self.active(), killed)
        other, _ = self.kill_active()
        self.assertNotEqual(other, killed)
        self.publish_until_taken("-t", "plant/pump", "-m", "after the second kill")
        self.assertEqual(self.receive_behind_repeats("plant/pump after the kill", *session),
                         "plant/pump after the second kill")

    def test_stop_keeps_the_data_and_fresh_clears_it(self):
        self.start()
        self.publish("-r", "-t", "state", "-m", "running")
        pids = [self.pid(node) for node in ("boxa", "boxb")]
        self.assertIn("Ended the pair", self.script("stop.sh").stdout)
        for pid in pids:
            self.assertFalse(os.path.exists(f"/proc/{pid}/exe"), "a node goes on after stop")
        self.assertIn("No pair", self.script("stop.sh").stdout)
        self.start()
        self.assertEqual(self.receive(1, "-t", "state"), ["state running"])
        self.assertIn("Ended the pair", self.start("--fresh"))
        self.assertEqual(self.receive(1, "-t", "state"), [])

    def test_a_taken_port_is_named_at_once(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", self.port))
            other.listen()
            run = self.script("run.sh", "--detach")
        self.assertEqual(run.returncode, 1)
        self.assertIn(f"port {self.port} of this machine is taken by", run.stderr)
        self.assertIn(f"(pid {os.getpid()})", run.stderr)

    def test_wrong_arguments_are_refused(self):
        self.assertIn("allowed: RUN_ARGS=--detach", self.script("run.sh", "--quick").stderr)
        self.environment["TANDEM_PORT"] = "mqtt"
        self.assertIn("allowed: a port from 1 to 65535", self.script("run.sh").stderr)


if __name__ == "__main__":
    ROOT, BIN = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
