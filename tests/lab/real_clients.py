"""Clients as users have them: Paho and mosquitto_sub, idle, with a session that stays, keepalive 60 and their own reconnect.

Both have what the lab's own idle client has: the messages that came, with monotonic times.
"""
import random
import signal
import subprocess
import threading
import time

try:
    import paho.mqtt.client as mqtt
except ImportError:
    mqtt = None  # lab.missing_right() says so

import lab as network

PORT = 1883
KEEPALIVE_S = 60
QOS = 1


class PahoClient(threading.Thread):
    """python3-paho-mqtt: after a break it waits 1 s, then connects, and subscribes as its users do: at every CONNACK."""

    def __init__(self, lab, name, topic, address=network.VIP, websocket_port=None):
        super().__init__(daemon=True, name=name)
        self.port = websocket_port or PORT
        self.lab, self.topic, self.address = lab, topic, address
        self.connects, self.breaks, self.deliveries = [], [], []  # as clients.Client and clients.Subscriber have them
        self.subscribed = threading.Event()
        self.ending = threading.Event()
        self.error = None
        self.client = mqtt.Client(name, clean_session=False, transport="websockets" if websocket_port else "tcp")
        self.client.on_connect = self.on_connect
        self.client.on_disconnect = self.on_disconnect
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = self.on_message

    def run(self):
        try:
            self.lab.enter("client")
            self.client.connect_async(self.address, self.port, KEEPALIVE_S)
            while not self.ending.is_set():
                self.client.loop_forever(retry_first_connection=True)
        except Exception as error:  # shown by the test that waits for this client
            if isinstance(error, OSError) and self.ending.is_set():
                return  # Paho closes the socket in the thread that disconnects; this one had just read the answer
            self.error = error
            raise

    def on_connect(self, client, _, flags, code):
        if code == 0:
            self.connects.append((time.monotonic(), bool(flags["session present"])))
            client.subscribe(self.topic, QOS)

    def on_disconnect(self, _client, _userdata, code):
        if len(self.connects) > len(self.breaks) and not self.ending.is_set():
            self.breaks.append((time.monotonic(), mqtt.error_string(code)))

    def on_message(self, _client, _userdata, message):
        self.deliveries.append((time.monotonic(), message.topic, message.payload.decode()))

    def connected(self):
        return len(self.connects) > len(self.breaks)

    def been_idle(self, idle_s):
        """As if nothing had passed for so long: where a failure meets an idle client in its keepalive is chance."""
        with self.client._msgtime_mutex:  # pylint: disable=protected-access
            at_s = time.monotonic() - idle_s
            self.client._last_msg_in = self.client._last_msg_out = at_s  # pylint: disable=protected-access

    def restart(self):
        """By hand, for a client that has not seen the break."""
        half_open = self.client.socket()
        if half_open:
            getattr(half_open, "_socket", half_open).shutdown(2)  # Paho's WebSocket wraps one

    def payloads(self, topic):
        return [payload for _, at, payload in list(self.deliveries) if at == topic]

    def lost_sessions(self):
        return [at_s for at_s, present in self.connects[1:] if not present]

    def abandon(self):
        self.ending.set()
        self.client.disconnect()

    def finish(self):
        self.abandon()
        self.join(network.DEADLINE_S)
        if self.is_alive() or self.error:
            raise AssertionError(f"{self.name} did not finish: {self.error}")


class MosquittoSub:
    """Debian's mosquitto_sub; a line a message tells when it came. It says nothing of breaks."""

    def __init__(self, lab, name, topic, address=network.VIP):
        self.lab, self.name, self.topic, self.address = lab, name, topic, address
        self.deliveries = []
        self.process = self.thread = None

    def start(self):
        self.process = self.lab.popen("client", ["mosquitto_sub", "-h", self.address, "-p", str(PORT), "-i", self.name,
                                                 "-c", "-q", str(QOS), "-k", str(KEEPALIVE_S), "-t", self.topic],
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.thread = threading.Thread(target=self.read, args=(self.process.stdout,), daemon=True)
        self.thread.start()

    def read(self, lines):
        for line in lines:
            self.deliveries.append((time.monotonic(), self.topic, line.rstrip("\n")))
        lines.close()

    def restart(self):
        self.abandon()
        self.start()

    def payloads(self, topic):
        return [payload for _, at, payload in list(self.deliveries) if at == topic]

    def lost_sessions(self):
        return []  # a message of before its return would be missing

    def abandon(self):
        """It never says DISCONNECT when killed; a session that stays, without a will, is all the same to that."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.thread.join()
            self.process = None

    finish = abandon


def somewhere_in_keepalive(number, of):
    """How long an idle client has been idle in round `number` of `of`, in s: random, spread evenly over all rounds."""
    return KEEPALIVE_S * (number + random.random()) / of
