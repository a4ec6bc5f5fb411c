"""When a broker answers again: a new connection every 5 ms."""
import itertools
import os
import select
import socket
import threading
import time

import lab as network
from clients import BYE, CONNECT, PORT, field, packet


class Probe(threading.Thread):
    """Tries to connect every 5 ms, whatever became of the tries before; (start, CONNACK) of those that were answered."""
    EVERY_S, PATIENCE_S = 0.005, 0.25
    numbers = itertools.count()

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.lab, self.answered = lab, []
        self.ending = threading.Event()
        self.start()

    def run(self):
        self.lab.enter("client")
        epoll, tries, next_s = select.epoll(), {}, time.monotonic()
        while not self.ending.is_set():
            now_s = time.monotonic()
            if now_s >= next_s:
                next_s = now_s + self.EVERY_S
                self.begin(epoll, tries, now_s)
            for fd, _ in epoll.poll(max(0.0, next_s - time.monotonic())):
                self.go_on(epoll, tries, fd)
            for fd in [fd for fd, one in tries.items() if now_s - one[1] > self.PATIENCE_S]:
                self.drop(epoll, tries, fd)
        for fd in list(tries):
            self.drop(epoll, tries, fd)

    def begin(self, epoll, tries, now_s):
        s = socket.socket()
        s.setblocking(False)
        if s.connect_ex((network.VIP, PORT)) not in (0, 115):  # EINPROGRESS
            s.close()
            return
        tries[s.fileno()] = [s, now_s, False]
        epoll.register(s.fileno(), select.EPOLLOUT)

    def go_on(self, epoll, tries, fd):
        s, start_s, asked = tries[fd]
        try:
            if not asked:
                s.sendall(packet(CONNECT << 4, field(b"MQTT") + bytes([4, 2, 0, 0]) +
                                 field(f"probe{os.getpid()}-{next(self.numbers)}".encode())))
                tries[fd][2] = True
                epoll.modify(fd, select.EPOLLIN)
                return
            if s.recv(4) == b"\x20\x02\0\0":
                self.answered.append((start_s, time.monotonic()))
                s.sendall(BYE)
        except OSError:
            pass
        self.drop(epoll, tries, fd)

    @staticmethod
    def drop(epoll, tries, fd):
        epoll.unregister(fd)
        tries.pop(fd)[0].close()

    def first_answer(self, started_s, answered_s):
        """The first CONNACK of a try begun at or after started_s that came at or after answered_s; None: none yet."""
        return next((end_s for begin_s, end_s in list(self.answered) if begin_s >= started_s and end_s >= answered_s), None)

    def finish(self):
        self.ending.set()
        self.join(network.DEADLINE_S)
