"""MQTT 3.1.1 clients that write down, with monotonic times, what they sent, what was acknowledged and what came.

Each is a thread in the client's namespace and comes back by itself after a break: 5 tries a second, so that its own
delay is no part of a figure.
"""
import select
import socket
import threading
import time

import lab as network
from mqtt_bytes import field, packet

PORT = 1883
RETRY_S = 0.02
CONNECT_S = 0.2   # a SYN that got lost is sent again by a new try, not by the kernel after 1 s
SILENCE_S = 0.5   # a client that expects an answer gives a connection up after this
CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 8, 9, 12, 13, 14
PING, BYE = b"\xc0\0", b"\xe0\0"


def publish_packet(topic, payload, qos, packet_id, again=False, retain=False):
    return packet(PUBLISH << 4 | (8 if again else 0) | qos << 1 | retain,
                  field(topic.encode()) + (packet_id.to_bytes(2, "big") if qos else b"") + payload.encode())


def publish_parts(flags, body):
    """(topic, qos, packet id or 0, payload) of a PUBLISH."""
    end = 2 + int.from_bytes(body[:2], "big")
    qos = flags >> 1 & 3
    packet_id = int.from_bytes(body[end:end + 2], "big") if qos else 0
    return body[2:end].decode(), qos, packet_id, body[end + (2 if qos else 0):].decode()


class Refused(Exception):
    """The broker answered CONNECT with an error."""


class Connection:
    """One TCP connection with a CONNECT answered. OSError, EOFError and Refused end it."""

    def __init__(self, name, clean, keepalive_s=60, will=None, address=network.VIP):
        self.buffer = b""
        self.socket = socket.create_connection((address, PORT), timeout=CONNECT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        flags, tail = 2 if clean else 0, b""
        if will:
            flags |= 4 | 2 << 3  # QoS 2
            tail = field(will[0].encode()) + field(will[1].encode())
        try:
            self.send(packet(CONNECT << 4, field(b"MQTT") + bytes([4, flags]) + keepalive_s.to_bytes(2, "big") +
                             field(name.encode()) + tail))
            kind, _, body = self.read_within(SILENCE_S)
            if kind != CONNACK or body[1] != 0:
                raise Refused(f"CONNACK {body.hex()}")
            self.session_present = body[0] == 1
        except BaseException:
            self.socket.close()
            raise

    def send(self, data):
        self.socket.settimeout(SILENCE_S)
        self.socket.sendall(data)

    def acknowledge(self, kind, packet_id):
        self.send(packet(kind << 4 | (2 if kind == PUBREL else 0), packet_id.to_bytes(2, "big")))

    def read(self, timeout_s):
        """(kind, flags, body) of the next packet; None if none is whole after timeout_s."""
        end = time.monotonic() + timeout_s
        while True:
            whole = self.take()
            if whole:
                return whole
            left_s = end - time.monotonic()
            if left_s <= 0 or not select.select([self.socket], [], [], left_s)[0]:
                return None
            got = self.socket.recv(65536)
            if not got:
                raise EOFError("closed by the broker")
            self.buffer += got

    def read_within(self, timeout_s):
        whole = self.read(timeout_s)
        if whole is None:
            raise TimeoutError(f"no answer within {timeout_s} s")
        return whole

    def take(self):
        length = 0
        for place in range(1, min(5, len(self.buffer))):
            length |= (self.buffer[place] & 127) << 7 * (place - 1)
            if self.buffer[place] < 128:
                end = place + 1 + length
                if len(self.buffer) < end:
                    return None
                first, body = self.buffer[0], self.buffer[place + 1:end]
                self.buffer = self.buffer[end:]
                return first >> 4, first & 15, body
        return None

    def close(self):
        self.socket.close()


class Client(threading.Thread):
    """Connects as `name` again and again until it is finished; a subclass's serve() has the connection meanwhile."""

    def __init__(self, lab, name, keepalive_s=60, will=None, address=network.VIP):
        super().__init__(daemon=True, name=name)
        self.lab, self.keepalive_s, self.will, self.address = lab, keepalive_s, will, address
        self.connects = []  # (monotonic s, session present)
        self.breaks = []    # (monotonic s, why)
        self.ending = threading.Event()
        self.error = None

    def run(self):
        try:
            self.lab.enter("client")
            while not self.ending.is_set():
                self.once()
                self.ending.wait(RETRY_S)
        except Exception as error:  # shown by the test that waits for this client
            self.error = error
            raise

    def once(self):
        try:
            connection = Connection(self.name, False, self.keepalive_s, self.will, self.address)
        except (OSError, EOFError, Refused):
            return
        self.connects.append((time.monotonic(), connection.session_present))
        try:
            self.serve(connection)
            connection.send(BYE)
        except (OSError, EOFError) as error:
            self.breaks.append((time.monotonic(), repr(error)))
        finally:
            connection.close()

    def serve(self, connection):
        raise NotImplementedError

    def connected(self):
        return len(self.connects) > len(self.breaks)

    def abandon(self):
        self.ending.set()

    def finish(self):
        self.ending.set()
        self.join(network.DEADLINE_S)
        if self.is_alive() or self.error:
            raise AssertionError(f"{self.name} did not finish: {self.error}")

    def lost_sessions(self):
        return [at_s for at_s, present in self.connects[1:] if not present]


class Publisher(Client):
    """Sends "name number" to its topic, one after the other; a number that is not acknowledged is sent again (DUP)."""
    PACE_S = 0.02

    def __init__(self, lab, name, qos, address=network.VIP):
        super().__init__(lab, name, address=address)
        self.topic, self.qos = f"plant/{name}", qos
        self.sent_s, self.acked_s = {}, {}  # number: monotonic s; acked: PUBACK, or PUBREC
        self.number, self.received = 1, False  # the message under way; with QoS 2: PUBREC has come

    def serve(self, connection):
        while not self.ending.is_set():
            packet_id = self.number % 60000 + 1
            if not self.received:
                again = self.number in self.sent_s
                self.sent_s.setdefault(self.number, time.monotonic())
                connection.send(publish_packet(self.topic, f"{self.name} {self.number}", self.qos, packet_id, again))
                self.expect(connection, PUBACK if self.qos == 1 else PUBREC, packet_id)
                self.acked_s[self.number] = time.monotonic()
                self.received = self.qos == 2
            if self.received:
                connection.acknowledge(PUBREL, packet_id)
                self.expect(connection, PUBCOMP, packet_id)
                self.received = False
            self.number += 1
            self.ending.wait(self.PACE_S)

    @staticmethod
    def expect(connection, kind, packet_id):
        """The answer's silence limit is above the 2.5 s in which an active that lost its standby acknowledges nothing."""
        end = time.monotonic() + 4
        while time.monotonic() < end:
            got = connection.read(SILENCE_S)
            if got is None:
                connection.send(PING)  # a dead path shows at the next read
                if connection.read(SILENCE_S) is None:
                    raise TimeoutError("no PINGRESP")
            elif got[0] == kind and int.from_bytes(got[2][:2], "big") == packet_id:
                return
        raise TimeoutError("no acknowledgement within 4 s")


class Worker(Publisher):
    """One of many: a message a second, QoS 0, 1 or 2, and a will that must not fire."""
    PACE_S = 1

    def __init__(self, lab, number):
        super().__init__(lab, f"worker{number}", number % 3)
        self.will = (f"will/{self.name}", self.name)

    def serve(self, connection):
        if self.qos:
            return super().serve(connection)
        while not self.ending.is_set():
            connection.send(publish_packet(self.topic, f"{self.name} {self.number}", 0, 0, False))
            self.number += 1
            while connection.read(0.001):
                pass
            self.ending.wait(self.PACE_S)
            connection.send(PING)  # a dead path shows
        return None


class Subscriber(Client):
    """A durable session. ping_s: asks for a sign of life that often, and gives a silent connection up."""

    def __init__(self, lab, name, filters, qos, ping_s=0.1, keepalive_s=60, address=network.VIP):
        super().__init__(lab, name, keepalive_s, address=address)
        self.filters, self.qos, self.ping_s = filters, qos, ping_s
        self.deliveries = []  # (monotonic s, topic, payload)
        self.held = set()     # packet ids of QoS 2 whose PUBREL has not come
        self.subscribed = threading.Event()
        self.give_up = threading.Event()

    def serve(self, connection):
        if not connection.session_present:
            self.held.clear()
            connection.send(packet(SUBSCRIBE << 4 | 2, b"\0\1" + b"".join(field(f.encode()) + bytes([self.qos])
                                                                          for f in self.filters)))
        else:
            self.subscribed.set()
        self.give_up.clear()
        heard_s = asked_s = time.monotonic()
        while not self.ending.is_set() and not self.give_up.is_set():
            got = connection.read(0.05)
            now_s = time.monotonic()
            if got:
                heard_s = now_s
                self.take(connection, *got)
            if self.ping_s and now_s - asked_s >= self.ping_s:
                connection.send(PING)
                asked_s = now_s
            if self.ping_s and now_s - heard_s > SILENCE_S:
                raise TimeoutError("no sign of life")
        if self.give_up.is_set():
            raise TimeoutError("restarted by hand")

    def take(self, connection, kind, flags, body):
        if kind == SUBACK:
            self.subscribed.set()
        elif kind == PUBREL:
            packet_id = int.from_bytes(body[:2], "big")
            self.held.discard(packet_id)
            connection.acknowledge(PUBCOMP, packet_id)
        elif kind == PUBLISH:
            topic, qos, packet_id, payload = publish_parts(flags, body)
            if qos != 2 or packet_id not in self.held:
                self.deliveries.append((time.monotonic(), topic, payload))
            if qos == 2:
                self.held.add(packet_id)
            if qos:
                connection.acknowledge(PUBREC if qos == 2 else PUBACK, packet_id)

    def restart(self):
        """By hand, for a client that has not seen the break."""
        self.give_up.set()

    def payloads(self, topic):
        return [payload for _, at, payload in list(self.deliveries) if at == topic]


class WillClient(Client):
    """Has a will with QoS 2, asks for a sign of life and waits for it as long as the connection stands.

    doomed: does not come back after its first break.
    """

    def __init__(self, lab, name, keepalive_s, doomed):
        super().__init__(lab, name, keepalive_s, will=(f"will/{name}", name))
        self.doomed = doomed
        self.pings = self.answers = 0  # of the present connection
        self.caught_up_s = 0           # when all was answered

    def serve(self, connection):
        self.pings = self.answers = 0
        try:
            while not self.ending.wait(0.1):
                while connection.read(0.001):
                    self.answers += 1
                if self.pings and self.answers == self.pings:
                    self.caught_up_s = time.monotonic()
                connection.send(PING)
                self.pings += 1
            # With anything unanswered or unread, close() throws away what is not delivered yet: DISCONNECT, too.
            while self.answers < self.pings and connection.read(network.DEADLINE_S):
                self.answers += 1
        except (OSError, EOFError):
            if self.doomed:
                self.ending.set()
            raise
