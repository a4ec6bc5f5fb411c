"""Tandem beside what users have today: rounds of both in turn, so that both meet the same noise of the machine.

Each round has a pair and clients of its own. Nothing is judged; the table says what each cost and what each kept.
"""
import statistics
import time

import boxes
import clients
import failures
import lab as network
import mosquitto_pair
import probe as probing
import real_clients
import stored
from lab import holds_within, until
from rounds import TOLD_LATE_S

CASES = ("power", "kill")
PATIENCE_S = real_clients.KEEPALIVE_S + 5  # an idle client has seen the break by then, or never does
TIMES = ("VIP on the other box", "first CONNACK", "idle subscriber, keepalive 60, sees the break",
         "that subscriber has its next message")


class NotPrepared(Exception):
    """The clients lost their connections before anything was done to the pair."""


class Comparison:
    def __init__(self, lab, root, bin_dir, rounds):
        self.lab, self.rounds = lab, rounds
        self.kinds = {"Mosquitto pair": lambda: mosquitto_pair.MosquittoPair(lab, root),
                      "Tandem": lambda: boxes.Pair(lab, root, bin_dir)}
        self.times = {}  # (case, kind, what): [ms or None]
        self.kept = {}   # (case, kind, what): [kept, wanted]

    def run(self):
        try:
            for number in range(self.rounds):
                for case in CASES:
                    for kind, make in self.kinds.items():
                        print(f"round {number + 1} of {self.rounds}: {case}, {kind}", flush=True)
                        self.prepared(case, kind, make, number)
        finally:
            self.show()

    def prepared(self, case, kind, make, number):
        """A pair that moves its address before it is struck (two Mosquittos do, now and then) is made anew."""
        for attempts_left in (2, 1, 0):
            try:
                return self.one(case, kind, make, number)
            except NotPrepared as problem:
                print(f"  again: {problem}", flush=True)
                if not attempts_left:
                    raise

    def one(self, case, kind, make, number):
        self.lab.run("heal")
        pair = make()
        people = [clients.Publisher(self.lab, "worker", 1), clients.Publisher(self.lab, "ticker", 1),
                  real_clients.PahoClient(self.lab, "paho", "idle")]
        try:
            pair.start()
            worker, ticker, idle = people
            idle.start()
            worker.start()
            until(lambda: idle.subscribed.is_set() and worker.acked_s, "the clients are connected")
            state = stored.Stored(self.lab, patience_s=2)  # nobody judges it
            try:
                state.prepare(number)
            except AssertionError as error:
                raise NotPrepared(str(error)) from error
            idle.been_idle(real_clients.somewhere_in_keepalive(number, self.rounds))
            active = pair.await_protected()
            self.strike(case, kind, pair, active, ticker, idle)
            for what, (kept, wanted) in state.check()[0].items():
                sums = self.kept.setdefault((case, kind, what), [0, 0])
                sums[0] += kept
                sums[1] += wanted
            state.close()
        finally:
            for client in people:
                client.abandon()
            self.lab.run("poweron", "boxa")
            self.lab.run("poweron", "boxb")
            pair.end(keep=False)

    def strike(self, case, kind, pair, active, ticker, idle):
        """The ticker sends to the idle client from the move of the virtual IP on."""
        watch, probe = network.VipWatch(self.lab, pair.other(active).name), probing.Probe(self.lab)
        breaks = len(idle.breaks)
        at_s = failures.FAILURES[case].strike(pair, active)
        vip_s = until(lambda: watch.came_s, "the virtual IP on the other box")
        connack_s = until(lambda: probe.first_answer(at_s, vip_s - TOLD_LATE_S), "a CONNACK of the other box")
        probe.finish()
        ticker.topic = "idle"
        ticker.start()
        broken = holds_within(lambda: len(idle.breaks) > breaks, at_s + PATIENCE_S - time.monotonic())
        broke_s = idle.breaks[breaks][0] if broken else None
        message_s = until(lambda: next((s for s, _, payload in list(idle.deliveries) if payload.startswith("ticker")), None),
                          "the idle client has a message") if broke_s else None
        for what, happened_s in zip(TIMES, (vip_s, connack_s, broke_s, message_s)):
            self.times.setdefault((case, kind, what), []).append(None if happened_s is None else 1000 * (happened_s - at_s))

    def show(self):
        print(f"{self.rounds} rounds each, in turn; median and maximum in ms")
        print("| | " + " | ".join(self.kinds) + " |\n|---|" + "---|" * len(self.kinds))
        for case in CASES:
            name = failures.FAILURES[case].__doc__.replace("tandemd", "broker")
            for what in TIMES:
                cells = [self.time_cell(self.times.get((case, kind, what), [])) for kind in self.kinds]
                print(f"| {name}: {what} | " + " | ".join(cells) + " |")
            for what in dict.fromkeys(what for one, _, what in self.kept if one == case):
                cells = ["{} of {}".format(*self.kept.get((case, kind, what), "--")) for kind in self.kinds]
                print(f"| {name}: {what} kept | " + " | ".join(cells) + " |")

    @staticmethod
    def time_cell(values):
        seen = [value for value in values if value is not None]
        if not seen:
            return "never"
        never = f", {len(values) - len(seen)} times never" if len(seen) < len(values) else ""
        return f"{statistics.median(seen):.0f}; {max(seen):.0f}{never}"
