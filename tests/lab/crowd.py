#!/usr/bin/python3
"""Thousands of idle clients: a durable session, a will, keepalive 60, back 1 s after a break. One process, one thread.

usage: crowd.py ADDRESS NUMBER PATIENCE_S    (runs in the client's namespace; Crowd starts it there)

A connection that is not made within PATIENCE_S, and a CONNECT not answered within it, are timeouts. Prints what happened
as JSON lines; ends in order when its standard input does.
"""
import collections
import json
import os
import resource
import select
import socket
import struct
import subprocess
import sys
import threading
import time

import lab as network
from clients import BYE, CONNECT, PING, PORT, field, packet
from lab import until

KEEPALIVE_S, PING_AFTER_S = 60, 45
DELAY_S = 1.0          # after a break
AT_ONCE_AT_START = 100  # connections under way while the crowd gathers; after a break there is no such limit
REPORT_S = 0.1
TCP_INFO_RETRANSMITS = 100  # offset of tcpi_total_retrans
AWAY, CONNECTING, ASKED, IN = range(4)


def raise_file_limit():
    """To the hard limit, for this process and what it starts."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Member:
    """One client of the crowd."""

    def __init__(self, number):
        self.phase, self.since_s, self.socket, self.been_in = AWAY, 0.0, None, False
        self.connect = packet(CONNECT << 4, field(b"MQTT") + bytes([4, 4 | 2 << 3]) + KEEPALIVE_S.to_bytes(2, "big") +
                              field(f"crowd{number}".encode()) + field(b"will/crowd") + field(f"crowd{number}".encode()))


class Program:
    def __init__(self, address, number, patience_s):
        self.address, self.patience_s = address, patience_s
        self.members = [Member(n) for n in range(number)]
        self.of_fd = {}
        self.waiting = collections.deque(self.members)  # who is away, in the order of since_s
        self.under_way = 0  # connections not answered yet
        self.still_to_gather = number  # members that were never in
        self.epoll = select.epoll()
        self.news = {}
        self.forget_news()

    def forget_news(self):
        self.news = {"connacks_s": [], "breaks_s": [], "timeouts": 0, "refused": 0, "sent again": 0, "sessions lost": 0}

    def run(self):
        self.epoll.register(0, select.EPOLLIN)
        swept_s = reported_s = time.monotonic()
        while True:
            for fd, _ in self.epoll.poll(0.005):
                if fd == 0:
                    return self.finish()
                self.go_on(self.of_fd[fd])
            now_s = time.monotonic()
            self.start_those_due(now_s)
            if now_s - swept_s > REPORT_S:
                self.sweep(now_s)
                swept_s = now_s
            if now_s - reported_s > REPORT_S and any(self.news.values()):
                print(json.dumps(self.news), flush=True)
                self.forget_news()
                reported_s = now_s

    def start_those_due(self, now_s):
        while self.waiting and now_s >= self.waiting[0].since_s + DELAY_S:
            if self.still_to_gather and self.under_way >= AT_ONCE_AT_START:
                return
            self.begin(self.waiting.popleft())

    def begin(self, member):
        member.socket = socket.socket(socket.AF_INET6 if ":" in self.address else socket.AF_INET)
        member.socket.setblocking(False)
        member.phase, member.since_s = CONNECTING, time.monotonic()
        self.under_way += 1
        member.socket.connect_ex((self.address, PORT))
        self.of_fd[member.socket.fileno()] = member
        self.epoll.register(member.socket.fileno(), select.EPOLLOUT)

    def go_on(self, member):
        now_s = time.monotonic()
        try:
            if member.phase == CONNECTING:
                member.socket.sendall(member.connect)
                self.epoll.modify(member.socket.fileno(), select.EPOLLIN)
                member.phase, member.since_s = ASKED, now_s
                return
            got = member.socket.recv(4096)
            if not got:
                raise ConnectionResetError
            if member.phase == ASKED:
                self.come_in(member, got, now_s)
        except BlockingIOError:
            pass
        except OSError:
            if member.phase == IN:
                self.news["breaks_s"].append(now_s)
            else:
                self.news["refused"] += 1
            self.leave(member, now_s)

    def come_in(self, member, connack, now_s):
        if connack[0] != 0x20 or connack[3] != 0:
            raise ConnectionRefusedError
        self.news["connacks_s"].append(now_s)
        self.news["sent again"] += struct.unpack_from("=I", member.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104),
                                                      TCP_INFO_RETRANSMITS)[0]
        self.news["sessions lost"] += member.been_in and connack[2] == 0
        self.still_to_gather -= not member.been_in
        self.under_way -= 1
        member.phase, member.since_s, member.been_in = IN, now_s, True

    def leave(self, member, now_s):
        self.epoll.unregister(member.socket.fileno())
        del self.of_fd[member.socket.fileno()]
        member.socket.close()
        self.under_way -= member.phase != IN
        member.phase, member.since_s = AWAY, now_s
        self.waiting.append(member)

    def sweep(self, now_s):
        for member in list(self.of_fd.values()):
            if member.phase != IN and now_s - member.since_s > self.patience_s:
                self.news["timeouts"] += 1
                self.leave(member, now_s)
            elif member.phase == IN and now_s - member.since_s > PING_AFTER_S:
                member.since_s = now_s
                try:
                    member.socket.sendall(PING)
                except OSError:
                    pass  # the next read tells

    def finish(self):
        for member in self.of_fd.values():
            try:
                member.socket.sendall(BYE)
            except OSError:
                pass
            member.socket.close()
        return 0


class Crowd(threading.Thread):
    """The program above, and what it has told so far."""

    def __init__(self, lab, number, patience_s, address=network.VIP):
        super().__init__(daemon=True)
        self.lab, self.number, self.patience_s, self.address = lab, number, patience_s, address
        self.breaks_s, self.connacks_s, self.counts = [], [], collections.Counter()
        self.process = None

    def run(self):
        self.process = self.lab.popen("client", [sys.executable, "-B", os.path.abspath(__file__), self.address, str(self.number),
                                                 str(self.patience_s)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            news = json.loads(line)
            self.breaks_s += news.pop("breaks_s")
            self.connacks_s += news.pop("connacks_s")
            self.counts.update(news)

    def all_in(self):
        return len(self.connacks_s) - len(self.breaks_s) == self.number

    def await_all(self, breaks=0):
        """All are connected, after that many breaks in all. A client that is not told of one notices at its next ping."""
        try:
            until(lambda: len(self.breaks_s) >= breaks and self.all_in(), "", network.DEADLINE_S + PING_AFTER_S)
        except AssertionError:
            raise AssertionError(f"of the crowd {len(self.connacks_s) - len(self.breaks_s)} of {self.number} are connected; "
                                 f"{len(self.breaks_s)} breaks of {breaks}") from None

    def abandon(self):
        if self.process and not self.process.stdin.closed:
            self.process.stdin.close()
            self.process.wait()
            self.join()

    finish = abandon

    def lost_sessions(self):
        return range(self.counts["sessions lost"])

    def problems(self):
        return [f"crowd: {what}: {self.counts[what]}" for what in ("timeouts",) if self.counts[what]]


if __name__ == "__main__":
    raise_file_limit()
    sys.exit(Program(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])).run())
