"""The generator of many requests: it keeps its pace and its connections, and loses nothing without saying so."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.bench.crowd import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Release: v1\r\n%s\r\nok\n"


@contextmanager
def serving(answer: Callable[[int], bytes | None]) -> Iterator[int]:
    """Answer each request by its number on its connection; None hangs up instead. Gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def keep(connection: socket.socket) -> None:
            with connection:
                number = 0
                while connection.recv(4096):
                    number += 1
                    said = answer(number)
                    if said is None:
                        return
                    connection.sendall(said)
                    if b"close" in said:
                        return

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=keep, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]


def load(port: int, *, rate: float = 100.0) -> dict[str, Any]:
    """Half a second of it."""
    spec = {"host": "127.0.0.1", "port": port, "name": "x", "path": "/", "ca": "", "rate": rate, "connections": 4}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(spec | {"seconds": 0.5, "quiet": 0.2}).encode() + b"\n")
        process.stdin.flush()
        assert process.stdout is not None
        told: dict[str, Any] = json.loads(process.stdout.readline())
    return told


def test_it_asks_at_its_rate_over_connections_that_stay() -> None:
    with serving(lambda _: ANSWER % b"") as port:
        told = load(port)
    assert told["lost"] == {}
    assert told["sent"] == told["good"] == pytest.approx(50, abs=8)
    assert told["releases"] == {"v1": told["good"]}
    assert 0 < told["p50"] <= told["p99"] <= told["longest"] < 1
    assert 0 < told["p99_before"] < 1


def test_a_connection_that_is_closed_as_announced_is_no_loss() -> None:
    with serving(lambda number: ANSWER % (b"Connection: close\r\n" if number == 3 else b"")) as port:
        told = load(port)
    assert told["lost"] == {}
    assert told["good"] > 30


def test_one_that_is_closed_unannounced_is() -> None:
    with serving(lambda number: ANSWER % b"" if number < 5 else None) as port:
        told = load(port)
    assert told["lost"]
    assert told["sent"] == told["good"] + sum(told["lost"].values())


def test_another_answer_than_200_is_lost_by_its_code() -> None:
    with serving(lambda _: b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n") as port:
        told = load(port)
    assert told["good"] == 0
    assert told["lost"] == {"HTTP 502": told["sent"]}
