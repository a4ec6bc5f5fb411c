"""MQTT 3.1.1 in as few lines as an attacker needs: packets as bytes, and a blocking client."""
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
from mqtt_bytes import field, packet  # noqa: E402


def connect(client_id, user=None, password=None, clean=True, keep_alive=0):
    flags = (2 if clean else 0) | (0x80 if user else 0) | (0x40 if password else 0)
    body = field("MQTT") + bytes([4, flags]) + struct.pack(">H", keep_alive) + field(client_id)
    return packet(0x10, body + (field(user) if user else b"") + (field(password) if password else b""))


def subscribe(filters, packet_id=1, qos=0):
    return packet(0x82, struct.pack(">H", packet_id) + b"".join(field(one) + bytes([qos]) for one in filters))


def publish(topic, payload, qos=0, packet_id=1, retain=False):
    body = field(topic) + (struct.pack(">H", packet_id) if qos else b"") + payload
    return packet(0x30 | qos << 1 | (1 if retain else 0), body)


class Client:
    """Connected, or ConnectionError."""

    def __init__(self, address, client_id, user=None, password=None, clean=True, timeout=5, source=None):
        self.socket = socket.create_connection(address, timeout, source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.socket.sendall(connect(client_id, user, password, clean))
        first, body = self.read()
        if first != 0x20 or body[1] != 0:
            raise ConnectionError(f"CONNACK {first:#x} {body.hex()}")

    def send(self, data):
        self.socket.sendall(data)

    def read(self):
        """The next packet: first byte and body."""
        while True:
            found = self._take()
            if found:
                return found
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("closed")
            self.buffer += more

    def _take(self):
        length = shift = 0
        for at in range(1, min(len(self.buffer), 5)):
            length |= (self.buffer[at] & 0x7F) << shift
            shift += 7
            if self.buffer[at] < 0x80:
                end = at + 1 + length
                if len(self.buffer) < end:
                    return None
                first, body, self.buffer = self.buffer[0], self.buffer[at + 1:end], self.buffer[end:]
                return first, body
        return None

    def close(self):
        self.socket.close()
