"""What a broker keeps for clients that are away or in the midst of an exchange: put there before a failure, counted after it.

A thing is kept if it is there exactly once. MQTT 3.1.1; all is done by one thread in the client's namespace.
"""
import concurrent.futures
import socket

import lab as network
from clients import (BYE, PING, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, SUBSCRIBE, Connection,
                     Refused, field, packet, publish_packet, publish_parts)
from lab import until

QUEUED = RETAINED = 20
# Of the session that is away: filter, QoS, a topic that only this filter matches. All below stored/ROUND/.
SUBSCRIPTIONS = (("queue/#", 1, "queue/end"), ("+/level", 1, "one/level"), ("exact", 1, "exact"), ("exchange", 2, "exchange"))


class Session:
    """One connection: takes packets, answers them, writes down. held: QoS 2 packet ids between PUBLISH and PUBREL."""

    def __init__(self, connection, held=()):
        self.connection = connection
        self.held = set(held)
        self.messages = []  # payloads that are new to the application
        self.repeated = []  # packet ids of QoS 2 messages that were held already
        self.released = []  # packet ids of PUBREL
        self.answers = []   # (kind, packet id) of the rest

    def take_until(self, condition, acknowledge=True, patience_s=network.DEADLINE_S):
        """Takes packets until condition() is true; TimeoutError if nothing comes for so long."""
        while not condition():
            kind, flags, body = self.connection.read_within(patience_s)
            if kind == PUBLISH:
                self.take(*publish_parts(flags, body), acknowledge)
            elif kind == PUBREL:
                self.release(int.from_bytes(body[:2], "big"))
            else:
                self.answers.append((kind, int.from_bytes(body[:2], "big")))

    def take(self, _, qos, packet_id, payload, acknowledge):
        if qos == 2 and packet_id in self.held:
            self.repeated.append(packet_id)
        else:
            self.messages.append(payload)
        if qos == 2:
            self.held.add(packet_id)
        if qos and acknowledge:
            self.connection.acknowledge(PUBREC if qos == 2 else PUBACK, packet_id)

    def release(self, packet_id):
        self.released.append(packet_id)
        self.held.discard(packet_id)
        self.connection.acknowledge(PUBCOMP, packet_id)

    def ask(self, request, kind, packet_id):
        self.connection.send(request)
        self.take_until(lambda: (kind, packet_id) in self.answers)
        self.answers.remove((kind, packet_id))

    def subscribe(self, filters):
        self.ask(packet(SUBSCRIBE << 4 | 2, b"\0\1" + b"".join(field(f.encode()) + bytes([qos]) for f, qos in filters)), SUBACK, 1)

    def publish(self, topic, payload, qos=1, retain=False):
        self.ask(publish_packet(topic, payload, qos, 1, retain=retain), PUBACK if qos == 1 else PUBREC, 1)
        if qos == 2:
            self.ask(packet(PUBREL << 4 | 2, b"\0\1"), PUBCOMP, 1)

    def leave(self):
        """Closes, as clients do, and waits until the broker has seen DISCONNECT."""
        try:
            self.connection.send(BYE)
            self.connection.socket.shutdown(socket.SHUT_WR)
            while self.connection.read_within(network.DEADLINE_S):
                pass
        except (EOFError, OSError):
            self.connection.close()


class Stored:
    """prepare(), a failure, check(); any number of times. patience_s: how long nothing comes before it is called missing."""

    def __init__(self, lab, patience_s=network.DEADLINE_S):
        self.patience_s = patience_s
        self.thread = concurrent.futures.ThreadPoolExecutor(1, initializer=lab.enter, initargs=("client",))
        self.number = self.before_pubrec = self.after_pubrec = self.releasing = None

    def prepare(self, number):
        self.number = number
        self.do(self.put)

    def check(self):
        """({what: (kept, wanted)}, [what came too often])"""
        return self.do(self.count)

    def do(self, work):
        try:
            return self.thread.submit(work).result()
        except (OSError, EOFError, Refused) as error:
            raise AssertionError(f"stored state: {error!r}") from error

    def close(self):
        self.thread.shutdown()

    def topic(self, rest):
        return f"stored/{self.number}/{rest}"

    def connect(self, name, clean=False):
        """Again and again: it may be the first to come after a failure."""
        def attempt():
            try:
                return Connection(f"{name}{self.number}", clean)
            except (OSError, EOFError, Refused):
                return None
        return until(attempt, f"{name} connects")

    def put(self):
        away = Session(self.connect("away"))
        away.subscribe([(self.topic(f), qos) for f, qos, _ in SUBSCRIPTIONS])
        away.leave()
        self.before_pubrec, self.after_pubrec = Session(self.connect("before-pubrec")), Session(self.connect("after-pubrec"))
        for receiver in (self.before_pubrec, self.after_pubrec):
            receiver.subscribe([(self.topic("receive"), 2)])
        author = Session(self.connect("author", clean=True))
        for number in range(QUEUED):
            author.publish(self.topic(f"queue/{number}"), f"queued {number}")
        for number in range(RETAINED):
            author.publish(self.topic(f"retained/{number}"), f"retained {number}", retain=True)
        author.publish(self.topic("receive"), "received", qos=2)
        author.leave()
        self.before_pubrec.take_until(lambda: self.before_pubrec.messages, acknowledge=False)
        self.after_pubrec.take_until(lambda: self.after_pubrec.messages, acknowledge=False)
        for packet_id in self.after_pubrec.held:  # the broker has it: it sends PUBREL, which is left unanswered
            self.after_pubrec.connection.acknowledge(PUBREC, packet_id)
        kind, _, _ = self.after_pubrec.connection.read_within(network.DEADLINE_S)
        if kind != PUBREL:
            raise AssertionError(f"packet {kind} instead of PUBREL")
        self.releasing = Session(self.connect("releasing"))
        self.releasing.ask(publish_packet(self.topic("exchange"), "released", 2, 7), PUBREC, 7)

    def count(self):
        for connection in (self.releasing, self.before_pubrec, self.after_pubrec):
            connection.connection.close()
        problems = []
        author = Session(self.connect("author", clean=True))
        sender = Session(self.connect("releasing"))
        if sender.connection.session_present:
            sender.ask(packet(PUBREL << 4 | 2, (7).to_bytes(2, "big")), PUBCOMP, 7)
        sender.leave()
        retained = self.retained()
        queued, subscriptions, released = self.away_returns(author, problems)
        exchanges = (released if sender.connection.session_present else 0) + self.receivers_return(author, problems)
        author.leave()
        return {"queued QoS 1": (queued, QUEUED), "retained": (retained, RETAINED),
                "subscriptions": (subscriptions, len(SUBSCRIPTIONS)), "inflight QoS 2": (exchanges, 3)}, problems

    def retained(self):
        reader = Session(self.connect("reader", clean=True))
        reader.subscribe([(self.topic("retained/#"), 1)])
        wanted = {f"retained {number}" for number in range(RETAINED)}
        self.take_if_there(reader, lambda: wanted <= set(reader.messages))
        reader.leave()
        return sum(reader.messages.count(payload) == 1 for payload in wanted)

    def away_returns(self, author, problems):
        connection = self.connect("away")
        if not connection.session_present:
            connection.close()
            return 0, 0, 0
        away = Session(connection)
        ends = [f"end {topic}" for _, _, topic in SUBSCRIPTIONS]
        for end in ends:
            author.publish(self.topic(end.removeprefix("end ")), end)
        wanted = [f"queued {number}" for number in range(QUEUED)] + ["released"] + ends
        self.take_if_there(away, lambda: set(wanted) <= set(away.messages))
        away.leave()
        problems += [f"{payload}: {away.messages.count(payload)} times" for payload in wanted if away.messages.count(payload) > 1]
        if [m for m in away.messages if m in wanted[:QUEUED]] != wanted[:QUEUED]:
            problems.append("the queue is not in order or not whole")
        once = {payload for payload in wanted if away.messages.count(payload) == 1}
        return len(once.intersection(wanted[:QUEUED])), len(once.intersection(ends)), int("released" in once)

    def receivers_return(self, author, problems):
        """How many of the two go on with the same packet id, and do not get the message as a new one."""
        before = Session(self.connect("before-pubrec"), self.before_pubrec.held)
        after = Session(self.connect("after-pubrec"), self.after_pubrec.held)
        author.publish(self.topic("receive"), "end", qos=2)
        for receiver in (before, after):
            if receiver.connection.session_present:
                self.take_if_there(receiver, lambda r=receiver: "end" in r.messages and not r.held)
            receiver.leave()
            if "received" in receiver.messages:
                problems.append("a QoS 2 message came again as a new one")
        good = (set(before.repeated) == self.before_pubrec.held and "received" not in before.messages,
                not after.repeated and self.after_pubrec.held <= set(after.released) and "received" not in after.messages)
        return sum(good)

    def take_if_there(self, session, condition):
        """Until condition(), then what the broker has sent beyond it."""
        try:
            session.take_until(condition, patience_s=self.patience_s)
            session.ask(PING, PINGRESP, 0)
        except TimeoutError:
            pass
