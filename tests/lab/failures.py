"""What goes wrong in a cabinet, and what must then be true. Each failure is struck at the active box of a whole pair."""
import os
import signal
import subprocess
import threading
import time

import clients
import lab as network
from lab import until

# Failures whose checks do not hold yet, and what happens instead. They are run all the same.
EXPECTED_TO_FAIL = {
    "hung": "no watchdog yet: nothing ends a tandemd that is hung",
}

TOLD_LATE_S = 0.002  # at most so much later than the kernel has it does VipWatch know of an address
IDLE_WAIT_S = 3  # an idle client that has not seen the break by then is restarted by the test


class Failure:
    """strike() does it and returns the monotonic time of it in s; undo() repairs what does not come back by itself."""
    moves = True      # the other box serves afterwards
    outage_s = 0      # how long it lasts at least
    split = False     # both boxes serve for a while: a will may be fired by both (docs/limits.md)

    def strike(self, pair, active):
        raise NotImplementedError

    def undo(self, pair, active):
        pass


class PowerCut(Failure):
    """power cut of the active box"""

    def strike(self, pair, active):
        return active.power_off()

    def undo(self, pair, active):
        active.power_on()


class Kill(Failure):
    """kill -9 of the active tandemd"""

    def strike(self, pair, active):
        active.tandemd.kill()
        return time.monotonic()


class Hung(Failure):
    """SIGSTOP of the active tandemd"""

    def strike(self, pair, active):
        active.tandemd.kill(signal.SIGSTOP)
        return time.monotonic()


class LanCable(Failure):
    """LAN cable of the active box pulled"""

    def strike(self, pair, active):
        return pair.lab.fault("cut", "lan", active.name)

    def undo(self, pair, active):
        pair.lab.run("heal", "lan", active.name)


class CrossCable(Failure):
    """cross cable pulled"""
    moves = False
    outage_s = 1

    def strike(self, pair, active):
        return pair.lab.fault("cut", "xlink")

    def undo(self, pair, active):
        pair.lab.run("heal", "xlink")


class DeadSwitch(Failure):
    """LAN switch dead, links up"""
    moves = False
    outage_s = 2

    def strike(self, pair, active):
        at_s = pair.lab.fault("cut", "lan", "boxa", "silent")
        pair.lab.fault("cut", "lan", "boxb", "silent")
        return at_s

    def undo(self, pair, active):
        for box in pair.boxes:
            pair.lab.run("heal", "lan", box.name)


class KeepalivedKilled(Failure):
    """kill -9 of keepalived on the active box"""

    def strike(self, pair, active):
        active.keepalived.kill()
        return time.monotonic()


class Isolated(Failure):
    """LAN and cross link of the active box silent, then healed"""
    split = True
    outage_s = 4  # longer than the 2.5 s after which the isolated box acknowledges alone

    def strike(self, pair, active):
        at_s = pair.lab.fault("cut", "lan", active.name, "silent")
        pair.lab.fault("cut", "xlink", "silent")
        return at_s

    def undo(self, pair, active):
        pair.lab.run("heal", "xlink")
        pair.lab.run("heal", "lan", active.name)


FAILURES = {"power": PowerCut(), "kill": Kill(), "hung": Hung(), "lan": LanCable(), "cross": CrossCable(),
            "switch": DeadSwitch(), "keepalived": KeepalivedKilled(), "isolated": Isolated()}


def publish_once(lab, topic, payload):
    """With mosquitto_pub, as users do; QoS 1."""
    subprocess.run(["ip", "netns", "exec", f"{lab.prefix}-client", "mosquitto_pub", "-h", network.VIP, "-q", "1", "-t",
                    topic, "-m", payload], check=True, timeout=network.DEADLINE_S)


class Round:
    """One failure at a whole pair with a working plant: figures in ms, and the checks of the roles."""

    def __init__(self, pair, plant, failure, number):
        self.pair, self.plant, self.failure, self.number = pair, plant, failure, number
        self.figures = {}
        self.status = ""  # tandemctl status of the box that serves, during the failure

    def run(self):
        active = self.pair.await_protected()
        doomed = self.doom() if self.failure.moves and not self.failure.split else None
        watch = network.VipWatch(self.pair.lab, self.pair.other(active).name)
        probe = clients.Probe(self.pair.lab)
        try:
            at_s = self.failure.strike(self.pair, active)
            if self.failure.moves:
                self.measure(at_s, probe, watch)
            time.sleep(max(0.0, at_s + self.failure.outage_s - time.monotonic()))
            self.status = (self.pair.other(active) if self.failure.moves else active).status_text()
        finally:
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
        breaks = len(self.plant.idle.breaks)
        vip_s = until(lambda: watch.came_s, "the virtual IP on the other box")
        self.note("VIP on the other box", at_s, vip_s)
        connack_s = until(lambda: probe.first_answer(at_s, vip_s - TOLD_LATE_S), "a CONNACK of the other box")
        self.note("first CONNACK", at_s, connack_s)
        probe.finish()
        payload = f"idle {self.number}"
        sender = threading.Thread(target=publish_once, args=(self.pair.lab, "idle", payload))
        sender.start()
        self.note("subscriber: next message", at_s,
                  until(lambda: self.plant.first_delivery_after(vip_s), "a delivery after the failure"))
        while len(self.plant.idle.breaks) == breaks and time.monotonic() < at_s + IDLE_WAIT_S:
            time.sleep(0.005)
        if len(self.plant.idle.breaks) > breaks:
            self.note("idle client sees the break", at_s, self.plant.idle.breaks[breaks][0])
        else:
            self.figures["idle client sees the break"] = None
            self.plant.idle.give_up.set()
        sender.join(network.DEADLINE_S)
        until(lambda: payload in self.plant.idle.payloads("idle"), "the idle client has its message")

    def note(self, name, at_s, happened_s):
        self.figures[name] = None if happened_s is None else 1000 * (happened_s - at_s)


def rounds_wanted():
    return int(os.environ.get("TANDEM_LAB_ROUNDS", "1"))
