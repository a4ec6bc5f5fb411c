"""For tests that run Tandem's programs on this machine: waiting for what is to come, free ports, a tandemd's status."""
import json
import random
import socket
import time

PATIENCE_S = 40  # only a failure takes that long
PACE_S = 0.02    # between two looks


def holds_within(condition, within_s):
    """The condition's first true value; a false one if there was none within so many seconds. It looks once at least."""
    end = time.monotonic() + within_s
    while True:
        value = condition()
        if value or time.monotonic() >= end:
            return value
        time.sleep(PACE_S)  # a pace: the condition decides


def until(condition, what, within_s=PATIENCE_S):
    """The condition's first true value; fails if there is none."""
    value = holds_within(condition, within_s)
    if not value:
        raise AssertionError(f"not within {within_s:g} s: {what}")
    return value


def free_port():
    """Below the range from which the kernel takes ports of outgoing connections."""
    while True:
        port = random.randrange(10000, 20000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def status_of(control_socket, within_s=2):
    """What the tandemd with this control socket says of itself, as `tandemctl status --json`; {} if it does not answer."""
    try:
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(within_s)
            control.connect(control_socket)
            control.sendall(b'{"command":"status"}\n')
            answer = b""
            while not answer.endswith(b"\n"):
                more = control.recv(65536)
                if not more:
                    return {}
                answer += more
        return json.loads(answer).get("status", {})
    except (OSError, ValueError):
        return {}
