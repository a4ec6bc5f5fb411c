"""What goes wrong in a cabinet, and what must then be true. Each failure is struck at the active box of a whole pair."""
import signal
import subprocess
import time

# Failures whose checks do not hold yet, and what happens instead. They are run all the same.
EXPECTED_TO_FAIL = {}  # name: why


class Failure:
    """strike() does it and returns the monotonic time of it in s; undo() repairs what does not come back by itself."""
    moves = True      # the other box serves afterwards
    outage_s = 0      # how long it lasts at least
    reach = False     # the boxes have takeover.reach
    split = False     # both boxes serve for a while: a will may be fired by both (docs/limits.md)

    def strike(self, pair, active):
        raise NotImplementedError

    def undo(self, pair, active):
        pass


class PowerCut(Failure):
    """power cut of the active box"""
    loss_percent = 0  # of the packets from and to the clients, from the same instant on

    def strike(self, pair, active):
        return active.power_off(self.loss_percent)

    def undo(self, pair, active):
        pair.lab.run("heal", "lan", "client")
        active.power_on()


class Kill(Failure):
    """kill -9 of the active tandemd"""

    def strike(self, pair, active):
        active.broker.kill()
        return time.monotonic()


class Hung(Failure):
    """SIGSTOP of the active tandemd"""

    def strike(self, pair, active):
        active.broker.kill(signal.SIGSTOP)
        return time.monotonic()


class LanCable(Failure):
    """LAN cable of the active box pulled"""

    def strike(self, pair, active):
        return pair.lab.fault("cut", "lan", active.name)

    def undo(self, pair, active):
        pair.lab.run("heal", "lan", active.name)


class LanSilent(LanCable):
    """LAN of the active box silent, its link stays up; with takeover.reach"""
    reach = True

    def strike(self, pair, active):
        return pair.lab.fault("cut", "lan", active.name, "silent")


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


class DeadSwitchReach(DeadSwitch):
    """LAN switch dead, links up; with takeover.reach"""
    reach = True


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


class IsolatedReach(Isolated):
    """LAN and cross link of the active box silent, then healed; with takeover.reach it serves no more"""
    reach = True
    split = False


class Switchover(Failure):
    """planned switchover, ordered at either box in turn"""

    def __init__(self):
        self.ordered, self.number = None, 0

    def strike(self, pair, active):
        self.number += 1
        box = active if self.number % 2 else pair.other(active)
        at_s = time.monotonic()
        self.ordered = subprocess.Popen(box.tandemctl("switchover"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True)
        return at_s

    def undo(self, pair, active):
        said, _ = self.ordered.communicate(timeout=10)
        if self.ordered.returncode != 0:
            raise AssertionError(f"tandemctl switchover: {said}")


class Upgrade(Failure):
    """another version on both boxes, standby first, under load; the next round goes back"""

    def __init__(self, bins):
        """bins: folders with tandemd and tandemctl; the pair runs the first of them."""
        self.bins = bins

    def strike(self, pair, active):
        self.bins = self.bins[1:] + self.bins[:1]
        pair.other(active).restart(self.bins[0])
        pair.await_protected()
        at_s = time.monotonic()
        if subprocess.run(active.tandemctl("switchover"), capture_output=True, check=False).returncode != 0:
            at_s = time.monotonic()  # a version that has no such command: stopped in order, it hands over, too
            active.restart(self.bins[0])
        return at_s

    def undo(self, pair, active):
        if active.program() != self.bins[0]:
            active.restart(self.bins[0])


FAILURES = {"power": PowerCut(), "kill": Kill(), "hung": Hung(), "lan": LanCable(), "cross": CrossCable(),
            "switch": DeadSwitch(), "keepalived": KeepalivedKilled(), "isolated": Isolated(),
            "silent": LanSilent(), "switch_reach": DeadSwitchReach(), "isolated_reach": IsolatedReach(),
            "switchover": Switchover()}
