"""Two tandemd as a pair on loopback, for the hostile suite."""
import base64
import hashlib
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
from on_this_machine import holds_within, status_of, until  # noqa: E402,F401

USERS = {"good": "good-password", "evil": "evil-password"}
ADDRESS = ("127.0.0.1", 18830)
TLS_ADDRESS = ("127.0.0.1", 18833)
MIRROR_PORTS = {"boxa": 18831, "boxb": 18832}


def password_line(user, password):
    salt = b"saltsaltsalt"
    done = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"{user}:$7$101${base64.b64encode(salt).decode()}${base64.b64encode(done).decode()}\n"


def config(folder, name, peer, peer_key):
    return f"""[node]
name = "{name}"
data_dir = "{folder}/{name}"
[[listener]]
address = "{ADDRESS[0]}"
port = {ADDRESS[1]}
[[listener]]
address = "{TLS_ADDRESS[0]}"
port = {TLS_ADDRESS[1]}
cert_file = "{folder}/tls.pem"
key_file = "{folder}/tls.key"
[security]
password_file = "{folder}/passwd"
[mirror]
listen = ["127.0.0.1:{MIRROR_PORTS[name]}"]
peer = ["127.0.0.1:{MIRROR_PORTS[peer]}"]
key_file = "{folder}/{name}.key"
peer_public_key = "{peer_key}"
[takeover]
arbiter = "heartbeat"
[limits]
max_connections_per_address = 2000
[control]
socket = "{folder}/{name}.sock"
"""


class Pair:
    def __init__(self, folder, bin_folder):
        self.folder, self.bin, self.processes = folder, bin_folder, {}

    def start(self):
        subprocess.run([f"{self.bin}/tandemctl", "keygen", "--out", self.folder, "--name", "boxa", "--name", "boxb"],
                       check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2",
                        "-subj", "/CN=hostile", "-keyout", f"{self.folder}/tls.key", "-out", f"{self.folder}/tls.pem"],
                       check=True, stderr=subprocess.DEVNULL)
        with open(f"{self.folder}/passwd", "w", encoding="ascii") as file:
            file.writelines(password_line(*one) for one in USERS.items())
        for name, peer in (("boxa", "boxb"), ("boxb", "boxa")):
            with open(f"{self.folder}/{peer}.pub", encoding="ascii") as file:
                key = file.read().strip()
            with open(f"{self.folder}/{name}.toml", "w", encoding="ascii") as file:
                file.write(config(self.folder, name, peer, key))
            log = open(f"{self.folder}/{name}.log", "w", encoding="utf-8")
            self.processes[name] = subprocess.Popen([f"{self.bin}/tandemd", "--config", f"{self.folder}/{name}.toml"],
                                                    stdout=log, stderr=log)
        until(self.protected, "the pair is protected")

    def stop(self):
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            process.wait(20)

    def status(self, name):
        return status_of(f"{self.folder}/{name}.sock", within_s=1)

    def protected(self):
        found = [self.status(name) for name in self.processes]
        return any(one and one["self"]["role"] == "active" and one["protected"] for one in found)

    def ended(self):
        """Sentences about boxes that are gone."""
        return [f"{name} has ended with {one.poll()}" for name, one in self.processes.items() if one.poll() is not None]

    def memory_mb(self):
        """The larger of the two boxes' resident memory now."""
        largest = 0
        for process in self.processes.values():
            try:
                with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
                    lines = [line for line in file if line.startswith("VmRSS")]
                largest = max(largest, int(lines[0].split()[1]) // 1024)
            except (OSError, IndexError):
                pass
        return largest

    def descriptors(self):
        return max(len(os.listdir(f"/proc/{one.pid}/fd")) for one in self.processes.values() if one.poll() is None)
