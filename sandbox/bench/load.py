"""Many requests a second at nginx, from inside the sandbox's network.

Run in a container of the sample application's image, with the standard library alone. Reads one JSON line that says
what to ask (``sandbox.bench.crowd``), and asks until its standard input ends or a bound is reached; then it prints what
became of it, as one JSON line. A request is due at its time, whether or not those before it were answered: its latency
counts from then.
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import sys
import time
from array import array
from collections import Counter, deque

PATIENCE = 10.0
"""Seconds after which an answer is not waited for any longer."""

BACKLOG = 1.0
"""Seconds' worth of requests that may wait for a free connection; what is due beyond that is not sent."""


class Connection:
    """A kept-alive one, with one request at a time; ``due`` is that request's moment, or None."""

    def __init__(self, load: Load) -> None:
        plain = socket.create_connection((load.host, load.port), timeout=PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = load.context.wrap_socket(plain, server_hostname=load.name) if load.context else plain
        self.socket.setblocking(False)
        self.due: float | None = None
        self.answer = b""
        self.ended = False

    def send(self, request: bytes, due: float) -> None:
        self.due, self.answer = due, b""
        self.socket.send(request)

    def read(self) -> bool:
        """Read what is there; return whether the answer is whole. ConnectionError: the other side hung up before."""
        while not self.ended:
            try:
                part = self.socket.recv(1 << 16)
            except (BlockingIOError, ssl.SSLWantReadError):
                break
            self.answer, self.ended = self.answer + part, not part
        head, end, body = self.answer.partition(b"\r\n\r\n")
        length = head.lower().partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]
        whole = bool(end) and len(body) >= int(length or 0)
        if self.ended and not whole:
            raise ConnectionResetError("closed unannounced")
        return whole


class Load:
    """The whole run.

    Args:
        spec: host, port, name, path, ca, rate, connections, seconds; and ``quiet``, the first seconds of those, whose
            latencies are told apart.
    """

    def __init__(self, spec: dict[str, str | int | float]) -> None:
        self.host, self.port, self.name = str(spec["host"]), int(spec["port"]), str(spec["name"])
        self.context = ssl.create_default_context(cadata=str(spec["ca"])) if spec["ca"] else None
        self.request = f"GET {spec['path']} HTTP/1.1\r\nHost: {self.name}\r\nUser-Agent: load\r\n\r\n".encode()
        self.rate, self.seconds, self.count = float(spec["rate"]), float(spec["seconds"]), int(spec["connections"])
        self.quiet, self.before, self.latencies = float(spec["quiet"]), array("f"), array("f")
        self.lost: Counter[str] = Counter()
        self.releases: Counter[str] = Counter()
        self.sent = self.skipped = 0
        self.poll = select.epoll()
        self.open: dict[int, Connection] = {}
        self.idle: deque[Connection] = deque()

    def run(self) -> dict[str, object]:
        for _ in range(self.count):
            self.connect()
        self.poll.register(sys.stdin.fileno(), select.EPOLLIN | select.EPOLLHUP)
        begin, number = time.perf_counter(), 0
        self.quiet += begin
        end = begin + self.seconds
        waiting: deque[float] = deque()
        while (now := time.perf_counter()) < end:
            while begin + number / self.rate <= now:
                waiting.append(begin + number / self.rate)
                number += 1
            while len(waiting) > self.rate * BACKLOG:
                waiting.popleft()
                self.skipped += 1
            while waiting and self.idle:
                self.ask(self.idle.popleft(), waiting.popleft())
            pause = max(0.0, begin + number / self.rate - time.perf_counter()) if self.idle else 0.05
            if self.answers(min(pause, 0.05)):
                break
        took = time.perf_counter() - begin
        self.finish()
        return self.told(took)

    def connect(self) -> None:
        try:
            made = Connection(self)
        except OSError as error:
            self.lost[f"connect: {type(error).__name__}"] += 1
            return
        self.open[made.socket.fileno()] = made
        self.poll.register(made.socket.fileno(), select.EPOLLIN)
        self.idle.append(made)

    def ask(self, connection: Connection, due: float) -> None:
        self.sent += 1
        try:
            connection.send(self.request, due)
        except OSError as error:
            self.lose(connection, error)

    def answers(self, pause: float) -> bool:
        """Take the answers that are there within ``pause`` seconds; return whether to stop."""
        for number, _ in self.poll.poll(pause):
            if number == sys.stdin.fileno():
                return True
            connection = self.open[number]
            try:
                if connection.read():
                    self.take(connection)
            except OSError as error:
                self.lose(connection, error)
        return False

    def take(self, connection: Connection) -> None:
        head = connection.answer.partition(b"\r\n\r\n")[0].lower()
        if connection.due is None:
            self.lost["an answer nobody asked for"] += 1
        elif head.startswith(b"http/1.1 200 "):
            kept = self.before if connection.due < self.quiet else self.latencies
            kept.append(time.perf_counter() - connection.due)
            self.releases[head.partition(b"\r\nx-release: ")[2].partition(b"\r\n")[0].decode()] += 1
        else:
            self.lost[f"HTTP {head[9:12].decode(errors='replace')}"] += 1
        connection.due = None
        if b"\r\nconnection: close" in head:  # announced, as after each thousandth request
            self.drop(connection)
            self.connect()
        else:
            self.idle.append(connection)

    def lose(self, connection: Connection, error: OSError) -> None:
        self.lost[f"{type(error).__name__}: {error}"] += 1
        self.drop(connection)
        self.connect()

    def drop(self, connection: Connection) -> None:
        number = connection.socket.fileno()
        self.poll.unregister(number)
        del self.open[number]
        if connection in self.idle:
            self.idle.remove(connection)
        connection.socket.close()

    def finish(self) -> None:
        """Wait for what was asked; what is not answered then is lost."""
        self.poll.unregister(sys.stdin.fileno())
        end = time.perf_counter() + PATIENCE
        while any(each.due is not None for each in self.open.values()) and time.perf_counter() < end:
            self.answers(0.05)
        late = sum(each.due is not None for each in self.open.values())
        if late:
            self.lost[f"no answer within {PATIENCE:g} s"] += late

    def told(self, seconds: float) -> dict[str, object]:
        before, after = sorted(self.before), sorted(self.latencies)
        return {
            "seconds": seconds,
            "sent": self.sent,
            "good": len(before) + len(after),
            "skipped": self.skipped,
            "lost": dict(self.lost),
            "releases": dict(self.releases),
            "p99_before": _percentile(before, 0.99),
            "p50": _percentile(after, 0.5),
            "p99": _percentile(after, 0.99),
            "longest": after[-1] if after else 0.0,
        }


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


if __name__ == "__main__":
    sys.stdout.write(json.dumps(Load(json.loads(sys.stdin.readline())).run()) + "\n")
