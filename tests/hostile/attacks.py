"""What hostile clients do, each for some seconds. A function an attack; it runs in processes of its own and may be killed."""
import os
import random
import resource
import selectors
import socket
import ssl
import time

from mqtt import Client, connect, packet, publish, subscribe
from pair import ADDRESS, MIRROR_PORTS, TLS_ADDRESS, USERS


ELSEWHERE = ("127.0.0.2", 0)  # attackers have another address than the others
IP_BIND_ADDRESS_NO_PORT = 24  # of Linux: a port for each destination, not one for all


def many_files():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    return limit


def dial(address=ADDRESS):
    one = socket.socket()
    one.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    one.bind(ELSEWHERE)
    one.setblocking(False)
    one.connect_ex(address)
    return one


def evil(number, **more):
    return Client(ADDRESS, f"evil-{os.getpid()}-{number}", "evil", USERS["evil"], source=ELSEWHERE, **more)


def again(end, attack):
    """An attacker who is thrown out comes back."""
    while time.monotonic() < end:
        try:
            attack()
        except OSError:
            time.sleep(0.01)  # his pace


def half_open(end):
    """Connections that say nothing, as many as there are file descriptors."""
    limit, held = many_files() - 100, []
    while time.monotonic() < end:
        if len(held) < min(limit, 60_000):
            held.append(dial())
            if len(held) % 100 == 0:
                time.sleep(0.005)  # a pace that the boxes' backlog can take
        else:
            time.sleep(0.1)  # holds them until the end


def slow_loris(end):
    """2,000 connections, each of which sends its CONNECT a byte a second."""
    many_files()
    said = connect("loris" + "x" * 200, "evil", USERS["evil"])
    held, at = [dial() for _ in range(2_000)], 0
    while time.monotonic() < end:
        for number, one in enumerate(held):
            try:
                one.send(said[at % len(said):at % len(said) + 1])
            except BlockingIOError:
                pass
            except OSError:
                one.close()
                held[number] = dial()
        at += 1
        time.sleep(1)  # the pace of the attack


def subscribe_bomb(end):
    """100,000 filters, 1,000 a packet."""
    def attack():
        client = evil(0)
        for start in range(0, 100_000, 1_000):
            client.send(subscribe([f"bomb/{n}/+/x" for n in range(start, start + 1_000)], 1 + start // 1_000))
            client.read()
            if time.monotonic() > end:
                break
        client.close()
    again(end, attack)


def huge_packets(end):
    """Packets that announce 256 MB, and come."""
    def attack():
        client = evil(0)
        client.send(b"\x30\xff\xff\xff\x7f" + b"\x00\x01t")
        block = b"x" * 65536
        while time.monotonic() < end:
            client.send(block)
    again(end, attack)


def deep_wildcards(end):
    """Every pattern of '+' and 'a' in 13 levels, and messages that all of them match."""
    def attack():
        subscriber, publisher = evil("s"), evil("p")
        filters = ["/".join("+" if number >> level & 1 else "a" for level in range(13)) for number in range(8_192)]
        for start in range(0, len(filters), 512):
            subscriber.send(subscribe(filters[start:start + 512], 1 + start // 512))
            subscriber.read()
        topic = "/".join("a" * 13)
        subscriber.socket.setblocking(False)
        while time.monotonic() < end:
            publisher.send(publish(topic, b"deep") * 10)
            try:
                subscriber.socket.recv(1 << 20)
            except BlockingIOError:
                pass
    again(end, attack)


def retained_flood(end):
    """Retained messages of 1 KB on ever new topics."""
    def attack():
        client, number = evil(0), random.randrange(1 << 40)
        client.socket.settimeout(1)
        while time.monotonic() < end:
            client.send(b"".join(publish(f"retained/{number + n}", b"r" * 1_024, retain=True) for n in range(100)))
            number += 100
    again(end, attack)


def queue_flood(end):
    """200 sessions that are away and want everything of 64 KB messages."""
    def attack():
        for number in range(200):
            away = evil(f"away-{number}", clean=False)
            away.send(subscribe(["flood/#"], qos=1))
            away.read()
            away.close()
        client, number = evil(0), 0
        while time.monotonic() < end:
            number = number % 60_000 + 1
            client.send(publish("flood/x", b"q" * 65_536, qos=1, packet_id=number))
            client.read()
    again(end, attack)


def stalled_readers(end):
    """100 clients that want everything of 256 KB messages, 100 a second, and read nothing."""
    def attack():
        stalled = [evil(f"stalled-{number}") for number in range(100)]
        for one in stalled:
            one.send(subscribe(["stalled/#"], qos=1))
        client, number = evil(0), 0
        while time.monotonic() < end:
            number = number % 60_000 + 1
            client.send(publish("stalled/x", b"s" * 262_144, qos=1, packet_id=number))
            client.read()
            time.sleep(0.01)  # its pace: how much one publisher can send is not the question here
    again(end, attack)


def session_flood(end):
    """Ever new persistent sessions."""
    def attack():
        for _ in range(100):
            evil(random.randrange(1 << 60), clean=False).close()
    again(end, attack)


def storm(end, addresses, at_once, said):
    """Connections that say one thing (a function of their number) and go when they are answered, so many at a time, to each of
    the addresses in turn."""
    selector, number, dialled = selectors.DefaultSelector(), 0, 0
    while time.monotonic() < end:
        while len(selector.get_map() or {}) < at_once:
            selector.register(dial(addresses[dialled % len(addresses)]), selectors.EVENT_WRITE)
            dialled += 1
        for key, events in selector.select(0.1):
            try:
                if events & selectors.EVENT_WRITE:
                    number += 1
                    key.fileobj.send(said(number))
                    selector.modify(key.fileobj, selectors.EVENT_READ)
                    continue
                key.fileobj.recv(100)
            except OSError:
                pass
            selector.unregister(key.fileobj)
            key.fileobj.close()


def wrong_passwords(end):
    """Connect storms with wrong passwords, 50 at a time."""
    storm(end, [ADDRESS], 50, lambda number: connect(f"guess-{number}", "good", f"guess-{number}"))


def tls_handshakes(end):
    """Handshakes that cost the broker a signature and the attacker nothing: always the same ClientHello, 500 at a time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = outgoing.read()
    storm(end, [TLS_ADDRESS], 500, lambda number: hello)


def mirror_flood(end):
    """Connections to both boxes' mirror ports, 500 at a time: a greeting that never goes on, another mechanism, no ZeroMQ."""
    greeting = b"\xff\0\0\0\0\0\0\0\1\x7f\3\0" + b"CURVE".ljust(20, b"\0") + bytes(32)
    said = (greeting, greeting.replace(b"CURVE", b"PLAIN"), os.urandom(64))
    storm(end, [("127.0.0.1", port) for port in MIRROR_PORTS.values()], 500, lambda number: said[number % len(said)])


def garbage(end):
    """Random bytes, and packets that are not MQTT behind a good CONNECT."""
    def attack():
        client = evil(0)
        client.send(packet(random.randrange(256), os.urandom(random.randrange(300))))
        client.read()
        client.close()
    again(end, attack)


# What a flood has left is written to disk for some seconds more, at the expense of whoever comes next: stalled_readers, which
# itself copies much, comes before the floods of the store.
ATTACKS = (half_open, slow_loris, subscribe_bomb, huge_packets, deep_wildcards, stalled_readers, retained_flood, queue_flood,
           session_flood, wrong_passwords, tls_handshakes, mirror_flood, garbage)
