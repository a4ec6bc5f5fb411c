"""One tandemd or two with TLS listeners, their certificates (made by the commands of docs/tls.md), and clients of both."""
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
from on_this_machine import free_port, status_of, until  # pylint: disable=wrong-import-position

TIMEOUT_S = 30


def run(*command, **options):
    """Its exit code and all that it says."""
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                         timeout=TIMEOUT_S, check=False, **options)
    return ran.returncode, ran.stdout


class Plant:
    """A folder with ca, server and press7, as docs/tls.md says, and more if asked."""

    def __init__(self, root):
        self.temporary = tempfile.TemporaryDirectory(prefix="tandem-tls-")
        self.folder = self.temporary.name
        with open(os.path.join(root, "docs/tls.md"), encoding="utf-8") as page:
            lines = [line.strip() for line in page if line.startswith("    openssl req ")]
        assert len(lines) == 3, lines
        self.authority, self.server, self.client = lines
        self.make(self.authority)
        self.make_server()
        self.make(self.client)

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, command, *more):
        code, said = run(*shlex.split(command.replace("192.0.2.10", "127.0.0.1")), *more, cwd=self.folder)
        assert code == 0, said

    def make_server(self, days=825):
        self.make(self.server.replace("-days 825", f"-days {days}"))

    def make_certificate(self, name, alternative_names, days=825, key=None):
        """NAME.pem and NAME.key with that name."""
        command = self.server.replace("/CN=mqtt.plant.example", f"/CN={name}").replace("-days 825", f"-days {days}")
        command = re.sub(r"subjectAltName=[^\"]*", "subjectAltName=" + alternative_names, command)
        command = command.replace("server.key", name + ".key").replace("server.pem", name + ".pem")
        self.make(re.sub(r"-newkey ec -pkeyopt \S+", key, command) if key else command)

    def make_client(self, name, *more):
        self.make(self.client.replace("press7", name), *more)

    def close(self):
        self.temporary.cleanup()


class Broker:
    """`tls`: more lines of its TLS listener. `mirror`: the text of [mirror] and [takeover]."""

    def __init__(self, plant, bin_folder, name="tls", **options):
        self.plant, self.bin, self.name = plant, bin_folder, name
        self.port = options.get("port") or free_port()
        self.web_port = options.get("web_port") or free_port()
        self.plain_port = options.get("plain_port")
        self.tls = options.get("tls", "")
        self.mirror = options.get("mirror", "")
        self.anonymous = options.get("anonymous", True)
        self.more = options.get("more", "")
        self.listeners = options.get("listeners")  # their tables, instead of those with TLS
        self.names = ("server", *options.get("names", ()))  # of the certificates
        self.process = None

    def config(self):
        certs, keys = ([self.plant.path(name + ending) for name in self.names] for ending in (".pem", ".key"))
        tls = f'cert_file = {json.dumps(certs)}\nkey_file = {json.dumps(keys)}\n{self.tls}'
        text = f'[node]\nname = "{self.name}"\ndata_dir = "{self.plant.path(self.name)}"\n'
        if self.listeners:
            return text + self.listeners + self.rest_of_config()
        text += f'[[listener]]\naddress = "127.0.0.1"\nport = {self.port}\n{tls}\n'
        text += f'[[listener]]\naddress = "127.0.0.1"\nport = {self.web_port}\nprotocol = "websocket"\n{self.more}\n{tls}\n'
        if self.plain_port:
            text += f'[[listener]]\naddress = "127.0.0.1"\nport = {self.plain_port}\n'
        return text + self.rest_of_config()

    def rest_of_config(self):
        text = f'[security]\nallow_anonymous = {str(self.anonymous).lower()}\n{self.mirror}\n'
        return text + f'[control]\nsocket = "{self.plant.path(self.name + ".sock")}"\n'

    def write_config(self):
        path = self.plant.path(self.name + ".toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.config())
        return path

    def start(self):
        with open(self.plant.path(self.name + ".log"), "ab") as journal:
            self.process = subprocess.Popen([os.path.join(self.bin, "tandemd"), "--config", self.write_config()],
                                            stdout=journal, stderr=journal)
        return self

    def serve(self):
        self.start()
        until(self.accepts, f"{self.name} serves")
        return self

    def serve_somewhere(self):
        """As serve(), whatever its listeners are."""
        self.start()
        until(self.is_active, f"{self.name} serves")
        return self

    def is_active(self):
        if self.process.poll() is not None:
            raise AssertionError(self.journal())
        return self.status().get("self", {}).get("role") == "active"

    def accepts(self):
        with socket.socket() as probe:
            return self.is_active() and probe.connect_ex(("127.0.0.1", self.port)) == 0

    def ctl(self, *arguments):
        return run(os.path.join(self.bin, "tandemctl"), "--socket", self.plant.path(self.name + ".sock"), *arguments)

    def status(self):
        return status_of(self.plant.path(self.name + ".sock"))

    def journal(self):
        with open(self.plant.path(self.name + ".log"), encoding="utf-8", errors="replace") as journal:
            return journal.read()

    def kill(self, how=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(TIMEOUT_S)

    def mosquitto(self, program, *arguments, certificate="press7"):
        """A command of Mosquitto's client for this broker."""
        command = [program, "-h", "127.0.0.1", "-p", str(self.port), "--cafile", self.plant.path("ca.pem"), *arguments]
        if certificate:
            command += ["--cert", self.plant.path(certificate + ".pem"), "--key", self.plant.path(certificate + ".key")]
        return command

    def s_client(self, *arguments):
        return run("openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-CAfile", self.plant.path("ca.pem"),
                   "-verify_return_error", "-verify_ip", "127.0.0.1", *arguments)
