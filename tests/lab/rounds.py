"""One failure, struck at a whole pair with clients at work: what it costs in ms, and what must hold."""
import os
import statistics
import threading
import time

import checks
import clients
import crowd as crowds
import lab as network
import probe as probing
import stored
from lab import holds_within, until

TOLD_LATE_S = 0.002  # at most so much later than the kernel has it does VipWatch know of an address
IDLE_WAIT_S = 3  # an idle client that has not seen the break by then is restarted by the test


class Round:
    """One failure at a whole pair with a working plant: figures in ms, and the checks of the roles."""

    def __init__(self, pair, plant, failure, number):
        self.pair, self.plant, self.failure, self.number = pair, plant, failure, number
        self.figures = {}
        self.kept = {}    # stored state: {what: (how many are there exactly once, how many there were)}
        self.status = ""  # tandemctl status of the box that serves, during the failure
        self.crowd_breaks = len(plant.crowd.breaks_s) if plant.crowd else 0  # before the failure
        self.breaks = {client: len(client.breaks) for client in plant.idle}  # before the failure

    def run(self):
        active = self.pair.await_protected()
        doomed = self.doom() if self.failure.moves and not self.failure.split else None
        state = stored.Stored(self.pair.lab)
        if self.failure.moves:
            state.prepare(self.number)
        watch = network.VipWatch(self.pair.lab, self.pair.other(active).name)
        probe = probing.Probe(self.pair.lab)
        try:
            at_s = self.failure.strike(self.pair, active)
            if self.failure.moves:
                self.measure(at_s, probe, watch)
                self.check_stored(state)
            time.sleep(max(0.0, at_s + self.failure.outage_s - time.monotonic()))  # the outage is that long
            self.status = (self.pair.other(active) if self.failure.moves else active).status_text()
        finally:
            state.close()
            probe.finish()
            self.failure.undo(self.pair, active)
        if doomed:
            doomed.join(network.DEADLINE_S)
        self.plant.goes_on()
        self.figures["longest pause of acknowledgements"] = 1000 * self.plant.longest_pause_s(at_s)
        now_active = self.pair.await_protected()
        if (now_active is not active) != self.failure.moves:
            raise AssertionError(f"{now_active.name} serves in the end\n{self.pair.describe()}")

    def doom(self):
        """A client that never comes back from this failure: its will must fire, once."""
        doomed = clients.WillClient(self.pair.lab, f"doomed{self.number}", 1, doomed=True)
        doomed.start()
        until(doomed.connected, "the doomed client is connected")
        self.plant.expected_wills[doomed.name] += 1
        return doomed

    def measure(self, at_s, probe, watch):
        vip_s = until(lambda: watch.came_s, "the virtual IP on the other box")
        self.note("VIP on the other box", at_s, vip_s)
        connack_s = until(lambda: probe.first_answer(at_s, vip_s - TOLD_LATE_S), "a CONNACK of the other box")
        self.note("first CONNACK", at_s, connack_s)
        probe.finish()
        payload = f"idle {self.number}"
        sender = threading.Thread(target=checks.publish_once, args=(self.pair.lab, "idle", payload))
        sender.start()
        self.note("subscriber: next message", at_s,
                  until(lambda: self.plant.first_delivery_after(vip_s), "a delivery after the failure"))
        self.await_breaks(at_s, vip_s)
        sender.join(network.DEADLINE_S)
        self.await_message(at_s, payload)
        if self.plant.crowd:
            self.await_crowd(vip_s)

    def await_breaks(self, at_s, vip_s):
        """The idle clients notice; who does not in time is restarted, as a person would."""
        def still_unaware():
            return [client for client in self.plant.idle if len(client.breaks) == self.breaks[client]]
        holds_within(lambda: not still_unaware(), at_s + IDLE_WAIT_S - time.monotonic())
        unaware = still_unaware()
        for client in self.plant.idle:
            broke_s = None if client in unaware else client.breaks[self.breaks[client]][0]
            self.note(f"{client.name} sees the break", at_s, broke_s)
            self.note(f"{client.name} sees the break, after the VIP", vip_s, broke_s)
        for client in unaware:
            client.restart()
        if unaware:
            self.plant.mosquitto_sub.restart()  # of whose breaks nobody knows

    def await_message(self, at_s, payload):
        for client in self.plant.listeners():
            until(lambda c=client: payload in c.payloads("idle"), f"{client.name} has its message")
            came_s = next(s for s, _, came in list(client.deliveries) if came == payload)
            self.note(f"{client.name}: next message", at_s, came_s)

    def await_crowd(self, vip_s):
        crowd = self.plant.crowd
        crowd.await_all(self.crowd_breaks + crowd.number)
        breaks_s = crowd.breaks_s[self.crowd_breaks:]
        crowd.counts["saw the break later than 1 s after the VIP"] += sum(at_s > vip_s + 1 for at_s in breaks_s)
        self.note("crowd: half of them see the break, after the VIP", vip_s, statistics.median(breaks_s))
        self.note("crowd: the last sees the break, after the VIP", vip_s, max(breaks_s))
        self.note("crowd: the last is back, after the VIP, less its own delay", vip_s + crowds.DELAY_S, max(crowd.connacks_s))

    def check_stored(self, state):
        """While the other box serves."""
        self.kept, problems = state.check()
        missing = [f"{what}: {kept} of {wanted}" for what, (kept, wanted) in self.kept.items() if kept != wanted]
        if missing or problems:
            raise AssertionError("stored state: " + "; ".join(missing + problems))

    def note(self, name, at_s, happened_s):
        self.figures[name] = None if happened_s is None else 1000 * (happened_s - at_s)


def rounds_wanted():
    return int(os.environ.get("TANDEM_LAB_ROUNDS", "1"))
