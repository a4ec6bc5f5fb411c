"""A client as a program of its own, and the lines that it speaks with the test.

A client connects at once (mosquitto.sh: with its first subscription) with a session that stays (`keep`) or not (`clean`), and
with a will "gone" of QoS 1 if it is given a topic for it. Words are separated by single spaces.

in      subscribe FILTER QOS
        publish TOPIC PAYLOAD QOS RETAIN
        leave                              DISCONNECT, and the process ends

out     up SESSION_PRESENT                 CONNACK: 0, 1, or - from a client that does not tell; down: the connection is lost
        subscribed
        published PAYLOAD                  the whole handshake is done
        message TOPIC PAYLOAD QOS RETAIN
        left
"""
import os
import signal
import subprocess
import threading
import time

DEADLINE_S = 40  # only a failure reaches it


class ClientProcess:
    def __init__(self, name, command):
        self.name = name
        self.lines = []
        self.changed = threading.Condition()
        # NODE_PATH: a node that is not Debian's finds Debian's modules, too. A session of its own: a client may be two processes.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                                        start_new_session=True, env=dict(os.environ, NODE_PATH="/usr/share/nodejs"))
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def order(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")

    def seen(self):
        """How many lines there are: where await_line() begins to look for what comes next."""
        return len(self.lines)

    def await_line(self, wanted, after=0):
        """A line that begins so comes, or is there already from that place on. Returns it."""
        end = time.monotonic() + DEADLINE_S
        with self.changed:
            while True:
                for line in self.lines[after:]:
                    if (line + " ").startswith(wanted + " "):
                        return line
                left_s = end - time.monotonic()
                if left_s <= 0:
                    raise AssertionError(f'{self.name}: no line "{wanted}" within {DEADLINE_S} s, but:\n' +
                                         "\n".join(self.lines[after:]))
                self.changed.wait(left_s)

    def messages(self):
        """[(topic, payload, qos, retain)] in order."""
        return [tuple(line.split()[1:]) for line in list(self.lines) if line.startswith("message ")]

    def leave(self):
        self.order("leave")
        self.await_line("left")
        self.process.wait(DEADLINE_S)

    def kill(self):
        """As power goes: no DISCONNECT."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(DEADLINE_S)
        self.process.stdin.close()
        self.reader.join(DEADLINE_S)
        self.process.stdout.close()
