"""MQTT 3.1.1 as bare bytes, for measurements that need many sessions or messages and little of the protocol."""
import os
import select
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
from mqtt_bytes import field, packet  # noqa: E402

IN_FLIGHT = 50  # messages that a filling connection has unacknowledged


def connect(client_id, clean):
    return packet(0x10, field(b"MQTT") + bytes([4, 2 if clean else 0, 0, 0]) + field(client_id))


def subscribe(topic, qos=1):
    return packet(0x82, b"\0\1" + field(topic) + bytes([qos]))


def publish(topic, payload, pid, retain=False):
    return packet(0x32 | retain, field(topic) + pid.to_bytes(2, "big") + payload)


DISCONNECT = b"\xe0\0"


def dial(port):
    s = socket.create_connection(("127.0.0.1", port), timeout=60)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def read_bytes(s, count):
    data = b""
    while len(data) < count:
        got = s.recv(count - len(data))
        if not got:
            raise EOFError("the broker closed the connection")
        data += got
    return data


def make_sessions(port, count, group):
    """Persistent sessions s0, s1, ... 64 connections at a time, each with everything it has to say in one write. `group` of them
    share a topic: g/0, g/1, ..."""
    poll, open_sockets, number = select.epoll(), {}, 0
    while number < count or open_sockets:
        while number < count and len(open_sockets) < 64:
            s = dial(port)
            s.sendall(connect(b"s%d" % number, False) + subscribe(b"g/%d" % (number // group)))
            open_sockets[s.fileno()] = [s, 9]  # CONNACK and SUBACK
            poll.register(s.fileno(), select.EPOLLIN)
            number += 1
        for fd, _ in poll.poll(10):
            entry = open_sockets[fd]
            got = len(entry[0].recv(entry[1]))
            if not got:
                raise EOFError("the broker closed the connection")
            entry[1] -= got
            if entry[1] == 0:
                entry[0].sendall(DISCONNECT)
                poll.unregister(fd)
                entry[0].close()
                del open_sockets[fd]


def fill(port, topics, payload, retain, connections=1):
    """A QoS 1 message to each topic, from so many connections at once. Returns when all are acknowledged."""
    sockets = []
    try:
        for number in range(connections):
            sockets.append(dial(port))
            sockets[-1].sendall(connect(b"filler%d" % number, True))
            read_bytes(sockets[-1], 4)
        topics, sent = iter(topics), 1
        while sent:
            sent = 0
            for s in sockets:
                batch = [publish(topic, payload, pid + 1, retain) for pid, topic in zip(range(IN_FLIGHT), topics)]
                s.sendall(b"".join(batch))
                sent += len(batch)
            left = sent
            for s in sockets:
                read_bytes(s, 4 * min(left, IN_FLIGHT))
                left -= min(left, IN_FLIGHT)
        for s in sockets:
            s.sendall(DISCONNECT)
    finally:
        for s in sockets:
            s.close()


def first_connack(port, within_s=30):
    """Wall clock of the first CONNACK; tries every 0.2 ms."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
                s.sendall(connect(b"probe", True))
                if len(s.recv(4)) == 4:
                    return time.time()
        except OSError:
            pass
        time.sleep(0.0002)  # its pace: so exact is what it finds
    raise RuntimeError(f"no CONNACK within {within_s:g} s")
