"""What must hold after any failure, of what the clients wrote down."""
import subprocess
import time
from collections import Counter

import boxes
import clients
import lab as network
import real_clients
from lab import until


def publish_once(lab, topic, payload):
    """With mosquitto_pub, as users do; QoS 1."""
    subprocess.run(["ip", "netns", "exec", f"{lab.prefix}-client", "mosquitto_pub", "-h", network.VIP, "-q", "1", "-t",
                    topic, "-m", payload], check=True, timeout=network.DEADLINE_S)


def few(names):
    """For a sentence."""
    return f"{len(names)} ({', '.join(list(names)[:5])}...)" if len(names) > 5 else ", ".join(names) or "none"


class Plant:
    """The clients of a run: publishers and a subscriber that work all the time, idle ones, wills. Some come by IPv6."""

    def __init__(self, lab, crowd=None, workers=0):
        self.lab, self.crowd = lab, crowd
        self.workers = [clients.Worker(lab, number) for number in range(workers)]
        self.publishers = [clients.Publisher(lab, "qos1", 1), clients.Publisher(lab, "qos2", 2, address=network.VIP6)]
        self.subscriber = clients.Subscriber(lab, "subscriber", ["plant/#", "will/#"], 2)
        self.idle = [clients.Subscriber(lab, "idle client", ["idle"], 1, ping_s=None),
                     clients.Subscriber(lab, "idle client (IPv6)", ["idle"], 1, ping_s=None, address=network.VIP6),
                     real_clients.PahoClient(lab, "paho", "idle"),
                     real_clients.PahoClient(lab, "paho over WebSocket", "idle", websocket_port=boxes.WEBSOCKET_PORT)]
        self.mosquitto_sub = real_clients.MosquittoSub(lab, "mosquitto_sub", "idle")
        self.faithful = clients.WillClient(lab, "faithful", 10, doomed=False)
        self.expected_wills = Counter()  # payload: how often it must have come in the end

    def senders(self):
        return [*self.publishers, *self.workers]

    def everybody(self):
        crowd = [self.crowd] if self.crowd else []
        return [*self.senders(), self.faithful, *crowd, *self.listeners(), self.subscriber]

    def listeners(self):
        """Those that are silent until a message comes to the topic "idle"."""
        return [*self.idle, self.mosquitto_sub]

    def start(self):
        for subscriber in (self.subscriber, *self.idle):
            subscriber.start()
            until(subscriber.subscribed.is_set, f"{subscriber.name} has subscribed")
        self.mosquitto_sub.start()
        until(self.mosquitto_sub_hears, "mosquitto_sub has subscribed")
        for client in (*self.senders(), self.faithful):
            client.start()
        if self.crowd:
            self.crowd.start()
            self.crowd.await_all()
        self.goes_on()

    def mosquitto_sub_hears(self):
        publish_once(self.lab, "idle", "hello")
        return self.mosquitto_sub.deliveries

    def goes_on(self):
        """Every publisher has a new message acknowledged and at the subscriber; the others are connected.

        And the faithful one is answered: after an outage TCP sends again ever more seldom, and a client that is not heard
        between outages is dead to the broker.
        """
        begun_s = time.monotonic()
        before = {p: p.number for p in self.publishers}
        for publisher in self.publishers:
            until(lambda p=publisher: any(number > before[p] for number in list(p.acked_s)), f"{publisher.name} goes on")
        self.all_delivered()
        for client in (self.subscriber, *self.idle, self.faithful, *self.workers):
            until(client.connected, f"{client.name} is connected")
        until(lambda: self.faithful.caught_up_s > begun_s, "the faithful client is answered")

    def all_delivered(self):
        """Nothing acknowledged is lost."""
        wanted = {f"{publisher.name} {number}" for publisher in self.senders()
                  for number in list(publisher.acked_s)}

        def missing():
            return wanted - {payload for _, _, payload in list(self.subscriber.deliveries)}
        until(lambda: not missing(), "all that publishers got acknowledged is at the subscriber")

    def first_delivery_after(self, at_s):
        """When the subscriber got the first message, after at_s, that was sent for the first time after at_s; or None."""
        sent = {f"{p.name} {number}": s for p in self.publishers for number, s in list(p.sent_s.items())}
        return next((got_s for got_s, _, payload in list(self.subscriber.deliveries)
                     if got_s > at_s and sent.get(payload, 0) > at_s), None)

    def longest_pause_s(self, since_s):
        """Between two acknowledgements of one publisher."""
        longest_s = 0
        for publisher in self.publishers:
            acked_s = sorted(at_s for at_s in list(publisher.acked_s.values()) if at_s > since_s - 1)
            longest_s = max([longest_s, *(after - before for before, after in zip(acked_s, acked_s[1:]))])
        return longest_s

    def finish(self):
        for publisher in self.senders():
            publisher.finish()
        self.all_delivered()
        until(lambda: self.wills() >= self.expected_wills, f"wills of {few(self.expected_wills)}")
        for client in self.everybody():
            if client not in self.senders():
                client.finish()
        self.check()

    def abandon(self):
        """After a failed check: nobody comes back."""
        for client in self.everybody():
            client.abandon()

    def wills(self):
        return Counter(payload for _, topic, payload in list(self.subscriber.deliveries) if topic.startswith("will/"))

    def check(self):
        """Never too much: QoS 2 and wills once, no will of a client that came back, no session forgotten."""
        problems = []
        counts = Counter(payload for _, _, payload in self.subscriber.deliveries)
        exactly_once = {publisher.name for publisher in self.senders() if publisher.qos == 2}
        problems += [f"{payload} came {n} times" for payload, n in counts.items()
                     if n > 1 and payload.split(" ")[0] in exactly_once]
        if self.wills() != self.expected_wills:
            problems.append(f"wills fired falsely: {few(self.wills() - self.expected_wills)}; " +
                            f"lost: {few(self.expected_wills - self.wills())}; " +
                            f"breaks of faithful: {self.faithful.breaks}")
        problems += self.crowd.problems() if self.crowd else []
        for client in self.everybody():
            problems += [f"{client.name}: its session was forgotten" for _ in client.lost_sessions()]
        if problems:
            raise AssertionError("; ".join(problems[:10]))
