"""What the unit files promise, with a real systemd: whatever ends tandemd or keepalived on the box that serves, the pair is
whole again without a person. Nearly always the other box serves then; on a busy computer systemd may start a program again
before keepalived has seen that it was gone. How fast it all is, tests/lab measures.
"""
import re

from lab import until  # tests/lab; machines.py knows where that is

VIP = "192.0.2.10"


class Pair:
    def __init__(self, machines):
        self.machines = machines

    def protected(self):
        def whole():
            return all(machine.run("tandemctl status").code == 0 for machine in self.machines.values())
        until(whole, "the pair is protected", 60)
        self.active()

    def active(self):
        """(active, standby), by who serves and has the virtual IP."""
        def found():
            serving = [m for m in self.machines.values() if m.role() == "active" and has_vip(m)]
            return serving[0] if len(serving) == 1 else None
        active = until(found, "one box serves and has the virtual IP")
        return active, next(m for m in self.machines.values() if m is not active)


def has_vip(machine):
    return f" {VIP}/" in machine.run("ip -o -4 addr show").text


def main_pid(machine, unit):
    return int(machine.run(f"systemctl show --property=MainPID --value {unit}").text)


def journal_says(machine, unit, pattern):
    return re.search(pattern, machine.run(f"journalctl --no-pager -u {unit}").text)


def tandemd_is_ended(pair, signal):
    """Ended by a signal, or by the watchdog as it hangs."""
    active, _ = pair.active()
    before = main_pid(active, "tandemd")
    active.run(f"kill -{signal} {before}")
    until(lambda: main_pid(active, "tandemd") not in (0, before), "systemd starts tandemd again")
    pair.protected()
    return active


def check(machines):
    pair = Pair(machines)
    pair.protected()
    for machine in machines.values():
        notify = machine.run("systemctl show --property=Type,WatchdogUSec,User,StatusText tandemd").text
        assert "Type=notify" in notify and "WatchdogUSec=1s" in notify and "User=tandem" in notify, notify
        assert re.search(r"StatusText=.+", notify), f"tandemd tells systemd what it does: {notify}"

    tandemd_is_ended(pair, "KILL")
    hung = tandemd_is_ended(pair, "STOP")
    assert journal_says(hung, "tandemd", "Watchdog timeout"), "the watchdog ended it"

    # Nobody takes the virtual IP off a box whose keepalived was killed, but its unit.
    active, _ = pair.active()
    before = main_pid(active, "keepalived")
    active.run("systemctl kill --signal=KILL keepalived")
    until(lambda: main_pid(active, "keepalived") not in (0, before), "systemd starts keepalived again")
    pair.protected()

    # Stopped in order the box hands over, and does not take the address back.
    active, standby = pair.active()
    active.run("systemctl stop tandemd")
    until(lambda: has_vip(standby) and standby.role() == "active", f"{standby.name} takes over")
    assert not has_vip(active), "a box without tandemd has no virtual IP"
    active.run("systemctl start tandemd")
    pair.protected()

    # tandemd comes first at the start, and so goes last: keepalived gives the address up while tandemd can still hand over.
    order = machines["boxa"].run("systemctl show --property=After --value keepalived").text
    assert "tandemd.service" in order, order
