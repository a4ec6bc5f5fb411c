"""Eclipse Paho for Python as its users have it: its own thread, its own way to come back.

usage: paho_python.py PORT ID VERSION clean|keep [WILL_TOPIC]    the lines in and out: see process.py
"""
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

VERSIONS = {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311, "5": mqtt.MQTTv5}
EXPIRY_S = 3600


def say(*words):
    print(*words, flush=True)


class Publishes:
    """Tells of each that it is complete. Its thread may know that before publish() has returned the number."""

    def __init__(self):
        self.lock = threading.Lock()
        self.payloads, self.complete = {}, set()

    def begun(self, number, payload):
        with self.lock:
            self.payloads[number] = payload
            self.tell(number)

    def completed(self, number):
        with self.lock:
            self.complete.add(number)
            self.tell(number)

    def tell(self, number):
        if number in self.payloads and number in self.complete:
            self.complete.remove(number)
            say("published", self.payloads.pop(number))


class Paho:
    def __init__(self, name, version, session, will):
        self.five, self.clean = version == "5", session == "clean"
        self.connected = threading.Event()
        self.publishes = Publishes()
        self.client = client = mqtt.Client(name, protocol=VERSIONS[version],
                                           clean_session=None if self.five else self.clean)
        client.on_connect = self.on_connect
        client.on_disconnect = lambda *_: say("down")
        client.on_subscribe = lambda *_: say("subscribed")
        client.on_publish = lambda _client, _data, number: self.publishes.completed(number)
        client.on_message = lambda _client, _data, message: say("message", message.topic, message.payload.decode(),
                                                                message.qos, int(message.retain))
        client.reconnect_delay_set(1, 1)
        if will:
            client.will_set(will[0], "gone", 1)

    def on_connect(self, _client, _data, flags, code, _properties=None):
        say("up", flags["session present"] if code == 0 else f"refused {code}")
        self.connected.set()

    def connect(self, port):
        options = {}
        if self.five:
            options["clean_start"] = self.clean
            options["properties"] = Properties(PacketTypes.CONNECT)
            options["properties"].SessionExpiryInterval = 0 if self.clean else EXPIRY_S
        self.client.connect("127.0.0.1", port, **options)
        self.client.loop_start()
        self.connected.wait()

    def obey(self, command, *words):
        if command == "subscribe":
            self.client.subscribe(words[0], int(words[1]))
        elif command == "publish":
            topic, payload, qos, retain = words
            self.publishes.begun(self.client.publish(topic, payload, int(qos), retain == "1").mid, payload)
        elif command == "leave":
            self.client.disconnect()
            self.client.loop_stop()
            say("left")


def main():
    port, name, version, session, *will = sys.argv[1:]
    paho = Paho(name, version, session, will)
    paho.connect(int(port))
    for line in sys.stdin:
        paho.obey(*line.split())
        if line == "leave\n":
            return


main()
