#!/usr/bin/env python3
"""A page with MQTT.js in a headless Chromium: over ws and wss, from an allowed origin and from another one.

usage: browser_test.py ROOT BIN    (`make browser`)
"""
import base64
import functools
import hashlib
import http.server
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tls"))
from broker import Broker, Plant, free_port  # pylint: disable=wrong-import-position

ROOT, BIN = "", ""
DEADLINE_S = 60


class Pages(http.server.SimpleHTTPRequestHandler):
    """The folder's files; what a page reports is put into the server's queue."""

    def do_POST(self):  # pylint: disable=invalid-name
        self.server.results.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Browser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="tandem-browser-")
        cls.addClassCleanup(cls.folder.cleanup)
        shutil.copy(os.path.join(HERE, "page.html"), cls.folder.name)
        subprocess.run(["browserify", os.path.join(HERE, "mqtt_entry.js"), "--paths", "/usr/share/nodejs", "-o",
                        os.path.join(cls.folder.name, "mqtt.js")], check=True, timeout=DEADLINE_S,
                       env=dict(os.environ, NODE_PATH="/usr/share/nodejs"))  # where node is another one than Debian's
        cls.origin, cls.results = cls.serve()
        cls.other_origin, cls.other_results = cls.serve()
        cls.plant = Plant(ROOT)
        cls.addClassCleanup(cls.plant.close)
        cls.web_port = free_port()
        web = f'[[listener]]\naddress = "127.0.0.1"\nport = {cls.web_port}\nprotocol = "websocket"\norigins = "{cls.origin}"\n'
        cls.broker = Broker(cls.plant, BIN, more=f'origins = "{cls.origin}"', mirror=web).serve()
        cls.addClassCleanup(cls.broker.kill)

    @classmethod
    def serve(cls):
        """A web server's origin, and what its pages report."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Pages, directory=cls.folder.name))
        server.results = queue.Queue()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}", server.results

    def key_hash(self):
        """Of the server's public key: that Chromium takes its certificate although it does not know the plant's authority."""
        der = subprocess.run("openssl x509 -in server.pem -noout -pubkey | openssl pkey -pubin -outform der", shell=True,
                             cwd=self.plant.folder, check=True, capture_output=True).stdout
        return base64.b64encode(hashlib.sha256(der).digest()).decode()

    def visit(self, origin, results, url, trusted=True):
        """What the page at this origin says of that broker."""
        profile = tempfile.TemporaryDirectory(prefix="tandem-chromium-", ignore_cleanup_errors=True)
        self.addCleanup(profile.cleanup)
        command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile.name}",
                   "--remote-debugging-port=0"]
        if trusted:
            command.append(f"--ignore-certificate-errors-spki-list={self.key_hash()}")
        browser = subprocess.Popen([*command, f"{origin}/page.html#{url}"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            return results.get(timeout=DEADLINE_S)
        except queue.Empty:
            browser.terminate()
            raise AssertionError(browser.communicate(timeout=DEADLINE_S)[1].decode(errors="replace")[-3000:]) from None
        finally:
            browser.terminate()
            browser.communicate(timeout=DEADLINE_S)

    def test_ws_and_wss(self):
        for url in (f"ws://127.0.0.1:{self.web_port}/mqtt", f"wss://127.0.0.1:{self.broker.web_port}/mqtt"):
            self.assertEqual(self.visit(self.origin, self.results, url), "received hello on browser/test", url)

    def test_a_page_of_another_origin_is_refused(self):
        for url in (f"ws://127.0.0.1:{self.web_port}/mqtt", f"wss://127.0.0.1:{self.broker.web_port}/mqtt"):
            self.assertIn(self.visit(self.other_origin, self.other_results, url).split()[0], ("error", "closed"), url)

    def test_a_browser_that_does_not_know_the_authority_does_not_connect(self):
        url = f"wss://127.0.0.1:{self.broker.web_port}/mqtt"
        self.assertIn(self.visit(self.origin, self.results, url, trusted=False).split()[0], ("error", "closed"))


if __name__ == "__main__":
    ROOT, BIN = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
