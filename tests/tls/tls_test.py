#!/usr/bin/env python3
"""TLS as clients find it: openssl s_client, Mosquitto's clients, MQTT.js over wss; reload, expiry, and a takeover.

usage: tls_test.py ROOT BIN
"""
import os
import re
import signal
import socket
import subprocess
import sys
import unittest

from broker import TIMEOUT_S, Broker, Plant, free_port, run, until

ROOT, BIN = "", ""
HERE = os.path.dirname(os.path.abspath(__file__))
MUTUAL = 'client_ca_file = "{ca}"\nusername_from = "subject_cn"'


class Tls(unittest.TestCase):
    def setUp(self):
        self.plant = Plant(ROOT)
        self.addCleanup(self.plant.close)
        self.brokers = []

    def tearDown(self):
        for broker in self.brokers:
            broker.kill()
            if not self._outcome.success:
                print(broker.journal(), file=sys.stderr, flush=True)

    def broker(self, name="tls", **options):
        made = Broker(self.plant, BIN, name, **options)
        self.brokers.append(made)
        return made

    def mutual(self, **options):
        return self.broker(tls=MUTUAL.format(ca=self.plant.path("ca.pem")), anonymous=False, **options)

    def listen(self, broker, *arguments, certificate="press7"):
        """mosquitto_sub that is subscribed."""
        command = broker.mosquitto("mosquitto_sub", "-d", "-v", "-W", str(TIMEOUT_S), *arguments, certificate=certificate)
        process = subprocess.Popen(["stdbuf", "-oL", *command], stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for line in process.stdout:
            if line.startswith("Subscribed"):
                return process
        raise AssertionError("mosquitto_sub does not subscribe")

    @staticmethod
    def message(process):
        return next(line for line in process.stdout if line.startswith("plant/"))

    def test_versions_and_suites(self):
        broker = self.broker().serve()
        for good in (["-tls1_3"], ["-tls1_2"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"],
                     ["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"]):
            code, said = broker.s_client(*good)
            self.assertEqual(code, 0, said)
            self.assertIn("Verification: OK", said)
            self.assertIn("Compression: NONE", said)
            self.assertNotIn("New Session Ticket", said)
        for bad in (["-tls1"], ["-tls1_1"], ["-tls1_2", "-cipher", "AES128-GCM-SHA256"],
                    ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384"]):
            # Security level 0: it is the broker that refuses.
            code, said = broker.s_client(*bad[:-1], bad[-1] + ":@SECLEVEL=0") if len(bad) > 1 else \
                broker.s_client(*bad, "-cipher", "ALL:@SECLEVEL=0")
            self.assertNotEqual(code, 0, bad)
            self.assertIn("alert", said, bad)
        until(lambda: broker.status()["counters"]["tls_handshakes_failed"] >= 5, "failed handshakes are counted")

    def test_a_certificate_is_a_user_and_nobody_else_gets_in(self):
        broker = self.mutual().serve()
        listener = self.listen(broker, "-t", "plant/#")
        # A name and a password that nobody has do not count.
        code, said = run(*broker.mosquitto("mosquitto_pub", "-t", "plant/a", "-m", "hello", "-q", "1", "-u", "x", "-P", "y"))
        self.assertEqual(code, 0, said)
        self.assertEqual(self.message(listener), "plant/a hello\n")
        other = Plant(ROOT)
        self.addCleanup(other.close)
        for name in ("press7.pem", "press7.key"):
            os.rename(other.path(name), self.plant.path("other-" + name.replace("press7", "ca")))
        for certificate in (None, "other-ca"):
            code, said = run(*broker.mosquitto("mosquitto_pub", "-t", "plant/a", "-m", "no", "-q", "1", certificate=certificate))
            self.assertNotEqual(code, 0, said)
        code, said = run("mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", "plant/a", "-m", "plain")
        self.assertNotEqual(code, 0, said)
        self.assertIn("TLS handshakes failed", broker.journal())
        self.assertIn("peer did not return a certificate", broker.journal())

    def test_without_a_certificate_where_it_is_optional_a_password_is_needed(self):
        broker = self.broker(tls=MUTUAL.format(ca=self.plant.path("ca.pem")) + '\nclient_cert = "optional"', anonymous=False).serve()
        publish = ["mosquitto_pub", "-t", "plant/a", "-m", "hello", "-q", "1"]
        self.assertEqual(run(*broker.mosquitto(*publish))[0], 0)
        code, said = run(*broker.mosquitto(*publish, certificate=None))
        self.assertEqual(code, 5, said)
        self.assertIn("not authorised", said)

    def test_large_and_many(self):
        broker = self.mutual().serve()
        large = "x" * 1_000_000
        with open(self.plant.path("large"), "w", encoding="utf-8") as file:
            file.write(large)
        with open(self.plant.path("many"), "w", encoding="utf-8") as file:
            file.writelines(f"{i}\n" for i in range(1000))
        listener = self.listen(broker, "-t", "plant/#", "-q", "1")
        for topic, source in (("plant/large", ["-f", self.plant.path("large")]), ("plant/many", ["-l"])):
            with open(self.plant.path("many"), encoding="utf-8") as lines:
                subprocess.run(broker.mosquitto("mosquitto_pub", "-q", "1", "-t", topic, *source), stdin=lines,
                               check=True, timeout=TIMEOUT_S)
        self.assertEqual(self.message(listener), f"plant/large {large}\n")
        for i in range(1000):
            self.assertEqual(self.message(listener), f"plant/many {i}\n")

    def serial(self, broker):
        said = broker.s_client("-showcerts")[1]
        return said[said.index("BEGIN CERTIFICATE"):said.index("END CERTIFICATE")]

    def test_reload_and_expiry(self):
        self.plant.make_server(days=12)
        broker = self.broker().serve()
        alarm = broker.status()["alarms"][0]
        self.assertEqual(alarm["kind"], "certificate")
        of = f"listener 127.0.0.1:{broker.port} ({self.plant.path('server.pem')})"
        self.assertRegex(alarm["text"], f"The certificate of {re.escape(of)} expires in 1[12] days")
        self.assertIn("ALARM (certificate", broker.ctl("status")[1])
        listener = self.listen(broker, "-t", "plant/#", certificate=None)
        old = self.serial(broker)
        # A key that does not fit: all stays as it was.
        os.rename(self.plant.path("server.key"), self.plant.path("good.key"))
        os.link(self.plant.path("press7.key"), self.plant.path("server.key"))
        code, said = broker.ctl("reload")
        self.assertEqual(code, 1, said)
        self.assertIn(f"{self.plant.path('server.key')}: is not the key of the certificate", said)
        self.assertIn("what was read before stays", said)
        self.assertEqual(self.serial(broker), old)
        os.unlink(self.plant.path("server.key"))
        self.plant.make_server()
        code, said = broker.ctl("reload")
        self.assertEqual(code, 0, said)
        self.assertIn(f"TLS of listener 127.0.0.1:{broker.port} is read: {self.plant.path('server.pem')} (valid until ", said)
        new = self.serial(broker)
        self.assertNotEqual(new, old)
        self.assertEqual(broker.status()["alarms"], [])
        # The signal does the same.
        self.plant.make_server()
        broker.process.send_signal(signal.SIGHUP)
        until(lambda: self.serial(broker) != new, "the certificate of after the signal")
        run(*broker.mosquitto("mosquitto_pub", "-t", "plant/a", "-m", "still there", certificate=None))
        self.assertEqual(self.message(listener), "plant/a still there\n")

    def shown(self, broker, *arguments):
        """The common name of the certificate that openssl is shown."""
        code, said = run("openssl", "s_client", "-connect", f"127.0.0.1:{broker.port}", "-CAfile", self.plant.path("ca.pem"),
                         "-verify_return_error", *arguments)
        self.assertEqual(code, 0, said)
        return re.search(r"^subject=CN ?= ?(\S+)$", said, re.MULTILINE)[1]

    def test_the_server_name_chooses_the_certificate(self):
        self.plant.make_certificate("plant2", "DNS:mqtt.plant2.example,DNS:*.line.example")
        self.plant.make_certificate("rsa", "DNS:old.example", days=12, key="-newkey rsa:2048")
        broker = self.broker(names=("plant2", "rsa")).serve()
        for version in ("-tls1_2", "-tls1_3"):
            for name, certificate in (("mqtt.plant2.example", "plant2"), ("7.line.example", "plant2"), ("OLD.example", "rsa"),
                                      ("mqtt.plant.example", "mqtt.plant.example"), ("other.example", "mqtt.plant.example"),
                                      ("a.7.line.example", "mqtt.plant.example")):
                self.assertEqual(self.shown(broker, version, "-servername", name), certificate, name)
            self.assertEqual(self.shown(broker, version, "-noservername"), "mqtt.plant.example")
        alarm = broker.status()["alarms"][0]
        self.assertRegex(alarm["text"], f"The certificate of listener .* \\({self.plant.path('rsa.pem')}\\) expires in 1[12] days")
        self.plant.make_certificate("rsa", "DNS:new.example")
        code, said = broker.ctl("reload")
        self.assertEqual(code, 0, said)
        self.assertEqual(broker.status()["alarms"], [])
        self.assertEqual(self.shown(broker, "-servername", "new.example"), "rsa")
        self.assertEqual(self.shown(broker, "-servername", "old.example"), "mqtt.plant.example")
        # One that nobody could get: what was read before stays, of all of them.
        self.plant.make_certificate("rsa", "IP:127.0.0.1")
        code, said = broker.ctl("reload")
        self.assertEqual(code, 1, said)
        self.assertIn(f"{self.plant.path('rsa.pem')}: its certificate has no DNS name", said)
        self.assertEqual(self.shown(broker, "-servername", "new.example"), "rsa")

    def test_bad_files_at_the_start(self):
        broker = self.broker()
        os.chmod(self.plant.path("server.key"), 0o644)
        broker.start()
        self.assertEqual(broker.process.wait(TIMEOUT_S), 1)
        self.assertIn(f"{self.plant.path('server.key')}: others than its owner and group may read this secret key", broker.journal())
        code, said = run(os.path.join(BIN, "tandemd"), "--check-config", "--config", broker.write_config())
        self.assertEqual(code, 2, said)
        self.assertIn("chmod 0640", said)
        os.chmod(self.plant.path("server.key"), 0o640)
        code, said = run(os.path.join(BIN, "tandemd"), "--check-config", "--config", broker.write_config())
        self.assertEqual(code, 0, said)

    def test_slow_and_silent_clients_disturb_nobody(self):
        broker = self.mutual().serve()
        strangers = []
        for i in range(100):
            strangers.append(socket.create_connection(("127.0.0.1", broker.port)))
            self.addCleanup(strangers[-1].close)
            if i % 2:
                strangers[-1].send(b"\x16\x03\x01")
        listener = self.listen(broker, "-t", "plant/#")
        code, said = run(*broker.mosquitto("mosquitto_pub", "-t", "plant/a", "-m", "hello", "-q", "1"))
        self.assertEqual(code, 0, said)
        self.assertEqual(self.message(listener), "plant/a hello\n")

    def test_wss_with_mqttjs(self):
        broker = self.broker().serve()
        code, said = run("node", os.path.join(HERE, "wss.js"), f"wss://127.0.0.1:{broker.web_port}/mqtt", self.plant.path("ca.pem"),
                         env=dict(os.environ, NODE_PATH="/usr/share/nodejs"))
        self.assertEqual((code, said), (0, "received hello\n"))

    def test_a_takeover(self):
        names, port, web_port = ("boxa", "boxb"), free_port(), free_port()
        code, said = run(os.path.join(BIN, "tandemctl"), "keygen", "--out", self.plant.folder, "--name", "boxa", "--name", "boxb")
        self.assertEqual(code, 0, said)
        links = {name: free_port() for name in names}
        for name, peer in (names, names[::-1]):
            with open(self.plant.path(peer + ".pub"), encoding="utf-8") as file:
                key = file.readline().strip()
            self.mutual(name=name, port=port, web_port=web_port, mirror=(
                f'[mirror]\nlisten = ["127.0.0.1:{links[name]}"]\npeer = ["127.0.0.1:{links[peer]}"]\n'
                f'key_file = "{self.plant.path(name + ".key")}"\npeer_public_key = "{key}"\n'
                '[takeover]\narbiter = "heartbeat"\nboot_wait_ms = 3000\n')).start()
        until(lambda: all(box.status().get("protected") for box in self.brokers), "both boxes are in step")
        session = ["-t", "plant/#", "-q", "1", "-c", "-i", "panel"]
        self.listen(self.brokers[0], *session).kill()
        self.assertEqual(run(*self.brokers[0].mosquitto("mosquitto_pub", "-t", "plant/a", "-m", "before", "-q", "1"))[0], 0)
        active = next(box for box in self.brokers if box.status()["self"]["role"] == "active")
        other = next(box for box in self.brokers if box is not active)
        active.kill()
        until(other.accepts, "the other box serves")
        code, said = run(*other.mosquitto("mosquitto_sub", "-v", "-C", "1", "-W", str(TIMEOUT_S), *session))
        self.assertEqual((code, said), (0, "plant/a before\n"))


if __name__ == "__main__":
    ROOT, BIN = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
