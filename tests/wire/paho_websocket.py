"""Paho for Python over WebSocket, as its users have it. Usage: paho_websocket.py PORT. Exit code 0: all of it worked.

For each version: every QoS both ways, a large message, a retained one, the will of a client that is cut off, and a
session that kept what came while its client was away.
"""
import queue
import socket
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

DEADLINE_S = 20
LARGE = bytes(range(256)) * 2_000


class Client:
    def __init__(self, port, name, version, clean=True):
        self.port, self.version, self.clean = port, version, clean
        self.connects, self.acks, self.messages = queue.Queue(), queue.Queue(), queue.Queue()
        begin = {} if version == mqtt.MQTTv5 else {"clean_session": clean}
        self.paho = mqtt.Client(name, protocol=version, transport="websockets", **begin)
        self.paho.on_connect = lambda _client, _data, flags, code, *_: self.connects.put((int(code.value if hasattr(
            code, "value") else code), flags["session present"]))
        self.paho.on_subscribe = lambda *_: self.acks.put("subscribed")
        self.paho.on_publish = lambda *_: self.acks.put("published")
        self.paho.on_message = lambda _client, _data, message: self.messages.put(
            (message.topic, message.payload, message.qos, message.retain))

    def connect(self):
        """Returns whether the broker had the session."""
        more = {}
        if self.version == mqtt.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 0 if self.clean else 600
            more = {"clean_start": self.clean, "properties": properties}
        self.paho.connect("localhost", self.port, 60, **more)
        self.paho.loop_start()
        code, present = self.connects.get(timeout=DEADLINE_S)
        assert code == 0, code
        return bool(present)

    def subscribe(self, topic):
        self.paho.subscribe(topic, 2)
        self.acks.get(timeout=DEADLINE_S)

    def publish(self, topic, payload, qos, retain=False):
        self.paho.publish(topic, payload, qos, retain)
        self.acks.get(timeout=DEADLINE_S)

    def expect(self, *message):
        got = self.messages.get(timeout=DEADLINE_S)
        assert got == message, (got[0], len(got[1]), got[2:])

    def leave(self):
        self.paho.disconnect()
        self.paho.loop_stop()

    def cut_off(self):
        """The end of TCP without a word of MQTT or WebSocket."""
        self.paho.socket()._socket.shutdown(socket.SHUT_RDWR)
        self.paho.loop_stop()


def check(port, version):
    top = f"paho/{version}"
    one = Client(port, f"one{version}", version)
    other = Client(port, f"other{version}", version, clean=False)
    one.connect()
    assert not other.connect()
    other.subscribe(top + "/#")
    for qos in (0, 1, 2):
        one.publish(f"{top}/{qos}", b"hello", qos)
        other.expect(f"{top}/{qos}", b"hello", qos, False)
    one.publish(top + "/large", LARGE, 1)
    other.expect(top + "/large", LARGE, 1, False)

    one.publish(top + "/kept", b"state", 1, True)
    other.expect(top + "/kept", b"state", 1, False)
    late = Client(port, f"late{version}", version)
    late.connect()
    late.subscribe(top + "/kept")
    late.expect(top + "/kept", b"state", 1, True)
    late.leave()

    mortal = Client(port, f"mortal{version}", version)
    mortal.paho.will_set(top + "/will", b"gone", 1)
    mortal.connect()
    mortal.cut_off()
    other.expect(top + "/will", b"gone", 1, False)

    other.leave()
    one.publish(top + "/away", b"first", 1)
    one.publish(top + "/away", b"second", 2)
    again = Client(port, f"other{version}", version, clean=False)
    assert again.connect() or version == mqtt.MQTTv31  # its CONNACK does not say
    again.expect(top + "/away", b"first", 1, False)
    again.expect(top + "/away", b"second", 2, False)
    again.leave()
    one.leave()


for each in (mqtt.MQTTv31, mqtt.MQTTv311, mqtt.MQTTv5):
    check(int(sys.argv[1]), each)
