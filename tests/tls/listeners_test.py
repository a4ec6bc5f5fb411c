#!/usr/bin/env python3
"""Listeners of other kinds, as clients find them: behind a proxy that says whom it forwards (PROXY protocol), with and without TLS;
a Unix socket.

usage: listeners_test.py ROOT BIN
"""
import os
import select
import signal
import socket
import ssl
import stat
import struct
import subprocess
import sys
import threading
import unittest

from broker import TIMEOUT_S, Broker, Plant, free_port, run, until
from mqtt_bytes import field, packet

ROOT, BIN = "", ""
PASSWORD = "correct horse"
CONNACK_SUCCESS, CONNACK_WRONG, CONNACK_SLOWED = 0x00, 0x86, 0x9F


def line(client, port=4660):
    return f"PROXY TCP4 {client} 192.0.2.10 {port} 1883\r\n".encode()


def block(client, port=4660, more=b""):
    ends = socket.inet_aton(client) + socket.inet_aton("192.0.2.10") + struct.pack(">HH", port, 1883) + more
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", len(ends)) + ends


def connect_packet(user, password):
    """MQTT 5, with a client id that the broker chooses."""
    return packet(0x10, field("MQTT") + b"\x05\xC2\x00\x3C\x00" + field("") + field(user) + field(password))


def answer(connection, user="bob", password=PASSWORD):
    """The reason code of its CONNACK; None: the connection is reset or ended without one."""
    try:
        connection.sendall(connect_packet(user, password))
        head = b""
        while len(head) < 4 and (more := connection.recv(4 - len(head))):
            head += more
    except ConnectionError:
        return None
    return head[3] if len(head) == 4 and head[0] == 0x20 else None


class Proxy:
    """Forwards connections to a port, each with this header ahead."""

    def __init__(self, port, header):
        self.port, self.header = port, header
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.own_port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.forward, args=(client,), daemon=True).start()

    def forward(self, client):
        """Both ways, until either side has ended."""
        with client, socket.create_connection(("127.0.0.1", self.port)) as server:
            server.sendall(self.header)
            other = {client: server, server: client}
            while True:
                for ready in select.select(list(other), [], [])[0]:
                    try:
                        data = ready.recv(65536)
                        other[ready].sendall(data)
                    except OSError:
                        return
                    if not data:
                        return

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


HAPROXY = """global
    maxconn 100
defaults
    mode tcp
    timeout connect 10s
    timeout client 60s
    timeout server 60s
frontend clients
    bind 127.0.0.1:{own_port}
    default_backend boxes
backend boxes
    server box 127.0.0.1:{port} {header}
"""


class Listeners(unittest.TestCase):
    def setUp(self):
        self.plant = Plant(ROOT)
        self.addCleanup(self.plant.close)

    def serve(self, listeners, limits=""):
        broker = Broker(self.plant, BIN, "listeners", anonymous=False, listeners=listeners, mirror=limits)
        self.addCleanup(broker.kill)
        broker.serve_somewhere()
        code, said = run("sh", "-c", f"echo '{PASSWORD}' | {BIN}/tandemctl --socket {self.plant.path('listeners.sock')} user add bob")
        self.assertEqual(code, 0, said)
        return broker

    def behind_proxy(self, trusted="127.0.0.1", more="", limits=""):
        port = free_port()
        self.broker = self.serve(f'[[listener]]\naddress = "127.0.0.1"\nport = {port}\nproxy_protocol = "{trusted}"\n{more}\n', limits)
        until(lambda: self.broker.status().get("alarms") == [], "the first user has opened the listeners")
        return port

    def open(self, port, header):
        connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self.addCleanup(connection.close)
        connection.sendall(header)
        return connection

    def counters(self):
        return until(lambda: self.broker.status().get("counters"), "tandemd answers")

    def test_mosquitto_through_a_proxy(self):
        port = self.behind_proxy()
        for header in (line("192.0.2.1"), block("192.0.2.1", more=b"\x05\x00\x03abc")):
            proxy = Proxy(port, header)
            self.addCleanup(proxy.close)
            code, said = run("mosquitto_pub", "-h", "127.0.0.1", "-p", str(proxy.own_port), "-u", "bob", "-P", PASSWORD, "-t", "a", "-m",
                             "x", "-q", "1")
            self.assertEqual(code, 0, said)
        # Past the proxy, without a header.
        code, said = run("mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-u", "bob", "-P", PASSWORD, "-t", "a", "-m", "x", "-q", "1")
        self.assertNotEqual(code, 0, said)
        until(lambda: self.counters()["proxy_headers_malformed"] == 1, "a client without a header is counted")
        until(lambda: "1 PROXY headers failed, the last with 127.0.0.1:" in self.broker.journal(), "the journal says so")

    def haproxy(self, port, header):
        """Its own port, where it serves."""
        own_port, config = free_port(), self.plant.path(f"{header}.cfg")
        with open(config, "w", encoding="ascii") as file:
            file.write(HAPROXY.format(own_port=own_port, port=port, header=header))
        with open(self.plant.path(f"{header}.log"), "wb") as log:
            process = subprocess.Popen(["haproxy", "-db", "-f", config], stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def serves():
            with socket.socket() as probe:
                return process.poll() is None and probe.connect_ex(("127.0.0.1", own_port)) == 0
        until(serves, "HAProxy serves")
        return own_port

    def test_haproxy_says_whom_it_forwards(self):
        port = self.behind_proxy()
        for header, guesser, other in (("send-proxy", "127.0.0.5", "127.0.0.6"), ("send-proxy-v2", "127.0.0.7", "127.0.0.8")):
            own_port = self.haproxy(port, header)
            code, said = run("mosquitto_pub", "-h", "127.0.0.1", "-p", str(own_port), "-u", "bob", "-P", PASSWORD, "-t", "a", "-m", "x",
                             "-q", "1")
            self.assertEqual(code, 0, said)

            def login(address, **credentials):
                with socket.create_connection(("127.0.0.1", own_port), TIMEOUT_S, (address, 0)) as client:
                    return answer(client, **credentials)
            seen = [login(guesser, password="wrong") for _ in range(40)]
            self.assertIn(CONNACK_SLOWED, seen)
            self.assertEqual(login(guesser), CONNACK_SLOWED)
            self.assertEqual(login(other), CONNACK_SUCCESS)
        self.assertEqual(self.counters()["proxy_headers_malformed"], 0)

    def test_wrong_logins_slow_down_their_own_address_and_not_the_proxy(self):
        port = self.behind_proxy()
        seen = [answer(self.open(port, line("192.0.2.1")), password="wrong") for _ in range(40)]
        self.assertEqual(seen[:20], [CONNACK_WRONG] * 20)
        self.assertIn(CONNACK_SLOWED, seen[20:])
        self.assertEqual(answer(self.open(port, line("192.0.2.1"))), CONNACK_SLOWED)
        self.assertEqual(answer(self.open(port, line("192.0.2.2"))), CONNACK_SUCCESS)
        self.assertEqual(answer(self.open(port, block("192.0.2.3"))), CONNACK_SUCCESS)
        self.assertEqual(answer(self.open(port, b"PROXY UNKNOWN\r\n")), CONNACK_SUCCESS)

    def test_connections_are_limited_by_the_address_of_the_client(self):
        port = self.behind_proxy(limits="[limits]\nmax_connections_per_address = 2")
        held = [self.open(port, line("192.0.2.1")) for _ in range(2)]
        self.assertEqual([answer(one) for one in held], [CONNACK_SUCCESS] * 2)
        self.assertIsNone(answer(self.open(port, line("192.0.2.1"))))
        self.assertEqual(answer(self.open(port, line("192.0.2.2"))), CONNACK_SUCCESS)
        until(lambda: "1 clients turned away, the last from 192.0.2.1:4660" in self.broker.journal(), "the journal says so")

    def test_nobody_but_the_proxy_is_believed(self):
        port = self.behind_proxy(trusted="127.0.0.9")
        for header in (line("192.0.2.1"), block("192.0.2.1"), b""):
            try:
                self.assertIsNone(answer(self.open(port, header)))
            except ConnectionError:
                pass  # before its header was sent
        until(lambda: self.counters()["proxy_strangers"] == 3, "they are counted")
        proxy = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S, source_address=("127.0.0.9", 0))
        self.addCleanup(proxy.close)
        proxy.sendall(line("192.0.2.1"))
        self.assertEqual(answer(proxy), CONNACK_SUCCESS)

    def test_tls_behind_the_header(self):
        port = self.behind_proxy(more=f'cert_file = "{self.plant.path("server.pem")}"\nkey_file = "{self.plant.path("server.key")}"')
        context = ssl.create_default_context(cafile=self.plant.path("ca.pem"))
        for header in (line("192.0.2.1"), block("192.0.2.1")):
            with context.wrap_socket(self.open(port, header), server_hostname="127.0.0.1") as secured:
                self.assertEqual(answer(secured), CONNACK_SUCCESS)
        proxy = Proxy(port, block("192.0.2.1"))
        self.addCleanup(proxy.close)
        code, said = run("openssl", "s_client", "-connect", f"127.0.0.1:{proxy.own_port}", "-CAfile", self.plant.path("ca.pem"),
                         "-verify_return_error", "-verify_ip", "127.0.0.1")
        self.assertEqual(code, 0, said)
        self.assertIn("Verification: OK", said)

    def local(self, *arguments, program="mosquitto_pub", user="bob"):
        return run(program, "--unix", self.plant.path("mqtt.sock"), *(["-u", user, "-P", PASSWORD] if user else []), *arguments)

    def test_mosquitto_over_a_unix_socket(self):
        path, port = self.plant.path("mqtt.sock"), free_port()
        self.broker = self.serve(f'[[listener]]\nsocket = "{path}"\nsocket_mode = "0660"\n'
                                 f'[[listener]]\naddress = "127.0.0.1"\nport = {port}\n')
        until(lambda: self.broker.status().get("alarms") == [], "the first user has opened the listeners")
        self.assertEqual(stat.filemode(os.stat(path).st_mode), "srw-rw----")
        session = ("-i", "panel", "-c", "-q", "1", "-t", "plant/#")
        code, said = self.local("-E", *session, program="mosquitto_sub")
        self.assertEqual(code, 0, said)
        code, said = self.local("-t", "plant/a", "-m", "over the socket", "-q", "1")
        self.assertEqual(code, 0, said)
        code, said = run("mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-u", "bob", "-P", PASSWORD, "-t", "plant/b", "-m",
                         "over TCP", "-q", "2")
        self.assertEqual(code, 0, said)
        code, said = self.local("-v", "-C", "2", "-W", str(TIMEOUT_S), *session, program="mosquitto_sub")
        self.assertEqual((code, said), (0, "plant/a over the socket\nplant/b over TCP\n"))
        code, said = self.local("-t", "plant/a", "-m", "x", user=None)
        self.assertEqual(code, 5, said)
        # A process that was killed leaves its file; the next one replaces it, and one that stops takes it along.
        self.broker.kill()
        self.assertTrue(os.path.exists(path))
        self.broker.serve_somewhere()
        until(lambda: self.local("-t", "plant/a", "-m", "again", "-q", "1")[0] == 0, "it is served again")
        self.broker.kill(signal.SIGTERM)
        self.assertFalse(os.path.exists(path))

    def test_a_socket_that_cannot_be_made_keeps_nobody_else_out(self):
        port = free_port()
        self.broker = self.serve(f'[[listener]]\nsocket = "{self.plant.path("later/mqtt.sock")}"\n'
                                 f'[[listener]]\naddress = "127.0.0.1"\nport = {port}\n')
        until(lambda: self.broker.status().get("alarms") == [], "the first user has opened the listeners")
        code, said = run("mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-u", "bob", "-P", PASSWORD, "-t", "a", "-m", "x", "-q", "1")
        self.assertEqual(code, 0, said)
        self.assertEqual(self.broker.journal().count("later/mqtt.sock: No such file or directory; everybody else is served"), 1)
        os.mkdir(self.plant.path("later"))
        until(lambda: os.path.exists(self.plant.path("later/mqtt.sock")), "it is made when it can be")


if __name__ == "__main__":
    ROOT, BIN = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
